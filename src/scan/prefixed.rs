//! Where does a number begin behind the length of its string, when that is a digit too, or end where another length begins?
//!
//! Bencode writes a string as `16:4111…`, and the length of the next one touches the number. In Avro, MessagePack, Thrift and CBOR
//! one byte is the length, and for some lengths that byte is a digit.

use super::emv::Object;
use super::{Digits, LOOKBEHIND, MAX_DIGITS, MIN_DIGITS, View, lanes};

/// The number that belongs to the string which the run of digits at `start` begins, or whose length it begins with.
pub fn number(view: View<'_>, start: usize) -> Option<Object> {
    match view.before(start, 1) {
        b':' => counted(view, start),
        head if cbor_length(head).is_some() => in_front_of_digit(view, start),
        byte if may_type(byte) && exists_before(view, start) => behind_length(view, start),
        _ => None,
    }
}

/// Where the number in a whole `text` is of which the run of digits at `start` is more.
#[cfg(any(test, feature = "fuzzing"))]
pub fn number_in(text: &[u8], start: usize) -> Option<std::ops::Range<usize>> {
    number(View::new(b"", text, true, b'*'), start).map(|object| object.span)
}

/// True when there may be one: most runs of digits stand behind something else.
#[inline]
pub fn may_be(view: View<'_>, start: usize) -> bool {
    match view.before(start, 1) {
        b':' => view.before(start, 2).is_ascii_digit(),
        head if cbor_length(head).is_some() => true,
        byte => may_type(byte) && exists_before(view, start),
    }
}

/// A string of bencode that is a number and nothing else, with digits behind it.
fn counted(view: View<'_>, start: usize) -> Option<Object> {
    let text = view.window().get(start..)?;
    let run = super::candidate_iter::leading_digits(text, MAX_DIGITS.saturating_add(LONGEST_LENGTH));
    (MIN_DIGITS..=MAX_DIGITS.min(run)).find_map(|length| {
        let head = [4_usize, 3, 2].map(|distance| view.before(start, distance));
        (ends_with_length(&head, length) && run > length).then_some(())?;
        object(view, start, length)
    })
}

/// A string of CBOR that is a number and nothing else, with an integer behind it that is written as a digit.
fn in_front_of_digit(view: View<'_>, start: usize) -> Option<Object> {
    let length = cbor_length(view.before(start, 1))?;
    let run = super::candidate_iter::leading_digits(view.window().get(start..)?, length.saturating_add(2));
    (run == length.saturating_add(1)).then(|| object(view, start, length)).flatten()
}

/// The length of the string of CBOR, as long as a number may be, that `head` begins: those are ASCII letters.
fn cbor_length(head: u8) -> Option<usize> {
    let length = usize::from(head | 0x20).checked_sub(CBOR_TEXT)?;
    (head.is_ascii_alphabetic() && (MIN_DIGITS..=MAX_DIGITS).contains(&length)).then_some(length)
}

/// What the first byte of a text string in CBOR (RFC 8949) is, and its length.
pub const CBOR_TEXT: usize = 0x60;

/// A number behind one digit that is the length of the string which goes on behind the number.
fn behind_length(view: View<'_>, start: usize) -> Option<Object> {
    let text = view.window().get(start..)?;
    let run = super::candidate_iter::leading_digits(text, MAX_DIGITS.saturating_add(2));
    let length = run.checked_sub(1).filter(|length| (MIN_DIGITS..=MAX_DIGITS).contains(length))?;
    // A string of digits alone, of the length that stands before it.
    let head = usize::from(view.before(start, 1));
    if [run, run.saturating_mul(2), run | 0xa0].contains(&head) {
        return None;
    }
    let behind = view.at(start.saturating_add(run));
    let goes_on = matches!(behind, b' '..=b'~') && !behind.is_ascii_alphanumeric();
    goes_on.then(|| object(view, start.saturating_add(1), length)).flatten()
}

fn object(view: View<'_>, start: usize, length: usize) -> Option<Object> {
    let span = start..start.saturating_add(length);
    let mut digits = Digits::EMPTY;
    digits.extend(view.window().get(span.clone())?).then_some(Object { span, digits, rest: 0 })
}

/// The most digits of a length.
const LONGEST_LENGTH: usize = 3;

/// True when `text` ends with `length`, of two digits, and with no other digit before it.
pub fn ends_with_length(text: &[u8], length: usize) -> bool {
    let [rest @ .., tens @ b'0'..=b'9', ones @ b'0'..=b'9'] = text else { return false };
    let digit = |byte: u8| usize::from(byte.wrapping_sub(b'0'));
    let written = digit(*tens).wrapping_mul(10).wrapping_add(digit(*ones));
    written == length && !rest.last().is_some_and(u8::is_ascii_digit)
}

/// True when the last bytes of `text` are those of binary data: control characters of no text, or what is not UTF-8.
pub fn is_binary(text: &[u8]) -> bool {
    ends_binary(text, NEAR)
}

/// The same of all that is known before a number.
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
    // A character may begin before what is near.
    let cut =
        if near.len() < text.len() { near.iter().take(3).take_while(|byte| **byte & 0xc0 == 0x80).count() } else { 0 };
    std::str::from_utf8(near.get(cut..).unwrap_or_default()).is_err()
}

/// How far back binary data are recognized, and where else speaks for them. A character may begin before what is known.
const NEAR: usize = 64;
const FAR: usize = LOOKBEHIND - 4;

/// Whether the first byte of `text` is one of no text; `None` when its end comes too early to tell.
pub fn begins_binary(text: &[u8]) -> Option<bool> {
    if is_control(*text.first()?) {
        return Some(true);
    }
    match std::str::from_utf8(text.get(..4).unwrap_or(text)) {
        Err(error) if error.valid_up_to() == 0 => error.error_len().map(|_| true),
        _ => Some(false),
    }
}

/// True for what stands before a length in binary data, and in no text before a digit: control characters, and the type of a
/// string of MessagePack.
fn may_type(byte: u8) -> bool {
    byte == 0xd9 || is_control(byte)
}

/// True for control characters that text has no use for.
fn is_control(byte: u8) -> bool {
    byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b)
}

/// True when there is a byte before `start`; the view reads NUL where there is none.
fn exists_before(view: View<'_>, start: usize) -> bool {
    start > 0 || !view.behind().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(behind: &[u8], text: &str) -> Option<String> {
        let object = number(View::new(behind, text.as_bytes(), true, b'*'), 0)?;
        assert!(may_be(View::new(behind, text.as_bytes(), true, b'*'), 0));
        Some(text[object.span].to_owned())
    }

    #[test]
    fn lengths_are_told_from_numbers() {
        for (behind, text, expected) in [
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
            assert_eq!(read(behind, text).as_deref(), expected, "{}{text}", behind.escape_ascii());
        }
    }

    #[test]
    fn binary_data_are_told_from_text() {
        for text in [&b"\xa1cpan"[..], b"\0\0\0", b"a\x02", b"caf\xe9 "] {
            assert!(is_binary(text), "{}", text.escape_ascii());
        }
        let long = format!("{}x", "\u{e9}".repeat(40));
        for text in [&b""[..], b"a\r\n\tb\x1b[0m", "caf\u{e9} ".as_bytes(), long.as_bytes()] {
            assert!(!is_binary(text), "{}", text.escape_ascii());
        }
    }
}
