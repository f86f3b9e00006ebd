//! What do the words around a number say it is?
//!
//! The nearest name decides: the key of a JSON member, form field, header, attribute or element, or else the last words of
//! running text. It is worth between -4 and +4.

use super::luhn;
use super::words::{self, is_one_of};

/// How much the text `before` a number, whose last byte stands next to it, speaks for a card (positive) or against one.
pub fn score(before: &[u8]) -> i8 {
    if let Some(name) = named_pair(before) {
        let score = score_of_name(name);
        if score != 0 {
            return score;
        }
    }
    match KEYS.iter().find_map(|key| key(before)) {
        Some(name) => score_of_name(name),
        None => score_of_words(before),
    }
}

/// True when the text `after` a number begins with what follows card numbers: an expiry date, or the name of a
/// verification code or of an expiry date.
pub fn evidence_follows(after: &[u8]) -> bool {
    let line = after.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
    let near = line.get(..EVIDENCE_NEAR).unwrap_or(line);
    let word = |word: &&[u8]| is_one_of(&word.to_ascii_lowercase(), &words::EVIDENCE);
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric();
    near.split(|byte| !is_word(byte)).any(|part| word(&part)) || expiry_follows(line)
}

/// True when the number stands between two other long numbers of a list, neither of which has a card's check digit; `None` when
/// the end of `after` comes too early to tell.
pub fn is_listed(before: &[u8], after: &[u8]) -> Option<bool> {
    let left: Vec<u8> = before.iter().rev().copied().collect();
    let Some(true) = other_number_follows(&left, true) else { return Some(false) };
    other_number_follows(after, false)
}

