//! Is it sensitive authentication data?
//!
//! PCI DSS 3.3 forbids to keep the verification code of a card, its PIN and the whole of a track once a payment is
//! authorised, in whatever form. Codes and PINs are short numbers like any other: only the name of their field tells them,
//! and only near a card number does that name mean this. Whole tracks are told by their form ([`super::track`]).

use super::name::Tokens;
use super::words::is_one_of;
use aho_corasick::automaton::Automaton;
use aho_corasick::nfa::noncontiguous::NFA;
use aho_corasick::{Input, MatchKind};
use std::sync::Arc;

/// A secret that goes with a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The three or four digits that are printed on the card: CVV2, CVC2, CID, CAV2.
    Verification,
    /// The PIN or an encrypted block with it.
    Pin,
}

/// Finds out quickly whether a text names a [`Code`] at all.
#[derive(Clone)]
pub struct CodeNames {
    search: Option<Arc<NFA>>,
}

/// Something of which every name of a code has one.
const STEMS: [&str; 10] = ["cvv", "cvc", "cvn", "cvd", "csc", "cid", "cav", "pin", "security", "verification"];

/// Names of verification codes.
#[rustfmt::skip]
const VERIFICATION: [&str; 18] = [
    "cardsecuritycode", "cardverification", "cardverificationcode", "cardverificationvalue", "cav", "cav2",
    "cid", "csc", "cvc", "cvc2", "cvd", "cvn", "cvn2", "cvv", "cvv2", "securitycode", "verificationcode",
    "verificationvalue",
];

/// Names of PINs.
const PIN: [&str; 2] = ["pin", "pinblock"];

/// The most characters of a code.
pub const LONGEST_CODE: usize = 16;

impl CodeNames {
    /// True when `text` may name a code.
    pub fn may_be_in(&self, text: &[u8]) -> bool {
        self.search.as_ref().is_none_or(|search| !matches!(search.try_find(&Input::new(text)), Ok(None)))
    }
}

impl Default for CodeNames {
    fn default() -> Self {
        // The plainest of the automata: the others are faster on long texts, and three times as large.
        let mut builder = NFA::builder();
        builder.ascii_case_insensitive(true).match_kind(MatchKind::Standard).prefilter(false);
        // Without the automaton every text is looked at, which is slower and finds the same.
        Self { search: builder.build(STEMS).ok().map(Arc::new) }
    }
}

/// The code that `value` is under `name`, if it is one.
pub fn code(name: &[u8], value: &[u8]) -> Option<Code> {
    if value.len() < SHORTEST_CODE || value.len() > LONGEST_CODE {
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

/// True when `name` is that of a code, whatever stands under it.
pub fn is_code_name(name: &[u8]) -> bool {
    Tokens::of(name).any(|token| is_one_of(token, &VERIFICATION) || is_one_of(token, &PIN))
}

/// How many digits a verification code has at least and at most.
const SHORTEST_CODE: usize = 3;
const LONGEST_VERIFICATION: usize = 4;

/// How many digits a PIN code has, as postal codes are called in India.
const POSTAL_PIN: usize = 6;

/// How many digits a PIN has (ISO 9564-1).
const PIN_LENGTHS: std::ops::RangeInclusive<usize> = 4..=12;

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
    fn codes_are_told_by_name_and_length() {
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
    fn every_name_has_a_stem() {
        let names = CodeNames::default();
        for name in VERIFICATION.iter().chain(&PIN) {
            assert!(names.may_be_in(name.to_uppercase().as_bytes()), "{name}");
        }
        assert!(!names.may_be_in(b"amount, currency, order"));
        assert!(VERIFICATION.is_sorted() && PIN.is_sorted());
    }
}
