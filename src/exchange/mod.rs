//! What happens to one request and its response? (stage 8 of the flow)
//!
//! An [`Exchange`] gets the callbacks of a stream in the order in which the host makes them and answers each with a
//! [`FilterStatus`]. It joins the stages: fields and bodies are inspected, the policy decides, cards are masked or the message is
//! refused, and what happened is told at the end. It knows the host only as a [`Host`].
//!
//! | found in | `mask` | `block`, request | `block`, response |
//! |---|---|---|---|
//! | headers, path | the field is edited | local reply, the service sees nothing | local reply |
//! | body | edited as it passes | local reply, the service gets an incomplete body | the body is cut: its headers have left |
//! | trailers | the field is edited | local reply, the service gets an incomplete message | the message is cut |
//!
//! Clean traffic costs one fetch of the headers and one of each chunk.

mod access_log;
mod body;
mod chain;
mod coding;
mod fields;
mod forwarded;
mod framing;
mod negotiation;
mod refusal;
mod rule_inputs;
#[cfg(test)]
mod tests;

use self::body::PendingBody;
pub use self::chain::ACTS;
use self::fields::Fields;
use self::forwarded::Forwarded;
use self::framing::{Upgrade, hands_over};
use self::negotiation::opens_websocket;
use self::refusal::Refusal;
use crate::audit::{Action, Counters, Facts, Line, Reason, Redacted, StreamSummary};
use crate::host::{HeaderBlock, HeaderMap, Host, HostError, LogLevel};
use crate::policy::{Decisions, Direction, Limit, Location, Policy, RequestContext, Uninspectable};
use std::rc::Rc;

/// One request and its response.
pub struct Exchange {
    policy: Rc<Policy>,
    counters: Rc<Counters>,
    request_context: RequestContext,
    /// Another panveil in the chain deals with this exchange; `None` before the first callback.
    aside: Option<bool>,
    request: Message,
    response: Message,
    stream_summary: Option<Box<StreamSummary>>,
    request_id: Option<Redacted>,
    path: Option<Redacted>,
    /// What is told of a request in whose headers there were cards, from before they were masked: a mask keeps digits that a
    /// record must not have.
    unmasked: Option<Box<Facts>>,
    stopped: Option<Stopped>,
    /// The client asked for a websocket.
    websocket: bool,
    handed_over: bool,
}

/// Whether the host goes on with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterStatus {
    /// It does.
    Continue,
    /// It waits, or nothing more of it is wanted.
    Pause,
}

/// One of the two messages, from its headers on.
struct Message {
    /// What the policy says of it. Before its headers, the strictest that it could.
    decisions: Decisions,
    begun: bool,
    /// Why it, or its body, was not looked at and need not be.
    passed_by: Option<Reason>,
    /// It was not looked at, or not at all of it.
    unread: bool,
    /// The receiver was told that nothing more comes.
    closed: bool,
    /// How much was found in it.
    found: u32,
    body: Option<PendingBody>,
    /// A filter in front keeps its bytes for a while.
    delayed: bool,
    /// How much of it had come over the connection when it was last asked where its end waits.
    arrived: Option<u64>,
    /// What of its body was forwarded.
    forwarded: Forwarded,
}

/// A message that was refused.
#[derive(Clone, Copy)]
struct Stopped {
    direction: Direction,
    /// Whether the host took the answer that is given in its place.
    answered: bool,
}

/// Why an exchange does not go on as it is.
enum Stop {
    /// The message is refused.
    Refused(Refusal),
    /// The host did not do what was asked of it.
    Host(HostError),
}

impl Exchange {
    /// A new exchange under `policy`, counted in `counters`.
    pub fn new(policy: Rc<Policy>, counters: Rc<Counters>) -> Self {
        let request_context = RequestContext::default();
        Self {
            request: Message::under(policy.judge(Direction::Request, &request_context)),
            response: Message::under(policy.judge(Direction::Response, &request_context)),
            request_context,
            aside: None,
            policy,
            counters,
            stream_summary: None,
            request_id: None,
            path: None,
            unmasked: None,
            stopped: None,
            websocket: false,
            handed_over: false,
        }
    }

    /// The headers of a message. `end` says that it has neither body nor trailers.
    pub fn on_headers<H: Host>(&mut self, host: &mut H, direction: Direction, end: bool) -> FilterStatus {
        if let Some(flow) = self.early_flow(host, direction) {
            return flow;
        }
        let outcome = self.take_headers(host, direction, end);
        self.reply_or_continue(host, direction, outcome)
    }

