//! Detection of verification codes and PINs.
//!
//! PCI DSS 3.3 forbids to store a card's verification code, PIN and full track data after authorization. Codes and PINs are short
//! numbers without a form of their own. So they are identified by their field name, and only near a card number. Tracks are
//! identified by their form ([`super::track`]).

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

/// A phrase that names a code: one of the words of each group, in this order.
type Phrase = &'static [&'static [&'static str]];

/// Words for the card before the name of its code. The empty word makes them optional.
const CARD: &[&str] = &["card", "cc", "creditcard", "debitcard"];
const ANY_CARD: &[&str] = &["", "card", "cc", "creditcard", "debitcard"];

/// Words for a number.
const NUMBER: &[&str] = &["code", "cd", "digits", "no", "nr", "num", "number", "val", "value"];
const ANY_NUMBER: &[&str] = &["", "code", "cd", "digits", "no", "nr", "num", "number", "val", "value"];

/// Names of verification codes. Those of the card brands are CAV2, CID, CSC, CVC2, CVD, CVN2 and CVV2; gateways use more.
const VERIFICATION: [Phrase; 7] = [
    &[ANY_CARD, &["cav", "ccv", "cid", "csc", "cvc", "cvd", "cvn", "cvv", "fsv"], ANY_NUMBER],
    &[ANY_CARD, &["cv"], NUMBER],
    &[&["security", "validation", "verification"], &["code"]],
    &[&["verification"], &["value"]],
    &[CARD, &["security", "validation", "verification"], ANY_NUMBER],
    &[CARD, &["sec"], NUMBER],
    &[&["card"], &["code"]],
];

/// The verification code of several gateways, whose digit is a part of the name.
const CV2: &[u8] = b"cv2";

/// Abbreviations that are in no other word, so letters may precede them: `UMcvv2`.
const DISTINCT: [&[u8]; 2] = [b"cvc", b"cvv"];

/// Names of PINs.
const PIN: [Phrase; 1] = [&[ANY_CARD, &["pin"], &["", "block", "data", "no", "num", "number"]]];

/// Words behind the name of a code in the name of something else: the result of its check, its length.
#[rustfmt::skip]
const ABOUT: [&str; 17] = [
    "attempt", "attempts", "check", "count", "error", "flag", "indicator", "length", "match", "matches", "presence",
    "reason", "response", "result", "retries", "status", "type",
];

/// Keys for the value of an object, in lowercase letters: those of typed values, and neutral ones. Some have no letters (`$`).
#[rustfmt::skip]
const VALUE_KEYS: [&str; 18] = [
    "", "code", "content", "data", "int", "integer", "integervalue", "intvalue", "longvalue", "n", "number", "numberint",
    "numberlong", "s", "string", "stringvalue", "text", "value",
];

/// The longest code, in characters.
pub const LONGEST_CODE: usize = 16;

impl CodeNames {
    /// True if `text` may name a code. Each name contains `cv`, `csc`, `cid`, `cav`, `fsv`, `pin`, `security`, `validation`,
    /// `verification`, or a number behind `sec` or `card`.
    pub fn may_be_in(self, text: &[u8]) -> bool {
        letters::any(text, LETTERS, |rest, [a, c, d, e, f, i, l, n, p, r, s, v]| {
            let short = (c & (v >> 1)) | in_a_row(c, s, c) | in_a_row(c, i, d) | in_a_row(c, a, v) | in_a_row(f, s, v);
            (short | in_a_row(p, i, n)) != 0
                || goes_on(rest, in_a_row(s, e, c), &["urity", "val", "cod", "num", "dig", "cd", "no", "nr"])
                || goes_on(rest, in_a_row(v, e, r), &["ification"])
                || goes_on(rest, in_a_row(v, a, l), &["idation"])
                || goes_on(rest, in_a_row(c, a, r), &["dcod"])
        })
    }
}

/// The letters of those substrings, or of their first three letters.
const LETTERS: [u8; 12] = *b"acdefilnprsv";

/// True if one of `ends` follows three letters in `text` at one of the offsets whose bit is set in `starts`. Separators in it do not
/// count.
fn goes_on(text: &[u8], starts: u64, ends: &[&str]) -> bool {
    let mut starts = starts;
    while starts != 0 {
        let at = usize::try_from(starts.trailing_zeros()).unwrap_or(0).saturating_add(3);
        let near = text.get(at..).unwrap_or_default().iter().take(MAX_NEAR);
        let rest = || near.clone().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase);
        if ends.iter().any(|end| rest().take(end.len()).eq(end.bytes())) {
            return true;
        }
        starts &= starts.wrapping_sub(1);
    }
    false
}

