//! Encodings of a text that keep track of the position of every byte.

use std::ops::Range;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};

/// Encoding of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// URL encoding: all but letters, digits and `-_.~` as `%20`.
    Percent,
    /// Form encoding: URL encoding with `+` for a space.
    Form,
    /// JSON string content.
    Json,
    /// HTML character references.
    Html,
    /// Base64 with padding.
    Base64,
    /// Base64 for URLs, as in a JWT.
    Base64Url,
    /// Two hexadecimal digits for each byte.
    Hex,
    /// UTF-16, little-endian.
    Utf16Le,
    /// UTF-16, big-endian.
    Utf16Be,
}

/// Encoded bytes.
pub(super) struct Encoded {
    pub(super) bytes: Vec<u8>,
    /// Position of each original byte in the encoded bytes.
    pub(super) places: Vec<Range<usize>>,
}

impl Encoding {
    /// Encoding with this name in templates.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "percent" => Self::Percent,
            "form" => Self::Form,
            "json" => Self::Json,
            "html" => Self::Html,
            "base64" => Self::Base64,
            "base64url" => Self::Base64Url,
            "hex" => Self::Hex,
            "utf16le" => Self::Utf16Le,
            "utf16be" => Self::Utf16Be,
            _ => return None,
        })
    }

    pub(super) fn encode(self, bytes: &[u8]) -> Encoded {
        match self {
            Self::Base64 => in_base64(BASE64_STANDARD.encode(bytes).into_bytes(), bytes.len()),
            Self::Base64Url => in_base64(BASE64_URL_SAFE_NO_PAD.encode(bytes).into_bytes(), bytes.len()),
            Self::Percent => each_byte(bytes, percent),
            Self::Form => each_byte(bytes, |byte| if byte == b' ' { b"+".to_vec() } else { percent(byte) }),
            Self::Json => each_byte(bytes, json),
            Self::Html => each_byte(bytes, html),
            Self::Hex => each_byte(bytes, |byte| format!("{byte:02x}").into_bytes()),
            Self::Utf16Le => each_character(bytes, u16::to_le_bytes),
            Self::Utf16Be => each_character(bytes, u16::to_be_bytes),
        }
    }
}

fn each_byte(bytes: &[u8], encode: impl Fn(u8) -> Vec<u8>) -> Encoded {
    let mut encoded = Encoded { bytes: Vec::new(), places: Vec::new() };
    for byte in bytes {
        let start = encoded.bytes.len();
        encoded.bytes.extend(encode(*byte));
        encoded.places.push(start..encoded.bytes.len());
    }
    encoded
}

fn each_character(bytes: &[u8], unit: impl Fn(u16) -> [u8; 2]) -> Encoded {
    let mut encoded = Encoded { bytes: Vec::new(), places: Vec::new() };
    for character in String::from_utf8_lossy(bytes).chars() {
        let start = encoded.bytes.len();
        for code in character.encode_utf16(&mut [0; 2]) {
            encoded.bytes.extend(unit(*code));
        }
        let place = start..encoded.bytes.len();
        encoded.places.extend(std::iter::repeat_n(place, character.len_utf8()));
    }
    encoded
}

/// Maps bytes to characters of six bits: a byte is in two or three of them.
fn in_base64(bytes: Vec<u8>, count: usize) -> Encoded {
    let places = (0..count).map(|index| index * 8 / 6..(index * 8 + 8).div_ceil(6)).collect();
    Encoded { bytes, places }
}

fn percent(byte: u8) -> Vec<u8> {
    match byte {
        b'-' | b'_' | b'.' | b'~' => vec![byte],
        _ if byte.is_ascii_alphanumeric() => vec![byte],
        _ => format!("%{byte:02X}").into_bytes(),
    }
}

fn json(byte: u8) -> Vec<u8> {
    match byte {
        b'"' => b"\\\"".to_vec(),
        b'\\' => b"\\\\".to_vec(),
        b'\n' => b"\\n".to_vec(),
        b'\r' => b"\\r".to_vec(),
        b'\t' => b"\\t".to_vec(),
        _ => vec![byte],
    }
}

fn html(byte: u8) -> Vec<u8> {
    match byte {
        b'&' => b"&amp;".to_vec(),
        b'<' => b"&lt;".to_vec(),
        b'>' => b"&gt;".to_vec(),
        b'"' => b"&quot;".to_vec(),
        _ => vec![byte],
    }
}
