//! How a body ends, by its headers, and where its undecided bytes are held back.

use crate::host::{HeaderBlock, Host};
use crate::policy::Direction;
use crate::stream::{BodyProgress, HoldBack, Sender};

/// What follows the headers, when it is no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upgrade {
    /// The frames of a websocket.
    WebSocket,
    /// Something else, from both sides.
    Unknown,
}

/// What the connection is handed over to with these headers, if it is. `websocket` says that the client asked for one.
pub fn hands_over(direction: Direction, block: &HeaderBlock, websocket: bool) -> Option<Upgrade> {
    let hands_over = match direction {
        Direction::Request => block.get(b":method") == Some(b"CONNECT"),
        Direction::Response => block.get(b":status") == Some(b"101"),
    };
    let websocket = websocket && direction == Direction::Response;
    hands_over.then_some(if websocket { Upgrade::WebSocket } else { Upgrade::Unknown })
}

/// How the sender of these headers marks the end of its body.
///
/// Envoy removes `transfer-encoding` from a request before any filter sees it, so there the protocol is asked for. The
/// protocol of an upstream is not available to a filter, but HTTP/2 forbids `transfer-encoding` and `connection` (RFC 9113,
/// section 8.2.2), so either proves HTTP/1, which tells its end in the last callback.
pub fn sender_of<H: Host>(host: &mut H, direction: Direction, block: &HeaderBlock) -> Sender {
    if let Some(length) = block.get(b"content-length").and_then(length) {
        return Sender::Length(length);
    }
    let is_http1 = match direction {
        Direction::Request => client_speaks_http1(host),
        Direction::Response => HTTP1_ONLY.iter().any(|name| block.get(name).is_some()) && !lost_length(block),
    };
    if is_http1 { Sender::EndSignalled } else { Sender::EndUnknown }
}

/// Fields of a response that HTTP/1 has and later versions forbid.
const HTTP1_ONLY: [&[u8]; 2] = [b"transfer-encoding", b"connection"];

