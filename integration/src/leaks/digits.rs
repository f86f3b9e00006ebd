//! Search for digits of card numbers in a text, in every notation.

use std::collections::HashSet;

use crate::observation::dense;

/// Number of consecutive digits of a card number that no log may contain.
const TOO_MANY: usize = 5;
/// Number of consecutive digits that is no coincidence among tens of thousands of card numbers.
const NO_CHANCE: usize = 10;

/// Digit sequences of many card numbers. No `Debug`: it would print them.
#[derive(Default)]
pub struct Fragments(HashSet<[u8; NO_CHANCE]>);

impl Fragments {
    pub fn add(&mut self, number: &str) {
        self.0
            .extend(number.as_bytes().windows(NO_CHANCE).filter_map(|digits| <[u8; NO_CHANCE]>::try_from(digits).ok()));
    }

    /// Whether `text` has ten consecutive digits of any of these card numbers.
    pub fn are_in(&self, text: &[u8]) -> bool {
        readings(text).iter().any(|reading| {
            reading
                .split(|byte| !byte.is_ascii_digit())
                .any(|run| run.windows(NO_CHANCE).any(|digits| self.0.contains(digits)))
        })
    }
}

/// Whether `text` has five consecutive digits.
pub fn has_many(text: &[u8]) -> bool {
    readings(text).iter().any(|reading| reading.split(|byte| !byte.is_ascii_digit()).any(|run| run.len() >= TOO_MANY))
}

/// Interpretations of a text: literal and decoded, with groups as one number, and without UUIDs.
fn readings(text: &[u8]) -> [Vec<u8>; 2] {
    [dense(text), dense(&folded(&decoded(&decoded(text))))]
}

/// Percent-decoded text.
pub fn decoded(text: &[u8]) -> Vec<u8> {
    let mut rest = text;
    let mut plain = Vec::with_capacity(text.len());
    while let Some((first, behind)) = rest.split_first() {
        let escaped = behind.get(..2).filter(|_| *first == b'%').and_then(|code| std::str::from_utf8(code).ok());
        if let Some(byte) = escaped.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            plain.push(byte);
            rest = &behind[2..];
        } else {
            plain.push(*first);
            rest = behind;
        }
    }
    plain
}

/// Text with ASCII digits in place of full-width ones.
fn folded(text: &[u8]) -> Vec<u8> {
    const ZERO: [u8; 3] = [0xef, 0xbc, 0x90];
    let mut rest = text;
    let mut folded = Vec::with_capacity(text.len());
    while let Some((first, behind)) = rest.split_first() {
        match rest.get(..3) {
            Some([high, middle, low]) if [*high, *middle] == ZERO[..2] && (ZERO[2]..ZERO[2] + 10).contains(low) => {
                folded.push(b'0' + low - ZERO[2]);
                rest = &rest[3..];
            }
            _ => {
                folded.push(*first);
                rest = behind;
            }
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_seen_however_they_are_written() {
        for text in ["a12345", "12-34.5", "%31%32345", "%253123 45", "１２３４５", "%EF%BC%91%EF%BC%92345"] {
            assert!(has_many(text.as_bytes()), "{text}");
        }
        for text in ["1234", "1234a5", "1234/5", "%zz1234", "0a12345b-1111-4222-8333-444455556666"] {
            assert!(!has_many(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn fragments_are_of_these_cards() {
        let mut fragments = Fragments::default();
        fragments.add("4242424242424242");
        assert!(fragments.are_in(b"x 4242-4242-42"));
        assert!(!fragments.are_in(b"x 4242-4242-4") && !fragments.are_in(b"4111111111111111"));
    }
}
