//! Entry of a capture, as the messages that a proxy would have seen.
//!
//! Programs that write HAR 1.2 omit different fields. Only the method and the URL are required.

use super::{request, response};
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use panveil::stream::{Decoder, MemoryBudget};
use serde_json::Value;

/// Request and response, if there is one. Has no `Debug`: it contains traffic.
pub struct CapturedEntry {
    pub request: CapturedMessage,
    pub response: Option<CapturedMessage>,
    /// Protocol of the client, such as `HTTP/2`.
    pub protocol: Option<&'static str>,
}

/// Request or response.
pub struct CapturedMessage {
    /// Headers with lowercase names, pseudo-headers included.
    pub fields: Vec<HeaderPair>,
    pub body: CapturedBody,
}

/// Name and value of a header.
pub type HeaderPair = (String, String);

/// Body of a message, as far as it was captured.
pub enum CapturedBody {
    /// No body.
    None,
    /// Complete body.
    Whole(Vec<u8>),
    /// Beginning of a body.
    Part(Vec<u8>),
    /// Body that was not captured.
    Missing,
}

/// Headers that describe the encoded bytes, which a capture does not contain.
const ENCODING_HEADERS: [&str; 2] = ["content-encoding", "content-length"];

impl CapturedEntry {
    /// Reads an entry. The error is the path of a missing field.
    pub fn read(entry: &Value) -> Result<Self, &'static str> {
        let request = request::read(entry)?;
        let method = request.value(":method").unwrap_or_default();
        let response = response::read(entry, method);
        Ok(Self { response, protocol: request::protocol(entry), request })
    }
}

impl CapturedMessage {
    /// Message with headers that describe its decoded body. An unsupported content encoding stays in the headers, so that the
    /// filter reports it as it would on the wire.
    pub fn new(mut fields: Vec<HeaderPair>, body: CapturedBody) -> Self {
        let encodings: Vec<&str> = values(&fields, "content-encoding").collect();
        let is_supported = Decoder::of(encodings.join(",").as_bytes(), 1, &MemoryBudget::new(0)).is_ok();
        if is_supported && let CapturedBody::Whole(_) | CapturedBody::Part(_) = body {
            fields.retain(|(name, _)| !ENCODING_HEADERS.contains(&name.as_str()));
        }
        Self { fields, body }
    }

    /// First value of the header `name`.
    pub fn value(&self, name: &str) -> Option<&str> {
        values(&self.fields, name).next()
    }
}

impl CapturedBody {
    /// Captured bytes; `None` if there are none.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::None | Self::Missing => None,
            Self::Whole(bytes) | Self::Part(bytes) => Some(bytes),
        }
    }

    /// Reads the body in `content`. `size` is the size that the capture states elsewhere, and `declared` the `content-length`.
    pub fn read(content: Option<&Value>, size: u64, declared: Option<&str>) -> Self {
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

/// Values of a header.
pub fn values<'f>(fields: &'f [HeaderPair], name: &str) -> impl Iterator<Item = &'f str> {
    fields.iter().filter(move |(other, _)| other == name).map(|(_, value)| value.as_str())
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

fn decode(text: &str) -> Option<Vec<u8>> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let digits: String = text.split_ascii_whitespace().collect();
    GeneralPurpose::new(&STANDARD, config).decode(digits).ok()
}