/// True for a response whose connection stays open although neither a length nor chunks tell its end: another filter, which
/// may add trailers, has removed its length.
fn lost_length(block: &HeaderBlock) -> bool {
    let connection = block.get(b"connection").unwrap_or_default();
    block.get(b"transfer-encoding").is_none() && connection.trim_ascii().eq_ignore_ascii_case(b"keep-alive")
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

/// Where undecided bytes of a body are held back that has come so far, or decided ones that have waited. `arrived` is how much of
/// a request had come over the connection when this was last asked.
///
/// In the host they wait where trailers may follow and nothing behind this filter could take them along: the message's headers
/// have passed all other filters, and so has all that was forwarded of its body. Then nothing of it is in the buffer that all
/// filters share, which would be delivered twice.
///
/// A response that waits for an HTTP/1 client is lost when it outgrows the listener's buffer, and what comes next may be as large
/// as a read of the upstream. So there a chunk waits only while the body is small. Towards an HTTP/2 client the buffer is as large as the window.
///
/// Where the upstream has sent all of a response and this callback is not its last, another filter has added trailers, as
/// Envoy's decompressor does. Envoy never gives those to a filter that pauses now, sends them past one that continues what it had
/// paused, and past all in front of one that stops the headers.
pub fn advice<H: Host>(
    host: &mut H,
    direction: Direction,
    counts: BodyProgress,
    arrived: &mut Option<u64>,
) -> HoldBack {
    match direction {
        Direction::Request => advice_for_request(host, counts, arrived),
        Direction::Response => advice_for_response(host, counts),
    }
}

/// True when bytes of a body came before its headers reached this filter: one in front keeps them until another service has
/// answered. It may do so with the body and the trailers too, and what continues after a pause sends trailers past it that it
/// still has, so that the message ends twice or too early.
pub fn is_delayed<H: Host>(host: &mut H, direction: Direction, sender: Sender) -> bool {
    match (direction, sender) {
        // Nothing of it ever waits in the host.
        (_, Sender::Length(_)) | (Direction::Response, Sender::EndSignalled) => false,
        (Direction::Request, Sender::EndSignalled | Sender::EndUnknown) => {
            number(host, &RECEIVED).is_some_and(|came| came > 0)
        }
        (Direction::Response, Sender::EndUnknown) => is_complete(host),
    }
}

/// Where a filter in front has changed the body it may also have added trailers, as Envoy's decompressor does. So then the end
/// of what has come may be the end of the body, although no callback says so:
///
/// - While a filter behind stops the request, this filter is not told of the trailers at all.
/// - What continues after a pause sends those trailers, and Envoy sends them once more. So what has waited goes on waiting.
///
/// The same holds where a filter in front keeps the body for a while: bytes come although none have arrived.
fn advice_for_request<H: Host>(host: &mut H, counts: BodyProgress, arrived: &mut Option<u64>) -> HoldBack {
    if matches!(counts.sender, Sender::Length(_)) {
        return HoldBack::InFilter;
    }
    let came = number(host, &RECEIVED);
    let is_late = counts.is_fresh && came.is_some() && came == *arrived;
    *arrived = came;
    let is_changed = is_late || came.is_some_and(|came| came != counts.received);
    // As many bytes as came over the connection: no filter in front has added trailers, and HTTP/1 has none.
    if !is_changed && (counts.is_decided || counts.sender == Sender::EndSignalled) {
        return HoldBack::InFilter;
    }
    let is_stopped = has_reached_nobody(host, Direction::Request);
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

fn advice_for_response<H: Host>(host: &mut H, counts: BodyProgress) -> HoldBack {
    if counts.is_decided || matches!(counts.sender, Sender::Length(_)) {
        return HoldBack::InFilter;
    }
    if is_complete(host) {
        return match (counts.is_fresh, counts.was_paused) {
            (false, _) => HoldBack::EndOfBody,
            (true, true) => HoldBack::ReleaseMasked,
            // A filter behind stops it, and the trailers go past this one.
            (true, false) if counts.forwarded > 0 && has_reached_nobody(host, Direction::Response) => {
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

/// True when no byte of the body can have passed all filters.
pub fn has_reached_nobody<H: Host>(host: &mut H, direction: Direction) -> bool {
    match direction {
        Direction::Request => number(host, &ATTEMPTS).unwrap_or(0) == 0,
        Direction::Response => number(host, &SENT).unwrap_or(0) == 0,
    }
}

/// True when the upstream has sent all of a response.
pub fn is_complete<H: Host>(host: &mut H) -> bool {
    number(host, &COMPLETE).is_some()
}

/// True when a peer or the host has broken the exchange off.
pub fn is_broken_off<H: Host>(host: &mut H) -> bool {
    number(host, &FLAGS) != Some(0)
}

/// Bytes of a request's body that came over the connection.
const RECEIVED: [&str; 2] = ["request", "size"];
/// How often the router has tried to send a request: none while another filter stops its headers.
const ATTEMPTS: [&str; 2] = ["upstream", "request_attempt_count"];
/// Bytes of a response's body that have passed all filters.
const SENT: [&str; 2] = ["response", "size"];

/// Why an exchange went wrong, a bit for each reason.
const FLAGS: [&str; 2] = ["response", "flags"];

/// How long an upstream took: known once it has sent all of a response.
const COMPLETE: [&str; 2] = ["response", "backend_latency"];

/// A property that is a whole number: Envoy gives it in eight bytes, the lowest first.
fn number<H: Host>(host: &mut H, path: &[&str]) -> Option<u64> {
    let value = host.property(path).ok().flatten()?;
    Some(u64::from_le_bytes(*value.as_slice().first_chunk()?))
}

fn client_speaks_http1<H: Host>(host: &mut H) -> bool {
    let protocol = host.property(&["request", "protocol"]).ok().flatten();
    protocol.is_some_and(|protocol| protocol.starts_with(b"HTTP/1"))
}

/// One HTTP/2 data frame of the usual size: with another behind it, it fits the smallest buffers that Envoy is run with.
const SMALL_BODY: u64 = 16_384;

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
