//! Letters beside a number that belong to no word: the end of a terminal's control sequence, the length of a binary string.
//!
//! A colour in a log (`ESC[33m`), a change of the character set in ISO-2022 (`ESC(B`), and the byte that says how long a
//! string of CBOR, Avro or MessagePack is may each be an ASCII letter. It does not make the number a part of a word.

use crate::scan;

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
    let last = usize::from(*last);
    let short = last.checked_sub(CBOR_TEXT).filter(|string| *string < CBOR_LONGEST_SHORT).is_some_and(fits);
    // One byte for the length, behind bytes that are none of a word.
    let apart = rest.last().is_none_or(|byte| !byte.is_ascii_alphanumeric()) || rest.ends_with(b"x");
    let long = [Some(last), (last % 2 == 0).then_some(last / 2)].into_iter().flatten();
    short || (apart && long.into_iter().any(fits))
}

/// The first byte of a text string in CBOR (RFC 8949): this and the length, or this and 24 when the next byte is the length.
const CBOR_TEXT: usize = 0x60;
const CBOR_LONGEST_SHORT: usize = 24;

/// True when `before` ends with the exact length of a string of `length` bytes, so that what follows that is no part of it.
pub fn is_exact_string(before: &[u8], length: usize) -> bool {
    if let Some(rest) = before.strip_suffix(b":") {
        return scan::ends_with_length(rest, length);
    }
    let Some((last, rest)) = before.split_last() else { return false };
    // In one byte as it is, doubled, or with the type of a text string in CBOR or MessagePack.
    let heads = [length, length.saturating_mul(2), length | CBOR_TEXT, length | MESSAGE_PACK_TEXT];
    heads.contains(&usize::from(*last)) && scan::is_binary(rest)
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
    fn heads_of_strings_say_their_length() {
        for (before, length, after, expected) in [
            (&b"\xa1cpanp"[..], 16, &b""[..], true),
            (b"\xa1cpans", 19, b"ccvv", true),
            (b"\xa1cpanv", 16, b" 12/26", true),
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
