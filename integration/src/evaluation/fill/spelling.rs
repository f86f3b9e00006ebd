//! Notations of card numbers.
//!
//! `{pan}` selects no notation: mostly the digits have no separators, often they have printed groups. The words behind
//! the colon of `{pan:grouped fullwidth}` are a layout, a script, a notation and an issuer, in any order.

use std::ops::RangeInclusive;

use anyhow::{Result, bail};
use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use crate::evaluation::corpus::Wanted;

/// Notation and issuer of a card number.
#[derive(Clone, Debug)]
pub struct Spelling {
    issuer: Wanted,
    layout: Option<Layout>,
    script: Script,
    notation: Notation,
}

/// Written number.
pub(super) struct Written {
    pub number: String,
    pub behind: String,
    /// Number of digits, when all are readable in order.
    pub plain_digits: Option<usize>,
}

#[derive(Clone, Copy, Debug)]
struct Layout {
    groups: Groups,
    joint: &'static str,
}

#[derive(Clone, Copy, Debug)]
enum Groups {
    One,
    Printed,
    Odd,
    Single,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Script {
    Plain,
    /// Digits of a script, given by its zero.
    Digits(char),
    /// Code of each digit, with a prefix and a suffix.
    Escape(Code, &'static str, &'static str),
    Words,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Code {
    Decimal,
    Hexadecimal,
    FourHexadecimal,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Notation {
    Whole,
    /// Number with `.0` behind it.
    Float,
    /// Scientific notation `4.111e15`, with this exponent sign.
    Scientific(&'static str),
    Reversed,
    /// Number that fails Luhn.
    WrongCheckDigit,
}

/// Layouts such as `{pan:bare}`. Loose groups have at least three digits, as people type them.
const LAYOUTS: [(&str, Layout); 15] = [
    ("bare", Layout { groups: Groups::One, joint: "" }),
    ("grouped", Layout { groups: Groups::Printed, joint: " " }),
    ("dashed", Layout { groups: Groups::Printed, joint: "-" }),
    ("dotted", Layout { groups: Groups::Printed, joint: "." }),
    ("double", Layout { groups: Groups::Printed, joint: "  " }),
    ("lines", Layout { groups: Groups::Printed, joint: "\n" }),
    ("slashed", Layout { groups: Groups::Printed, joint: "/" }),
    ("underscored", Layout { groups: Groups::Printed, joint: "_" }),
    ("spaced-dashes", Layout { groups: Groups::Printed, joint: " - " }),
    ("nbsp", Layout { groups: Groups::Printed, joint: "\u{a0}" }),
    ("thin-space", Layout { groups: Groups::Printed, joint: "\u{2009}" }),
    ("en-dash", Layout { groups: Groups::Printed, joint: "\u{2013}" }),
    ("zero-width", Layout { groups: Groups::Printed, joint: "\u{200b}" }),
    ("odd", Layout { groups: Groups::Odd, joint: " " }),
    ("single", Layout { groups: Groups::Single, joint: " " }),
];

const SCRIPTS: [(&str, Script); 11] = [
    ("fullwidth", Script::Digits('\u{ff10}')),
    ("arabic", Script::Digits('\u{660}')),
    ("persian", Script::Digits('\u{6f0}')),
    ("devanagari", Script::Digits('\u{966}')),
    ("percent", Script::Escape(Code::Hexadecimal, "%", "")),
    ("double-percent", Script::Escape(Code::Hexadecimal, "%25", "")),
    ("unicode-escape", Script::Escape(Code::FourHexadecimal, "\\u", "")),
    ("entity", Script::Escape(Code::Decimal, "&#", ";")),
    ("hex-entity", Script::Escape(Code::Hexadecimal, "&#x", ";")),
    ("ascii-codes", Script::Escape(Code::Hexadecimal, "", "")),
    ("words", Script::Words),
];

const NOTATIONS: [(&str, Notation); 5] = [
    ("float", Notation::Float),
    ("scientific", Notation::Scientific("e")),
    ("scientific-plus", Notation::Scientific("E+")),
    ("reversed", Notation::Reversed),
    ("wrong-check-digit", Notation::WrongCheckDigit),
];

/// Per cent of numbers without a given layout that have printed groups with this separator.
const ANY: [(RangeInclusive<u32>, &str); 2] = [(0..=26, " "), (27..=36, "-")];

const WORDS: [&str; 10] = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];

impl Spelling {
    /// Spelling for the arguments of a placeholder.
    ///
    /// # Errors
    ///
    /// When a word is no layout, script, notation, brand or `extended`.
    pub fn parse(arguments: &str) -> Result<Self> {
        let issuer = Wanted::default();
        let mut spelling = Self { issuer, layout: None, script: Script::Plain, notation: Notation::Whole };
        for word in arguments.split_whitespace() {
            if let Some((_, layout)) = LAYOUTS.iter().find(|(name, _)| *name == word) {
                spelling.layout = Some(*layout);
            } else if let Some((_, script)) = SCRIPTS.iter().find(|(name, _)| *name == word) {
                spelling.script = *script;
            } else if let Some((_, notation)) = NOTATIONS.iter().find(|(name, _)| *name == word) {
                spelling.notation = *notation;
            } else if word == "extended" {
                spelling.issuer.extended = true;
            } else if panveil::verdict::Brand::ALL.iter().any(|brand| brand.as_str() == word) {
                spelling.issuer.brand = Some(word.to_owned());
            } else {
                bail!("{word:?} is no way to write a card number, nor a brand");
            }
        }
        Ok(spelling)
    }

    /// Issuer of the number.
    pub fn issuer(&self) -> &Wanted {
        &self.issuer
    }

    pub(super) fn write(&self, number: &str, rng: &mut ChaCha8Rng) -> Written {
        let mut digits: Vec<char> = number.chars().collect();
        match (self.notation, digits.last_mut()) {
            (Notation::Reversed, _) => digits.reverse(),
            (Notation::WrongCheckDigit, Some(last)) => {
                let value = last.to_digit(10).unwrap_or_default() + rng.random_range(1..10);
                *last = char::from_digit(value % 10, 10).unwrap_or('0');
            }
            _ => {}
        }
        let is_plain = self.script == Script::Plain && self.notation != Notation::Reversed;
        let plain_digits = is_plain.then_some(digits.len());
        if let Notation::Scientific(sign) = self.notation {
            let (first, rest) = number.split_at(1);
            let behind = format!("{sign}{}", rest.len());
            return Written { number: format!("{first}.{rest}"), behind, plain_digits };
        }
        let layout = self.layout.unwrap_or_else(|| any_layout(rng));
        let behind = if self.notation == Notation::Float { ".0" } else { "" };
        let number = self.laid_out(&digits, layout, rng);
        Written { number, behind: behind.to_owned(), plain_digits }
    }

    fn laid_out(&self, digits: &[char], layout: Layout, rng: &mut ChaCha8Rng) -> String {
        let mut rest = digits;
        let mut written = Vec::new();
        for size in layout.groups.sizes(digits.len(), rng) {
            let (group, behind) = rest.split_at(size);
            let joint = if self.script == Script::Words { " " } else { "" };
            written.push(group.iter().map(|digit| self.script.write(*digit)).collect::<Vec<_>>().join(joint));
            rest = behind;
        }
        let joint = if self.script == Script::Words { " " } else { layout.joint };
        written.join(joint)
    }
}

fn any_layout(rng: &mut ChaCha8Rng) -> Layout {
    let share = rng.random_range(0..100);
    let joint = ANY.iter().find(|(shares, _)| shares.contains(&share));
    joint.map_or(Layout { groups: Groups::One, joint: "" }, |(_, joint)| Layout { groups: Groups::Printed, joint })
}

impl Groups {
    /// Group sizes of a number with `length` digits.
    fn sizes(self, length: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
        match self {
            Self::One => vec![length],
            Self::Single => vec![1; length],
            Self::Printed => match length {
                13 => vec![4, 3, 3, 3],
                14 => vec![4, 6, 4],
                15 => vec![4, 6, 5],
                17 => vec![4, 4, 4, 5],
                _ => {
                    let mut sizes = vec![4; length / 4];
                    sizes.extend(Some(length % 4).filter(|rest| *rest > 0));
                    sizes
                }
            },
            Self::Odd => {
                let mut sizes = Vec::new();
                let mut left = length;
                while left > 6 {
                    let size = rng.random_range(3..=5);
                    sizes.push(size as usize);
                    left -= size as usize;
                }
                sizes.push(left);
                sizes
            }
        }
    }
}

impl Script {
    fn write(self, digit: char) -> String {
        let value = digit.to_digit(10).unwrap_or_default();
        let code = u32::from(digit);
        match self {
            Self::Plain => digit.to_string(),
            Self::Digits(zero) => char::from_u32(u32::from(zero) + value).unwrap_or(digit).to_string(),
            Self::Escape(Code::Decimal, before, behind) => format!("{before}{code}{behind}"),
            Self::Escape(Code::Hexadecimal, before, behind) => format!("{before}{code:x}{behind}"),
            Self::Escape(Code::FourHexadecimal, before, behind) => format!("{before}{code:04x}{behind}"),
            Self::Words => WORDS[value as usize].to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn written(arguments: &str) -> (String, Option<usize>) {
        let written = Spelling::parse(arguments).unwrap().write("4111111111111111", &mut ChaCha8Rng::seed_from_u64(1));
        (written.number + &written.behind, written.plain_digits)
    }

    #[test]
    fn each_word_changes_the_spelling() {
        for (arguments, expected) in [
            ("bare", "4111111111111111"),
            ("grouped", "4111 1111 1111 1111"),
            ("dashed", "4111-1111-1111-1111"),
            ("bare float", "4111111111111111.0"),
            ("scientific", "4.111111111111111e15"),
            ("bare reversed", "1111111111111114"),
            ("bare percent", "%34%31%31%31%31%31%31%31%31%31%31%31%31%31%31%31"),
            ("grouped fullwidth", "４１１１ １１１１ １１１１ １１１１"),
        ] {
            assert_eq!(written(arguments).0, expected);
        }
        assert!(written("words").0.starts_with("four one one"));
    }

    #[test]
    fn only_digits_that_can_be_read_count_as_plain() {
        assert_eq!(written("grouped").1, Some(16));
        assert_eq!(written("scientific").1, Some(16));
        assert_eq!(written("bare fullwidth").1, None);
        assert_eq!(written("reversed").1, None);
    }
}
