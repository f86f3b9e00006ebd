//! What do the headers of a message say about its body?

use crate::host::{HeaderBlock, Host};
use crate::policy::Direction;
use crate::stream::Sender;

/// What follows the headers, when it is no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handover {
    /// The frames of a websocket.
    WebSocket,
    /// Something else, from both sides.
    Unknown,
}

/// What the connection is handed over to with these headers, if it is. `websocket` says that the client asked for one.
pub fn hands_over(direction: Direction, block: &HeaderBlock, websocket: bool) -> Option<Handover> {
    let hands_over = match direction {
        Direction::Request => block.get(b":method") == Some(b"CONNECT"),
        Direction::Response => block.get(b":status") == Some(b"101"),
    };
    let websocket = websocket && direction == Direction::Response;
    hands_over.then_some(if websocket { Handover::WebSocket } else { Handover::Unknown })
}

/// How the sender of these headers marks the end of its body.
///
/// Envoy removes `transfer-encoding` from a request before any filter sees it, so there the protocol is asked for; a
/// response keeps it, and the protocol of the service is nowhere told.
pub fn sender_of<H: Host>(host: &mut H, direction: Direction, block: &HeaderBlock) -> Sender {
    if let Some(length) = block.get(b"content-length").and_then(length) {
        return Sender::Length(length);
    }
    let http1 = match direction {
        Direction::Request => client_speaks_http1(host),
        Direction::Response => block.get(b"transfer-encoding").is_some(),
    };
    if http1 { Sender::Announced } else { Sender::Open }
}

/// The number that these digits make, if it is a length that bodies have: below 10^18.
fn length(text: &[u8]) -> Option<u64> {
    let digits = text.trim_ascii();
    let add = |length: u64, byte: &u8| length.wrapping_mul(10).wrapping_add(u64::from(byte.wrapping_sub(b'0')));
    let is_number = (1..=MOST_DIGITS).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    is_number.then(|| digits.iter().fold(0, add))
}

/// How many digits of a length are read.
const MOST_DIGITS: usize = 18;

/// How far into a body a chunk may wait in the host.
///
/// A response that waits for an HTTP/1 client is lost when it outgrows the listener's buffer, and what comes next may be
/// as large as the service's HTTP/2 window when the client is slow. So there a chunk waits only while the body is small
/// and nothing of it can have piled up. Towards an HTTP/2 client the buffer is as large as the window.
pub fn pause_until<H: Host>(host: &mut H, direction: Direction, sender: Sender) -> u64 {
    if sender == Sender::Open && direction == Direction::Response && client_speaks_http1(host) {
        SMALL_BODY
    } else {
        u64::MAX
    }
}

fn client_speaks_http1<H: Host>(host: &mut H) -> bool {
    let protocol = host.property(&["request", "protocol"]).ok().flatten();
    protocol.is_some_and(|protocol| protocol.starts_with(b"HTTP/1"))
}

/// One HTTP/2 data frame of the usual size: with another behind it, it fits the smallest buffers that Envoy is run with.
pub const SMALL_BODY: u64 = 16_384;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read() {
        for (text, expected) in [
            ("0", Some(0)),
            ("4096", Some(4096)),
            (" 12 ", Some(12)),
            ("999999999999999999", Some(999_999_999_999_999_999)),
            ("1000000000000000000", None),
            ("", None),
            ("-1", None),
            ("1e3", None),
            ("12, 12", None),
        ] {
            assert_eq!(length(text.as_bytes()), expected, "{text}");
        }
    }
}
