//! Evidence from the text around a number.
//!
//! The nearest [field name](field) decides, or else the last words of running text. Both score between -4 and +4. Other fields of
//! the record, such as an expiry date, may add to the score.

use super::name::{self, CARD, NameEvidence, Names, OTHER, WEAK};
use super::words::{self, is_one_of};
use super::{field, luhn};
use crate::scan::letters::{self, in_a_row};
use crate::scan::{MASK_CHARACTERS, View, lanes};
use std::borrow::Cow;

/// Names of a number that can be outside the text window before it.
#[derive(Clone, Default)]
pub struct EnclosingNames {
    /// The heading of its table column.
    pub heading: Option<Vec<u8>>,
    /// The evidence of the heading, if it was computed before.
    pub heading_evidence: Option<NameEvidence>,
    /// The name of the array that contains it.
    pub array: Option<Vec<u8>>,
}

/// The evidence of the names and words before a number: in the text directly `before` it, and in its `enclosing` names.
pub fn name_evidence(before: &[u8], enclosing: &EnclosingNames, names: &Names) -> NameEvidence {
    if let Some(heading) = &enclosing.heading {
        return enclosing.heading_evidence.unwrap_or_else(|| names.weigh(heading));
    }
    let before = unmasked(before);
    let before = field::without_formatting_tags(&before);
    let before = before.as_ref();
    if let Some(name) = field::named_pair(before) {
        let evidence = names.weigh(name);
        if evidence != NameEvidence::Score(0) {
            return evidence;
        }
    }
    let key = field::name(before).or_else(|| {
        let array = enclosing.array.as_deref()?;
        field::last_bracket(before).is_none().then_some(array)
    });
    let Some(key) = key else { return NameEvidence::Score(score_of_words(before)) };
    match names.weigh(key) {
        NameEvidence::Score(score @ 0..=WEAK) => {
            let parent = field::parent(before).is_some_and(|parent| name::score(parent) == CARD);
            let named = parent || (field::ends_unquoted(before) && score_of_words(before) == CARD);
            NameEvidence::Score(if named { CARD } else { score })
        }
        evidence => evidence,
    }
}

/// True if the same record names a verification code or an expiry date in the text `before` the number.
pub fn evidence_precedes(before: &[u8]) -> bool {
    let near = before.get(before.len().saturating_sub(EVIDENCE_BEFORE)..).unwrap_or_default();
    let mut end = near.len();
    let line_end = |end| lanes::rfind(near.get(..end).unwrap_or_default(), |bytes| bytes.is(b'\n'));
    while let Some(index) = line_end(end) {
        if ends_record(near, index) {
            return names_evidence(near.get(index..).unwrap_or_default());
        }
        end = index;
    }
    names_evidence(near)
}

/// True if the text `after` a number begins with other card data of the same record: an expiry date, or the name of a
/// verification code or of an expiry date.
pub fn evidence_follows(after: &[u8]) -> bool {
    let end = (0..after.len()).find(|index| ends_record(after, *index)).unwrap_or(after.len());
    let record = after.get(..end.min(EVIDENCE_AFTER)).unwrap_or_default();
    names_evidence(record.get(..EVIDENCE_NEAR).unwrap_or(record)) || expiry_follows(record)
}

/// True if a record ends at `index`: with a line end before a line that is not indented.
fn ends_record(text: &[u8], index: usize) -> bool {
    let next = text.get(index.saturating_add(1));
    text.get(index) == Some(&b'\n') && !matches!(next, Some(b' ' | b'\t'))
}

fn names_evidence(text: &[u8]) -> bool {
    if !may_name_evidence(text) {
        return false;
    }
    let words = text.split(|byte| !byte.is_ascii_alphanumeric());
    words.filter(|word| word.first().is_some_and(|first| EVIDENCE_FIRST.contains(first))).any(|word| {
        let start = word.get(..words::EXPIRATION.len()).unwrap_or_default();
        is_one_of(word, &words::EVIDENCE) || start.eq_ignore_ascii_case(words::EXPIRATION.as_bytes())
    })
}

