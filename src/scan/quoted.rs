//! Escapes of quoted-printable text (RFC 2045, section 6.7), as in e-mail.
//!
//! `=34` is a byte, and an equals sign before a line end continues the line. Other parts of the same message are not encoded, so
//! a value behind an equals sign (`card=3782…`) must not read as an escape. Only bytes that can be in or around a number are
//! decoded.

use super::escape::{self, Unit, in_number};
use super::separator::is_separator_byte;

/// The number of digits behind an equals sign that are a value, not an escape.
const VALUE_DIGITS: usize = 12;

/// The unit at the start of `text`, an equals sign, which follows the decoded byte `before`. `last` is true if nothing follows
/// the text.
pub fn unit(before: Option<u8>, text: &[u8], last: bool) -> Unit {
    let unit = read(before, text);
    if unit == Unit::Partial && last { Unit::Plain } else { unit }
}

fn read(before: Option<u8>, text: &[u8]) -> Unit {
    let follows_number = before.is_some_and(|byte| in_number(byte) || is_separator_byte(byte));
    let (high, low) = match text {
        [_, b'\r', b'\n', ..] if follows_number => return Unit::Nothing(3),
        [_, b'\n', ..] if follows_number => return Unit::Nothing(2),
        [_] | [_, b'\r'] => return Unit::Partial,
        [_, high] if high.is_ascii_hexdigit() => return Unit::Partial,
        [_, high, low, ..] => (*high, *low),
        _ => return Unit::Plain,
    };
    let Some(byte) = escape::hex_pair(high, low) else { return Unit::Plain };
    let next = text.get(3);
    let is_escape = match byte {
        // A value does not begin with such a pair, which has a letter.
        b'\n' | b'\r' | b'*'..=b'/' | b':'..=b'?' | b'_' | b'|' | 0xc2..=0xf4 => Some(true),
        b' ' | b'\t' => is_no_value(text),
        // The rest of a character.
        0x80..=0xbf => Some(before.is_some_and(|before| !before.is_ascii())),
        _ if !in_number(byte) => Some(false),
        _ if follows_number => next.map(|next| !next.is_ascii_digit()),
        _ => next.map(|next| *next == b'='),
    };
    match is_escape {
        Some(true) => Unit::Byte(3, byte),
        Some(false) => Unit::Plain,
        None => Unit::Partial,
    }
}

/// True if fewer digits than a value has follow the equals sign, masked or not. `None` if the decision needs more bytes.
fn is_no_value(text: &[u8]) -> Option<bool> {
    let digits = text.iter().skip(1).take(VALUE_DIGITS).take_while(|byte| in_number(**byte)).count();
    (digits >= VALUE_DIGITS || digits < text.len().saturating_sub(1)).then_some(digits < VALUE_DIGITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_distinguished_from_values() {
        let byte = |byte| Unit::Byte(3, byte);
        for (before, text, expected) in [
            (Some(b':'), "=34=31", byte(b'4')),
            (Some(b'4'), "=31=31", byte(b'1')),
            (Some(b'4'), "=31;", byte(b'1')),
            (None, "=3D4111", byte(b'=')),
            (Some(b'1'), "=2D1111", byte(b'-')),
            (Some(b'1'), "=201111=20", byte(b' ')),
            (Some(b'6'), "=C2=A0", byte(0xc2)),
            (Some(0xc2), "=A04615", byte(0xa0)),
            (Some(b'*'), "=31 ", byte(b'1')),
            (Some(b'1'), "=\r\n1", Unit::Nothing(3)),
            (Some(b' '), "=\n1", Unit::Nothing(2)),
            // Values, and signs without a meaning here.
            (Some(b'd'), "=3782 822463", Unit::Plain),
            (Some(b'1'), "=3012101", Unit::Plain),
            (Some(b'd'), "=201111111111111", Unit::Plain),
            (Some(b'd'), "=4111", Unit::Plain),
            (Some(b'd'), "=A0", Unit::Plain),
            (Some(b'd'), "=\r\n1", Unit::Plain),
            (Some(b'd'), "= 4", Unit::Plain),
            (Some(b'4'), "=41", Unit::Plain),
        ] {
            assert_eq!(unit(before, text.as_bytes(), true), expected, "{text}");
            assert_eq!(unit(before, format!("{text}-a").as_bytes(), false), expected, "{text}");
        }
        for text in ["=", "=3", "=34", "=\r", "=2011"] {
            assert_eq!(unit(Some(b'1'), text.as_bytes(), false), Unit::Partial, "{text}");
        }
        assert_eq!(unit(Some(b'd'), b"=34", true), Unit::Plain);
    }
}
