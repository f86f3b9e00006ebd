//! End of a body by its headers, and the buffer for held-back bytes.

use super::negotiation::opens_websocket;
use crate::host::{HeaderBlock, Host};
use crate::policy::Direction;
use crate::stream::{BodyProgress, HoldBack, Sender};

/// The protocol of a connection after the headers so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP bodies.
    Http,
    /// HTTP bodies, and WebSocket frames if the upstream agrees.
    WebSocketRequested,
    /// WebSocket frames, in both directions.
    WebSocket,
    /// An unknown protocol, in both directions.
    Unknown,
}

impl Protocol {
    /// The protocol after the headers `block`, which were preceded by this protocol.
    pub fn after_headers(self, direction: Direction, block: &HeaderBlock) -> Self {
        let is_upgrade = match direction {
            Direction::Request => block.get(b":method") == Some(b"CONNECT"),
            Direction::Response => block.get(b":status") == Some(b"101"),
        };
        match self {
            Self::Http if direction == Direction::Request && !is_upgrade && opens_websocket(block) => {
                Self::WebSocketRequested
            }
            Self::WebSocketRequested if is_upgrade => Self::WebSocket,
            _ if is_upgrade => Self::Unknown,
            _ => self,
        }
    }
}

/// The way in which the sender of these headers signals the end of its body.
///
/// Envoy removes `transfer-encoding` from a request before any filter sees it, so the protocol is read instead. The
/// protocol of an upstream is not available to a filter, but HTTP/2 forbids `transfer-encoding` and `connection` (RFC 9113,
/// section 8.2.2), so either proves HTTP/1, which signals the end in the last callback.
pub fn sender_of(host: &mut dyn Host, direction: Direction, block: &HeaderBlock) -> Sender {
    if let Some(length) = block.get(b"content-length").and_then(length) {
        return Sender::Length(length);
    }
    let is_http1 = match direction {
        Direction::Request => client_speaks_http1(host),
        Direction::Response => HTTP1_ONLY.iter().any(|name| block.get(name).is_some()) && !lost_length(block),
    };
    if is_http1 { Sender::EndSignalled } else { Sender::EndUnknown }
}

/// The response headers of HTTP/1 that later versions forbid.
const HTTP1_ONLY: [&[u8]; 2] = [b"transfer-encoding", b"connection"];

/// True for a response on a persistent connection without a length or chunked encoding: another filter, which may add trailers,
/// has removed its length.
fn lost_length(block: &HeaderBlock) -> bool {
    let connection = block.get(b"connection").unwrap_or_default();
    block.get(b"transfer-encoding").is_none() && connection.trim_ascii().eq_ignore_ascii_case(b"keep-alive")
}

/// The value of a decimal length below 10^18.
fn length(text: &[u8]) -> Option<u64> {
    let digits = text.trim_ascii();
    let add = |length: u64, byte: &u8| length.wrapping_mul(10).wrapping_add(u64::from(byte.wrapping_sub(b'0')));
    let is_number = (1..=MOST_DIGITS).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    is_number.then(|| digits.iter().fold(0, add))
}

/// The most digits of a length.
const MOST_DIGITS: usize = 18;

/// The arrival of a body at the host. The flags are independent of the state of the message.
#[derive(Clone, Copy, Default)]
pub struct Arrival {
    /// Bytes arrived before the headers reached this filter: a filter in front waits for another service. It may buffer body and
    /// trailers too. If this filter pauses and continues then, Envoy sends the trailers past the filter in front, and the message
    /// ends twice or too early.
    is_delayed: bool,
    /// The number of bytes that had arrived over the connection at the last [`hold_back`].
    bytes: Option<u64>,
    /// Bytes were delivered although none had arrived since: a filter in front buffers the body.
    was_late: bool,
}

/// The buffer for the held-back bytes of a body, in panveil or in the host.
///
/// The bytes stay in the host if trailers may follow and no later filter can release them. That requires that the headers and all
/// forwarded bytes of the body have passed the other filters. Otherwise the buffer that all filters share contains some of the body
/// and would be delivered twice.
///
/// A paused response to an HTTP/1 client is lost if it exceeds the listener's buffer, and the next read from the upstream may do that.
/// So it pauses only while the body is small. For an HTTP/2 client the buffer is as large as the window.
///
/// If the upstream has sent all of a response and this is not the last callback, another filter has added trailers, as Envoy's
/// decompressor does. Envoy does not deliver them to a filter that pauses now. It sends them past a filter that continues after a
/// pause, and past the filters in front of one that stops the headers.
pub fn hold_back(host: &mut dyn Host, direction: Direction, counts: BodyProgress, arrival: &mut Arrival) -> HoldBack {
    match direction {
        _ if arrival.is_delayed => HoldBack::InFilter,
        Direction::Request => hold_back_request(host, counts, arrival),
        Direction::Response => hold_back_response(host, counts),
    }
}

