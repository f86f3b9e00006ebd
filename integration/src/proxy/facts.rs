//! What does the proxy tell of an exchange, and when?
//!
//! Envoy forgets a request's headers once they have gone on, and remembers them for the log: in between, properties that
//! are made from them have no value.

use std::collections::BTreeMap;

use super::{Callback, Direction, Field, Phase};
use crate::case::Protocol;

/// What the proxy knows of an exchange.
#[derive(Clone, Debug)]
pub struct Facts {
    protocol: Protocol,
    request: Vec<Field>,
    /// Bytes of the request's body that came from the client.
    received: u64,
    /// Bytes of the response's body that went to the client.
    sent: u64,
}

impl Facts {
    pub fn new(protocol: Protocol) -> Self {
        Self { protocol, request: Vec::new(), received: 0, sent: 0 }
    }

    /// The request's headers are these now.
    pub fn note_request(&mut self, fields: &[Field]) {
        self.request = fields.to_vec();
    }

    /// So many bytes of a body came from the sender.
    pub fn note_received(&mut self, direction: Direction, length: usize) {
        if direction == Direction::Request {
            self.received += length as u64;
        }
    }

    /// So many bytes of a body went to the receiver.
    pub fn note_sent(&mut self, direction: Direction, length: usize) {
        if direction == Direction::Response {
            self.sent += length as u64;
        }
    }

    pub fn request(&self) -> &[Field] {
        &self.request
    }

    /// A callback about these fields.
    pub fn callback(&self, phase: Phase, fields: Vec<Field>) -> Callback {
        Callback { phase, end: false, fields, body: None, properties: self.properties(phase) }
    }

    fn properties(&self, phase: Phase) -> BTreeMap<String, Vec<u8>> {
        let protocol = if self.protocol.client_http2() { "HTTP/2" } else { "HTTP/1.1" };
        let mut told: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        told.insert("request.protocol".to_owned(), protocol.into());
        told.insert("connection.mtls".to_owned(), vec![0]);
        // No other filter is in the chain: once the headers have gone on they are at the router.
        let attempts = u64::from(phase != Phase::Headers(Direction::Request));
        for (property, number) in [
            ("request.size", self.received),
            ("response.size", self.sent),
            ("upstream.request_attempt_count", attempts),
        ] {
            told.insert(property.to_owned(), number.to_le_bytes().to_vec());
        }
        if matches!(phase, Phase::Headers(Direction::Request) | Phase::Log) {
            told.insert("xds.route_name".to_owned(), "service".into());
            for (property, header) in [
                ("request.method", ":method"),
                ("request.path", ":path"),
                ("request.host", ":authority"),
                ("request.id", "x-request-id"),
            ] {
                let value = self.request.iter().find(|(name, _)| name == header.as_bytes());
                told.extend(value.map(|(_, value)| (property.to_owned(), value.clone())));
            }
        }
        told
    }
}
