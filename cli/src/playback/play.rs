//! Playback of one stream through the filter.

use super::host::StoredHost;
use super::{HeaderPair, Peers, StoredBody, StoredMessage, StoredStream, WebSocketMessage};
use panveil::audit::{Counter, Counters, Redacted};
use panveil::exchange::{Exchange, FilterStatus};
use panveil::policy::{Direction, Outcome, Policy};
use std::rc::Rc;

/// Bytes of a body per callback, as in a proxy.
const CHUNK: usize = 16 << 10;

/// Outcome of a stream, as the filter logs it. It contains no card number.
pub struct StreamOutcome {
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
    /// Parts that are not stored.
    pub gaps: Vec<(Direction, Gap)>,
}

/// Part that is not stored.
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

/// Message after the filter. Has no `Debug`: it contains traffic.
pub struct ForwardedMessage {
    pub direction: Direction,
    pub fields: Vec<HeaderPair>,
    pub body: Vec<u8>,
}

/// Stream that passes the filter.
struct Player<'p> {
    exchange: Exchange,
    host: StoredHost<'p>,
    /// Bytes of each body after the filter.
    forwarded: [(Direction, Vec<u8>); 2],
}

/// Passes a request through the filter, and its response and WebSocket messages unless the request is blocked. Returns the outcome,
/// and the messages after the filter, of which the last one is incomplete if it is blocked.
pub fn play(policy: &Rc<Policy>, peers: &Peers, stream: StoredStream) -> (StreamOutcome, Vec<ForwardedMessage>) {
    let counters = Rc::new(Counters::default());
    let mut player = Player {
        exchange: Exchange::new(Rc::clone(policy), Rc::clone(&counters)),
        host: StoredHost::new(&stream, peers),
        forwarded: Direction::ALL.map(|direction| (direction, Vec::new())),
    };
    let (mut gaps, mut bodies_passed, mut played) = (Vec::new(), Vec::new(), Vec::new());
    let authority = stream.request.value(":authority").unwrap_or_default();
    // Redaction of the headers before masking leaves no digit, while masked headers may keep some.
    let authority = Redacted::under(policy, authority.as_bytes()).as_str().to_owned();
    for (direction, message) in [(Direction::Request, Some(stream.request)), (Direction::Response, stream.response)] {
        if player.is_over() {
            break;
        }
        let gap = match message {
            Some(message) => {
                played.push(direction);
                bodies_passed.extend(message.body.bytes().is_some().then_some(direction));
                player.pass(direction, &message)
            }
            None => Some(Gap::Message),
        };
        gaps.extend(gap.map(|gap| (direction, gap)));
    }
    player.pass_frames(&stream.web_socket);
    let Player { mut exchange, mut host, forwarded } = player;
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
    let metadata = |key: &str| host.metadata.get(key).cloned();
    let outcome = StreamOutcome {
        method: metadata("method").unwrap_or_default(),
        host: authority,
        path: metadata("path").unwrap_or_default(),
        record: metadata("record"),
        replied: host.replied,
        outcomes,
        uninspected: metadata("uninspected").unwrap_or_default(),
        bodies_passed,
        gaps,
    };
    let forwarded = forwarded.into_iter().filter(|(direction, _)| played.contains(direction));
    let forwarded = forwarded.map(|(direction, body)| {
        let fields = host.take_headers(direction);
        ForwardedMessage { direction, fields, body }
    });
    let forwarded = forwarded.collect();
    (outcome, forwarded)
}

impl Player<'_> {
    /// True if a message is blocked.
    fn is_over(&self) -> bool {
        self.host.replied.is_some()
    }

    /// Passes a message through the filter until it is blocked, and returns the part that is not stored.
    fn pass(&mut self, direction: Direction, message: &StoredMessage) -> Option<Gap> {
        let gap = match &message.body {
            StoredBody::None | StoredBody::Whole(_) | StoredBody::Upgraded => None,
            StoredBody::Part(_) => Some(Gap::Rest),
            StoredBody::Missing => Some(Gap::Body),
        };
        let end = matches!(message.body, StoredBody::None);
        self.exchange.on_headers(&mut self.host, direction, end);
        let mut chunks = message.body.bytes().unwrap_or_default().chunks(CHUNK).peekable();
        while let Some(chunk) = chunks.next() {
            self.push(direction, chunk, chunks.peek().is_none());
        }
        gap
    }

    /// Passes WebSocket messages, each in one frame, through the filter until one is blocked.
    fn pass_frames(&mut self, messages: &[WebSocketMessage]) {
        for message in messages {
            for chunk in message.frame().chunks(CHUNK) {
                self.push(message.direction, chunk, false);
            }
        }
        if !messages.is_empty() {
            Direction::ALL.into_iter().for_each(|direction| self.push(direction, b"", true));
        }
    }

    /// Passes a chunk of a body.
    fn push(&mut self, direction: Direction, chunk: &[u8], end: bool) {
        if self.is_over() {
            return;
        }
        let body = self.host.body_of(direction);
        body.extend_from_slice(chunk);
        let size = body.len();
        if self.exchange.on_body(&mut self.host, direction, size, end) == FilterStatus::Continue {
            let bytes = std::mem::take(self.host.body_of(direction));
            if let Some((_, body)) = self.forwarded.iter_mut().find(|(other, _)| *other == direction) {
                body.extend(bytes);
            }
        }
    }
}

impl WebSocketMessage {
    /// Frame with the message. Frames of a client are masked, here with a key of zeros (RFC 6455, section 5.2).
    fn frame(&self) -> Vec<u8> {
        const FINAL: u8 = 0x80;
        const MASKED: u8 = 0x80;

        let opcode = if self.is_text { 1 } else { 2 };
        let mask = if self.direction == Direction::Request { MASKED } else { 0 };
        let length = self.payload.len();
        let mut frame = vec![FINAL | opcode];
        match (u8::try_from(length), u16::try_from(length)) {
            (Ok(short @ ..126), _) => frame.push(mask | short),
            (_, Ok(length)) => {
                frame.push(mask | 126);
                frame.extend(length.to_be_bytes());
            }
            _ => {
                frame.push(mask | 127);
                frame.extend(u64::try_from(length).unwrap_or(u64::MAX).to_be_bytes());
            }
        }
        if mask == MASKED {
            frame.extend([0; 4]);
        }
        frame.extend(&self.payload);
        frame
    }
}
