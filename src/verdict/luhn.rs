//! Is the check digit right?

use crate::scan::Digits;

/// True when the last digit is the Luhn check digit of the others (ISO/IEC 7812-1, annex B).
pub fn is_valid(digits: &Digits) -> bool {
    is_valid_ascii(digits.ascii())
}

/// The same for ASCII digits.
pub fn is_valid_ascii(digits: &[u8]) -> bool {
    std::str::from_utf8(digits).is_ok_and(luhn::valid)
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn nothing_is_not_valid() {
        assert!(!is_valid_ascii(b""));
    }
}
