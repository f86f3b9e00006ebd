//! Replay of one entry through the filter.

use super::captured::{CapturedBody, CapturedEntry, CapturedMessage};
use super::host::{CaptureHost, Peers};
use panveil::audit::{Counter, Counters, Redacted};
use panveil::exchange::{Exchange, FilterStatus};
use panveil::policy::{Direction, Outcome, Policy};
use std::rc::Rc;

/// Bytes of a body per callback, as in a proxy.
const CHUNK: usize = 16 << 10;

/// Outcome of an entry, as the filter logs it. It contains no card number.
pub struct EntryOutcome {
    pub method: String,
    pub host: String,
    pub path: String,
    /// The filter's record in JSON, if it wrote one.
    pub record: Option<String>,
    /// Status of the local reply to a blocked message.
    pub replied: Option<u16>,
    /// Outcome of each message.
    pub outcomes: Vec<(Direction, Outcome)>,
    /// Uninspected messages with the reason, such as `response:encoding`, separated by commas.
    pub uninspected: String,
    /// Messages that passed with a body of which no byte was inspected.
    pub bodies_passed: Vec<Direction>,
    /// Parts that the capture omits.
    pub gaps: Vec<(Direction, Gap)>,
}

/// Part that a capture omits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gap {
    /// The body.
    Body,
    /// The rest of the body.
    Rest,
    /// The message.
    Message,
}

impl Gap {
    /// Name of the missing part.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Body => "body",
            Self::Rest => "rest of the body",
            Self::Message => "message",
        }
    }
}

/// Passes a request through the filter, and its response unless the request is blocked.
pub fn play(policy: &Rc<Policy>, peers: &Peers, captured: CapturedEntry) -> EntryOutcome {
    let counters = Rc::new(Counters::default());
    let mut exchange = Exchange::new(Rc::clone(policy), Rc::clone(&counters));
    let mut host = CaptureHost::new(&captured, peers);
    let (mut gaps, mut bodies_passed) = (Vec::new(), Vec::new());
    let messages = [(Direction::Request, Some(captured.request)), (Direction::Response, captured.response)];
    for (direction, message) in messages {
        if host.replied.is_some() {
            break;
        }
        let gap = match message {
            Some(message) => {
                bodies_passed.extend(message.body.bytes().is_some().then_some(direction));
                pass(&mut exchange, &mut host, direction, &message)
            }
            None => Some(Gap::Message),
        };
        gaps.extend(gap.map(|gap| (direction, gap)));
    }
    exchange.on_log(&mut host);
    let mut outcomes = Vec::new();
    counters.drain(|counter, _| match counter {
        Counter::Messages(direction, outcome) => outcomes.push((direction, outcome)),
        Counter::InspectedBytes(direction) => bodies_passed.retain(|passed| *passed != direction),
        _ => {}
    });
    if host.replied.is_some() {
        // The last message was blocked.
        bodies_passed.pop();
    }
    let authority = host.original(":authority").unwrap_or_default();
    let metadata = |key: &str| host.metadata.get(key).cloned();
    EntryOutcome {
        method: metadata("method").unwrap_or_default(),
        host: Redacted::under(policy, authority.as_bytes()).as_str().to_owned(),
        path: metadata("path").unwrap_or_default(),
        record: metadata("record"),
        replied: host.replied,
        outcomes,
        uninspected: metadata("uninspected").unwrap_or_default(),
        bodies_passed,
        gaps,
    }
}

/// Passes a message through the filter until it is blocked, and returns the part that the capture omits.
fn pass(
    exchange: &mut Exchange,
    host: &mut CaptureHost<'_>,
    direction: Direction,
    message: &CapturedMessage,
) -> Option<Gap> {
    let gap = match &message.body {
        CapturedBody::None | CapturedBody::Whole(_) => None,
        CapturedBody::Part(_) => Some(Gap::Rest),
        CapturedBody::Missing => Some(Gap::Body),
    };
    exchange.on_headers(host, direction, matches!(message.body, CapturedBody::None));
    let mut chunks = message.body.bytes().unwrap_or_default().chunks(CHUNK).peekable();
    while let Some(chunk) = chunks.next() {
        if host.replied.is_some() {
            break;
        }
        host.body.extend_from_slice(chunk);
        let size = host.body.len();
        let flow = exchange.on_body(host, direction, size, chunks.peek().is_none());
        if flow == FilterStatus::Continue {
            host.body.clear();
        }
    }
    host.body.clear();
    gap
}
