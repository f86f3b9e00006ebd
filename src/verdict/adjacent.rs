//! Letters adjacent to a number that are not part of a word: the end of a control sequence, or the length byte of a string.
//!
//! The last byte of a terminal colour (`ESC[33m`) or of a character set change in ISO-2022 (`ESC(B`) can be an ASCII letter. So can
//! the length byte of a string in CBOR, Avro or MessagePack. Such a letter does not make the number part of a word.

use super::name;
use crate::scan::{self, CBOR_TEXT, LOOKAHEAD, MASK_CHARACTERS, MIN_DIGITS, SeparatorKind};

/// True if the letter at the end of `before` is the last byte of a control sequence of ECMA-48 or ISO/IEC 2022. Logs also write
/// these as `\x1b[33m`, `\033[33m`, `\e[33m`, `^[[33m` or `#033[33m`.
pub fn ends_control_sequence(before: &[u8]) -> bool {
    let Some((last, rest)) = before.split_last() else { return false };
    if !last.is_ascii_alphabetic() {
        return false;
    }
    let introduced = without_trailing(rest, LONGEST_PARAMETERS, |byte| matches!(byte, b'0'..=b'?'));
    let is_sequence = introduced.strip_suffix(b"[").is_some_and(ends_escape)
        // CSI as a single control character, in UTF-8.
        || introduced.ends_with(b"\xc2\x9b");
    let intermediates = without_trailing(rest, LONGEST_INTERMEDIATES, |byte| matches!(byte, b' '..=b'/'));
    is_sequence || (intermediates.len() < rest.len() && ends_escape(intermediates))
}

/// The most parameter bytes and the most intermediate bytes of a control sequence.
const LONGEST_PARAMETERS: usize = 24;
const LONGEST_INTERMEDIATES: usize = 3;

fn without_trailing(text: &[u8], most: usize, is: impl Fn(&u8) -> bool) -> &[u8] {
    let count = text.iter().rev().take(most).take_while(|byte| is(byte)).count();
    text.get(..text.len().saturating_sub(count)).unwrap_or_default()
}

fn ends_escape(text: &[u8]) -> bool {
    let written: [&[u8]; 8] = [b"\x1b", b"\\x1b", b"\\x1B", b"\\033", b"\\e", b"^[", b"#033", b"\xe2\x90\x9b"];
    written.iter().any(|escape| text.ends_with(escape))
}

/// True if the letter at the end of `before` may be the length byte, in binary data, of the string that begins with the number.
/// The string has `length` bytes, or continues with `after`.
pub fn is_string_head(before: &[u8], length: usize, after: &[u8]) -> bool {
    let Some((last, rest)) = before.split_last() else { return false };
    if !last.is_ascii_alphabetic() || !scan::is_binary(rest) {
        return false;
    }
    // The string continues with a sign after the number.
    let goes_on = after.first().is_some_and(|byte| matches!(byte, b' '..=b'~') && !byte.is_ascii_alphanumeric());
    let fits = |string: usize| string == length || (string > length && goes_on);
    let short = (length..CBOR_LONG).any(|string| is_head(*last, string) && fits(string));
    let last = usize::from(*last);
    // A length byte of its own, which must not be the end of a word.
    let apart = rest.last().is_none_or(|byte| !byte.is_ascii_alphanumeric()) || rest.ends_with(b"x");
    let long = [Some(last), (last % 2 == 0).then_some(last / 2)].into_iter().flatten();
    short || (apart && long.into_iter().any(fits))
}

/// The shortest CBOR string whose head has two bytes: 24 in place of the length, then the length.
const CBOR_LONG: usize = 24;