/// Length of the text in which [`goes_on`] searches.
const MAX_NEAR: usize = 16;

/// The field name of a code.
#[derive(Clone, Copy)]
pub struct CodeName {
    is_verification: bool,
    is_pin: bool,
    /// Names a postal code in India, if the value has its length.
    has_code: bool,
}

impl CodeName {
    /// Reads `name`; `None` if it is not the field name of a code.
    pub fn of(name: &[u8]) -> Option<Self> {
        let words = Words::of(name);
        let is_verification = words.name_a_verification_code();
        let is_pin = words.contain_one_of(&PIN);
        let has_code = words.iter(0).any(|word| word == b"code");
        (is_verification || is_pin).then_some(Self { is_verification, is_pin, has_code })
    }

    /// The code in the field of this name with this `value`, if it is one.
    pub fn code(self, value: &[u8]) -> Option<Code> {
        if !may_be_code(value) {
            return None;
        }
        let digits = value.iter().all(u8::is_ascii_digit);
        if digits && value.len() <= LONGEST_VERIFICATION && self.is_verification {
            return Some(Code::Verification);
        }
        if digits && value.len() == POSTAL_PIN && self.has_code {
            return None;
        }
        let block = value.len() == LONGEST_CODE && value.iter().all(u8::is_ascii_hexdigit);
        let is_pin = (digits && PIN_LENGTHS.contains(&value.len())) || block;
        (is_pin && self.is_pin).then_some(Code::Pin)
    }
}

