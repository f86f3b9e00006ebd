//! Letters beside a number that belong to no word: the end of a terminal's control sequence, the length of a binary string.
//!
//! A colour in a log (`ESC[33m`), a change of the character set in ISO-2022 (`ESC(B`), and the byte that says how long a
//! string of CBOR, Avro or MessagePack is may each be an ASCII letter. It does not make the number a part of a word.

use super::name;
use crate::scan::{self, CBOR_TEXT, LOOKAHEAD, MASK_CHARACTERS, MIN_DIGITS, Separator};

/// True when the letter that `before` ends with is the last byte of a control sequence of ECMA-48 or ISO/IEC 2022, which logs
/// also write as `\x1b[33m`, `\033[33m`, `\e[33m`, `^[[33m` or `#033[33m`.
pub fn ends_control_sequence(before: &[u8]) -> bool {
    let Some((last, rest)) = before.split_last() else { return false };
    if !last.is_ascii_alphabetic() {
        return false;
    }
    let introduced = without_trailing(rest, LONGEST_PARAMETERS, |byte| matches!(byte, b'0'..=b'?'));
    let is_sequence = introduced.strip_suffix(b"[").is_some_and(ends_escape)
        // The control character that stands for both, in UTF-8.
        || introduced.ends_with(b"\xc2\x9b");
    let intermediates = without_trailing(rest, LONGEST_INTERMEDIATES, |byte| matches!(byte, b' '..=b'/'));
    is_sequence || (intermediates.len() < rest.len() && ends_escape(intermediates))
}

/// The most bytes between the start of a control sequence and its last byte.
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

/// True when the letter that `before` ends with may be the length of the string in binary data that begins with the number: it
/// has `length` bytes, or goes on behind them with `after`.
pub fn is_string_head(before: &[u8], length: usize, after: &[u8]) -> bool {
    let Some((last, rest)) = before.split_last() else { return false };
    if !last.is_ascii_alphabetic() || !scan::is_binary(rest) {
        return false;
    }
    // The number is followed by other text of the string, which no letter or digit of it touches.
    let goes_on = after.first().is_some_and(|byte| matches!(byte, b' '..=b'~') && !byte.is_ascii_alphanumeric());
    let fits = |string: usize| string == length || (string > length && goes_on);
    let short = (length..CBOR_LONG).any(|string| is_head(*last, string) && fits(string));
    let last = usize::from(*last);
    // One byte for the length, behind bytes that are none of a word.
    let apart = rest.last().is_none_or(|byte| !byte.is_ascii_alphanumeric()) || rest.ends_with(b"x");
    let long = [Some(last), (last % 2 == 0).then_some(last / 2)].into_iter().flatten();
    short || (apart && long.into_iter().any(fits))
}

/// From this length on the head of a string in CBOR is two bytes: 24 in place of the length, and the length.
const CBOR_LONG: usize = 24;

/// Whether the letter that `before` ends with begins a string of CBOR with the number in it, when no binary data are near: it says
/// how long the string is, and stands behind a key, or behind a number of the same array, that has the length its own head says.
/// `None` when that depends on what comes behind `after`, which is not `complete`.
///
/// Words do that by chance (`app4111…`: a key of one letter), so the key has to name a card, or something else has to be CBOR.
pub fn is_cbor_value(before: &[u8], length: usize, after: &[u8], complete: bool) -> Option<bool> {
    let Some((last, rest)) = before.split_last() else { return Some(false) };
    let goes_on = after.first().is_some_and(|byte| matches!(byte, b' '..=b'~') && !byte.is_ascii_alphanumeric());
    let longest = if goes_on { CBOR_LONG } else { length.saturating_add(1) };
    if !(length..longest).any(|string| is_head(*last, string)) {
        return Some(false);
    }
    let strings: Vec<&[u8]> = cbor_strings(rest).collect();
    let keys = || strings.iter().filter(|string| string.iter().all(is_in_key));
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

/// True when `byte` begins a string of `length` bytes in CBOR, one of text or one of bytes. Those are an ASCII letter.
fn is_head(byte: u8, length: usize) -> bool {
    length < CBOR_LONG && usize::from(byte | 0x20) == CBOR_TEXT | length
}

/// What `text` may end with when that is a string of CBOR: everything behind a head of its length. Letters are heads too, so there
/// may be several.
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

/// True for what keys are made of.
fn is_in_key(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || *byte >= 0x80 || matches!(byte, b'_' | b'-' | b'.')
}

/// True when `string` is a number as long as a card's, masked or not.
fn is_number(string: &[u8]) -> bool {
    let is_part =
        |byte: &u8| byte.is_ascii_digit() || MASK_CHARACTERS.contains(byte) || Separator::from_byte(*byte).is_some();
    string.len() >= MIN_DIGITS && string.iter().all(is_part)
}

/// Whether `after` is CBOR and no text: strings of the length that their heads say, up to a byte of no text or to the very end.
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
    // One letter with one behind it may be anything, and what is known may end before the text does.
    if complete { Some(items > 1 && after.len() < LOOKAHEAD) } else { None }
}

/// True when `before` ends with the exact length of a string of `length` bytes, so that what follows that is no part of it.
pub fn is_exact_string(before: &[u8], length: usize) -> bool {
    if let Some(rest) = before.strip_suffix(b":") {
        return scan::ends_with_length(rest, length);
    }
    let Some((last, rest)) = before.split_last() else { return false };
    // In one byte as it is, doubled, or with the type of a string in CBOR or MessagePack.
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
    fn strings_of_cbor_are_told_from_words() {
        let far = [b"\xa3dnotexd".as_slice(), &[b'a'; 100], b"jreceipt_nop"].concat();
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
            (b"ribbongreceiptp", b"dmemox\xa3paper", Some(true)),
            (b"ribbongreceiptp", b"dmemofribbon", None),
            (b"ribbongreceiptp", b"dmemox", None),
            (b"ribbongreceiptp", b"\xf6", Some(true)),
            (b"ribbongreceiptp", b"\x1a", Some(true)),
            (b"ribbongreceiptp", b"dmem", None),
            (b"ribbongreceiptp", b"", None),
            (b"ribbongreceiptp", b"\xf0", None),
            (b"ribbongreceiptp", b"dmemo ", Some(false)),
            (b"ribbongreceiptp", b"dmemox ", Some(false)),
            (b"app", b"abc def", Some(false)),
            (b"ribbongreceiptp", b"d me", Some(false)),
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
            assert_eq!(is_cbor_value(b"ribbongreceiptp", 16, after, true), Some(expected), "{}", after.escape_ascii());
        }
    }

    #[test]
    fn heads_of_strings_say_their_length() {
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
