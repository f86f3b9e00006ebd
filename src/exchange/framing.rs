//! What do the headers of a message say about its body?

use crate::host::{HeaderBlock, Host};
use crate::policy::{Direction, Intent, Mode, Place, Policy};
use crate::stream::Sender;

/// True when the service must be asked not to compress a response that is to be read. Monitor mode asks for nothing: it
/// changes no byte.
pub fn wants_identity(policy: &Policy, request: &HeaderBlock) -> bool {
    policy.mode() == Mode::Enforce
        && policy.decide(Direction::Response, Place::Body).intent != Intent::Skip
        && request.get(b"accept-encoding").is_some_and(|codings| !codings.eq_ignore_ascii_case(b"identity"))
}

/// True when the connection is handed over to another protocol: what follows is no body.
pub fn hands_over(direction: Direction, block: &HeaderBlock) -> bool {
    match direction {
        Direction::Request => block.get(b":method") == Some(b"CONNECT"),
        Direction::Response => block.get(b":status") == Some(b"101"),
    }
}

/// How the sender of these headers marks the end of its body.
///
/// Envoy removes `transfer-encoding` from a request before any filter sees it, so there the protocol is asked for; a
/// response keeps it, and the protocol of the service is nowhere told.
pub fn sender_of<H: Host>(host: &mut H, direction: Direction, block: &HeaderBlock) -> Sender {
    let is_grpc = |content_type: &[u8]| {
        let rest = content_type.strip_prefix(b"application/grpc");
        rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';')))
    };
    if block.get(b"content-type").is_some_and(is_grpc) {
        return Sender::Grpc;
    }
    let length = block.get(b"content-length").and_then(|length| std::str::from_utf8(length).ok());
    if let Some(length) = length.and_then(|length| length.trim().parse().ok()) {
        return Sender::Length(length);
    }
    let http1 = match direction {
        Direction::Request => client_speaks_http1(host),
        Direction::Response => block.get(b"transfer-encoding").is_some(),
    };
    if http1 { Sender::Announced } else { Sender::Open }
}

/// How far into a body a chunk may wait in the host.
///
/// A response that waits for an HTTP/1 client is lost when it outgrows the listener's buffer, and what comes next may be
/// as large as the service's HTTP/2 window when the client is slow. So there a chunk waits only while the body is small
/// and nothing of it can have piled up. Towards an HTTP/2 client the buffer is as large as the window.
pub fn pause_until<H: Host>(host: &mut H, direction: Direction, sender: Sender) -> usize {
    if sender == Sender::Open && direction == Direction::Response && client_speaks_http1(host) {
        SMALL_BODY
    } else {
        usize::MAX
    }
}

fn client_speaks_http1<H: Host>(host: &mut H) -> bool {
    let protocol = host.property(&["request", "protocol"]).ok().flatten();
    protocol.is_some_and(|protocol| protocol.starts_with(b"HTTP/1"))
}

/// One HTTP/2 data frame of the usual size: with another behind it, it fits the smallest buffers that Envoy is run with.
pub const SMALL_BODY: usize = 16_384;
