//! Which cells cannot be completed? Those of the one documented limit: trailers come while the end of the body is undecided
//! and waits in the filter, where the host takes it no more. They are cut, and the log says why; all others are whole.
//!
//! | the sender | the body ends undecided | cut |
//! |---|---|---|
//! | HTTP/1.1, trailers passed on | always waits in the filter | always |
//! | HTTP/1.1, trailers dropped | Envoy announces the end | never |
//! | HTTP/2, with a length | counting tells the end | never |
//! | HTTP/2, a response to an HTTP/1.1 client | waits in Envoy within 16 KiB of the body | beyond them |
//! | HTTP/2, otherwise | waits in Envoy within 32 KiB | when more has piled up there, or nothing of it was decided |

use super::Way;
use super::cell::{Cell, Direction, End};
use super::outcome::Outcome;

/// The details of the access log.
const DETAILS: &str = "panveil_trailers_over_tail";
/// So much of a body that nothing of it waits in Envoy towards an HTTP/1.1 client.
const SMALL_BODY: usize = 16 << 10;
/// `limits.paused_bytes` of the empty policy.
const PAUSED_BYTES: usize = 32 << 10;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Completion {
    Whole,
    /// Depends on how much of the body Envoy gives to the filter at once.
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

/// What is wrong with a cell that was cut: nothing of it may look whole, nor be what was not sent.
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