/// True if the letter at the end of `before` is the head of the CBOR string that contains the number, without binary data nearby.
/// The letter gives the length of the string, and a key or a number of the same array before it has the length of its own head.
/// `None` if that depends on bytes behind `after`, which is possible only if `after` is not `complete`.
///
/// Words can match by chance (`app4111…`: a key of one letter), so the key must name a card, or other text must be CBOR.
pub fn is_cbor_value(before: &[u8], length: usize, after: &[u8], complete: bool) -> Option<bool> {
    let Some((last, rest)) = before.split_last() else { return Some(false) };
    let goes_on = after.first().is_some_and(|byte| matches!(byte, b' '..=b'~') && !byte.is_ascii_alphanumeric());
    let longest = if goes_on { CBOR_LONG } else { length.saturating_add(1) };
    if !(length..longest).any(|string| is_head(*last, string)) {
        return Some(false);
    }
    let strings: Vec<&[u8]> = cbor_strings(rest).collect();
    // A letter in front of another one is the head of a key of one letter by chance.
    let keys = || strings.iter().filter(|string| string.len() > 1 && string.iter().all(is_in_key));
    if strings.iter().any(|string| is_number(string)) || keys().any(|key| name::score(key) >= name::CARD) {
        return Some(true);
    }
    if keys().next().is_none() || keys().any(|key| name::score(key) < 0) {
        return Some(false);
    }
    if scan::is_binary_far(rest) {
        return Some(true);
    }
    if goes_on { Some(false) } else { begins_with_items(after, complete) }
}

/// True if `byte` is the head of a CBOR text or byte string of `length` bytes and an ASCII letter.
fn is_head(byte: u8, length: usize) -> bool {
    length < CBOR_LONG && usize::from(byte | 0x20) == CBOR_TEXT | length
}

/// The possible CBOR strings at the end of `text`: each suffix after a head of its length. Letters can be heads, so there may be
/// several.
fn cbor_strings(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let starts = (1..text.len()).rev().filter_map(|start| text.split_at_checked(start));
    starts.filter_map(|(head, string)| {
        let is_string = match head {
            [.., b'x' | b'X', length] if string.len() >= CBOR_LONG => usize::from(*length) == string.len(),
            [.., byte] => is_head(*byte, string.len()),
            [] => false,
        };
        is_string.then_some(string)
    })
}

/// True for the characters of a key.
fn is_in_key(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || *byte >= 0x80 || matches!(byte, b'_' | b'-' | b'.')
}

/// True if `string` is a number of at least a card number's length, masked or not.
fn is_number(string: &[u8]) -> bool {
    let is_part = |byte: &u8| {
        byte.is_ascii_digit() || MASK_CHARACTERS.contains(byte) || SeparatorKind::from_byte(*byte).is_some()
    };
    string.len() >= MIN_DIGITS && string.iter().all(is_part)
}

/// True if `after` consists of CBOR strings, each of the length in its head, up to a byte that is not text or up to the end.
/// `None` if that depends on bytes behind `after`.
fn begins_with_items(after: &[u8], complete: bool) -> Option<bool> {
    let unknown = if complete { Some(false) } else { None };
    let (mut rest, mut items) = (after, 0_usize);
    while let Some((first, behind)) = rest.split_first() {
        let Some(length) = (1..CBOR_LONG).find(|length| usize::from(*first) == CBOR_TEXT | *length) else {
            // Behind these heads is the length.
            let head = if matches!(first, b'x'..=b'z') { behind } else { rest };
            return scan::begins_binary(head).map_or(unknown, Some);
        };
        if !behind.iter().take(length).all(is_in_key) {
            return Some(false);
        }
        let Some(next) = behind.get(length..) else { return unknown };
        rest = next;
        items = items.saturating_add(1);
    }
    // A single item may be ordinary text, and `after` may be shorter than the text.
    if complete { Some(items > 1 && after.len() < LOOKAHEAD) } else { None }
}

/// True if `before` ends with the exact length of a string of `length` bytes, so that the bytes after the string are not part
/// of it.
pub fn is_exact_string(before: &[u8], length: usize) -> bool {
    if let Some(rest) = before.strip_suffix(b":") {
        return scan::ends_with_length(rest, length);
    }
    let Some((last, rest)) = before.split_last() else { return false };
    // One byte: the length, the length doubled (Avro), or the length with the type of a string in CBOR or MessagePack.
    let heads = [length, length.saturating_mul(2), length | MESSAGE_PACK_TEXT];
    (heads.contains(&usize::from(*last)) || is_head(*last, length)) && scan::is_binary(rest)
}

