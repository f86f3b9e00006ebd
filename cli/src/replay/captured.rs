//! What does an entry of a capture hold, as a proxy would have seen it?
//!
//! HAR 1.2 has many writers, who leave out what they do not know. So nothing is asked for but a method and an address.

use super::{request, response};
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use panveil::stream::{Decoder, MemoryBudget};
use serde_json::Value;

/// A request and its response, if there was one. Has no `Debug`: it holds traffic.
pub struct CapturedEntry {
    pub request: CapturedMessage,
    pub response: Option<CapturedMessage>,
    /// The protocol that the client spoke, such as `HTTP/2`.
    pub protocol: Option<&'static str>,
}

/// One of the two.
pub struct CapturedMessage {
    /// Names in lower case, those that begin with a colon included.
    pub fields: Vec<HeaderPair>,
    pub body: CapturedBody,
}

/// A header's name and value.
pub type HeaderPair = (String, String);

/// What the capture has of a body.
pub enum CapturedBody {
    /// There was none.
    None,
    /// All of it.
    Whole(Vec<u8>),
    /// Its beginning.
    Part(Vec<u8>),
    /// Nothing.
    Missing,
}

/// Fields that are true of the bytes on the wire alone, which are not in a capture.
const OF_ENCODED: [&str; 2] = ["content-encoding", "content-length"];

impl CapturedEntry {
    /// Takes an entry apart, or says what it lacks.
    pub fn read(entry: &Value) -> Result<Self, &'static str> {
        let request = request::read(entry)?;
        let method = request.value(":method").unwrap_or_default();
        let response = response::read(entry, method);
        Ok(Self { response, protocol: request::protocol(entry), request })
    }
}

impl CapturedMessage {
    /// A message whose headers speak of the body that it has. A coding that the filter does not know stays named, so that
    /// the filter says the same of it as it would on the wire.
    pub fn new(mut fields: Vec<HeaderPair>, body: CapturedBody) -> Self {
        let codings: Vec<&str> = values(&fields, "content-encoding").collect();
        let is_known = Decoder::of(codings.join(",").as_bytes(), 1, &MemoryBudget::new(0)).is_ok();
        if is_known && let CapturedBody::Whole(_) | CapturedBody::Part(_) = body {
            fields.retain(|(name, _)| !OF_ENCODED.contains(&name.as_str()));
        }
        Self { fields, body }
    }

    /// The first value of the header `name`.
    pub fn value(&self, name: &str) -> Option<&str> {
        values(&self.fields, name).next()
    }
}

impl CapturedBody {
    /// As much as there is; `None` when there is nothing.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::None | Self::Missing => None,
            Self::Whole(bytes) | Self::Part(bytes) => Some(bytes),
        }
    }

    /// The body that is the text in `content`. `size` is what else the capture says of its size, and `declared` what its
    /// sender did.
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

/// The values of a header.
pub fn values<'f>(fields: &'f [HeaderPair], name: &str) -> impl Iterator<Item = &'f str> {
    fields.iter().filter(move |(other, _)| other == name).map(|(_, value)| value.as_str())
}

/// The headers at `path` of an entry.
pub fn headers(entry: &Value, path: &str) -> Vec<HeaderPair> {
    let name_and_value = |pair: &Value| (text(pair, "/name").to_ascii_lowercase(), text(pair, "/value").to_owned());
    list(entry, path).iter().map(name_and_value).collect()
}

/// The text at `path`, empty when there is none.
pub fn text<'v>(value: &'v Value, path: &str) -> &'v str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

/// The list at `path`, empty when there is none.
pub fn list<'v>(value: &'v Value, path: &str) -> &'v [Value] {
    value.pointer(path).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The whole number at `path`, zero when there is none. What is not known is -1.
pub fn number(value: &Value, path: &str) -> u64 {
    value.pointer(path).and_then(Value::as_u64).unwrap_or_default()
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let digits: String = text.split_ascii_whitespace().collect();
    GeneralPurpose::new(&STANDARD, config).decode(digits).ok()
}
