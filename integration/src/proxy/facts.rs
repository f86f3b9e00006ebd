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
}

impl Facts {
    pub fn new(protocol: Protocol) -> Self {
        Self { protocol, request: Vec::new() }
    }

    /// The request's headers are these now.
    pub fn note_request(&mut self, fields: &[Field]) {
        self.request = fields.to_vec();
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
