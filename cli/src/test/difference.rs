//! Difference between an expected and a found value, as it is printed.

use crate::terminal;

/// Most characters that are printed before and after the first difference.
const CONTEXT: usize = 40;

/// Character in place of a digit that differs.
const DIGIT: char = '#';

/// Difference of one field. Its texts contain no card number.
pub struct Difference {
    pub field: String,
    pub expected: String,
    pub found: String,
}

impl Difference {
    /// Difference between two words. `None` if they are equal.
    pub fn of_words(field: &str, expected: &str, found: &str) -> Option<Self> {
        let difference = || Self {
            field: field.to_owned(),
            expected: terminal::safe_line(expected),
            found: terminal::safe_line(found),
        };
        (expected != found).then(difference)
    }

    /// Difference between two texts of a message, around the first character that differs. `found` is `None` if there is no such
    /// text. `None` if they are equal.
    pub fn of_texts(field: &str, expected: &str, found: Option<&str>) -> Option<Self> {
        let Some(found) = found else {
            return Some(Self {
                field: field.to_owned(),
                expected: terminal::safe(expected),
                found: "none".to_owned(),
            });
        };
        if expected == found {
            return None;
        }
        let common = expected.chars().zip(found.chars()).take_while(|(one, other)| one == other).count();
        let [one, other] = [expected, found].map(|text| window(text, common));
        let (expected, found) = (without_digits(&one, &other), without_digits(&other, &one));
        Some(Self { field: field.to_owned(), expected: terminal::safe(&expected), found: terminal::safe(&found) })
    }

    /// Lines with both values.
    pub fn lines(&self) -> String {
        let Self { field, expected, found } = self;
        format!("  {field:<8} expected  {expected}\n  {:<8} found     {found}\n", "")
    }
}

/// Characters of `text` around its character `at`.
fn window(text: &str, at: usize) -> String {
    let start = at.saturating_sub(CONTEXT);
    let before = if start > 0 { "…" } else { "" };
    let mut rest = text.chars().skip(start);
    let shown: String = rest.by_ref().take(at.saturating_sub(start).saturating_add(CONTEXT)).collect();
    let after = if rest.next().is_some() { "…" } else { "" };
    format!("{before}{shown}{after}")
}

/// `text` without the digits that `other` does not have at the same position. A mask keeps the length, so that a digit that is not
/// expected may belong to a card number.
fn without_digits(text: &str, other: &str) -> String {
    let mut others = other.chars();
    let shown = text.chars().map(|character| match others.next() {
        other if character.is_ascii_digit() && other != Some(character) => DIGIT,
        _ => character,
    });
    shown.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(expected: &str, found: &str) -> (String, String) {
        let Difference { expected, found, .. } = Difference::of_texts("body", expected, Some(found)).unwrap();
        (expected, found)
    }

    #[test]
    fn digits_that_differ_are_hidden() {
        let (masked, plain) = ("4111 11** **** 1111 a", "4111 1111 1111 1111 a");
        assert_eq!(shown(masked, plain), ("4111 11** **** 1111 a".to_owned(), "4111 11## #### 1111 a".to_owned()));
        assert_eq!(shown(plain, masked), ("4111 11## #### 1111 a".to_owned(), "4111 11** **** 1111 a".to_owned()));
        // Both have the number, and differ elsewhere.
        assert_eq!(shown("4111111111111111 a", "4111111111111111 b").0, "**************** a");
        assert!(Difference::of_texts("body", "a", Some("a")).is_none());
    }

    #[test]
    fn long_texts_are_shortened_around_the_difference() {
        let text = |middle: &str| format!("{}\n{middle}{}", "x".repeat(100), "y".repeat(100));
        let (expected, found) = shown(&text("a"), &text("b"));
        assert_eq!(expected, format!("…{}\\x0aa{}…", "x".repeat(39), "y".repeat(39)));
        assert_eq!(found, expected.replace('a', "b").replace("\\x0b", "\\x0a"));
    }
}