/// True when a comma and then another long number follow, in a text that is `reversed` or not.
fn other_number_follows(text: &[u8], reversed: bool) -> Option<bool> {
    let is_joint = |byte: &&u8| matches!(byte, b' ' | b',' | b'"' | b'\'' | b'\n');
    let joint = text.iter().take_while(is_joint).take(LONGEST_JOINT).count();
    let (signs, rest) = text.split_at_checked(joint).unwrap_or_default();
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).take(LISTED_DIGITS.end).count();
    let ends = rest.get(digits);
    if !signs.contains(&b',') || ends.is_some_and(|byte| byte.is_ascii_alphanumeric()) {
        return if joint == text.len() && joint < LONGEST_JOINT { None } else { Some(false) };
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

/// The most signs between two numbers of a list.
const LONGEST_JOINT: usize = 4;

/// How many digits the numbers of a list have that are told from cards.
const LISTED_DIGITS: std::ops::Range<usize> = 9..20;

/// Finds a name in the text before a number.
type Key = fn(&[u8]) -> Option<&[u8]>;

/// Where a name may stand, nearest first.
const KEYS: [Key; 7] = [member, tag, identifier, array, form_part, segment, compound];

/// How far behind a number a word counts.
const EVIDENCE_NEAR: usize = 40;

/// The longest name that is read.
const LONGEST_NAME: usize = 40;

/// The farthest that the opening bracket of an array may be away, when the name stands before it.
const LONGEST_ARRAY: usize = 200;

const UNIONPAY: i8 = 4;
const CARD: i8 = 3;
const WEAK: i8 = 1;
const IDENTIFIER: i8 = -1;
const OTHER: i8 = -4;

/// What the name of a field says.
pub fn score_of_name(name: &[u8]) -> i8 {
    let tokens = Tokens::of(name);
    let any = |words: &[&str]| tokens.any(|token| is_one_of(token, words));
    let has = |word: &str| tokens.any(|token| token == word.as_bytes());
    if has("unionpay") || has("cup") {
        UNIONPAY
    } else if has("idcard") {
        OTHER
    } else if any(&words::CARD) {
        CARD
    } else if any(&words::OTHER) {
        OTHER
    } else if has("primaryaccountnumber") || (has("primary") && has("account")) {
        CARD
    } else if tokens.any_long(|token| is_one_of(token, &words::IDENTIFIER)) {
        if has("number") && has("account") { 0 } else { IDENTIFIER }
    } else if tokens.any_long(|token| is_one_of(token, &words::WEAK)) {
        WEAK
    } else {
        0
    }
}

/// What the last words of running text say.
fn score_of_words(before: &[u8]) -> i8 {
    let is_letter = |byte: &u8| byte.is_ascii_alphabetic() || *byte >= 0x80;
    let mut rest = before;
    let mut last = true;
    for _ in 0..3 {
        let word_end = rest.iter().rposition(is_letter).map_or(0, |index| index.saturating_add(1));
        let gap = rest.len().saturating_sub(word_end);
        let text = rest.get(..word_end).unwrap_or_default();
        let start = text.iter().rposition(|byte| !is_letter(byte)).map_or(0, |index| index.saturating_add(1));
        let word = text.get(start..).unwrap_or_default().to_ascii_lowercase();
        if word.is_empty() || !(1..=3).contains(&gap) {
            return 0;
        }
        if is_one_of(&word, &words::CARD) {
            return CARD;
        }
        if last && is_one_of(&word, &words::OTHER_BEFORE) {
            return OTHER;
        }
        last = false;
        rest = text.get(..start).unwrap_or_default();
    }
    0
}

/// The pieces of a name, in lower case: `cardNumber` is `card`, `number` and `cardnumber`.
struct Tokens {
    pieces: Vec<Vec<u8>>,
    letters: Vec<u8>,
}

impl Tokens {
    fn of(name: &[u8]) -> Self {
        let mut pieces = vec![Vec::new()];
        let mut before = 0;
        for byte in name {
            let part = byte.is_ascii_alphanumeric() || *byte >= 0x80;
            let hump = byte.is_ascii_uppercase()
                && (before as char).is_ascii_alphanumeric()
                && !u8::is_ascii_uppercase(&before);
            if !part || hump {
                pieces.push(Vec::new());
            }
            if part && let Some(piece) = pieces.last_mut() {
                piece.push(byte.to_ascii_lowercase());
            }
            before = *byte;
        }
        pieces.retain(|piece| !piece.is_empty());
        let letters = name.iter().filter(|byte| byte.is_ascii_alphabetic()).map(u8::to_ascii_lowercase).collect();
        Self { pieces, letters }
    }

    fn all(&self) -> impl Iterator<Item = &[u8]> {
        let joined = self.pieces.iter().all(|piece| *piece != self.letters).then_some(self.letters.as_slice());
        self.pieces.iter().map(Vec::as_slice).chain(joined.filter(|letters| !letters.is_empty()))
    }

    fn any(&self, is: impl Fn(&[u8]) -> bool) -> bool {
        self.all().any(is)
    }

    /// The same, without single letters when there is anything else.
    fn any_long(&self, is: impl Fn(&[u8]) -> bool) -> bool {
        let several = self.all().count() > 1;
        self.all().any(|token| (token.len() > 1 || !several) && is(token))
    }
}

/// `"name":"card_number","value":"`: the quoted value behind a key that is `name`, `key` or `field`.
fn named_pair(before: &[u8]) -> Option<&[u8]> {
    let start = before.len().saturating_sub(LONGEST_NAME.saturating_mul(3));
    let near = before.get(start..)?;
    let closings = near.iter().enumerate().rev().filter(|(_, byte)| **byte == b'"').map(|(index, _)| index);
    for closing in closings {
        let gap = near.get(closing.saturating_add(1)..)?;
        if gap.len() > LONGEST_NAME || gap.iter().any(|byte| matches!(byte, b'{' | b'}')) {
            return None;
        }
        let Some((rest, value)) = quoted(near.get(..=closing)?) else { continue };
        let Some(rest) = strip_one_of(rest.trim_ascii_end(), b":=") else { continue };
        let rest = rest.trim_ascii_end();
        let rest = rest.strip_suffix(b"\"").or(rest.strip_suffix(b"'")).unwrap_or(rest);
        let is_key = |key: &&str| ends_with_word(rest, key.as_bytes());
        if ["name", "key", "field"].iter().any(is_key) {
            return Some(value);
        }
    }
    None
}

fn ends_with_word(text: &[u8], word: &[u8]) -> bool {
    let Some(split) = text.len().checked_sub(word.len()) else { return false };
    let (rest, end) = text.split_at_checked(split).unwrap_or_default();
    end.eq_ignore_ascii_case(word) && !rest.last().is_some_and(u8::is_ascii_alphanumeric)
}

/// `"key": "` and `'key' => '`: the key of a member of an object, directly before the number or its quote.
fn member(before: &[u8]) -> Option<&[u8]> {
    let rest = strip_one_of(before, b"\"'").unwrap_or(before).trim_ascii_end();
    let rest = rest.strip_suffix(b"=>").or(rest.strip_suffix(b":"))?;
    let (_, key) = quoted(rest.trim_ascii_end())?;
    Some(key)
}

/// `<name attribute="…">`: the name of the element whose content begins with the number.
fn tag(before: &[u8]) -> Option<&[u8]> {
    let rest = before.trim_ascii_end().strip_suffix(b">")?;
    let start = rest.iter().rposition(|byte| matches!(byte, b'<' | b'>'))?;
    let inside = rest.get(start..)?.strip_prefix(b"<")?;
    let in_tag = |byte: &u8| is_name(byte) || matches!(byte, b':' | b'.');
    let end = inside.iter().position(|byte| !in_tag(byte)).unwrap_or(inside.len());
    let name = inside.get(..end.min(LONGEST_NAME))?;
    (!name.is_empty()).then_some(name)
}

/// `card=`, `card: `, `card[number]=`, `card => "`: a name that is not quoted, with its sign.
fn identifier(before: &[u8]) -> Option<&[u8]> {
    let mut rest = before.trim_ascii_end();
    for _ in 0..2 {
        rest = strip_one_of(rest, b"[(\"' <%;?").unwrap_or(rest);
    }
    let rest = rest.trim_ascii_end();
    let rest = rest.strip_suffix(b"=>").or(strip_one_of(rest, b"=:"))?.trim_ascii_end();
    let in_key = |byte: &u8| is_name(byte) || matches!(byte, b'.' | b'[' | b']');
    let start = rest.iter().rposition(|byte| !in_key(byte)).map_or(0, |index| index.saturating_add(1));
    let run = rest.get(start..)?;
    let run = run.get(run.len().saturating_sub(LONGEST_NAME)..)?;
    let letter = run.iter().position(|byte| byte.is_ascii_alphabetic() || *byte >= 0x80)?;
    run.get(letter..)
}

/// `"key": [1, 2, `: the key of the array that the number stands in.
fn array(before: &[u8]) -> Option<&[u8]> {
    let near = before.get(before.len().saturating_sub(LONGEST_ARRAY)..)?;
    let bracket = near.iter().rposition(|byte| matches!(byte, b'[' | b'{' | b'}'))?;
    let rest = near.get(..=bracket)?.strip_suffix(b"[")?;
    let (_, key) = quoted(rest.trim_ascii_end().strip_suffix(b":")?.trim_ascii_end())?;
    Some(key)
}

/// `name="key"` and then nothing but white space: the name of a part of a multipart form.
fn form_part(before: &[u8]) -> Option<&[u8]> {
    let rest = before.trim_ascii_end();
    if rest.len() == before.len() {
        return None;
    }
    let (rest, key) = quoted(rest)?;
    rest.ends_with(b"name=").then_some(key)
}

/// `/transactions/`: the segment of a path before the one that the number begins.
fn segment(before: &[u8]) -> Option<&[u8]> {
    let rest = before.strip_suffix(b"/")?;
    let start = rest.iter().rposition(|byte| !is_name(byte))?;
    let name = rest.get(start.saturating_add(1)..)?;
    let named =
        rest.get(start) == Some(&b'/') && name.len() <= LONGEST_NAME && name.iter().any(u8::is_ascii_alphabetic);
    named.then_some(name)
}

/// `trace_id ` and `orderId `: a word in running text that is put together like a name.
fn compound(before: &[u8]) -> Option<&[u8]> {
    let rest = before.strip_suffix(b" ")?;
    let start = rest.iter().rposition(|byte| !is_name(byte)).map_or(0, |index| index.saturating_add(1));
    let name = rest.get(start..)?;
    let humps = name.windows(2).any(|pair| matches!(pair, [b'a'..=b'z', b'A'..=b'Z']));
    let put_together = humps || name.contains(&b'_');
    (put_together && name.len() <= LONGEST_NAME).then_some(name)
}

/// True for what names are made of: letters, digits, underscores and dashes. So are mask characters: a name with a number in it
/// must stay one when the number is masked.
fn is_name(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || *byte >= 0x80 || matches!(byte, b'_' | b'-' | b'*' | b'#')
}

/// Splits off the quoted text of 1 to 40 bytes that `text` ends with.
fn quoted(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let quote = text.last().copied().filter(|byte| matches!(byte, b'"' | b'\''))?;
    let inside = text.get(..text.len().saturating_sub(1))?;
    let open = inside.iter().rposition(|byte| *byte == quote)?;
    let value = inside.get(open.saturating_add(1)..)?;
    let good = !value.is_empty() && value.len() <= LONGEST_NAME && !value.contains(&b'\n');
    good.then_some((inside.get(..open)?, value))
}

fn strip_one_of<'t>(text: &'t [u8], bytes: &[u8]) -> Option<&'t [u8]> {
    let (last, rest) = text.split_last()?;
    bytes.contains(last).then_some(rest)
}