/// Quick check for [`names_evidence`]: false if `text` contains none of `csc`, `cvc`, `cvv`, `exp`, `car` and `sec`, one of
/// which is in each word of evidence.
fn may_name_evidence(text: &[u8]) -> bool {
    letters::any(text, EVIDENCE_LETTERS, |_, [a, c, e, p, r, s, v, x]| {
        let short = in_a_row(c, v, v | c) | in_a_row(c, s, c) | in_a_row(e, x, p);
        (short | in_a_row(c, a, r) | in_a_row(s, e, c)) != 0
    })
}

/// The letters of those substrings.
const EVIDENCE_LETTERS: [u8; 8] = *b"aceprsvx";

/// The first letters of the words of evidence.
const EVIDENCE_FIRST: &[u8] = b"cCeEnNsS";

/// True if the number is between two other long numbers of a list that both fail Luhn, or `None` if that depends on bytes behind
/// `after`.
pub fn is_listed(before: &[u8], after: &[u8]) -> Option<bool> {
    let left: Vec<u8> = before.iter().rev().take(LONGEST_SEPARATOR + LISTED_DIGITS.end + 1).copied().collect();
    let Some(true) = other_number_follows(&left, true) else { return Some(false) };
    other_number_follows(after, false)
}

/// True if `text` begins with a comma and another long number that fails Luhn. `reversed` text is read backwards.
fn other_number_follows(text: &[u8], reversed: bool) -> Option<bool> {
    let is_separator = |byte: &&u8| matches!(byte, b' ' | b',' | b'"' | b'\'' | b'\n');
    let separator = text.iter().take_while(is_separator).take(LONGEST_SEPARATOR).count();
    let (signs, rest) = text.split_at_checked(separator).unwrap_or_default();
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).take(LISTED_DIGITS.end).count();
    let ends = rest.get(digits);
    if !signs.contains(&b',') || ends.is_some_and(|byte| byte.is_ascii_alphanumeric()) {
        return if separator == text.len() && separator < LONGEST_SEPARATOR { None } else { Some(false) };
    }
    if ends.is_none() && digits < LISTED_DIGITS.end && !reversed {
        return None;
    }
    let mut number = rest.get(..digits).unwrap_or_default().to_vec();
    if reversed {
        number.reverse();
    }
    Some(LISTED_DIGITS.contains(&digits) && !luhn::is_valid_ascii(&number))
}

/// The longest separator between two numbers of a list.
const LONGEST_SEPARATOR: usize = 4;

/// The lengths of list items that count as other long numbers.
const LISTED_DIGITS: std::ops::Range<usize> = 9..20;

/// The distances from the number in which evidence counts: words after it, a date after it, words before it.
const EVIDENCE_NEAR: usize = 40;
const EVIDENCE_AFTER: usize = 60;
const EVIDENCE_BEFORE: usize = 60;

/// The text with zeros in place of recognizable mask characters. Masking a number must not change the evidence for the next one.
fn unmasked(text: &[u8]) -> Cow<'_, [u8]> {
    let [a, b, c, d, e] = MASK_CHARACTERS;
    if !lanes::has(text, |bytes| bytes.is(a) | bytes.is(b) | bytes.is(c) | bytes.is(d) | bytes.is(e)) {
        return Cow::Borrowed(text);
    }
    let mut digits = text.to_vec();
    for character in MASK_CHARACTERS {
        for mask in View::new(&[], text, true, character).masks() {
            let masked = digits.get_mut(mask).unwrap_or_default();
            masked.iter_mut().filter(|byte| **byte == character).for_each(|byte| *byte = b'0');
        }
    }
    Cow::Owned(digits)
}

/// The longest gap between two words, or between the last word and the number.
const LONGEST_GAP: usize = 3;

