//! Decoding of a single escape.
//!
//! Supports percent-encoding (RFC 3986), JSON escapes (RFC 8259), the escapes of bytes and characters in programming
//! languages, numeric and some named character references of HTML and XML, and the plus sign of form encoding.

use super::lanes::{self, ByteRange, Simd16, Splat};
use super::separator::is_separator_byte;
use super::{MASK_CHARACTERS, markup};

/// The unit at the start of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// One byte that represents itself.
    Plain,
    /// An escaped byte, after the length of the escape.
    Byte(usize, u8),
    /// An escaped character, after the length of the escape.
    Character(usize, char),
    /// This number of bytes represents nothing.
    Nothing(usize),
    /// The text ends within a possible escape.
    Partial,
}

/// The kinds of escapes in a text, in addition to percent-encoding, JSON escapes and character references.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Escapes {
    /// A plus sign represents a space, as in forms and queries.
    pub plus: bool,
    /// A zero byte represents nothing, as in UTF-16 and UTF-32, and there are no other escapes.
    pub wide: bool,
    /// Comments and CDATA marks within a number represent nothing, as in XML and HTML.
    pub markup: bool,
    /// An equals sign begins an escape, as in quoted-printable text.
    pub quoted: bool,
}

impl Escapes {
    /// The escapes of any text.
    pub const TEXT: Self = Self { plus: false, wide: false, markup: false, quoted: false };

    /// The escapes of forms and queries.
    pub const FORM: Self = Self { plus: true, ..Self::TEXT };

    /// The first round for text with two or four bytes per character. Other escapes are decoded in the next rounds.
    pub const WIDE: Self = Self { wide: true, ..Self::TEXT };

    /// The escapes of XML and HTML.
    pub const MARKUP: Self = Self { markup: true, ..Self::TEXT };

    /// The escapes of e-mail, whose parts may be quoted-printable.
    pub const QUOTED: Self = Self { quoted: true, ..Self::TEXT };

    /// True if `byte` can be the first of an escape.
    pub fn may_begin(self, byte: u8) -> bool {
        matches!(byte, b'%' | b'&' | b'\\') || (self.plus && byte == b'+') || (self.wide && byte == 0)
    }
}

/// The maximum length of a character reference, from `&` to `;`.
const LONGEST_REFERENCE: usize = 10;

/// The named references of characters that may be next to a number.
const NAMED: [(&[u8], char); 28] = [
    (b"nbsp", ' '),
    (b"ensp", ' '),
    (b"emsp", ' '),
    (b"emsp13", ' '),
    (b"emsp14", ' '),
    (b"thinsp", ' '),
    (b"hairsp", ' '),
    (b"numsp", ' '),
    (b"puncsp", ' '),
    (b"dash", '-'),
    (b"ndash", '-'),
    (b"mdash", '-'),
    (b"horbar", '-'),
    (b"hyphen", '-'),
    (b"minus", '-'),
    (b"middot", '.'),
    (b"period", '.'),
    (b"lowbar", '_'),
    (b"sol", '/'),
    (b"shy", '\u{ad}'),
    (b"zwj", '\u{200d}'),
    (b"zwnj", '\u{200c}'),
    (b"lrm", '\u{200e}'),
    (b"rlm", '\u{200f}'),
    (b"quot", '"'),
    (b"lt", '<'),
    (b"gt", '>'),
    (b"amp", '&'),
];

/// The number of digits after `%B` that identify the start of track 1. With fewer digits it is percent-encoding.
const TRACK_DIGITS: usize = 12;

/// The number of visible digits and of mask characters after the `%B` of a masked track 1. Other masks follow a
/// percent-encoded byte, for example `%B0` before a customer number.
const MASKED_TRACKS: [(usize, usize); 3] = [(6, 6), (6, 5), (8, 4)];

/// The number of visible digits after the mask.
const MASKED_TRACK_TAIL: usize = 4;

/// The maximum number of characters between `%B` and the visible digits after the mask.
const LONGEST_COVERED: usize = 12;

/// True if `text` may contain an escape.
pub fn may_contain(text: &[u8], escapes: Escapes) -> bool {
    if escapes.wide {
        // Zero bytes also pad the last block, so the block search cannot find them.
        return text.iter().any(|byte| escapes.may_begin(*byte));
    }
    let starts = EscapeStarts::new(escapes);
    lanes::has(text, |bytes| starts.contains(bytes))
}