const MESSAGE_PACK_TEXT: usize = 0xa0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_sequences_end_with_a_letter() {
        for before in [
            "\x1b[33m",
            "\x1b[0;1;38;5;208m",
            "\x1b[K",
            "\x1b[2J",
            "\x1b(B",
            "\x1b$B",
            "\x1b$(D",
            "\u{9b}32m",
            "paid with \\x1b[32m",
            "\\033[0m",
            "\\e[1m",
            "^[[1m",
            "#033[31m",
        ] {
            assert!(ends_control_sequence(before.as_bytes()), "{before:?}");
        }
        for before in ["", "m", "[33m", "x[33m", "(B", "\x1b[33", "a(B", "1b[33m", "[m", "\x1bB "] {
            assert!(!ends_control_sequence(before.as_bytes()), "{before:?}");
        }
    }

    #[test]
    fn cbor_strings_are_distinguished_from_words() {
        let far = [b"\xa3dnotexd".as_slice(), &[b'a'; 100], b"jribbon_boxp"].concat();
        let long = [b"ribbonx#".as_slice(), b"the_number_of_the_card_of_the_buyer", b"p"].concat();
        for (before, after, expected) in [
            (b"ribboncpanp".as_slice(), b"dmemofribbon".as_slice(), Some(true)),
            (b"ribboncpanp", b"", Some(true)),
            (b"ribboncpanP", b"x ", Some(true)),
            (b"ribbonCpanp", b"0", Some(true)),
            (b"ribbondcardv", b" 12/26dmemo", Some(true)),
            (&long, b"dmemofribbon", Some(true)),
            (b"ribbonp4111111111111111p", b"p5", Some(true)),
            (b"ribbons4111 11** **** 1111p", b"", Some(true)),
            (&far, b"", Some(true)),
            (b"ribbongnothingp", b"dmemox\xa3paper", Some(true)),
            (b"ribbongnothingp", b"dmemofribbon", None),
            (b"ribbongnothingp", b"dmemox", None),
            (b"ribbongnothingp", b"\xf6", Some(true)),
            (b"ribbongnothingp", b"\x1a", Some(true)),
            (b"ribbongnothingp", b"dmem", None),
            (b"ribbongnothingp", b"", None),
            (b"ribbongnothingp", b"\xf0", None),
            (b"ribbongnothingp", b"dmemo ", Some(false)),
            (b"ribbongnothingp", b"dmemox ", Some(false)),
            (b"app", b"abc def", Some(false)),
            (b"ribbongnothingp", b"d me", Some(false)),
            (b"ribbondimeip", b"dmemofribbon", Some(false)),
            (b"app", b" and", Some(false)),
            (b"app", "卡".as_bytes(), Some(false)),
            (b"ribboncpanq", b"dmemofribbon", Some(false)),
            (b"ribbondpanp", b"dmemofribbon", Some(false)),
            (b"shop", b"dmemofribbon", Some(false)),
            (b"p", b"dmemofribbon", Some(false)),
            (b"", b"dmemofribbon", Some(false)),
        ] {
            assert_eq!(is_cbor_value(before, 16, after, false), expected, "{}", before.escape_ascii());
        }
        for (after, expected) in
            [(b"dmemofribbon".as_slice(), true), (b"dmemo", false), (b"dmemofribbo", false), (b"", false)]
        {
            assert_eq!(is_cbor_value(b"ribbongnothingp", 16, after, true), Some(expected), "{}", after.escape_ascii());
        }
    }

    #[test]
    fn length_bytes_match_the_length_of_their_strings() {
        for (before, length, after, expected) in [
            (&b"\xa1cpanp"[..], 16, &b""[..], true),
            (b"\xa1cpans", 19, b"ccvv", true),
            (b"\xa1cpanv", 16, b" 12/26", true),
            (b"\xa1cpanP", 16, b"ccvv", true),
            (b"\x81xA", 16, b" and more", true),
            (b"\0\0\0A", 16, b" and more", true),
            (b"\x02B", 16, b" and more", true),
            (b"\xa1cpanq", 16, b"", false),
            (b"\xa1cpanv", 16, b"abc", false),
            (b"id: p", 16, b"", false),
            (b"p", 16, b"", false),
            (b"\x02ordersB", 16, b" and more", false),
        ] {
            assert_eq!(is_string_head(before, length, after), expected, "{}", before.escape_ascii());
        }
        for (before, length, expected) in [
            (&b"d3:pan16:"[..], 16, true),
            (b"d3:pan16:", 15, false),
            (b"d3:pan116:", 16, false),
            (b"\x82\xa3pan\xb0", 16, true),
            (b"\xa2cpanp", 16, true),
            (b"\0\0\0\x10", 16, true),
            (b"\x02\x20", 16, true),
            (b"a ", 16, false),
        ] {
            assert_eq!(is_exact_string(before, length), expected, "{}", before.escape_ascii());
        }
    }
}
