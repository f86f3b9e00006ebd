//! Messages of a stream, as a capture or a test case has them.

use panveil::policy::Direction;
use panveil::stream::{Decoder, MemoryBudget};

/// Request, and its response if there is one. Has no `Debug`: it contains traffic.
#[derive(Clone)]
pub struct StoredStream {
    pub request: StoredMessage,
    pub response: Option<StoredMessage>,
    /// WebSocket messages after the handshake.
    pub web_socket: Vec<WebSocketMessage>,
    /// Protocol of the client, such as `HTTP/2`.
    pub protocol: Option<&'static str>,
}

/// Request or response.
#[derive(Clone)]
pub struct StoredMessage {
    /// Headers with lowercase names, pseudo-headers included.
    pub fields: Vec<HeaderPair>,
    pub body: StoredBody,
}

/// Name and value of a header.
pub type HeaderPair = (String, String);

/// Body of a message, as far as it is known.
#[derive(Clone)]
pub enum StoredBody {
    /// No body.
    None,
    /// Complete body.
    Whole(Vec<u8>),
    /// Beginning of a body.
    Part(Vec<u8>),
    /// Body that was not captured.
    Missing,
    /// No body: WebSocket messages follow the handshake.
    Upgraded,
}

/// WebSocket message, decompressed.
#[derive(Clone)]
pub struct WebSocketMessage {
    /// `Request` for a message of the client.
    pub direction: Direction,
    pub is_text: bool,
    pub payload: Vec<u8>,
}

/// Headers that describe the encoded bytes, which are not stored.
const ENCODING_HEADERS: [&str; 2] = ["content-encoding", "content-length"];

impl StoredMessage {
    /// Message with headers that describe its decoded body. An unsupported content encoding stays in the headers, so that the
    /// filter reports it as it would on the wire.
    pub fn new(mut fields: Vec<HeaderPair>, body: StoredBody) -> Self {
        let encodings: Vec<&str> = values(&fields, "content-encoding").collect();
        let is_supported = Decoder::of(encodings.join(",").as_bytes(), 1, &MemoryBudget::new(0)).is_ok();
        if is_supported && let StoredBody::Whole(_) | StoredBody::Part(_) = body {
            fields.retain(|(name, _)| !ENCODING_HEADERS.contains(&name.as_str()));
        }
        Self { fields, body }
    }

    /// First value of the header `name`.
    pub fn value(&self, name: &str) -> Option<&str> {
        values(&self.fields, name).next()
    }
}

impl StoredBody {
    /// Stored bytes; `None` if there are none.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::None | Self::Missing | Self::Upgraded => None,
            Self::Whole(bytes) | Self::Part(bytes) => Some(bytes),
        }
    }
}

/// Values of a header.
pub fn values<'f>(fields: &'f [HeaderPair], name: &str) -> impl Iterator<Item = &'f str> {
    fields.iter().filter(move |(other, _)| other == name).map(|(_, value)| value.as_str())
}