/// True if `text`, which follows `before`, is ASCII without escapes.
pub fn is_plain(before: &[u8], text: &[u8], escapes: Escapes) -> bool {
    if (escapes.wide && text.contains(&0)) || (escapes.markup && markup::next(before, text, 0, None).is_some()) {
        return false;
    }
    if escapes.quoted && lanes::has(text, |bytes| bytes.is(b'=')) {
        return false;
    }
    let starts = EscapeStarts::new(escapes);
    // This runs for every byte of every text, and most texts do not need the comparison with the plus sign.
    if escapes.plus {
        !lanes::has(text, |bytes| bytes | starts.contains(bytes))
    } else {
        !lanes::has(text, |bytes| bytes | starts.contains_common(bytes))
    }
}

/// The bytes that can be the first of an escape.
pub struct EscapeStarts {
    /// The percent sign and the ampersand.
    percent: ByteRange,
    backslash: Splat,
    /// The plus sign or the zero byte, if it is an escape. Otherwise the backslash again.
    plus: Splat,
}

impl EscapeStarts {
    /// The first bytes of these `escapes`.
    #[inline(always)]
    pub fn new(escapes: Escapes) -> Self {
        let plus = match escapes {
            Escapes { wide: true, .. } => 0,
            Escapes { plus: true, .. } => b'+',
            _ => b'\\',
        };
        Self { percent: ByteRange::hoisted(b'%', b'&'), backslash: Splat::hoisted(b'\\'), plus: Splat::hoisted(plus) }
    }

    /// Selects the first bytes of escapes.
    #[inline(always)]
    pub fn contains(&self, bytes: Simd16) -> Simd16 {
        self.contains_common(bytes) | bytes.is(self.plus)
    }

    /// Selects the first bytes of escapes, except the plus sign.
    #[inline(always)]
    fn contains_common(&self, bytes: Simd16) -> Simd16 {
        bytes.is_in(self.percent) | bytes.is(self.backslash)
    }
}

/// The unit at the start of `text`. `last` is true if nothing follows the text.
pub fn unit(text: &[u8], last: bool, escapes: Escapes) -> Unit {
    let unit = match text.first() {
        Some(0) if escapes.wide => Unit::Nothing(1),
        _ if escapes.wide => Unit::Plain,
        Some(b'%') => percent(text, last),
        Some(b'\\') => backslash(text, last),
        Some(b'&') => reference(text),
        Some(b'+') if escapes.plus => Unit::Character(1, ' '),
        _ => Unit::Plain,
    };
    if unit == Unit::Partial && last { Unit::Plain } else { unit }
}

/// True for digits and mask characters.
pub(super) fn in_number(byte: u8) -> bool {
    byte.is_ascii_digit() || MASK_CHARACTERS.contains(&byte)
}

/// Writes `character` in the notation and length of the escape `source`; `None` if the length would change.
pub fn reencode(source: &[u8], character: char) -> Option<Vec<u8>> {
    let code = u32::from(character);
    let width = |around: usize| source.len().checked_sub(around);
    let text = match source {
        [b'%', ..] => format!("%{code:02X}"),
        [b'\\', b'x', ..] => format!("\\x{code:02x}"),
        [b'\\', b'u', b'{', ..] => format!("\\u{{{code:0width$x}}}", width = width(4)?),
        [b'\\', b'u', ..] => {
            let mut units = [0; 2];
            character.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect()
        }
        [b'&', b'#', x @ (b'x' | b'X'), ..] => format!("&#{}{code:0width$x};", char::from(*x), width = width(4)?),
        [b'&', b'#', ..] => format!("&#{code:0width$};", width = width(3)?),
        [b'\\', b'0' | b'2' | b'3', ..] => format!("\\{code:03o}"),
        [b'=', _, _] => format!("={code:02X}"),
        [_] => character.to_string(),
        _ => return None,
    };
    (text.len() == source.len()).then(|| text.into_bytes())
}

fn percent(text: &[u8], last: bool) -> Unit {
    match (text.get(1).copied(), text.get(2).copied()) {
        (None, _) => Unit::Partial,
        (Some(high), None) => {
            if high.is_ascii_hexdigit() {
                Unit::Partial
            } else {
                Unit::Plain
            }
        }
        (Some(high), Some(low)) => {
            if let [b'%', b'B', number @ ..] = text {
                match begins_track(number, last) {
                    Some(true) => return Unit::Plain,
                    // Nothing follows, so this is not a track.
                    None if !last => return Unit::Partial,
                    Some(false) | None => {}
                }
            }
            hex_pair(high, low).map_or(Unit::Plain, |byte| Unit::Byte(3, byte))
        }
    }
}