    /// A chunk of a body, of which the host holds `size` bytes now. `end` says that nothing follows it.
    pub fn on_body<H: Host>(&mut self, host: &mut H, direction: Direction, size: usize, end: bool) -> FilterStatus {
        if let Some(flow) = self.early_flow(host, direction) {
            return flow;
        }
        let outcome = self.take_chunk(host, direction, size, end);
        self.reply_or_continue(host, direction, outcome)
    }

    /// The trailers of a message.
    pub fn on_trailers<H: Host>(&mut self, host: &mut H, direction: Direction) -> FilterStatus {
        if let Some(flow) = self.early_flow(host, direction) {
            return flow;
        }
        let outcome = self.take_trailers(host, direction);
        self.reply_or_continue(host, direction, outcome)
    }

    /// What becomes of the callback, if nothing of it is looked at any more.
    fn early_flow<H: Host>(&mut self, host: &mut H, direction: Direction) -> Option<FilterStatus> {
        if self.handled_elsewhere(host) {
            return Some(FilterStatus::Continue);
        }
        self.stopped.map(|stopped| stopped.flow(direction))
    }

    fn take_headers<H: Host>(&mut self, host: &mut H, direction: Direction, end: bool) -> Result<FilterStatus, Stop> {
        let policy = Rc::clone(&self.policy);
        let map = HeaderMap::headers_of(direction);
        let block = host.headers(map)?;
        self.message(direction).begun = true;
        self.judge(host, direction, &block);
        if direction == Direction::Request {
            self.publish_request_line(host, &block);
            if self.may_refuse() {
                // Told only now: the host forgets the request's headers once they have gone on.
                self.request_id = block.get(b"x-request-id").map(|id| Redacted::under(&policy, id));
            }
            self.websocket = opens_websocket(&block);
            let rulings = [&self.request.decisions, &self.response.decisions];
            for change in negotiation::changes(&policy, rulings, &block, self.websocket) {
                change.make(host, map)?;
            }
        }
        let handover = hands_over(direction, &block, self.websocket);
        self.handed_over |= handover == Some(Upgrade::Unknown);
        if !self.message(direction).decisions.inspects() {
            self.message(direction).pass_by(Reason::Skipped);
            if handover == Some(Upgrade::WebSocket) {
                // The other direction may be looked at.
                self.expect_frames(host)?;
            }
            return Ok(FilterStatus::Continue);
        }
        self.take_fields(host, direction, map, &block)?;
        if self.handed_over {
            self.request.body = None;
            self.pass_unread(host, Direction::Request, Reason::Upgrade)?;
            self.pass_unread(host, Direction::Response, Reason::Upgrade)?;
        } else if handover == Some(Upgrade::WebSocket) {
            self.expect_frames(host)?;
        } else if !end && self.websocket && direction == Direction::Request {
            self.expect_upgrade(host, &block)?;
        } else if !end {
            self.expect_body(host, direction, &block)?;
        }
        Ok(FilterStatus::Continue)
    }

    /// Inspects the fields of a header or trailer map and edits them where the policy says so.
    fn take_fields<H: Host>(
        &mut self,
        host: &mut H,
        direction: Direction,
        map: HeaderMap,
        block: &HeaderBlock,
    ) -> Result<(), Stop> {
        let policy = Rc::clone(&self.policy);
        let decisions = self.message(direction).decisions;
        let locations = Fields::locations(map);
        if !locations.iter().any(|place| decisions.inspects_at(*place)) {
            return Ok(());
        }
        if let Some(limit) = fields::limit_reached(block, policy.limits()) {
            self.note_unread(host, direction, Reason::Limit);
            return self.reach(host, direction, locations, limit);
        }
        if !fields::may_hold_cards(block, &policy) {
            return Ok(());
        }
        let fields = Fields::inspect(block, map, &decisions, &policy);
        if map == HeaderMap::RequestHeaders && !fields.cards().is_empty() {
            self.unmasked = Some(Box::new(self.facts_of(block)));
        }
        let mut refusal = None;
        for card in fields.cards() {
            let decision = policy.decide(&decisions, card.place);
            self.report(
                host,
                direction,
                card.place,
                Some(&card.field),
                std::slice::from_ref(&card.detection),
                decision,
            )?;
            if Action::of(decision) == Action::Blocked {
                refusal.get_or_insert(Refusal::Card { rule: decision.rule.to_owned() });
            }
        }
        let written = fields.write_back(host, map);
        match refusal {
            // What is not sent on need not be masked in any case.
            Some(refusal) => Err(Stop::Refused(refusal)),
            None => Ok(written?),
        }
    }

