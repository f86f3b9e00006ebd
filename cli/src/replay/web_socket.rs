//! WebSocket messages of an entry.
//!
//! Chrome and mitmproxy save them in the field `_webSocketMessages`: the type (`send` or `receive`), the opcode, and the data, which is
//! base64 for binary messages. They are decompressed.

use super::captured::{decode, list, text};
use crate::playback::{HeaderPair, StoredBody, StoredMessage, WebSocketMessage, values};
use panveil::policy::Direction;
use serde_json::Value;

/// Opcodes of the messages that have data of the application.
const TEXT: u64 = 1;
const BINARY: u64 = 2;

/// Messages of an entry.
pub fn read(entry: &Value) -> Vec<WebSocketMessage> {
    list(entry, "/_webSocketMessages").iter().filter_map(message).collect()
}

fn message(message: &Value) -> Option<WebSocketMessage> {
    let direction = match text(message, "/type") {
        "send" => Direction::Request,
        "receive" => Direction::Response,
        _ => return None,
    };
    let (opcode, data) = (message.get("opcode").and_then(Value::as_u64).unwrap_or(TEXT), text(message, "/data"));
    let payload = match opcode {
        TEXT => data.as_bytes().to_vec(),
        // Data that is not base64 is text.
        BINARY => decode(data).unwrap_or_else(|| data.as_bytes().to_vec()),
        _ => return None,
    };
    Some(WebSocketMessage { direction, is_text: opcode == TEXT, payload })
}

/// Completes the handshake of an entry with WebSocket messages, as a proxy would have seen it. Over HTTP/2 it is an extended CONNECT,
/// which Envoy translates to this form. The messages are decompressed, so no extension is negotiated. They replace the bodies of the
/// capture.
pub fn complete_handshake(request: &mut StoredMessage, response: &mut Option<StoredMessage>) {
    let response = response.get_or_insert_with(|| StoredMessage::new(Vec::new(), StoredBody::Upgraded));
    set(&mut request.fields, ":method", "GET");
    set(&mut request.fields, "upgrade", "websocket");
    set(&mut response.fields, ":status", "101");
    set(&mut response.fields, "upgrade", "websocket");
    for message in [request, response] {
        message.fields.retain(|(name, _)| name != "sec-websocket-extensions");
        message.body = StoredBody::Upgraded;
    }
}

fn set(fields: &mut Vec<HeaderPair>, name: &str, value: &str) {
    if values(fields, name).next() != Some(value) {
        fields.retain(|(other, _)| other != name);
        fields.insert(0, (name.to_owned(), value.to_owned()));
    }
}