/// The score of the last words of running text.
fn score_of_words(before: &[u8]) -> i8 {
    let is_letter = |byte: &u8| byte.is_ascii_alphabetic() | (*byte >= 0x80);
    let mut rest = before;
    let mut last = true;
    let mut score = 0;
    for _ in 0..3 {
        let gap = rest.iter().rev().take(LONGEST_GAP.saturating_add(1)).take_while(|byte| !is_letter(byte)).count();
        let text = rest.get(..rest.len().saturating_sub(gap)).unwrap_or_default();
        let start = text.iter().rposition(|byte| !is_letter(byte)).map_or(0, |index| index.saturating_add(1));
        let word = text.get(start..).unwrap_or_default().to_ascii_lowercase();
        if word.is_empty() || !(1..=LONGEST_GAP).contains(&gap) {
            return score;
        }
        if words::is_card(&word) {
            return CARD;
        }
        if last && is_one_of(&word, &words::OTHER_BEFORE) {
            return OTHER;
        }
        if last && is_one_of(&word, &words::WEAK_BEFORE) {
            score = WEAK;
        }
        if score > 0 && is_one_of(&word, &words::IDENTIFIER) {
            return 0;
        }
        last = false;
        rest = text.get(..start).unwrap_or_default();
    }
    score
}

/// True if month and year follow after a few signs and words: `exp 12/26`, `valid thru 01-2027`.
fn expiry_follows(after: &[u8]) -> bool {
    let is_sign = |byte: &u8| !byte.is_ascii_alphanumeric();
    let mut rest = after;
    for _ in 0..3 {
        let signs = rest.iter().take_while(|byte| is_sign(byte)).count();
        if signs == 0 || signs > 12 {
            return false;
        }
        rest = rest.get(signs..).unwrap_or_default();
        let word = rest.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        if word == 0 {
            return is_month_and_year(rest);
        }
        let word_text = rest.get(..word).unwrap_or_default().to_ascii_lowercase();
        if !(word_text.starts_with(b"exp") || word_text == b"valid" || word_text == b"thru") {
            return false;
        }
        rest = rest.get(word..).unwrap_or_default();
    }
    false
}