impl Arrival {
    /// The arrival at the headers of a body whose end is signalled in that way.
    pub fn at_headers(host: &mut dyn Host, direction: Direction, sender: Sender) -> Self {
        let is_delayed = match (direction, sender) {
            // panveil does not pause these bodies.
            (_, Sender::Length(_)) | (Direction::Response, Sender::EndSignalled) => false,
            (Direction::Request, Sender::EndSignalled | Sender::EndUnknown) => {
                number(host, &RECEIVED).is_some_and(|received| received > 0)
            }
            (Direction::Response, Sender::EndUnknown) => is_response_complete(host),
        };
        Self { is_delayed, ..Self::default() }
    }
}

/// The buffer for the held-back bytes of a request.
///
/// A filter in front that changes the body may also add trailers, as Envoy's decompressor does. Then the current chunk may be the
/// last one, although no callback signals the end:
///
/// - While a later filter stops the request, Envoy does not deliver the trailers to this filter.
/// - If this filter continues after a pause, Envoy sends those trailers twice. So a paused request stays paused.
///
/// The same applies if a filter in front buffers the body: bytes are delivered although none have arrived over the connection.
fn hold_back_request(host: &mut dyn Host, counts: BodyProgress, arrival: &mut Arrival) -> HoldBack {
    if matches!(counts.sender, Sender::Length(_)) {
        return HoldBack::InFilter;
    }
    let received = number(host, &RECEIVED);
    let is_late = counts.is_fresh && received.is_some() && received == arrival.bytes;
    *arrival = Arrival { bytes: received, was_late: arrival.was_late || is_late, ..*arrival };
    let is_changed = arrival.was_late || received.is_some_and(|received| received != counts.received);
    // The body has the length that arrived over the connection: no filter in front has changed it or added trailers, and
    // HTTP/1 requests have none of their own.
    if !is_changed && (counts.is_decided || counts.sender == Sender::EndSignalled) {
        return HoldBack::InFilter;
    }
    let is_stopped = nothing_has_left_the_chain(host, Direction::Request);
    if counts.is_decided {
        return if is_stopped { HoldBack::InFilter } else { HoldBack::InHost };
    }
    match counts.sender {
        _ if is_stopped && is_changed => HoldBack::ReleaseMasked,
        _ if is_stopped || (is_late && !counts.was_paused) => HoldBack::InFilter,
        Sender::EndSignalled if counts.received > SMALL_BODY => HoldBack::InFilterHostFull,
        _ => HoldBack::InHost,
    }
}

fn hold_back_response(host: &mut dyn Host, counts: BodyProgress) -> HoldBack {
    if counts.is_decided || matches!(counts.sender, Sender::Length(_)) {
        return HoldBack::InFilter;
    }
    if is_response_complete(host) {
        return match (counts.is_fresh, counts.was_paused) {
            (false, _) => HoldBack::EndOfBody,
            (true, true) => HoldBack::ReleaseMasked,
            // A later filter stops the response, and the trailers pass this one.
            (true, false) if counts.forwarded > 0 && nothing_has_left_the_chain(host, Direction::Response) => {
                HoldBack::ReleaseMasked
            }
            (true, false) => HoldBack::InFilter,
        };
    }
    if counts.sender != Sender::EndUnknown || number(host, &SENT) != Some(counts.forwarded) {
        HoldBack::InFilter
    } else if counts.received > SMALL_BODY && client_speaks_http1(host) {
        HoldBack::InFilterHostFull
    } else {
        HoldBack::InHost
    }
}

/// True if no byte of the body can have passed all filters.
pub fn nothing_has_left_the_chain(host: &mut dyn Host, direction: Direction) -> bool {
    match direction {
        Direction::Request => number(host, &ATTEMPTS).unwrap_or(0) == 0,
        Direction::Response => number(host, &SENT).unwrap_or(0) == 0,
    }
}

/// True if the upstream has sent all of a response.
pub fn is_response_complete(host: &mut dyn Host) -> bool {
    number(host, &COMPLETE).is_some()
}

/// True if a peer or the host has aborted the stream.
pub fn was_aborted(host: &mut dyn Host) -> bool {
    number(host, &FLAGS) != Some(0)
}

/// The bytes of a request's body that arrived over the connection.
const RECEIVED: [&str; 2] = ["request", "size"];
/// The router's attempts to send a request: none while another filter stops its headers.
const ATTEMPTS: [&str; 2] = ["upstream", "request_attempt_count"];
/// The bytes of a response's body that have passed all filters.
const SENT: [&str; 2] = ["response", "size"];

/// The response flags, one bit per failure.
const FLAGS: [&str; 2] = ["response", "flags"];

/// The latency of the upstream, available after it has sent all of a response.
const COMPLETE: [&str; 2] = ["response", "backend_latency"];

/// A property with an integer value: eight bytes, little endian.
fn number(host: &mut dyn Host, path: &[&str]) -> Option<u64> {
    let value = host.property(path).ok().flatten()?;
    Some(u64::from_le_bytes(*value.as_slice().first_chunk()?))
}

fn client_speaks_http1(host: &mut dyn Host) -> bool {
    let protocol = host.property(&["request", "protocol"]).ok().flatten();
    protocol.is_some_and(|protocol| protocol.starts_with(b"HTTP/1"))
}

/// The usual size of an HTTP/2 DATA frame. Two of them fit the smallest buffers that Envoy is configured with.
const SMALL_BODY: u64 = 16_384;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_parsed() {
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