/// True if `number`, which follows `%B`, is the number of track 1, masked or not. `None` if the decision needs more
/// bytes.
fn begins_track(number: &[u8], last: bool) -> Option<bool> {
    // Includes the byte after the mask.
    let start = number.get(..=LONGEST_COVERED).unwrap_or(number);
    let digits = start.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits >= TRACK_DIGITS {
        return Some(true);
    }
    let mask = start.get(digits).filter(|byte| MASK_CHARACTERS.contains(byte));
    let masked = start.iter().skip(digits).take_while(|byte| Some(*byte) == mask).count();
    match number.get(digits.saturating_add(masked)..) {
        Some(tail) if MASKED_TRACKS.contains(&(digits, masked)) => ends_masked_track(tail, last),
        // The text ends within a possible number.
        Some([]) if digits > 0 && number.len() < LONGEST_COVERED => None,
        _ => Some(false),
    }
}

/// True if the bytes after the mask of a track may be the last digits of its number. They may be escaped, and contain
/// separators and characters without width. `None` if the decision needs more bytes.
fn ends_masked_track(tail: &[u8], last: bool) -> Option<bool> {
    let mut rest = tail;
    for _ in 0..MASKED_TRACK_TAIL {
        let first = rest.first().copied();
        let (length, byte) = match unit(rest, last, Escapes::TEXT) {
            Unit::Partial => return None,
            Unit::Plain | Unit::Nothing(_) => (1, first?),
            Unit::Byte(length, byte) => (length, byte),
            Unit::Character(length, character) => (length, u8::try_from(character).unwrap_or(u8::MAX)),
        };
        if byte.is_ascii() && !byte.is_ascii_digit() && !is_separator_byte(byte) {
            // A second round of escapes is not decoded here.
            return Some(Escapes::TEXT.may_begin(byte));
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    Some(true)
}

fn backslash(text: &[u8], last: bool) -> Unit {
    let character = match text.get(1) {
        None => return Unit::Partial,
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'b' | b'f') => ' ',
        Some(b'"') => '"',
        Some(b'/') => '/',
        Some(b'\\') => '\\',
        Some(b'u') if text.get(2) == Some(&b'{') => return code_point(text),
        Some(b'u') => return utf16(text),
        Some(b'x') => return hex_run(text, 2, 2).map_or_else(|unit| unit, |code| escaped_byte(4, code)),
        Some(b'0' | b'2' | b'3') => return octal(text, last),
        Some(_) => return Unit::Plain,
    };
    Unit::Character(2, character)
}

fn utf16(text: &[u8]) -> Unit {
    let code = match hex_run(text, 2, 4) {
        Ok(code) => code,
        Err(unit) => return unit,
    };
    if let Some(character) = char::from_u32(code) {
        return Unit::Character(6, character);
    }
    let replacement = Unit::Character(6, char::REPLACEMENT_CHARACTER);
    match text.get(6..8) {
        Some(b"\\u") => match hex_run(text, 8, 4) {
            Ok(low) => {
                let units = [code, low].map(|unit| u16::try_from(unit).unwrap_or(0));
                match char::decode_utf16(units).next() {
                    Some(Ok(character)) => Unit::Character(12, character),
                    _ => replacement,
                }
            }
            Err(Unit::Partial) => Unit::Partial,
            Err(_) => replacement,
        },
        Some(_) => replacement,
        None if text.get(6).is_none_or(|byte| *byte == b'\\') => Unit::Partial,
        None => replacement,
    }
}

/// `\u{34}`, as in Rust, Swift and JavaScript.
fn code_point(text: &[u8]) -> Unit {
    let body = text.get(3..text.len().min(LONGEST_CODE_POINT)).unwrap_or_default();
    let digits = body.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    match body.get(digits) {
        Some(b'}') => {
            let character = number(body.get(..digits).unwrap_or_default(), 16);
            character.map_or(Unit::Plain, |character| Unit::Character(digits.saturating_add(4), character))
        }
        None if text.len() < LONGEST_CODE_POINT => Unit::Partial,
        _ => Unit::Plain,
    }
}

/// The maximum length of `\u{…}`, with six digits.
const LONGEST_CODE_POINT: usize = 10;

/// `\064`, a byte with three octal digits. A number behind a backslash (`C:\3714…`) is none, masked or not.
fn octal(text: &[u8], last: bool) -> Unit {
    let body = text.get(1..text.len().min(TRACK_DIGITS.saturating_add(1))).unwrap_or_default();
    let digits = body.iter().take_while(|byte| in_number(**byte)).count();
    let value = body.iter().take(3).try_fold(0_u32, |value, byte| {
        matches!(byte, b'0'..=b'7').then(|| (value << 3) | u32::from(byte.wrapping_sub(b'0')))
    });
    match value {
        _ if digits >= TRACK_DIGITS => Unit::Plain,
        Some(_) if digits == body.len() && !last => Unit::Partial,
        Some(value) if body.len() >= 3 => escaped_byte(4, value),
        _ => Unit::Plain,
    }
}

fn escaped_byte(length: usize, value: u32) -> Unit {
    u8::try_from(value).map_or(Unit::Plain, |byte| Unit::Byte(length, byte))
}

/// The value of the `count` hexadecimal digits at `start`.
fn hex_run(text: &[u8], start: usize, count: usize) -> Result<u32, Unit> {
    let mut code: u32 = 0;
    for position in start..start.saturating_add(count) {
        let Some(byte) = text.get(position) else { return Err(Unit::Partial) };
        let Some(digit) = hex(*byte) else { return Err(Unit::Plain) };
        code = code.wrapping_shl(4) | u32::from(digit);
    }
    Ok(code)
}

fn reference(text: &[u8]) -> Unit {
    let body = text.get(1..text.len().min(LONGEST_REFERENCE)).unwrap_or_default();
    if body.first().is_some_and(|first| !first.is_ascii_alphanumeric() && *first != b'#') {
        return Unit::Plain;
    }
    let Some(end) = body.iter().position(|byte| *byte == b';') else {
        let open =
            text.len() < LONGEST_REFERENCE && body.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'#');
        return if open { Unit::Partial } else { Unit::Plain };
    };
    let name = body.get(..end).unwrap_or_default();
    let character = match name {
        [b'#', b'x' | b'X', digits @ ..] => number(digits, 16),
        [b'#', digits @ ..] => number(digits, 10),
        _ => NAMED.iter().find(|(known, _)| *known == name).map(|(_, character)| *character),
    };
    character.map_or(Unit::Plain, |character| Unit::Character(end.saturating_add(2), character))
}

