//! Texts of the input by which streams and findings are counted.

use crate::terminal;
use serde::Deserialize;
use std::ops::Deref;

/// Most characters of a property.
const MOST_CHARACTERS: usize = 160;

/// Bounded text of a record or a line. A longer one is shortened when it is read, so that a table of properties has a bounded size, and a
/// long text is not handled again for each finding.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(from = "String")]
pub struct Property(String);

impl Property {
    /// Property with this text. Card numbers are masked before the end is cut off, which would hide a part of a number from detection.
    pub fn of(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<String> for Property {
    fn from(text: String) -> Self {
        if text.chars().nth(MOST_CHARACTERS).is_none() {
            return Self(text);
        }
        Self(terminal::shortened(&terminal::safe_line(&text), MOST_CHARACTERS))
    }
}

impl Deref for Property {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_across_the_cut_are_masked() {
        for before in 0..=MOST_CHARACTERS {
            let text = format!("{}4012888888881881/{}", "/".repeat(before), "z".repeat(MOST_CHARACTERS));
            let property = Property::of(&text);
            assert!(property.chars().count() <= MOST_CHARACTERS && !property.contains("401288"), "{}", &*property);
        }
        assert!(*Property::of("/v1/charges") == *"/v1/charges");
    }
}