    fn take_trailers<H: Host>(&mut self, host: &mut H, direction: Direction) -> Result<FilterStatus, Stop> {
        self.end_body(host, direction)?;
        if self.message(direction).decisions.inspects_at(Location::Trailers) {
            let map = HeaderMap::trailers_of(direction);
            let block = host.headers(map)?;
            self.take_fields(host, direction, map, &block)?;
        }
        Ok(FilterStatus::Continue)
    }

    /// Turns the outcome of a callback into the host's next step.
    fn reply_or_continue<H: Host>(
        &mut self,
        host: &mut H,
        direction: Direction,
        outcome: Result<FilterStatus, Stop>,
    ) -> FilterStatus {
        let refusal = match outcome {
            Ok(flow) => return flow,
            Err(Stop::Refused(refusal)) => refusal,
            Err(Stop::Host(error)) => {
                host.log(LogLevel::Error, &Line::HostCallFailed(error.call));
                self.note_unread(host, direction, Reason::HostCall);
                if !self.message(direction).decisions.enforces() {
                    return FilterStatus::Continue;
                }
                Refusal::Uninspectable
            }
        };
        self.stream_summary().note_blocked();
        let reply = refusal.reply(direction, &self.policy, self.request_id.as_ref());
        let answer = host.reply(&reply);
        if let Err(error) = answer {
            host.log(LogLevel::Error, &Line::HostCallFailed(error.call));
        }
        self.stopped = Some(Stopped { direction, answered: answer.is_ok() });
        FilterStatus::Pause
    }

    /// Lets a message pass that cannot be read, or refuses it.
    fn pass_unread<H: Host>(&mut self, host: &mut H, direction: Direction, reason: Reason) -> Result<(), Stop> {
        self.note_unread(host, direction, reason);
        if self.refuses_unread(direction, &[Location::Body]) {
            Err(Stop::Refused(Refusal::Uninspectable))
        } else {
            Ok(())
        }
    }

    /// Notes that a limit was reached at these places, and refuses the message if the policy refuses what it cannot inspect.
    fn reach<H: Host>(
        &mut self,
        host: &mut H,
        direction: Direction,
        locations: &[Location],
        limit: Limit,
    ) -> Result<(), Stop> {
        self.note_limit(host, direction, limit);
        if self.refuses_unread(direction, locations) { Err(Stop::Refused(Refusal::Limit(limit))) } else { Ok(()) }
    }

    /// True when one of the messages may be refused.
    fn may_refuse(&self) -> bool {
        let unread = self.policy.uninspectable() == Uninspectable::Block;
        [self.request.decisions, self.response.decisions]
            .iter()
            .any(|decisions| decisions.blocks() || (unread && decisions.enforces()))
    }

    /// True when a message is refused because these places cannot be inspected.
    fn refuses_unread(&mut self, direction: Direction, locations: &[Location]) -> bool {
        let decisions = self.message(direction).decisions;
        self.policy.uninspectable() == Uninspectable::Block
            && locations.iter().any(|place| decisions.enforces_at(*place))
    }

    fn stream_summary(&mut self) -> &mut StreamSummary {
        self.stream_summary.get_or_insert_default()
    }

    fn message(&mut self, direction: Direction) -> &mut Message {
        match direction {
            Direction::Request => &mut self.request,
            Direction::Response => &mut self.response,
        }
    }
}

impl Message {
    fn under(decisions: Decisions) -> Self {
        Self {
            decisions,
            begun: false,
            passed_by: None,
            unread: false,
            closed: false,
            found: 0,
            body: None,
            delayed: false,
            arrived: None,
            forwarded: Forwarded::default(),
        }
    }

    /// Notes that what comes of it is not looked at, as it is to be.
    fn pass_by(&mut self, reason: Reason) {
        self.passed_by = Some(reason);
        self.unread = true;
    }

    /// Notes that it is looked at all the same.
    fn take_back(&mut self, reason: Reason) {
        if self.passed_by == Some(reason) {
            self.passed_by = None;
            self.unread = false;
        }
    }
}

impl From<HostError> for Stop {
    fn from(error: HostError) -> Self {
        Self::Host(error)
    }
}

impl Stopped {
    /// What becomes of the rest of the exchange: our own answer to a request passes, nothing else does.
    fn flow(self, direction: Direction) -> FilterStatus {
        let own_answer = self.answered && self.direction == Direction::Request && direction == Direction::Response;
        if own_answer { FilterStatus::Continue } else { FilterStatus::Pause }
    }
}
