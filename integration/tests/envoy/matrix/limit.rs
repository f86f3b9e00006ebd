//! Cells that cannot complete because of the documented limit: trailers arrive while the undecided end of the body waits in
//! the filter, and the host accepts no more bytes. These streams are reset, and the log has the reason. All others are complete.
//!
//! | sender | undecided end of the body | reset |
//! |---|---|---|
//! | HTTP/1.1, trailers forwarded | always waits in the filter | always |
//! | HTTP/1.1, trailers dropped | Envoy announces the end | never |
//! | HTTP/2, with a length | the length marks the end | never |
//! | HTTP/2, a response to an HTTP/1.1 client | waits in Envoy within 16 KiB of the body | beyond them |
//! | HTTP/2, otherwise | waits in Envoy within 32 KiB | when Envoy has buffered more, or nothing of it was decided |

use super::Way;
use super::cell::{Cell, Direction, End};
use super::outcome::Outcome;

/// Response code details in the access log.
const DETAILS: &str = "panveil_trailers_over_tail";
/// Maximum body size for which nothing waits in Envoy towards an HTTP/1.1 client.
const SMALL_BODY: usize = 16 << 10;
/// `limits.paused_bytes` of the empty policy.
const PAUSED_BYTES: usize = 32 << 10;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Completion {
    Whole,
    /// Depends on the size of Envoy's chunks.
    WholeOrCut,
    Cut,
}

pub fn completion(way: Way, cell: &Cell) -> Completion {
    if cell.end != End::Trailers || !cell.subject.ends_undecided {
        return Completion::Whole;
    }
    let length = cell.subject.expected.len();
    let towards_http1 = way.direction == Direction::Response && !cell.client_http2;
    match (way.sender_http2(cell.client_http2), towards_http1) {
        (false, _) if way.http1_trailers => Completion::Cut,
        (false, _) => Completion::Whole,
        (true, true) if length > SMALL_BODY => Completion::Cut,
        (true, false) if length > PAUSED_BYTES => Completion::WholeOrCut,
        (true, _) => Completion::Whole,
    }
}

pub fn is_cut(outcome: &Outcome) -> bool {
    outcome.details == DETAILS
}

/// Errors of a reset cell: a part that looks complete, or bytes that were not sent.
pub fn wrong(cell: &Cell, direction: Direction, with: &Outcome) -> Vec<String> {
    let Some(response) = &with.response else {
        return vec!["cut without an answer".to_owned()];
    };
    let mut told = Vec::new();
    if !is_cut(with) {
        told.push(format!("details: {} instead of {DETAILS}", with.details));
    }
    match direction {
        Direction::Request if with.received.is_some() => told.push("the service got a whole request".to_owned()),
        Direction::Request if response.status != 403 || !response.complete => told.push(response.summary()),
        Direction::Response if response.complete || !cell.subject.expected.starts_with(&response.body) => {
            told.push(format!("cut: {}", response.summary()));
        }
        Direction::Request | Direction::Response => {}
    }
    told
}