fn number(digits: &[u8], radix: u32) -> Option<char> {
    let text = std::str::from_utf8(digits).ok()?;
    text.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(())?;
    char::from_u32(u32::from_str_radix(text, radix).ok()?)
}

/// The byte with these two hexadecimal digits.
pub fn hex_pair(high: u8, low: u8) -> Option<u8> {
    Some(hex(low)? | (hex(high)? << 4))
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Unit {
        unit(text.as_bytes(), false, Escapes::FORM)
    }

    #[test]
    fn the_first_bytes_of_escapes_are_the_same_one_by_one_and_in_blocks() {
        for (byte, escapes) in
            (0..=u8::MAX).flat_map(|byte| [Escapes::TEXT, Escapes::FORM, Escapes::WIDE].map(|escapes| (byte, escapes)))
        {
            assert_eq!(may_contain(&[byte], escapes), escapes.may_begin(byte), "{byte}");
            assert_eq!(is_plain(&[], &[byte], escapes), byte.is_ascii() && !escapes.may_begin(byte), "{byte}");
        }
    }

    #[test]
    fn every_escape_is_read() {
        for (text, expected) in [
            ("%34", Unit::Byte(3, b'4')),
            ("%c2", Unit::Byte(3, 0xc2)),
            ("\\u0034", Unit::Character(6, '4')),
            ("\\ud835\\udfd2", Unit::Character(12, '\u{1d7d2}')),
            ("\\n4", Unit::Character(2, '\n')),
            ("\\\"", Unit::Character(2, '"')),
            ("&#52;", Unit::Character(5, '4')),
            ("&#x34;", Unit::Character(6, '4')),
            ("&nbsp;", Unit::Character(6, ' ')),
            ("&ndash;", Unit::Character(7, '-')),
            ("&shy;", Unit::Character(5, '\u{ad}')),
            ("\\x34", Unit::Byte(4, b'4')),
            ("\\xa0", Unit::Byte(4, 0xa0)),
            ("\\u{34}", Unit::Character(6, '4')),
            ("\\u{000034}", Unit::Character(10, '4')),
            ("\\064;", Unit::Byte(4, b'4')),
            ("\\240\\", Unit::Byte(4, 0xa0)),
            ("\\2404716;", Unit::Byte(4, 0xa0)),
            ("+", Unit::Character(1, ' ')),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn other_text_represents_itself() {
        for text in [
            "4",
            "%zz",
            "%3z",
            "\\xz",
            "\\u00zz",
            "\\u{}",
            "\\u{g}",
            "\\371449635398431",
            "\\09 ",
            "&copy;",
            "&a b",
            "&#zz;",
            "&abcdefghijkl;",
            "%B4111111111111111^",
        ] {
            assert_eq!(read(text), Unit::Plain, "{text}");
        }
    }

    #[test]
    fn an_incomplete_escape_is_undecided_unless_nothing_follows() {
        for text in [
            "%",
            "%3",
            "\\",
            "\\x",
            "\\x3",
            "\\0",
            "\\24",
            "\\u{3",
            "\\u",
            "\\u00",
            "\\ud835",
            "\\ud835\\u",
            "&",
            "&#5",
            "&nbs",
        ] {
            assert_eq!(read(text), Unit::Partial, "{text}");
            assert_eq!(unit(text.as_bytes(), true, Escapes::FORM), Unit::Plain, "{text}");
        }
    }

    #[test]
    fn a_track_is_distinguished_from_an_escape_masked_or_not() {
        let byte = |byte| Unit::Byte(3, byte);
        for (text, expected) in [
            ("%B4111111111111111^", Unit::Plain),
            ("%B411111******1111^", Unit::Plain),
            ("%B41111111****1111^", Unit::Plain),
            ("%B378282xxxxx0005^", Unit::Plain),
            // Characters without width among the last digits, plain and escaped.
            ("%B41111111****111\u{ad}1^", Unit::Plain),
            ("%B411111******%E2%80%8B1111^", Unit::Plain),
            ("%B411111******11\\u200b11^", Unit::Plain),
            ("%B411111******1%311&#49;1^", Unit::Plain),
            ("%B411111******1%25C2%25AD111^", Unit::Plain),
            ("%B41111111****11%2011^", Unit::Plain),
            ("%B41111111111 ", byte(0xb4)),
            // The mask does not cover the number of a track, so `%B` starts an escape.
            ("%B0***********", byte(0xb0)),
            ("%B0***************", byte(0xb0)),
            ("%B012345**********", byte(0xb0)),
            ("%B411111*#****1111^", byte(0xb4)),
            ("%B411111******, 11", byte(0xb4)),
            ("%B411111******11%2C1", byte(0xb4)),
        ] {
            assert_eq!(unit(text.as_bytes(), true, Escapes::TEXT), expected, "{text}");
            assert_eq!(unit(format!("{text}; a").as_bytes(), false, Escapes::TEXT), expected, "{text}");
        }
        for text in ["%B4", "%B4111", "%B411111*****", "%B411111******111"] {
            assert_eq!(read(text), Unit::Partial, "{text}");
            assert_eq!(unit(text.as_bytes(), true, Escapes::FORM), byte(0xb4), "{text}");
        }
    }

    #[test]
    fn reencoding_keeps_the_notation_and_the_length() {
        for (source, character, expected) in [
            ("%34", '*', "%2A"),
            ("\\u0034", '*', "\\u002a"),
            ("\\uff14", '\u{ff0a}', "\\uff0a"),
            ("\\x34", '*', "\\x2a"),
            ("\\064", '*', "\\052"),
            ("=34", '*', "=2A"),
            ("\\u{34}", '*', "\\u{2a}"),
            ("&#52;", '*', "&#42;"),
            ("&#0052;", '*', "&#0042;"),
            ("&#x34;", '*', "&#x2a;"),
            ("4", '*', "*"),
        ] {
            assert_eq!(reencode(source.as_bytes(), character).as_deref(), Some(expected.as_bytes()), "{source}");
        }
        assert_eq!(reencode(b"&#2410;", '\u{ff0a}'), None);
    }
}
