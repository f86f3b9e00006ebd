//! Character encodings of texts, and their conversion to UTF-8.

use super::piece_reader::{PieceReader, Pieces};
use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};
use encoding_rs_io::DecodeReaderBytesBuilder;
use std::io::{self, Read};

/// Character encoding other than UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextEncoding {
    /// Encoding of the WHATWG Encoding Standard, UTF-16 included.
    Standard(&'static Encoding),
    /// UTF-32 with the least significant byte first.
    Utf32Le,
    /// UTF-32 with the most significant byte first.
    Utf32Be,
}

impl TextEncoding {
    /// UTF-16 or UTF-32, by a byte order mark or by the zero bytes of ASCII characters.
    pub fn of_wide(first: &[u8]) -> Option<Self> {
        match first {
            [0xff, 0xfe, 0, 0, ..] => return Some(Self::Utf32Le),
            [0, 0, 0xfe, 0xff, ..] => return Some(Self::Utf32Be),
            [0xff, 0xfe, ..] => return Some(Self::Standard(UTF_16LE)),
            [0xfe, 0xff, ..] => return Some(Self::Standard(UTF_16BE)),
            _ => {}
        }
        let (units, _) = first.as_chunks::<4>();
        // In most units of a text, the other byte is an ASCII character.
        let most = |is_text: fn(&[u8; 4]) -> bool| {
            let count = units.iter().filter(|unit| is_text(unit)).count();
            count > 1 && count >= units.len().saturating_mul(3) / 5
        };
        if most(|unit| matches!(unit, [low, 0, 0, 0] if is_ascii_text(*low))) {
            Some(Self::Utf32Le)
        } else if most(|unit| matches!(unit, [0, 0, 0, low] if is_ascii_text(*low))) {
            Some(Self::Utf32Be)
        } else if most(|unit| matches!(unit, [low, 0, next, 0] if is_ascii_text(*low) && is_ascii_text(*next))) {
            Some(Self::Standard(UTF_16LE))
        } else if most(|unit| matches!(unit, [0, low, 0, next] if is_ascii_text(*low) && is_ascii_text(*next))) {
            Some(Self::Standard(UTF_16BE))
        } else {
            None
        }
    }

    /// Encoding of a text that is not UTF-8; `None` if the bytes are no text.
    pub fn guess(first: &[u8]) -> Option<Self> {
        let is_control = |byte: &&u8| **byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b);
        let controls = first.iter().filter(is_control).count();
        if first.contains(&0) || controls > first.len() / 50 {
            return None;
        }
        let mut detector = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Deny);
        detector.feed(first, false);
        Some(Self::Standard(detector.guess(None, chardetng::Utf8Detection::Deny)))
    }

    /// Reader of the text in UTF-8. Invalid characters become U+FFFD.
    pub fn convert<'s>(self, source: impl Read + 's) -> Box<dyn Read + 's> {
        match self {
            Self::Standard(encoding) => {
                let mut builder = DecodeReaderBytesBuilder::new();
                Box::new(builder.encoding(Some(encoding)).bom_override(true).strip_bom(true).build(source))
            }
            Self::Utf32Le => Box::new(utf32_reader(source, u32::from_le_bytes)),
            Self::Utf32Be => Box::new(utf32_reader(source, u32::from_be_bytes)),
        }
    }
}

/// Reader of UTF-32 as UTF-8.
fn utf32_reader(source: impl Read, value: fn([u8; 4]) -> u32) -> impl Read {
    PieceReader::new(Utf32 { source, value, partial: Vec::new() })
}

/// UTF-32, which is converted to UTF-8.
struct Utf32<R> {
    source: R,
    value: fn([u8; 4]) -> u32,
    /// Bytes of an incomplete character.
    partial: Vec<u8>,
}

