//! Card numbers with their spelling: a different number for each location, of every brand.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom;

use crate::evaluation::corpus::{Issuers, Wanted};

/// Number with its spelling. No `Debug`: it would print digits.
pub struct Card {
    pub number: String,
    pub written: String,
}

/// Spelling of a number.
#[derive(Clone, Copy)]
pub enum Spelling {
    Plain,
    Spaced,
    Dashed,
    Dotted,
    /// Groups separated by `+`, as in a query.
    Plus,
    /// Groups separated by `%20`.
    PercentSpaced,
    Percent,
    DoublePercent,
    UnicodeEscape,
    Entity,
    FullWidth,
    /// Full-width digits in UTF-8, percent-encoded.
    PercentFullWidth,
    Base64,
    Base64Url,
    /// Last digits of a trace id.
    Trace,
    /// Groups of an IPv6 address.
    Address,
}

use Spelling::{
    Address, Base64, Base64Url, Dashed, Dotted, DoublePercent, Entity, FullWidth, Percent, PercentFullWidth,
    PercentSpaced, Plain, Plus, Spaced, Trace, UnicodeEscape,
};

pub const IN_PATHS: &[Spelling] = &[Plain, Dashed, Percent, PercentSpaced, PercentFullWidth];
pub const IN_QUERIES: &[Spelling] =
    &[Plain, Dashed, Plus, PercentSpaced, Percent, DoublePercent, PercentFullWidth, Base64Url];
pub const IN_NAMES: &[Spelling] = &[Plain, Dashed];
pub const IN_COOKIES: &[Spelling] = &[Plain, Dashed, Percent];
pub const IN_VALUES: &[Spelling] = &[Plain, Spaced, Dashed, Dotted, Percent, UnicodeEscape, Entity, FullWidth, Base64];
pub const IN_TRACES: &[Spelling] = &[Trace];
pub const IN_ADDRESSES: &[Spelling] = &[Address];
pub const IN_BODIES: &[Spelling] =
    &[Plain, Spaced, Dashed, Dotted, Percent, PercentSpaced, UnicodeEscape, Entity, FullWidth, Base64];

/// Hexadecimal digits of a trace id that are no decimal digits.
const LETTERS: &str = "abcdefabcdefabcdefabcdefabcdefab";

/// Per cent of card numbers from ranges that other identifiers share.
const EXTENDED: u32 = 15;

impl Card {
    /// Draws a card number in one of these spellings. `any` permits numbers from shared ranges.
    pub fn draw(issuers: &Issuers, spellings: &[Spelling], any: bool, rng: &mut ChaCha8Rng) -> Self {
        let wanted = Wanted { brand: None, extended: rng.random_range(0..100) < EXTENDED && any };
        let number = issuers.draw(&wanted, rng).expect("the table of issuers has both tiers").number(rng);
        let written = spellings.choose(rng).copied().unwrap_or(Plain).write(&number);
        Self { number, written }
    }
}

impl Spelling {
    fn write(self, number: &str) -> String {
        match self {
            Plain => number.to_owned(),
            Spaced => grouped(number, " "),
            Dashed => grouped(number, "-"),
            Dotted => grouped(number, "."),
            Plus => grouped(number, "+"),
            PercentSpaced => grouped(number, "%20"),
            Percent => each(number, |digit| format!("%{:02X}", u32::from(digit))),
            DoublePercent => each(number, |digit| format!("%25{:02X}", u32::from(digit))),
            UnicodeEscape => each(number, |digit| format!("\\u{:04x}", u32::from(digit))),
            Entity => each(number, |digit| format!("&#{};", u32::from(digit))),
            FullWidth => each(number, |digit| full_width(digit).into()),
            PercentFullWidth => {
                let escaped =
                    |digit| full_width(digit).to_string().bytes().map(|byte| format!("%{byte:02X}")).collect();
                each(number, escaped)
            }
            Base64 => BASE64_STANDARD.encode(format!("payment by card {number}")),
            Trace => format!("{}{number}", LETTERS.get(number.len()..).unwrap_or_default()),
            Address => format!("{}::a", grouped(number, ":")),
            Base64Url => BASE64_URL_SAFE_NO_PAD.encode(format!("payment by card {number}")),
        }
    }
}

fn each(number: &str, write: impl Fn(char) -> String) -> String {
    number.chars().map(write).collect()
}

fn full_width(digit: char) -> char {
    char::from_u32(0xff10 + digit.to_digit(10).unwrap_or_default()).unwrap_or(digit)
}

fn grouped(number: &str, joint: &str) -> String {
    // Groups as printed on cards.
    let sizes: &[usize] = match number.len() {
        13 => &[4, 3, 3, 3],
        14 => &[4, 6, 4],
        15 => &[4, 6, 5],
        17 => &[4, 4, 4, 5],
        _ => &[4; 5],
    };
    let mut groups = Vec::new();
    let mut rest = number;
    for size in sizes {
        let (group, behind) = rest.split_at((*size).min(rest.len()));
        groups.extend(Some(group).filter(|group| !group.is_empty()));
        rest = behind;
    }
    groups.join(joint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_spelling() {
        for (spelling, written) in [
            (Plain, "378282246310005"),
            (Spaced, "3782 822463 10005"),
            (PercentSpaced, "3782%20822463%2010005"),
            (Trace, "abcdefabcdefabcde378282246310005"),
            (Base64, "cGF5bWVudCBieSBjYXJkIDM3ODI4MjI0NjMxMDAwNQ=="),
        ] {
            assert_eq!(spelling.write("378282246310005"), written);
        }
        assert_eq!(Address.write("4111111111111111"), "4111:1111:1111:1111::a");
        assert_eq!(grouped("6222026006705354218", "-"), "6222-0260-0670-5354-218");
        assert!(PercentFullWidth.write("4").eq("%EF%BC%94") && UnicodeEscape.write("4").eq("\\u0034"));
    }
}