/// The code in the field `name` with this `value`, if it is one.
pub fn code(name: &[u8], value: &[u8]) -> Option<Code> {
    // Reading a name takes longer, and most values are no code.
    may_be_code(value).then(|| CodeName::of(name))??.code(value)
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

/// True if `name` is a key for the value of the object that contains it: `{"cvv":{"S":"123"}}`, as DynamoDB writes it.
pub fn is_value_key(name: &[u8]) -> bool {
    let letters: Vec<u8> = name.iter().filter(|byte| byte.is_ascii_alphabetic()).copied().collect();
    is_one_of(&letters, &VALUE_KEYS)
}

/// The words of a name in lowercase, without what separates them.
struct Words {
    text: Vec<u8>,
    /// The starts of the words, and the end of the last one.
    bounds: Vec<usize>,
}

impl Words {
    /// Splits `name` at separators, before uppercase letters, and between letters and digits. A mask counts as digits, because a name
    /// with a masked number must mean the same as before.
    fn of(name: &[u8]) -> Self {
        let mut words = Self { text: Vec::new(), bounds: vec![0] };
        let mut before = b' ';
        for byte in name {
            let byte = if matches!(byte, b'*' | b'#') { b'0' } else { *byte };
            let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte >= 0x80;
            let is_hump = byte.is_ascii_uppercase() && !before.is_ascii_uppercase();
            if is_hump || !is_part(byte) || byte.is_ascii_digit() != before.is_ascii_digit() {
                words.end_word();
            }
            if is_part(byte) {
                words.text.push(byte.to_ascii_lowercase());
            }
            before = byte;
        }
        words.end_word();
        words
    }

    fn end_word(&mut self) {
        if self.bounds.last() != Some(&self.text.len()) {
            self.bounds.push(self.text.len());
        }
    }

    /// The words from `at` on.
    fn iter(&self, at: usize) -> impl Iterator<Item = &[u8]> {
        let pairs = self.bounds.windows(2).filter(move |pair| pair.first() >= Some(&at));
        pairs.filter_map(|pair| self.text.get(*pair.first()?..*pair.last()?))
    }

    fn name_a_verification_code(&self) -> bool {
        let is_cv2 = |at: usize| self.begins(at, CV2) && self.is_end(at.saturating_add(CV2.len()));
        self.contain_one_of(&VERIFICATION) || self.bounds.iter().any(|at| is_cv2(*at))
    }

    /// True if the words contain one of `phrases`, and what follows does not make it something else.
    fn contain_one_of(&self, phrases: &[Phrase]) -> bool {
        let begins = |at: usize| self.bounds.contains(&at) || DISTINCT.iter().any(|name| self.begins(at, name));
        let mut starts = (0..self.text.len()).filter(|at| begins(*at));
        starts.any(|at| phrases.iter().any(|phrase| self.continue_with(at, phrase)))
    }

    fn continue_with(&self, at: usize, phrase: Phrase) -> bool {
        let Some((first, rest)) = phrase.split_first() else { return self.is_end(at) };
        let mut words = first.iter().filter(|word| self.begins(at, word.as_bytes()));
        words.any(|word| self.continue_with(at.saturating_add(word.len()), rest))
    }

    fn begins(&self, at: usize, word: &[u8]) -> bool {
        self.text.get(at..).is_some_and(|text| text.starts_with(word))
    }

    fn is_end(&self, at: usize) -> bool {
        self.bounds.contains(&at) && !self.iter(at).any(|word| is_one_of(word, &ABOUT))
    }
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
        for name in every_name() {
            assert!(CodeName::of(name.as_bytes()).is_some(), "{name}");
            for before in [0, 1, 59, 60, 61, 62, 63, 64] {
                let text = format!("{}{}{}", "_".repeat(before), name.to_uppercase(), "a".repeat(9));
                assert!(names.may_be_in(text.as_bytes()), "{text}");
            }
        }
        for text in ["amount, currency, order", "secure server version", "3 seconds, valid card", "c-v-v", "pi", "n"] {
            assert!(!names.may_be_in(text.as_bytes()), "{text}");
        }
        assert!(ABOUT.is_sorted() && VALUE_KEYS.is_sorted());
    }

    /// Every phrase, with and without separators.
    fn every_name() -> Vec<String> {
        let mut names = vec!["cv2".to_owned()];
        for phrase in VERIFICATION.iter().chain(&PIN) {
            for separator in ["", "_"] {
                let mut heads = vec![String::new()];
                for words in *phrase {
                    let join = |head: &String, word: &str| match (head.is_empty(), word.is_empty()) {
                        (false, false) => format!("{head}{separator}{word}"),
                        _ => format!("{head}{word}"),
                    };
                    heads = heads.iter().flat_map(|head| words.iter().map(move |word| join(head, word))).collect();
                }
                names.extend(heads);
            }
        }
        names
    }

    #[test]
    fn names_of_gateways_are_phrases() {
        for name in [
            "cv2",
            "CV2",
            "cvNumber",
            "cv_number",
            "cardValidationNum",
            "CardSecVal",
            "ccv",
            "fsv",
            "UMcvv2",
            "securityCode",
            "cvvNumber",
            "cardCode",
            "x_card_code",
            "cvcCode",
            "cid",
            "verification_value",
            "card[cvc2]",
            "payment.cvv",
            "cc_cid",
            "cardverificationvalue",
            "CREDIT_CARD_SECURITY_CODE",
            "encryptedCvv",
            "txtcvv",
            "c.v.v",
        ] {
            assert_eq!(code(name.as_bytes(), b"123"), Some(Code::Verification), "{name}");
        }
        for name in ["cardPin", "PIN_DATA", "pin-number", "atmPin", "cardpin"] {
            assert_eq!(code(name.as_bytes(), b"1234"), Some(Code::Pin), "{name}");
        }
        for name in [
            "cvvResultCode",
            "cvv_response",
            "pin_attempts",
            "securityCodeIndicator",
            "cv",
            "cvs",
            "decide",
            "cardNumber",
            "card_no",
            "discard_code",
            "giftcardcode",
            "social_security_number",
            "currency_code",
            "precision",
            "codecvx",
            "cv21",
            "second_code",
            "pinned",
            "spin",
            "cards2code",
        ] {
            assert_eq!(code(name.as_bytes(), b"1234"), None, "{name}");
        }
    }

    #[test]
    fn a_masked_number_in_a_name_changes_nothing() {
        for (name, masked) in
            [("cv2111111111111", "cv***********11"), ("card411111code", "card######code"), ("41cvv", "**cvv")]
        {
            assert_eq!(CodeName::of(name.as_bytes()).is_some(), CodeName::of(masked.as_bytes()).is_some(), "{name}");
        }
    }
}
