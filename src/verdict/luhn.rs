//! Is the check digit right?

use crate::scan::Digits;

/// True when the last digit is the Luhn check digit of the others (ISO/IEC 7812-1, annex B).
pub fn is_valid(digits: &Digits) -> bool {
    is_valid_ascii(digits.ascii())
}

/// The same for ASCII digits.
pub fn is_valid_ascii(digits: &[u8]) -> bool {
    let (first, eights) = digits.as_rchunks();
    // Zeros before a number change nothing.
    let first = first.iter().fold(0, |word: u64, digit| (word >> 8) | (u64::from(*digit) << 56));
    let sum = eights.iter().fold(weight(first), |sum, eight| sum.wrapping_add(weight(u64::from_le_bytes(*eight))));
    !digits.is_empty() && sum % 10 == 0
}

/// What eight digits add to the sum, of which the last has the highest byte: counted from the end, every second one is doubled,
/// and its two digits added.
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
        /// The crate takes text apart a character at a time, which is most of the time that a table of numbers takes.
        #[test]
        fn as_the_luhn_crate_has_it(number in "[0-9]{1,40}") {
            prop_assert_eq!(is_valid_ascii(number.as_bytes()), luhn::valid(&number));
        }
    }

    #[test]
    fn one_wrong_digit_is_noticed() {
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
    fn numbers_of_every_length_check() {
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
    fn nothing_is_not_valid() {
        assert!(!is_valid_ascii(b""));
    }
}
