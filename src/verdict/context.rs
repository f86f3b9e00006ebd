//! Evidence from the text around a number.
//!
//! The nearest [field name](field) decides, or else the last words of running text. Both score between -4 and +4. Other fields of
//! the record, such as an expiry date, may add to the score.

use super::name::{self, CARD, NameEvidence, Names, OTHER, Terms};
use super::words::{self, is_one_of};
use super::{field, luhn, vocabulary};
use crate::scan::letters::{self, in_a_row};
use crate::scan::mutation::is_disabled;
use crate::scan::{MASK_CHARACTERS, MAX_DIGITS, MIN_DIGITS, View, lanes};
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
    if let Some(heading) = &enclosing.heading
        && !is_disabled("names", "heading")
    {
        return enclosing.heading_evidence.unwrap_or_else(|| names.weigh(heading));
    }
    let before = unmasked(before);
    let before = match is_disabled("names", "formatting_tags") {
        true => Cow::Borrowed(before.as_ref()),
        false => field::without_formatting_tags(&before),
    };
    let before = match is_disabled("names", "wrappers") {
        true => before.as_ref(),
        false => field::without_wrappers(before.as_ref()),
    };
    if let Some(name) = field::named_pair(before).filter(|_| !is_disabled("names", "pair")) {
        let evidence = names.weigh(name);
        if evidence != NameEvidence::Score(0) {
            return evidence;
        }
    }
    let key = field::name(before).or_else(|| {
        let array = enclosing.array.as_deref().filter(|_| !is_disabled("names", "array"))?;
        field::last_bracket(before).is_none().then_some(array)
    });
    let Some(key) = key else {
        let of_prefixed = field::before_prefix(before).map(|before| name_evidence(before, enclosing, names));
        let decides = |evidence: &NameEvidence| !matches!(evidence, NameEvidence::Score(score) if *score < CARD);
        return of_prefixed.filter(decides).unwrap_or_else(|| {
            NameEvidence::Score(if is_disabled("names", "running_text") { 0 } else { score_of_words(before) })
        });
    };
    match names.weigh(key) {
        NameEvidence::Score(score @ 0..=CARD) => NameEvidence::Score(in_phrase(key, score, before)),
        evidence => evidence,
    }
}

