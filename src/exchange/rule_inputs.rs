//! What do the rules say of this exchange, and what must the host tell for that?
//!
//! A property costs a host call, so that only those are read that a rule asks for, each once: the host forgets what it
//! knows of a request once its headers have gone on, and of the service it knows nothing before it has answered.

use super::Exchange;
use crate::audit::Line;
use crate::host::{HeaderBlock, Host, LogLevel};
use crate::policy::{Connection, Direction};
use std::rc::Rc;

/// A client that proved who it is.
pub(super) const MUTUAL: [u8; 1] = [1];

/// Where the host tells who the client is, and who the service.
pub(super) const SOURCE: [&str; 2] = ["connection", "uri_san_peer_certificate"];
pub(super) const DESTINATION: [&str; 2] = ["upstream", "uri_san_peer_certificate"];

impl Exchange {
    /// Learns from a message, whose headers are `block`, what its rules ask, and judges by it. At a request the response is
    /// judged too, by the strictest that it could come to.
    pub(super) fn judge<H: Host>(&mut self, host: &mut H, direction: Direction, block: &HeaderBlock) {
        let policy = Rc::clone(&self.policy);
        let needed = policy.needed();
        if needed.content_type {
            self.request_context.note_content_type(direction, content_type(block).as_deref());
        }
        match direction {
            Direction::Request => {
                if needed.request_line {
                    let [method, authority, path] =
                        [b":method".as_slice(), b":authority", b":path"].map(|name| block.get(name));
                    self.request_context.note_request_line(method, authority, path);
                }
                if needed.connection {
                    self.request_context.note_connection(connection(host));
                }
                if needed.source
                    && let Ok(name) = told(host, &SOURCE)
                {
                    self.request_context.note_source(name.as_deref());
                }
                self.request.decisions = policy.judge(direction, &self.request_context);
            }
            Direction::Response => {
                if needed.destination
                    && let Ok(name) = told(host, &DESTINATION)
                {
                    self.request_context.note_destination(name.as_deref());
                }
            }
        }
        self.response.decisions = policy.judge(Direction::Response, &self.request_context);
    }
}

/// What the headers say the message holds. Of several values all are told, so that it is seen that there are several.
fn content_type(block: &HeaderBlock) -> Option<Vec<u8>> {
    let values: Vec<&[u8]> = block.all(b"content-type").collect();
    (!values.is_empty()).then(|| values.join(&b','))
}

/// How the client is connected, unless the host does not say.
fn connection<H: Host>(host: &mut H) -> Option<Connection> {
    if told(host, &["connection", "mtls"]).ok()?.is_some_and(|mutual| mutual == MUTUAL) {
        return Some(Connection::MutualTls);
    }
    let version = told(host, &["connection", "tls_version"]).ok()?;
    let is_encrypted = version.is_some_and(|version| !version.is_empty());
    Some(if is_encrypted { Connection::Tls } else { Connection::Plain })
}

/// A property; an error, which the log tells, leaves open what the rules ask.
fn told<H: Host>(host: &mut H, path: &[&str]) -> Result<Option<Vec<u8>>, ()> {
    host.property(path).map_err(|error| host.log(LogLevel::Warn, &Line::HostCallFailed(error.call)))
}
