//! Inputs of the policy's rules: headers, connection and certificates.
//!
//! A property costs a host call, so only the attributes that a rule needs are read, each once. Those of the request are read at its
//! headers, because the host drops them afterwards. Those of the upstream are read at the response's headers.

use super::Exchange;
use crate::audit::{Line, ListenerDirection};
use crate::host::{HeaderBlock, Host, LogLevel};
use crate::policy::{Connection, Direction, NeededAttributes};
use std::rc::Rc;

/// The value of the property `connection.mtls` under mutual TLS.
pub(super) const MUTUAL: [u8; 1] = [1];

/// The properties with the first URI SAN of the client's and of the upstream's certificate.
pub(super) const SOURCE: [&str; 2] = ["connection", "uri_san_peer_certificate"];
pub(super) const DESTINATION: [&str; 2] = ["upstream", "uri_san_peer_certificate"];

impl Exchange {
    /// Reads the needed attributes of a message with the headers `block` and evaluates the rules. At a request, the response gets the
    /// strictest decisions that are possible.
    pub(super) fn evaluate_rules(&mut self, host: &mut dyn Host, direction: Direction, block: &HeaderBlock) {
        let policy = Rc::clone(&self.policy);
        let needed = policy.needed();
        if needed.content_type {
            self.request_context.note_content_type(direction, content_type(block).as_deref());
        }
        match direction {
            Direction::Request => {
                if needed.time {
                    self.request_context.note_time(host.time());
                }
                if needed.request_line {
                    let [method, authority, path] =
                        [b":method".as_slice(), b":authority", b":path"].map(|name| block.get(name));
                    self.request_context.note_request_line(method, authority, path);
                }
                if needed.headers {
                    let values = |name: &str| block.all(name.as_bytes()).map(<[u8]>::to_vec).collect();
                    let headers = policy.tested_headers().map(|name| (name, values(name)));
                    self.request_context.note_headers(headers);
                }
                self.read_route(host, needed);
                if needed.connection {
                    self.request_context.note_connection(connection(host));
                }
                if needed.source
                    && let Ok(name) = property(host, &SOURCE)
                {
                    self.request_context.note_source(name.as_deref());
                }
                self.request.decisions = policy.judge(direction, &self.request_context);
            }
            Direction::Response => {
                if needed.status {
                    let status = block.get(b":status").and_then(|status| str::from_utf8(status).ok()?.parse().ok());
                    self.request_context.note_status(status);
                }
                if needed.destination
                    && let Ok(name) = property(host, &DESTINATION)
                {
                    self.request_context.note_destination(name.as_deref());
                }
            }
        }
        self.response.decisions = policy.judge(Direction::Response, &self.request_context);
    }

    /// Reads the needed attributes of the connection and the route. They are known at the request's headers.
    fn read_route(&mut self, host: &mut dyn Host, needed: NeededAttributes) {
        let mut text = |path: &[&str]| property(host, path).ok().flatten();
        if needed.remote_ip {
            self.request_context.note_remote_address(text(&["source", "address"]).as_deref());
        }
        if needed.port {
            // A whole number of 8 bytes.
            let number = text(&["destination", "port"]).and_then(|bytes| bytes.try_into().ok());
            self.request_context.note_port(number.and_then(|bytes| u16::try_from(u64::from_le_bytes(bytes)).ok()));
        }
        if needed.route {
            self.request_context.note_route(text(&["xds", "route_name"]));
        }
        if needed.cluster {
            self.request_context.note_cluster(text(&["xds", "cluster_name"]));
        }
    }
}

/// The content type. Several values are joined by commas, so that the rules see all of them.
fn content_type(block: &HeaderBlock) -> Option<Vec<u8>> {
    let values: Vec<&[u8]> = block.all(b"content-type").collect();
    (!values.is_empty()).then(|| values.join(&b','))
}

/// The security of the client's connection, or `None` if a host call failed.
#[inline(never)]
pub(super) fn connection(host: &mut dyn Host) -> Option<Connection> {
    if property(host, &["connection", "mtls"]).ok()?.is_some_and(|mutual| mutual == MUTUAL) {
        return Some(Connection::MutualTls);
    }
    let version = property(host, &["connection", "tls_version"]).ok()?;
    let is_encrypted = version.is_some_and(|version| !version.is_empty());
    Some(if is_encrypted { Connection::Tls } else { Connection::Plain })
}

/// The traffic direction of the listener, an integer of 8 bytes.
pub(super) fn listener_direction(host: &mut dyn Host) -> ListenerDirection {
    const INBOUND: [u8; 8] = 1_u64.to_le_bytes();
    const OUTBOUND: [u8; 8] = 2_u64.to_le_bytes();
    match property(host, &["xds", "listener_direction"]) {
        Ok(Some(value)) if value == INBOUND => ListenerDirection::Inbound,
        Ok(Some(value)) if value == OUTBOUND => ListenerDirection::Outbound,
        _ => ListenerDirection::Unspecified,
    }
}

/// Reads a property. A failure is logged and leaves the attribute unknown to the rules.
fn property(host: &mut dyn Host, path: &[&str]) -> Result<Option<Vec<u8>>, ()> {
    host.property(path).map_err(|error| host.log(LogLevel::Warn, &Line::HostCallFailed(error.call)))
}