fn is_month_and_year(text: &[u8]) -> bool {
    let [tens @ (b'0' | b'1'), ones @ b'0'..=b'9', rest @ ..] = text else { return false };
    let month = tens.wrapping_sub(b'0').wrapping_mul(10).wrapping_add(ones.wrapping_sub(b'0'));
    let signs = rest.iter().take_while(|byte| !byte.is_ascii_alphanumeric()).count();
    let year = rest.get(signs..).unwrap_or_default();
    let digits = year.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let short = match (digits, year) {
        (4, [b'2', b'0', short @ ..]) => short,
        (2, short) => short,
        _ => return false,
    };
    (1..=12).contains(&month) && signs <= 3 && matches!(short, [b'2', b'4'..=b'9', ..] | [b'3', ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence_in(before: &str) -> NameEvidence {
        name_evidence(before.as_bytes(), &EnclosingNames::default(), &Names::default())
    }

    #[test]
    fn the_nearest_name_decides() {
        for (before, expected) in [
            ("\"cardNumber\":\"", CARD),
            ("\"created_at\":", OTHER),
            ("pub-****-****: ", OTHER),
            ("**card**: ", CARD),
            ("please charge my card ", CARD),
            ("the card is now ", CARD),
            ("card number: ", CARD),
            ("Your card <b>", CARD),
            ("<tr><td>Card no</td><td>", CARD),
            ("\"card\":{\"id\":\"x\",\"number\":\"", CARD),
            ("\"card\":{\"id\":\"", -1),
            ("tracking ", OTHER),
            ("the number ", WEAK),
            ("order number ", 0),
            ("hello world ", 0),
            ("", 0),
        ] {
            assert_eq!(evidence_in(before), NameEvidence::Score(expected), "{before}");
        }
    }

    #[test]
    fn every_word_of_evidence_has_a_listed_first_letter() {
        let first = words::EVIDENCE.iter().chain(&[words::EXPIRATION]).map(|word| word.as_bytes()[0]);
        assert!(first.clone().all(|first| EVIDENCE_FIRST.contains(&first)));
        assert!(first.map(|first| first.to_ascii_uppercase()).all(|first| EVIDENCE_FIRST.contains(&first)));
    }

    #[test]
    fn the_quick_check_finds_every_word_of_evidence_at_every_offset() {
        for word in words::EVIDENCE.iter().chain(&[words::EXPIRATION]) {
            for before in 0..130 {
                let text = format!("{}{}", "_".repeat(before), word.to_ascii_uppercase());
                assert!(may_name_evidence(text.as_bytes()), "{word} after {before} bytes");
            }
        }
        assert!(!may_name_evidence(b"\"amount\":12,\"currency\":\"EUR\",\"status\":\"settled\""));
    }

    #[test]
    fn mask_characters_become_zeros() {
        for (before, digits) in [
            ("card XXXXXXXXXXXX1111 ", "card 0000000000001111 "),
            ("5A 08 FF FF FF FF imei ", "5A 08 00 00 00 00 imei "),
            ("**bold** card ", "**bold** card "),
            ("4111 11** **** 1111", "4111 1100 0000 1111"),
        ] {
            assert_eq!(unmasked(before.as_bytes()).as_ref(), digits.as_bytes(), "{before}");
        }
    }

    #[test]
    fn enclosing_names_count_where_no_nearer_one_is() {
        let enclosing = EnclosingNames { array: Some(b"cards".to_vec()), ..EnclosingNames::default() };
        let evidence = |before: &str| name_evidence(before.as_bytes(), &enclosing, &Names::default());
        assert_eq!(evidence("1, 2, "), NameEvidence::Score(CARD));
        assert_eq!(evidence("{\"imei\": "), NameEvidence::Score(OTHER));
        assert_eq!(evidence("[1, 2, "), NameEvidence::Score(0));
        let enclosing = EnclosingNames { heading: Some(b"imei".to_vec()), ..EnclosingNames::default() };
        assert_eq!(name_evidence(b"card ", &enclosing, &Names::default()), NameEvidence::Score(OTHER));
    }

    #[test]
    fn lists_of_other_numbers_are_distinguished_from_lists_of_cards() {
        for (before, after, expected) in [
            ("[1036222064194035, ", ", 2517890091822525]", Some(true)),
            ("1036222064194035,", ",2517890091822525,", Some(true)),
            ("[\"4111111111111111\", \"", "\", \"2517890091822525\"]", Some(false)),
            ("[1036222064194035, ", ", 5555555555554444]", Some(false)),
            ("[12, ", ", 2517890091822525]", Some(false)),
            ("[1036222064194035, ", ", 25", None),
            ("[1036222064194035, ", "", None),
            ("\"card\": ", "", Some(false)),
        ] {
            assert_eq!(is_listed(before.as_bytes(), after.as_bytes()), expected, "{before} {after}");
        }
    }

    #[test]
    fn expiry_dates_and_codes_are_evidence() {
        for after in [
            " 12/26",
            "\",\"exp\":\"12/26\"",
            " exp 01-2027",
            " valid thru 12/29",
            "\", \"cvv\": 123",
            " CVC 123",
            "\",\n  \"expirationDate\": 1",
        ] {
            assert!(evidence_follows(after.as_bytes()), "{after}");
        }
        for after in [" 13/26", " 12/20", " 9934", "\",\"amount\":12", "\ncvv 123", " 12/265"] {
            assert!(!evidence_follows(after.as_bytes()), "{after}");
        }
    }

    #[test]
    fn codes_and_dates_before_a_number_are_evidence_only_in_the_same_record() {
        for before in
            ["cvv=123&number=", "{\"exp_month\": 1,\n  \"number\": \"", "\"cardHolder\":\"A\", \"cvc\":\"1\", \""]
        {
            assert!(evidence_precedes(before.as_bytes()), "{before}");
        }
        for before in ["cvv=123\nnumber=", "amount=12&number=", ""] {
            assert!(!evidence_precedes(before.as_bytes()), "{before}");
        }
    }
}
