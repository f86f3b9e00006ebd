//! Processing of one HTTP stream: a request and its response (stage 8 of the flow).
//!
//! An [`Exchange`] receives the callbacks of a stream and returns a [`FilterStatus`] for each. It connects the stages: it inspects
//! fields and bodies, applies the decisions of the policy by masks or local replies, and publishes the log fields at the end of the
//! stream. It accesses the proxy only through [`Host`].
//!
//! | location | `mask` | `block`, request | `block`, response |
//! |---|---|---|---|
//! | headers, path | the field is edited | local reply, the upstream gets nothing | local reply |
//! | body | edited in each chunk | local reply, the upstream gets an incomplete body | reset, if the headers have been forwarded |
//! | trailers | the field is edited | local reply, the upstream gets an incomplete message | reset |
//!
//! Clean traffic costs one host call for the headers of a message and one for each chunk.

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
use self::framing::{Arrival, Upgrade, upgrade_of};
use self::negotiation::opens_websocket;
use self::refusal::Refusal;
use crate::audit::{Action, Counters, Facts, Line, Reason, Redacted, StreamSummary};
use crate::host::{HeaderBlock, HeaderMap, Host, HostError, LogLevel};
use crate::policy::{Decisions, Direction, Limit, Location, Policy, RequestContext, Uninspectable};
use std::rc::Rc;

/// One HTTP stream: a request and its response.
pub struct Exchange {
    policy: Rc<Policy>,
    counters: Rc<Counters>,
    request_context: RequestContext,
    /// True if another panveil filter in the chain handles this stream. `None` before the first callback.
    handled_elsewhere: Option<bool>,
    request: Message,
    response: Message,
    stream_summary: Option<Box<StreamSummary>>,
    request_id: Option<Redacted>,
    path: Option<Redacted>,
    /// The facts of a request with findings in its headers, redacted before the headers were masked. A mask keeps digits that a
    /// record must not contain.
    facts_before_masking: Option<Box<Facts>>,
    blocked: Option<Blocked>,
    /// The request asks for a WebSocket.
    websocket: bool,
    /// The connection was upgraded to a protocol that is not inspected.
    upgraded: bool,
}

/// The return value of a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterStatus {
    /// Continue iteration.
    Continue,
    /// Interrupt iteration.
    Pause,
}

/// The state of one message.
struct Message {
    /// The decisions of the policy. Before the headers, the strictest possible ones.
    decisions: Decisions,
    /// The headers have arrived.
    started: bool,
    /// The reason why the message or its body is not inspected, if that is intended.
    skip_reason: Option<Reason>,
    /// The message was not completely inspected.
    uninspected: bool,
    /// The body was ended early by a close frame of the protocol inside it.
    closed: bool,
    /// The number of findings.
    found: u32,
    body: Option<PendingBody>,
    /// A filter in front buffers the body.
    delayed: bool,
    arrival: Arrival,
    /// The forwarded bytes of the body, as far as needed to recognize them.
    forwarded: Forwarded,
    /// The held-back bytes were decided as the end of the body and forwarded, although no callback signalled the end.
    has_ended: bool,
}

/// A blocked message.
#[derive(Clone, Copy)]
struct Blocked {
    direction: Direction,
    /// True if the host accepted the local reply.
    is_reply_sent: bool,
}

/// The reason why a callback ends early.
enum Interrupt {
    /// The message is blocked.
    Block(Refusal),
    /// A host call failed.
    HostCall(HostError),
}

impl Exchange {
    /// Creates the state of a stream under `policy`. Its counts go to `counters`.
    pub fn new(policy: Rc<Policy>, counters: Rc<Counters>) -> Self {
        let request_context = RequestContext::default();
        Self {
            request: Message::under(policy.judge(Direction::Request, &request_context)),
            response: Message::under(policy.judge(Direction::Response, &request_context)),
            request_context,
            handled_elsewhere: None,
            policy,
            counters,
            stream_summary: None,
            request_id: None,
            path: None,
            facts_before_masking: None,
            blocked: None,
            websocket: false,
            upgraded: false,
        }
    }

    /// Processes the headers of a message. `end` means that neither body nor trailers follow.
    pub fn on_headers<H: Host>(&mut self, host: &mut H, direction: Direction, end: bool) -> FilterStatus {
        if let Some(flow) = self.early_flow(host, direction) {
            return flow;
        }
        let outcome = self.process_headers(host, direction, end);
        self.reply_or_continue(host, direction, outcome)
    }

