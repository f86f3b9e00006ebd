//! Message as its receiver sees it: the forwarded part, and whether it is complete.

use super::Field;
use super::arrival::Event;
use crate::observation::{ReceivedRequest, ReceivedResponse};

/// Forwarded part of a message.
#[derive(Clone, Debug)]
pub struct Departure {
    http2: bool,
    fields: Option<Vec<Field>>,
    body: Vec<u8>,
    trailers: Vec<Field>,
    ended: bool,
}

impl Departure {
    /// Empty message for a receiver that speaks HTTP/2 or HTTP/1.1.
    pub fn over(http2: bool) -> Self {
        Self { http2, fields: None, body: Vec::new(), trailers: Vec::new(), ended: false }
    }

    /// Forwards an event.
    pub fn take(&mut self, event: Event) {
        match event {
            Event::Headers(fields, end) => {
                self.fields = Some(fields);
                self.ended = end;
            }
            Event::Data(chunk, end) => {
                self.body.extend(chunk);
                self.ended = end;
            }
            Event::Trailers(fields) => {
                // Envoy drops trailers towards HTTP/1.1, unless it is configured to forward them.
                self.trailers = if self.http2 { fields } else { Vec::new() };
                self.ended = true;
            }
        }
    }

    /// Whether the headers have been forwarded.
    pub fn has_begun(&self) -> bool {
        self.fields.is_some()
    }

    /// Whether the message is complete for the receiver. Over HTTP/1.1 the bytes of `content-length` suffice.
    pub fn is_whole(&self) -> bool {
        let promised = self.value(b"content-length").and_then(|length| length.parse().ok());
        self.has_begun() && (self.ended || (!self.http2 && promised == Some(self.body.len())))
    }

    /// Request at the upstream. `None` when nothing was forwarded.
    pub fn into_request(self) -> Option<ReceivedRequest> {
        let value = |name: &[u8]| self.value(name).unwrap_or_default();
        let (method, path, host) = (value(b":method"), value(b":path"), value(b":authority"));
        let mut headers = regular(self.fields?);
        headers.push(("host".to_owned(), host));
        Some(ReceivedRequest { method, path, headers, body: self.body, trailers: regular(self.trailers) })
    }

    /// Response at the client. `None` when nothing was forwarded.
    pub fn into_response(self) -> Option<ReceivedResponse> {
        let complete = self.is_whole();
        let status = self.value(b":status").and_then(|status| status.parse().ok()).unwrap_or_default();
        let headers = regular(self.fields?);
        Some(ReceivedResponse { status, headers, body: self.body, trailers: regular(self.trailers), complete })
    }

    fn value(&self, name: &[u8]) -> Option<String> {
        let field = self.fields.iter().flatten().find(|(key, _)| key == name);
        field.map(|(_, value)| text(value))
    }
}

/// Fields without pseudo-headers and hop-by-hop headers.
fn regular(fields: Vec<Field>) -> Vec<(String, String)> {
    let pairs = fields.into_iter().map(|(name, value)| (text(&name), text(&value)));
    pairs.filter(|(name, _)| !name.starts_with(':') && name != "transfer-encoding").collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
