//! Entry of a capture, as the messages that a proxy would have seen.
//!
//! Programs that write HAR 1.2 omit different fields. Only the method and the URL are required.

use super::{request, response, web_socket};
use crate::playback::{HeaderPair, StoredBody, StoredStream};
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

impl StoredStream {
    /// Reads an entry. The error is the path of a missing field.
    pub fn of_entry(entry: &Value) -> Result<Self, &'static str> {
        let mut request = request::read(entry)?;
        let method = request.value(":method").unwrap_or_default();
        let mut response = response::read(entry, method);
        let web_socket = web_socket::read(entry);
        if !web_socket.is_empty() {
            web_socket::complete_handshake(&mut request, &mut response);
        }
        Ok(Self { response, web_socket, protocol: request::protocol(entry), request })
    }
}

impl StoredBody {
    /// Reads the body in `content`. `size` is the size that the capture states elsewhere, and `declared` the `content-length`.
    pub fn of_content(content: Option<&Value>, size: u64, declared: Option<&str>) -> Self {
        let content = content.unwrap_or(&Value::Null);
        let (text, decoded_size) = (text(content, "/text"), number(content, "/size"));
        let is_base64 = self::text(content, "/encoding").eq_ignore_ascii_case("base64");
        let bytes = if is_base64 { decode(text) } else { Some(text.as_bytes().to_vec()) };
        let declared = declared.and_then(|length| length.trim().parse::<u64>().ok()).unwrap_or_default();
        match bytes {
            Some(bytes) if bytes.is_empty() && size.max(decoded_size).max(declared) == 0 => Self::None,
            Some(bytes) if !bytes.is_empty() => {
                let is_part = u64::try_from(bytes.len()).is_ok_and(|length| length < decoded_size);
                if is_part { Self::Part(bytes) } else { Self::Whole(bytes) }
            }
            _ => Self::Missing,
        }
    }
}

/// Headers at `path` of an entry.
pub fn headers(entry: &Value, path: &str) -> Vec<HeaderPair> {
    let name_and_value = |pair: &Value| (text(pair, "/name").to_ascii_lowercase(), text(pair, "/value").to_owned());
    list(entry, path).iter().map(name_and_value).collect()
}

/// String at `path`; empty if there is none.
pub fn text<'v>(value: &'v Value, path: &str) -> &'v str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

/// List at `path`; empty if there is none.
pub fn list<'v>(value: &'v Value, path: &str) -> &'v [Value] {
    value.pointer(path).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Whole number at `path`; zero if there is none, or if it is -1, which means unknown.
pub fn number(value: &Value, path: &str) -> u64 {
    value.pointer(path).and_then(Value::as_u64).unwrap_or_default()
}

/// Bytes in base64. White space is ignored.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let digits: String = text.split_ascii_whitespace().collect();
    GeneralPurpose::new(&STANDARD, config).decode(digits).ok()
}