impl<R: Read> Pieces for Utf32<R> {
    fn next_piece(&mut self, piece: &mut Vec<u8>) -> io::Result<bool> {
        const MARK: char = '\u{feff}';

        let mut bytes = [0; 8 << 10];
        let length = self.source.read(&mut bytes)?;
        self.partial.extend_from_slice(bytes.get(..length).unwrap_or_default());
        let (units, _) = self.partial.as_chunks::<4>();
        for unit in units {
            let character = char::from_u32((self.value)(*unit)).unwrap_or(char::REPLACEMENT_CHARACTER);
            if character != MARK {
                piece.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        let whole = units.as_flattened().len();
        self.partial.drain(..whole);
        Ok(length > 0)
    }
}

/// True for a printable ASCII character or white space.
fn is_ascii_text(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r')
}

/// True for text in an EBCDIC code page: it consists of the bytes of letters, digits and punctuation there, and has spaces.
pub fn is_ebcdic(first: &[u8]) -> bool {
    const SPACE: u8 = 0x40;

    let of = |is: fn(u8) -> bool| first.iter().filter(|byte| is(**byte)).count();
    let letters = of(
        |byte| matches!(byte, 0x81..=0x89 | 0x91..=0x99 | 0xa2..=0xa9 | 0xc1..=0xc9 | 0xd1..=0xd9 | 0xe2..=0xe9 | 0xf0..=0xf9),
    );
    let spaces = of(|byte| byte == SPACE);
    let ascii = of(|byte| matches!(byte, b' ' | b'\n' | b'0'..=b'9' | b'a'..=b'z'));
    let of_hundred = |count: usize, percent: usize| count.saturating_mul(100) >= first.len().saturating_mul(percent);
    of_hundred(letters, 40)
        && of_hundred(letters.saturating_add(spaces), 70)
        && !of_hundred(ascii, 25)
        && spaces > 0
        && of(|byte| byte == b' ') < spaces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(bytes: &[u8]) -> String {
        let mut text = String::new();
        TextEncoding::of_wide(bytes).unwrap().convert(bytes).read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn wide_text_is_recognized_with_and_without_a_mark() {
        let text = "id;pan\n1;4111111111111111 卡 Ä\n";
        let utf16 = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
        let utf32 = |bytes: fn(u32) -> [u8; 4]| text.chars().map(u32::from).flat_map(bytes).collect::<Vec<u8>>();
        let texts =
            [utf16(u16::to_le_bytes), utf16(u16::to_be_bytes), utf32(u32::to_le_bytes), utf32(u32::to_be_bytes)];
        let marks = [&[0xff, 0xfe][..], &[0xfe, 0xff], &[0xff, 0xfe, 0, 0], &[0, 0, 0xfe, 0xff]];
        for (bytes, mark) in texts.iter().zip(marks) {
            assert_eq!(converted(bytes), text);
            assert_eq!(converted(&[mark, bytes].concat()), text);
        }
        for other in
            [&b"plain text"[..], b"a\0b", b"\0\0\0\0\0\0\0\0\0\0\0\0", b"\x01\0\0\0\x02\xff\0\0\x03\0\xff\0", b""]
        {
            assert_eq!(TextEncoding::of_wide(other), None, "{}", other.escape_ascii());
        }
    }

    #[test]
    fn legacy_encodings_are_guessed_for_text_only() {
        let guess = |bytes: &[u8]| match TextEncoding::guess(bytes) {
            Some(TextEncoding::Standard(encoding)) => encoding.name(),
            _ => "none",
        };
        assert_eq!(guess(b"Kartennummer f\xfcr M\xfcller: geh\xf6rt Stra\xdfe\n"), "windows-1252");
        let (russian, ..) = encoding_rs::WINDOWS_1251.encode("Номер карты клиента: сумма платежа\n");
        assert_eq!(guess(&russian), "windows-1251");
        let (japanese, ..) = encoding_rs::SHIFT_JIS.encode("カード番号と有効期限を入力してください\n");
        assert_eq!(guess(&japanese), "Shift_JIS");
        assert_eq!(guess(b"\x93\x10\0\x80\xff\x01\x02"), "none");
    }

    #[test]
    fn ebcdic_is_recognized() {
        // "CARD 4111111111111111 EXP 12/28 " in code page 37.
        let line = b"\xc3\xc1\xd9\xc4\x40\xf4\xf1\xf1\xf1\xf1\xf1\xf1\xf1\xf1\xf1\xf1\xf1\xf1\xf1\xf1\xf1\x40\xc5\xe7\xd7\x40\xf1\xf2\x61\xf2\xf8\x40";
        assert!(is_ebcdic(line) && is_ebcdic(&line.repeat(20)));
        let (russian, ..) = encoding_rs::KOI8_R.encode("Номер карты @ клиента: сумма платежа\n");
        let (greek, ..) = encoding_rs::ISO_8859_7.encode("Αριθμός κάρτας: υπόλοιπο\n");
        for other in [&russian[..], &greek, b"plain", b"", &[0xd0; 64]] {
            assert!(!is_ebcdic(other), "{}", other.escape_ascii());
        }
    }
}