/// Month and year, a few signs or one word away: `exp 12/26`, `valid thru 01-2027`.
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

    #[test]
    fn names_are_found_where_they_stand() {
        for (before, name) in [
            ("{\"card_number\": \"", "card_number"),
            ("{\"n\":1,\"pan\":", "pan"),
            ("{'pan' => '", "pan"),
            ("a=1&card[number]=", "card[number]"),
            ("x-card-number: ", "x-card-number"),
            ("level=info cardNumber=\"", "cardNumber"),
            ("<ns:CardNumber type=\"x\">", "ns:CardNumber"),
            ("<input value=\"", "value"),
            ("{\"amounts\":[1, 2,\n ", "amounts"),
            ("form-data; name=\"card\"\r\n\r\n", "card"),
            ("/api/transactions/", "transactions"),
            ("INFO trace_id ", "trace_id"),
            ("INFO orderId ", "orderId"),
        ] {
            let found = KEYS.iter().find_map(|key| key(before.as_bytes())).map(String::from_utf8_lossy);
            assert_eq!(found.as_deref(), Some(name), "{before}");
        }
        let pair = named_pair(b"{\"name\":\"card_number\",\"value\":\"").map(String::from_utf8_lossy);
        assert_eq!(pair.as_deref(), Some("card_number"));
    }

    #[test]
    fn a_name_is_worth_what_its_words_say() {
        for (before, expected) in [
            ("\"cardNumber\":\"", CARD),
            ("\"card_id\":\"", CARD),
            ("\"idCard\":\"", OTHER),
            ("\"unionpay_no\":\"", UNIONPAY),
            ("\"primaryAccountNumber\":\"", CARD),
            ("\"imei\":\"", OTHER),
            ("\"created_at\":", OTHER),
            ("\"order_id\":\"", IDENTIFIER),
            ("\"accountNumber\":\"", 0),
            ("\"number\":\"", WEAK),
            ("\"p1\":\"", 0),
            ("\"foo\":\"", 0),
            ("pub-****-****: ", OTHER),
            ("**card**: ", CARD),
            ("please charge my card ", CARD),
            ("the card is now ", CARD),
            ("tracking ", OTHER),
            ("hello world ", 0),
            ("", 0),
        ] {
            assert_eq!(score(before.as_bytes()), expected, "{before}");
        }
    }

    #[test]
    fn lists_of_other_numbers_are_told_from_lists_of_cards() {
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
        for after in
            [" 12/26", "\",\"exp\":\"12/26\"", " exp 01-2027", " valid thru 12/29", "\", \"cvv\": 123", " CVC 123"]
        {
            assert!(evidence_follows(after.as_bytes()), "{after}");
        }
        for after in [" 13/26", " 12/20", " 9934", "\",\"amount\":12", "\ncvv 123", " 12/265"] {
            assert!(!evidence_follows(after.as_bytes()), "{after}");
        }
    }
}