    /// Processes a chunk of a body. The host has buffered `size` bytes. `end` means that nothing follows.
    pub fn on_body<H: Host>(&mut self, host: &mut H, direction: Direction, size: usize, end: bool) -> FilterStatus {
        if let Some(flow) = self.early_flow(host, direction) {
            return flow;
        }
        let outcome = self.process_chunk(host, direction, size, end);
        self.reply_or_continue(host, direction, outcome)
    }

    /// Processes the trailers of a message.
    pub fn on_trailers<H: Host>(&mut self, host: &mut H, direction: Direction) -> FilterStatus {
        if let Some(flow) = self.early_flow(host, direction) {
            return flow;
        }
        let outcome = self.process_trailers(host, direction);
        self.reply_or_continue(host, direction, outcome)
    }

    /// The result of a callback that needs no processing, because another filter handles the stream or it is blocked.
    fn early_flow<H: Host>(&mut self, host: &mut H, direction: Direction) -> Option<FilterStatus> {
        if self.handled_elsewhere(host) {
            return Some(FilterStatus::Continue);
        }
        self.blocked.map(|blocked| blocked.flow(direction))
    }

    fn process_headers<H: Host>(
        &mut self,
        host: &mut H,
        direction: Direction,
        end: bool,
    ) -> Result<FilterStatus, Interrupt> {
        let policy = Rc::clone(&self.policy);
        let map = HeaderMap::headers_of(direction);
        let block = host.headers(map)?;
        self.message(direction).started = true;
        self.evaluate_rules(host, direction, &block);
        if direction == Direction::Request {
            self.publish_request_line(host, &block);
            if self.may_block() {
                // Read now, because the request's headers are not available after they have been forwarded.
                self.request_id = block.get(b"x-request-id").map(|id| Redacted::under(&policy, id));
            }
            self.websocket = opens_websocket(&block);
            let decisions = [&self.request.decisions, &self.response.decisions];
            for change in negotiation::changes(&policy, decisions, &block, self.websocket) {
                change.apply(host, map)?;
            }
        }
        let upgrade = upgrade_of(direction, &block, self.websocket);
        self.upgraded |= upgrade == Some(Upgrade::Unknown);
        if !self.message(direction).decisions.inspects() {
            self.message(direction).skip(Reason::Skipped);
            if upgrade == Some(Upgrade::WebSocket) {
                // The policy may inspect the other direction.
                self.expect_frames(host)?;
            }
            return Ok(FilterStatus::Continue);
        }
        self.inspect_fields(host, direction, map, &block)?;
        if self.upgraded {
            self.request.body = None;
            self.handle_uninspectable(host, Direction::Request, Reason::Upgrade)?;
            self.handle_uninspectable(host, Direction::Response, Reason::Upgrade)?;
        } else if upgrade == Some(Upgrade::WebSocket) {
            self.expect_frames(host)?;
        } else if !end && self.websocket && direction == Direction::Request {
            self.expect_upgrade(host, &block)?;
        } else if !end {
            self.expect_body(host, direction, &block)?;
        }
        Ok(FilterStatus::Continue)
    }

    /// Inspects the fields of a header or trailer map and edits those that the policy masks.
    fn inspect_fields<H: Host>(
        &mut self,
        host: &mut H,
        direction: Direction,
        map: HeaderMap,
        block: &HeaderBlock,
    ) -> Result<(), Interrupt> {
        let policy = Rc::clone(&self.policy);
        let decisions = self.message(direction).decisions;
        let locations = Fields::locations(map);
        if !locations.iter().any(|location| decisions.inspects_at(*location)) {
            return Ok(());
        }
        if let Some(limit) = fields::limit_reached(block, policy.limits()) {
            self.note_uninspected(host, direction, Reason::Limit);
            return self.handle_limit(host, direction, locations, limit);
        }
        if !fields::may_contain_findings(block, &policy) {
            return Ok(());
        }
        let fields = Fields::inspect(block, map, &decisions, &policy);
        if map == HeaderMap::RequestHeaders && !fields.findings().is_empty() {
            self.facts_before_masking = Some(Box::new(self.request_facts(block)));
        }
        let mut refusal = None;
        for finding in fields.findings() {
            let decision = policy.decide(&decisions, finding.location);
            self.report(
                host,
                direction,
                finding.location,
                Some(&finding.field),
                std::slice::from_ref(&finding.detection),
                decision,
            )?;
            if Action::of(decision) == Action::Blocked {
                refusal.get_or_insert(Refusal::Card { rule: decision.rule.to_owned() });
            }
        }
        let written = fields.write_back(host, map);
        match refusal {
            // A blocked message is not forwarded, so a failure to mask it does not matter.
            Some(refusal) => Err(Interrupt::Block(refusal)),
            None => Ok(written?),
        }
    }

