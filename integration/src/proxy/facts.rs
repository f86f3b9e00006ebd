//! Properties of a stream that the proxy provides, by phase.
//!
//! Envoy discards the request headers once they are forwarded, and has them again for the log. In between, properties
//! that derive from them have no value.

use std::collections::BTreeMap;

use super::{Callback, Direction, Field, Phase};
use crate::case::Protocol;

/// Data of the proxy about a stream.
#[derive(Clone, Debug)]
pub struct Facts {
    protocol: Protocol,
    request: Vec<Field>,
    /// Received bytes of the request body.
    received: u64,
    /// Sent bytes of the response body.
    sent: u64,
}

impl Facts {
    pub fn new(protocol: Protocol) -> Self {
        Self { protocol, request: Vec::new(), received: 0, sent: 0 }
    }

    /// Sets the request headers.
    pub fn note_request(&mut self, fields: &[Field]) {
        self.request = fields.to_vec();
    }

    /// Adds received body bytes.
    pub fn note_received(&mut self, direction: Direction, length: usize) {
        if direction == Direction::Request {
            self.received += length as u64;
        }
    }

    /// Adds sent body bytes.
    pub fn note_sent(&mut self, direction: Direction, length: usize) {
        if direction == Direction::Response {
            self.sent += length as u64;
        }
    }

    pub fn request(&self) -> &[Field] {
        &self.request
    }

    /// Callback about these fields.
    pub fn callback(&self, phase: Phase, fields: Vec<Field>) -> Callback {
        Callback { phase, end: false, fields, body: None, properties: self.properties(phase) }
    }

    fn properties(&self, phase: Phase) -> BTreeMap<String, Vec<u8>> {
        let protocol = if self.protocol.client_http2() { "HTTP/2" } else { "HTTP/1.1" };
        let mut told: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        told.insert("request.protocol".to_owned(), protocol.into());
        told.insert("connection.mtls".to_owned(), vec![0]);
        // The chain has no other filter, so forwarded headers are at the router.
        let attempts = u64::from(phase != Phase::Headers(Direction::Request));
        for (property, number) in [
            ("request.size", self.received),
            ("response.size", self.sent),
            ("upstream.request_attempt_count", attempts),
        ] {
            told.insert(property.to_owned(), number.to_le_bytes().to_vec());
        }
        if matches!(phase, Phase::Headers(Direction::Request) | Phase::Log) {
            // The route of the shipped configuration has no name.
            told.insert("xds.route_name".to_owned(), Vec::new());
            told.insert("xds.cluster_name".to_owned(), "service".into());
            // Without `use_remote_address` Envoy believes this header.
            let forwarded = self.request.iter().find(|(name, _)| name == b"x-forwarded-for");
            let client = forwarded.map_or(&b"127.0.0.1"[..], |(_, client)| client);
            told.insert("source.address".to_owned(), [client, b":51734"].concat());
            told.insert("destination.port".to_owned(), 8080_u64.to_le_bytes().to_vec());
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
