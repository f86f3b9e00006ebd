//! What does the filter make of one entry?

use super::captured::{CapturedBody, CapturedEntry, CapturedMessage};
use super::host::{CaptureHost, Peers};
use panveil::audit::{Action, Counter, Counters, Redacted};
use panveil::exchange::{Exchange, FilterStatus};
use panveil::policy::{Direction, Policy};
use std::rc::Rc;

/// How much of a body comes at once, as in a proxy.
const CHUNK: usize = 16 << 10;

/// What became of an entry, in the filter's own words: nothing here holds a card number.
pub struct EntryOutcome {
    pub method: String,
    pub host: String,
    pub path: String,
    /// The filter's record, JSON; none when there was nothing to tell.
    pub record: Option<String>,
    /// The status of the answer in place of a message that was refused.
    pub replied: Option<u16>,
    /// What became of each message that came by.
    pub outcomes: Vec<(Direction, Action)>,
    /// The messages that were not inspected and why, `response:encoding`, with commas between them.
    pub uninspected: String,
    /// Messages with a body of which no byte was inspected, though they passed.
    pub bodies_passed: Vec<Direction>,
    /// What the capture left out.
    pub gaps: Vec<(Direction, Gap)>,
}

/// What a capture left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gap {
    /// The capture has not the body.
    Body,
    /// The capture has the beginning of the body.
    Rest,
    /// The capture has not the message.
    Message,
}

impl Gap {
    /// What is missing.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Body => "body",
            Self::Rest => "rest of the body",
            Self::Message => "message",
        }
    }
}

/// Takes a request, and its response when the request is not refused, through the filter.
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
        // Not passed, but refused.
        bodies_passed.pop();
    }
    let authority = host.sent(":authority").unwrap_or_default();
    let told = |key: &str| host.metadata.get(key).cloned();
    EntryOutcome {
        method: told("method").unwrap_or_default(),
        host: Redacted::under(policy, authority.as_bytes()).as_str().to_owned(),
        path: told("path").unwrap_or_default(),
        record: told("record"),
        replied: host.replied,
        outcomes,
        uninspected: told("uninspected").unwrap_or_default(),
        bodies_passed,
        gaps,
    }
}

/// Takes a message through the filter, unless it is refused on the way, and says what the capture has not of it.
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
