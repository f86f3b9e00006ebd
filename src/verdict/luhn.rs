//! Is the check digit right?

use crate::scan::Digits;

/// True when the last digit is the Luhn check digit of the others (ISO/IEC 7812-1, annex B).
pub fn is_valid(digits: &Digits) -> bool {
    is_valid_ascii(digits.ascii())
}

/// The same for ASCII digits.
pub fn is_valid_ascii(digits: &[u8]) -> bool {
    let value = |digit: u8| u32::from(digit & 0xf);
    let twice = |digit: u8| {
        if value(digit) > 4 { value(digit).wrapping_mul(2).wrapping_sub(9) } else { value(digit).wrapping_mul(2) }
    };
    // Counted from the end, every second one is doubled.
    let (first, pairs) = digits.split_at_checked(digits.len() % 2).unwrap_or_default();
    let (pairs, _) = pairs.as_chunks();
    let sum = first.iter().fold(0, |sum: u32, digit| sum.wrapping_add(value(*digit)));
    let sum = pairs.iter().fold(sum, |sum, [two, one]| sum.wrapping_add(twice(*two)).wrapping_add(value(*one)));
    !digits.is_empty() && sum % 10 == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The crate takes text apart a character at a time, which is most of the time that a table of numbers takes.
        #[test]
        fn as_the_luhn_crate_has_it(number in "[0-9]{1,20}") {
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
