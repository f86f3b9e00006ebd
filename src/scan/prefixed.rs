//! Numbers next to the length prefix of a string, when that is a digit too.
//!
//! Bencode writes a string as `16:4111…`, and the length of the next string touches the number. Avro, MessagePack,
//! Thrift and CBOR write the length as one byte, which for some lengths is a digit.

use super::emv::EmbeddedNumber;
use super::iso8583;
use super::{Digits, LOOKBEHIND, MAX_DIGITS, MIN_DIGITS, View, lanes};

/// The number in the run of digits at `start`, if that run also contains a length.
pub fn number(view: View<'_>, start: usize) -> Option<EmbeddedNumber> {
    let number = match view.before(start, 1) {
        b':' => bencode_number(view, start),
        head if cbor_length(head).is_some() => cbor_number(view, start),
        byte if may_precede_length(byte) && exists_before(view, start) => number_after_length_byte(view, start),
        _ => None,
    };
    number.or_else(|| iso8583::number(view, start))
}

/// The range of the number in a complete `text`, if the run of digits at `start` also contains a length.
#[cfg(any(test, feature = "fuzzing"))]
pub fn number_in(text: &[u8], start: usize) -> Option<std::ops::Range<usize>> {
    number(View::new(b"", text, true, b'*'), start).map(|number| number.span)
}

/// True if [`number`] may find one in a run of digits no longer than a number. Rejects most runs by the byte before them.
#[inline]
pub fn may_be(view: View<'_>, start: usize) -> bool {
    match view.before(start, 1) {
        b':' => view.before(start, 2).is_ascii_digit(),
        head if cbor_length(head).is_some() => true,
        byte => may_precede_length(byte) && exists_before(view, start),
    }
}

/// A bencode string that consists of the number, followed by the digits of the next length.
fn bencode_number(view: View<'_>, start: usize) -> Option<EmbeddedNumber> {
    let text = view.window().get(start..)?;
    let run = super::candidate_iter::leading_digits(text, MAX_DIGITS.saturating_add(LONGEST_LENGTH));
    (MIN_DIGITS..=MAX_DIGITS.min(run)).find_map(|length| {
        let head = [4_usize, 3, 2].map(|distance| view.before(start, distance));
        (ends_with_length(&head, length) && run > length).then_some(())?;
        embedded(view, start, length)
    })
}

/// A CBOR string that consists of the number, followed by an integer whose byte is a digit.
fn cbor_number(view: View<'_>, start: usize) -> Option<EmbeddedNumber> {
    let length = cbor_length(view.before(start, 1))?;
    let run = super::candidate_iter::leading_digits(view.window().get(start..)?, length.saturating_add(2));
    (run == length.saturating_add(1)).then(|| embedded(view, start, length)).flatten()
}

/// The length of the CBOR string that starts with `head`, if a number can have that length. Such bytes are ASCII
/// letters.
fn cbor_length(head: u8) -> Option<usize> {
    let length = usize::from(head | 0x20).checked_sub(CBOR_TEXT)?;
    (head.is_ascii_alphabetic() && (MIN_DIGITS..=MAX_DIGITS).contains(&length)).then_some(length)
}

/// The first byte of an empty CBOR text string (RFC 8949). The length is added to it.
pub const CBOR_TEXT: usize = 0x60;

/// A number after one digit, which is the length of a string that continues after the number.
fn number_after_length_byte(view: View<'_>, start: usize) -> Option<EmbeddedNumber> {
    let text = view.window().get(start..)?;
    let run = super::candidate_iter::leading_digits(text, MAX_DIGITS.saturating_add(2));
    let length = run.checked_sub(1).filter(|length| (MIN_DIGITS..=MAX_DIGITS).contains(length))?;
    // The string consists of digits only, and the byte before it is its length.
    let head = usize::from(view.before(start, 1));
    if [run, run.saturating_mul(2), run | 0xa0].contains(&head) {
        return None;
    }
    let next = view.at(start.saturating_add(run));
    let continues = matches!(next, b' '..=b'~') && !next.is_ascii_alphanumeric();
    continues.then(|| embedded(view, start.saturating_add(1), length)).flatten()
}

fn embedded(view: View<'_>, start: usize, length: usize) -> Option<EmbeddedNumber> {
    let span = start..start.saturating_add(length);
    let digits = Digits::of(view.window().get(span.clone())?)?;
    Some(EmbeddedNumber { span, digits, trailing_digits: 0 })
}

/// The maximum number of digits of a bencode length.
const LONGEST_LENGTH: usize = 3;