/// The score of a name as part of a phrase: with the words before it in running text, or with the key of the enclosing object. A
/// name that says "number" is the main word of such a phrase: "tracking number", `"gift_card":{"number":`.
fn in_phrase(key: &[u8], score: i8, before: &[u8]) -> i8 {
    // The name of a card's number is complete.
    if score == CARD && name::is_number(key) {
        return CARD;
    }
    if field::ends_unquoted(before) && !is_disabled("names", "words_before") {
        let words = words_before(before, false);
        let terms = Terms::of(&words);
        match terms.score() {
            Some(CARD) => return CARD,
            Some(words) if words < 0 && (name::is_number(key) || terms.end_with_phrase()) => return words,
            _ => {}
        }
    }
    if score == CARD {
        return CARD;
    }
    let Some(parent) = field::enclosing(before).filter(|_| !is_disabled("names", "parent")) else { return score };
    let whole = name::score(&[parent, b" ", key].concat());
    if whole == CARD || name::score(parent) == CARD {
        CARD
    } else if name::is_number(key) {
        score.min(whole)
    } else {
        score
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

/// The most words of a phrase in running text.
const LONGEST_PHRASE: usize = 5;

/// Signs that do not occur within a name of several words, such as "card number:".
const ENDS_OF_PHRASE: &str = "\n\"&,;<=>?[]{|}，；。";

/// The most bytes before a number that are read as words.
const LONGEST_TEXT: usize = 120;

/// The last words of the text before a number, in lowercase, with short gaps between them. A gap with one of the [`ENDS_OF_PHRASE`]
/// is an empty word, or the beginning if words beyond it do not count.
fn words_before(before: &[u8], is_beyond: bool) -> Vec<Vec<u8>> {
    let start = before.len().saturating_sub(LONGEST_TEXT);
    let tail = String::from_utf8_lossy(before.get(start..).unwrap_or_default());
    // A byte that is not UTF-8 is a letter of another character set.
    let is_letter = |c: char| c.is_alphabetic() || c == char::REPLACEMENT_CHARACTER || is_mark(c);
    let mut rest = tail.as_ref();
    let mut words: Vec<Vec<u8>> = Vec::with_capacity(LONGEST_PHRASE);
    let mut count = 0;
    while count < LONGEST_PHRASE {
        let end = rest.trim_end_matches(|c| !is_letter(c)).len();
        let (text, gap) = rest.split_at_checked(end).unwrap_or_default();
        let start = text.trim_end_matches(is_letter).len();
        let (before, word) = text.split_at_checked(start).unwrap_or_default();
        let ends_phrase = !words.is_empty() && gap.contains(|c| ENDS_OF_PHRASE.contains(c));
        // Scripts without spaces have none between a word and a number either.
        let is_attached = words.is_empty() && word.chars().next_back().is_some_and(vocabulary::is_unspaced);
        let is_near = (is_attached || !gap.is_empty()) && gap.chars().count() <= LONGEST_GAP;
        if word.is_empty() || (ends_phrase && !is_beyond) || !is_near {
            break;
        }
        if ends_phrase {
            words.push(Vec::new());
        }
        words.push(word.to_lowercase().into_bytes());
        count = count.saturating_add(1);
        rest = before;
    }
    words.reverse();
    words
}

/// True for vowel signs and other marks within words of Indic, Thai, Hebrew and Arabic script.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5c7}' | '\u{610}'..='\u{65f}' | '\u{900}'..='\u{d7f}' | '\u{e00}'..='\u{e7f}')
        && !c.is_numeric()
}

/// The text before a list of numbers that ends before the number: `cards: 4111111111111111, ` becomes `cards: `.
fn without_list(before: &[u8]) -> &[u8] {
    let mut text = before;
    for _ in 0..MOST_LISTED {
        let end = text.trim_ascii_end();
        let end = end.strip_suffix(b"and").or(end.strip_suffix(b"or")).or(end.strip_suffix(b",")).unwrap_or(end);
        let end = end.trim_ascii_end();
        let is_of_number = |byte: &&u8| byte.is_ascii_digit() || matches!(byte, b' ' | b'-');
        let number = end.iter().rev().take_while(is_of_number).count();
        let (rest, number) = end.split_at_checked(end.len().saturating_sub(number)).unwrap_or_default();
        let digits = number.iter().filter(|byte| byte.is_ascii_digit()).count();
        if end.len() == text.trim_ascii_end().len() || !(MIN_DIGITS..=MAX_DIGITS).contains(&digits) {
            break;
        }
        let spaces = number.iter().take_while(|byte| **byte == b' ').count();
        text = before.get(..rest.len().saturating_add(spaces)).unwrap_or_default();
    }
    text
}

/// The most numbers of a list before the number.
const MOST_LISTED: usize = 3;

/// The score of the last words of running text. A card may be named some words before its number; another number only directly
/// before it.
fn score_of_words(before: &[u8]) -> i8 {
    let words = words_before(without_list(before), true);
    let Some(last) = words.last() else { return 0 };
    if is_one_of(last, &words::OTHER_BEFORE) {
        return OTHER;
    }
    if is_one_of(last, &words::TEXT_IDENTIFIER) {
        return name::IDENTIFIER;
    }
    let terms = Terms::of_text(&words);
    match terms.score() {
        Some(score) if terms.end_with_number() || terms.end_with_phrase() => score,
        Some(score @ (CARD | OTHER)) if terms.end_near_card(3) => score,
        _ if terms.end_near_card(3) && !terms.end_near_card(1) => CARD,
        _ => 0,
    }
}

/// True if month and year follow after a few signs and words: `exp 12/26`, `valid thru 01-2027`.
pub fn expiry_follows(after: &[u8]) -> bool {
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
    use super::name::WEAK;
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
            ("the order of the card number ", CARD),
            ("id card number ", OTHER),
            ("id,card\n2,", CARD),
            ("so the parcel ribbon,", 0),
            ("so the ", 0),
            ("so the: ", CARD),
            ("kart no ", CARD),
            ("order of copy  ribbon cardNumber: ", CARD),
            ("customer of h ribbon cardNumber: ", CARD),
            ("order of ribbon card_number: ", CARD),
            ("order of ribbon cardnumber: ", CARD),
            ("order of ribbon card: ", CARD),
            ("order of ribbon pan: ", CARD),
            ("order of ribbon creditCard: ", CARD),
            ("Your card <b>", CARD),
            ("<tr><td>Card no</td><td>", CARD),
            ("\"card\":{\"id\":\"x\",\"number\":\"", CARD),
            ("\"card\":{\"id\":\"", -1),
            ("tracking ", OTHER),
            ("the number ", WEAK),
            ("order number ", -1),
            ("Tracking number: ", OTHER),
            ("Your gift card number: ", OTHER),
            ("order ", -1),
            ("card for order ", -1),
            ("{\"gift_card\":{\"number\":\"", OTHER),
            ("{\"order\":{\"number\":\"", -1),
            ("{\"order\":{\"payment_field\":\"", 1),
            ("{\"card_number\":{\"S\":\"", CARD),
            ("{\"card_number\":{\"$numberLong\":\"", CARD),
            ("{\"card_number\":{\"#text\":\"", CARD),
            ("{\"card_number\":{\"_\":\"", CARD),
            ("{\"card\":{\"_id\":\"", -1),
            ("{\"card\":{\"$date\":", OTHER),
            ("{\"key\":\"databricks_job_id\",\"value\":{\"intValue\":\"", -1),
            ("{\"label\":\"Tracking number\",\"value\":\"", OTHER),
            ("{\"id\":\"order_1\",\"number\":\"", WEAK),
            ("<member><name>imei</name><value><string>", OTHER),
            ("<key>card_number</key><string>", CARD),
            ("{\"cards\":{\"", CARD),
            ("cards: 2228611996257487 and ", CARD),
            ("cards: 4092671257617927, 4111111111111111, ", CARD),
            ("order 12345 and ", 0),
            ("卡号：", CARD),
            ("{\"encryptedCardNumber\": \"test_", CARD),
            ("{\"order\": \"test_", 0),
            ("{\"cards\":{\"x\":{\"a\":1},\"", CARD),
            ("[card]\nholder = \"x\"\nnumber = \"", CARD),
            ("{\"values\":[\"Jane Doe\",\"", WEAK),
            ("{\"parts\":[\"my card is ", CARD),
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