    fn process_trailers<H: Host>(&mut self, host: &mut H, direction: Direction) -> Result<FilterStatus, Interrupt> {
        self.end_body(host, direction)?;
        if self.message(direction).decisions.inspects_at(Location::Trailers) {
            let map = HeaderMap::trailers_of(direction);
            let block = host.headers(map)?;
            self.inspect_fields(host, direction, map, &block)?;
        }
        Ok(FilterStatus::Continue)
    }

    /// Converts the outcome of a callback to its return value, and sends a local reply if the message is blocked.
    fn reply_or_continue<H: Host>(
        &mut self,
        host: &mut H,
        direction: Direction,
        outcome: Result<FilterStatus, Interrupt>,
    ) -> FilterStatus {
        let refusal = match outcome {
            Ok(flow) => return flow,
            Err(Interrupt::Block(refusal)) => refusal,
            Err(Interrupt::HostCall(error)) => {
                host.log(LogLevel::Error, &Line::HostCallFailed(error.call));
                self.note_uninspected(host, direction, Reason::HostCall);
                if !self.message(direction).decisions.enforces() {
                    return FilterStatus::Continue;
                }
                Refusal::Uninspectable
            }
        };
        self.stream_summary().note_blocked();
        let reply = refusal.reply(direction, &self.policy, self.request_id.as_ref());
        let sent = host.reply(&reply);
        if let Err(error) = sent {
            host.log(LogLevel::Error, &Line::HostCallFailed(error.call));
        }
        self.blocked = Some(Blocked { direction, is_reply_sent: sent.is_ok() });
        FilterStatus::Pause
    }

    /// Notes that a message cannot be inspected, and blocks it if the policy blocks those.
    fn handle_uninspectable<H: Host>(
        &mut self,
        host: &mut H,
        direction: Direction,
        reason: Reason,
    ) -> Result<(), Interrupt> {
        self.note_uninspected(host, direction, reason);
        if self.blocks_uninspectable(direction, &[Location::Body]) {
            Err(Interrupt::Block(Refusal::Uninspectable))
        } else {
            Ok(())
        }
    }

    /// Notes that a limit was reached at these locations, and blocks the message if the policy blocks uninspectable ones.
    fn handle_limit<H: Host>(
        &mut self,
        host: &mut H,
        direction: Direction,
        locations: &[Location],
        limit: Limit,
    ) -> Result<(), Interrupt> {
        self.note_limit(host, direction, limit);
        if self.blocks_uninspectable(direction, locations) {
            Err(Interrupt::Block(Refusal::Limit(limit)))
        } else {
            Ok(())
        }
    }

    /// True if a message of this stream may be blocked.
    fn may_block(&self) -> bool {
        let blocks_uninspectable = self.policy.uninspectable() == Uninspectable::Block;
        [self.request.decisions, self.response.decisions]
            .iter()
            .any(|decisions| decisions.blocks() || (blocks_uninspectable && decisions.enforces()))
    }

    /// True if a message is blocked because these locations cannot be inspected.
    fn blocks_uninspectable(&mut self, direction: Direction, locations: &[Location]) -> bool {
        let decisions = self.message(direction).decisions;
        self.policy.uninspectable() == Uninspectable::Block
            && locations.iter().any(|location| decisions.enforces_at(*location))
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
            started: false,
            skip_reason: None,
            uninspected: false,
            closed: false,
            found: 0,
            body: None,
            delayed: false,
            arrival: Arrival::default(),
            forwarded: Forwarded::default(),
            has_ended: false,
        }
    }

    /// Notes that the message or its body is not inspected, as intended.
    fn skip(&mut self, reason: Reason) {
        self.skip_reason = Some(reason);
        self.uninspected = true;
    }

    /// Reverts [`Self::skip`], because the message is inspected after all.
    fn undo_skip(&mut self, reason: Reason) {
        if self.skip_reason == Some(reason) {
            self.skip_reason = None;
            self.uninspected = false;
        }
    }
}

impl From<HostError> for Interrupt {
    fn from(error: HostError) -> Self {
        Self::HostCall(error)
    }
}

impl Blocked {
    /// The result of callbacks after the block: only panveil's own local reply to a request continues.
    fn flow(self, direction: Direction) -> FilterStatus {
        let is_own_reply =
            self.is_reply_sent && self.direction == Direction::Request && direction == Direction::Response;
        if is_own_reply { FilterStatus::Continue } else { FilterStatus::Pause }
    }
}