/// True if `text` ends with `length` in exactly two digits.
pub fn ends_with_length(text: &[u8], length: usize) -> bool {
    let [rest @ .., tens @ b'0'..=b'9', ones @ b'0'..=b'9'] = text else { return false };
    let digit = |byte: u8| usize::from(byte.wrapping_sub(b'0'));
    let written = digit(*tens).wrapping_mul(10).wrapping_add(digit(*ones));
    written == length && !rest.last().is_some_and(u8::is_ascii_digit)
}

/// True if the last `NEAR` bytes of `text` are binary data: control characters that text does not use, or invalid
/// UTF-8.
pub fn is_binary(text: &[u8]) -> bool {
    ends_binary(text, NEAR)
}

/// True if the last `FAR` bytes of `text` are binary data.
pub fn is_binary_far(text: &[u8]) -> bool {
    ends_binary(text, FAR)
}

fn ends_binary(text: &[u8], within: usize) -> bool {
    let near = text.get(text.len().saturating_sub(within)..).unwrap_or_default();
    if near.iter().any(|byte| is_control(*byte)) {
        return true;
    }
    if !lanes::has(near, |bytes| bytes) {
        return false;
    }
    // The first bytes may belong to a character that starts earlier.
    let cut =
        if near.len() < text.len() { near.iter().take(3).take_while(|byte| **byte & 0xc0 == 0x80).count() } else { 0 };
    std::str::from_utf8(near.get(cut..).unwrap_or_default()).is_err()
}

/// The number of bytes in which binary data are recognized, without and with other evidence for them. The longer one
/// leaves room for a character that starts before the known bytes.
const NEAR: usize = 64;
const FAR: usize = LOOKBEHIND - 4;

/// True if the first byte of `text` is binary data. `None` if the decision needs more bytes.
pub fn begins_binary(text: &[u8]) -> Option<bool> {
    if is_control(*text.first()?) {
        return Some(true);
    }
    match std::str::from_utf8(text.get(..4).unwrap_or(text)) {
        Err(error) if error.valid_up_to() == 0 => error.error_len().map(|_| true),
        _ => Some(false),
    }
}

/// True for bytes that precede a length in binary data, but not a digit in text: control characters, and the type byte
/// of a MessagePack string.
fn may_precede_length(byte: u8) -> bool {
    byte == 0xd9 || is_control(byte)
}

/// True for control characters that text does not use.
fn is_control(byte: u8) -> bool {
    byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b)
}

/// True if there is a byte before `start`. The view returns NUL if there is none.
fn exists_before(view: View<'_>, start: usize) -> bool {
    start > 0 || !view.lookbehind().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lookbehind: &[u8], text: &str) -> Option<String> {
        let embedded = number(View::new(lookbehind, text.as_bytes(), true, b'*'), 0)?;
        assert!(may_be(View::new(lookbehind, text.as_bytes(), true, b'*'), 0));
        Some(text[embedded.span].to_owned())
    }

    #[test]
    fn lengths_are_separated_from_numbers() {
        for (lookbehind, text, expected) in [
            (&b"d3:pan16:"[..], "41111111111111113:cvv", Some("4111111111111111")),
            (b"d3:pan15:", "3782822463100053:cvv", Some("378282246310005")),
            (b"d3:pan16:", "4111111111111111e", None),
            (b"d3:pan116:", "41111111111111113:cvv", None),
            (b"\"ts\":", "41111111111111113", None),
            (b"panp", "41111111111111114", Some("4111111111111111")),
            (b"panp", "411111111111111144", None),
            (b"panq", "41111111111111114", None),
            (b"\x02", "24111111111111111 Jane Doe", Some("4111111111111111")),
            (b"\xd9", "04111111111111111|Jane Doe", Some("4111111111111111")),
            (b"\x02", "24111111111111111Jane", None),
            (b"\x02", "24111111111111111", None),
            (b"\x11", "24111111111111111,", None),
            (b"\n", "24111111111111111,", None),
            (b"", "24111111111111111,", None),
        ] {
            assert_eq!(read(lookbehind, text).as_deref(), expected, "{}{text}", lookbehind.escape_ascii());
        }
    }

    #[test]
    fn binary_data_are_distinguished_from_text() {
        for text in [&b"\xa1cpan"[..], b"\0\0\0", b"a\x02", b"caf\xe9 "] {
            assert!(is_binary(text), "{}", text.escape_ascii());
        }
        let long = format!("{}x", "\u{e9}".repeat(40));
        for text in [&b""[..], b"a\r\n\tb\x1b[0m", "caf\u{e9} ".as_bytes(), long.as_bytes()] {
            assert!(!is_binary(text), "{}", text.escape_ascii());
        }
    }
}
