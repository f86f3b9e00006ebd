//! Luhn check of a digit sequence (ISO/IEC 7812-1, annex B).
//!
//! The check runs on each possible number of a text, so it reads eight digits at once. The verdict confirms it with the crate `luhn`.

use crate::scan::Digits;
use crate::scan::mutation::is_disabled;

/// True if the digits pass the Luhn check.
pub fn is_valid(digits: &Digits) -> bool {
    is_disabled("reject", "luhn") || is_valid_ascii(digits.ascii())
}

/// True if the digits pass the Luhn check of the crate `luhn`.
pub fn is_confirmed(digits: &Digits) -> bool {
    is_disabled("reject", "luhn") || str::from_utf8(digits.ascii()).is_ok_and(luhn::valid)
}

/// True if the ASCII digits pass the Luhn check. An empty slice fails.
pub fn is_valid_ascii(digits: &[u8]) -> bool {
    let (first, eights) = digits.as_rchunks();
    // Leading zeros do not change the sum.
    let first = first.iter().fold(0, |word: u64, digit| (word >> 8) | (u64::from(*digit) << 56));
    let sum = eights.iter().fold(weight(first), |sum, eight| sum.wrapping_add(weight(u64::from_le_bytes(*eight))));
    !digits.is_empty() && sum % 10 == 0
}

/// The Luhn sum of eight digits at once, of which the last is in the highest byte. Counted from the end, every second digit is
/// doubled and the two digits of the result are added.
fn weight(digits: u64) -> u64 {
    let once = digits & 0x0f00_0f00_0f00_0f00;
    let twice = digits & 0x000f_000f_000f_000f;
    let above_four = (twice.wrapping_add(0x0003_0003_0003_0003) >> 3) & 0x0001_0001_0001_0001;
    let weights = once.wrapping_add(twice.wrapping_mul(2)).wrapping_sub(above_four.wrapping_mul(9));
    weights.wrapping_mul(0x0101_0101_0101_0101) >> 56
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The crate reads one character at a time, which dominated the scan time of tables of numbers.
        #[test]
        fn agrees_with_the_luhn_crate(number in "[0-9]{1,40}") {
            prop_assert_eq!(is_valid_ascii(number.as_bytes()), luhn::valid(&number));
        }
    }

    #[test]
    fn one_wrong_digit_fails() {
        let card = b"4111111111111111";
        assert!(is_valid_ascii(card));
        for position in 0..card.len() {
            for digit in b'0'..=b'9' {
                let mut changed = *card;
                changed[position] = digit;
                assert_eq!(is_valid_ascii(&changed), changed == *card);
            }
        }
    }

    #[test]
    fn numbers_of_every_length_are_checked() {
        for (number, valid) in [
            ("0", true),
            ("18", true),
            ("19", false),
            ("125", true),
            ("4222222222222", true),
            ("30569309025904", true),
            ("378282246310005", true),
            ("378282246310006", false),
            ("6799990100000000019", true),
        ] {
            assert_eq!(is_valid_ascii(number.as_bytes()), valid, "{number}");
        }
    }

    #[test]
    fn an_empty_slice_fails() {
        assert!(!is_valid_ascii(b""));
    }
}
