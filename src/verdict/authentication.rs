//! Detection of verification codes and PINs.
//!
//! PCI DSS 3.3 forbids to store a card's verification code, PIN and full track data after authorization. Codes and PINs are short
//! numbers without a form of their own. So they are identified by their field name, and only near a card number. Tracks are
//! identified by their form ([`super::track`]).

use super::name::Tokens;
use super::words::is_one_of;
use crate::scan::letters::{self, in_a_row};

/// A kind of sensitive authentication data that is a short number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The three or four digits that are printed on the card: CVV2, CVC2, CID, CAV2.
    Verification,
    /// The PIN, or an encrypted PIN block.
    Pin,
}

/// A quick check for names of a [`Code`] in a text.
#[derive(Clone, Copy, Debug, Default)]
pub struct CodeNames;

/// The letters after the first three of the substrings `security` and `verification`.
const SECURITY: &[u8] = b"urity";
const VERIFICATION_OF: &[u8] = b"ification";

/// Names of verification codes.
#[rustfmt::skip]
const VERIFICATION: [&str; 18] = [
    "cardsecuritycode", "cardverification", "cardverificationcode", "cardverificationvalue", "cav", "cav2",
    "cid", "csc", "cvc", "cvc2", "cvd", "cvn", "cvn2", "cvv", "cvv2", "securitycode", "verificationcode",
    "verificationvalue",
];

/// Names of PINs.
const PIN: [&str; 2] = ["pin", "pinblock"];

/// The longest code, in characters.
pub const LONGEST_CODE: usize = 16;

impl CodeNames {
    /// True if `text` may name a code. Each name contains `cvv`, `cvc`, `cvn`, `cvd`, `csc`, `cid`, `cav`, `pin`, `security` or
    /// `verification`.
    pub fn may_be_in(self, text: &[u8]) -> bool {
        letters::any(text, LETTERS, |rest, [a, c, d, e, i, n, p, r, s, v]| {
            let short = in_a_row(c, v, v | c | n | d) | in_a_row(c, s, c) | in_a_row(c, i, d) | in_a_row(c, a, v);
            (short | in_a_row(p, i, n)) != 0
                || goes_on(rest, in_a_row(s, e, c), SECURITY)
                || goes_on(rest, in_a_row(v, e, r), VERIFICATION_OF)
        })
    }
}

/// The letters of those substrings, or of their first three letters.
const LETTERS: [u8; 10] = *b"acdeinprsv";

/// True if `end` follows three letters in `text` at one of the offsets whose bit is set in `starts`.
fn goes_on(text: &[u8], starts: u64, end: &[u8]) -> bool {
    let mut starts = starts;
    while starts != 0 {
        let at = usize::try_from(starts.trailing_zeros()).unwrap_or(0).saturating_add(3);
        if text.get(at..at.saturating_add(end.len())).is_some_and(|text| text.eq_ignore_ascii_case(end)) {
            return true;
        }
        starts &= starts.wrapping_sub(1);
    }
    false
}

/// The code in the field `name` with this `value`, if it is one.
pub fn code(name: &[u8], value: &[u8]) -> Option<Code> {
    if !may_be_code(value) {
        return None;
    }
    let tokens = Tokens::of(name);
    let digits = value.iter().all(u8::is_ascii_digit);
    if digits && value.len() <= LONGEST_VERIFICATION && tokens.any(|token| is_one_of(token, &VERIFICATION)) {
        return Some(Code::Verification);
    }
    if digits && value.len() == POSTAL_PIN && tokens.any(|token| token == b"code" || token == b"pincode") {
        return None;
    }
    let block = value.len() == LONGEST_CODE && value.iter().all(u8::is_ascii_hexdigit);
    let is_pin = (digits && PIN_LENGTHS.contains(&value.len())) || block;
    (is_pin && tokens.any(|token| is_one_of(token, &PIN))).then_some(Code::Pin)
}

/// True if `value` is a code under some field name.
pub fn may_be_code(value: &[u8]) -> bool {
    let has = |is: fn(&u8) -> bool| value.iter().all(is);
    match value.len() {
        SHORTEST_CODE..=LONGEST_PIN => has(u8::is_ascii_digit),
        LONGEST_CODE => has(u8::is_ascii_hexdigit),
        _ => false,
    }
}

/// True if `name` is the field name of a code, whatever its value.
pub fn is_code_name(name: &[u8]) -> bool {
    Tokens::of(name).any(|token| is_one_of(token, &VERIFICATION) || is_one_of(token, &PIN))
}

/// The shortest code and the longest verification code, in digits.
const SHORTEST_CODE: usize = 3;
const LONGEST_VERIFICATION: usize = 4;

/// The number of digits of an Indian postal code, which is called a PIN code.
const POSTAL_PIN: usize = 6;

/// The lengths of a PIN in digits (ISO 9564-1).
const PIN_LENGTHS: std::ops::RangeInclusive<usize> = 4..=LONGEST_PIN;
const LONGEST_PIN: usize = 12;

impl Code {
    /// The name in logs, records and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verification => "verification_code",
            Self::Pin => "pin",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_identified_by_name_and_length() {
        for (name, value, expected) in [
            ("cvv", "123", Some(Code::Verification)),
            ("card[cvc]", "1234", Some(Code::Verification)),
            ("securityCode", "123", Some(Code::Verification)),
            ("card_verification_value", "123", Some(Code::Verification)),
            ("CVV2", "123", Some(Code::Verification)),
            ("pin", "1234", Some(Code::Pin)),
            ("pinBlock", "0412AC89ABCDEF67", Some(Code::Pin)),
            ("cvv", "12345", None),
            ("cvv", "12", None),
            ("cvv", "yes", None),
            ("shipping", "1234", None),
            ("pin", "123", None),
            ("zip", "1234", None),
            ("pin_code", "560001", None),
        ] {
            assert_eq!(code(name.as_bytes(), value.as_bytes()), expected, "{name} {value}");
        }
    }

    #[test]
    fn the_quick_check_finds_every_name_at_every_offset() {
        let names = CodeNames;
        for name in VERIFICATION.iter().chain(&PIN) {
            for before in 0..70 {
                let text = format!("{}{}{}", "a".repeat(before), name.to_uppercase(), "a".repeat(9));
                assert!(names.may_be_in(text.as_bytes()), "{text}");
            }
        }
        for text in ["amount, currency, order", "secure server version", "c-v-v", "pi", "n"] {
            assert!(!names.may_be_in(text.as_bytes()), "{text}");
        }
        assert!(VERIFICATION.is_sorted() && PIN.is_sorted());
    }
}
