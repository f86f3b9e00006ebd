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
mod message;
mod negotiation;
mod refusal;
mod rule_inputs;
#[cfg(test)]
mod tests;

use self::access_log::AccessLog;
pub use self::chain::ACTS;
use self::framing::Protocol;
use self::message::{Message, State};
use self::refusal::Refusal;
use crate::audit::{Counters, Line, Reason, Redacted};
use crate::host::{HeaderMap, Host, HostError, LogLevel};
use crate::policy::{Content, Direction, Policy, RequestContext};
use std::rc::Rc;

/// One HTTP stream: a request and its response.
pub struct Exchange {
    policy: Rc<Policy>,
    request_context: RequestContext,
    /// True if another panveil filter in the chain handles this stream. `None` before the first callback.
    handled_elsewhere: Option<bool>,
    protocol: Protocol,
    request: Message,
    response: Message,
    log: AccessLog,
}

/// The return value of a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterStatus {
    /// Continue iteration.
    Continue,
    /// Interrupt iteration.
    Pause,
}

/// One callback of the host, with the parts of the stream that both messages use.
struct Callback<'c> {
    host: &'c mut dyn Host,
    policy: &'c Policy,
    log: &'c mut AccessLog,
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
        let message = |direction| Message::new(direction, policy.judge(direction, &request_context));
        Self {
            request: message(Direction::Request),
            response: message(Direction::Response),
            request_context,
            handled_elsewhere: None,
            protocol: Protocol::Http,
            policy,
            log: AccessLog::new(counters),
        }
    }

    /// Processes the headers of a message. `end` means that neither body nor trailers follow.
    pub fn on_headers(&mut self, host: &mut dyn Host, direction: Direction, end: bool) -> FilterStatus {
        if let Some(flow) = self.early_flow(host, direction) {
            return flow;
        }
        let outcome = self.process_headers(host, direction, end).map(|()| FilterStatus::Continue);
        self.reply_or_continue(host, direction, outcome)
    }

    /// Processes a chunk of a body. The host has buffered `size` bytes. `end` means that nothing follows.
    pub fn on_body(&mut self, host: &mut dyn Host, direction: Direction, size: usize, end: bool) -> FilterStatus {
        if let Some(flow) = self.early_flow(host, direction) {
            return flow;
        }
        let (message, mut call) = self.callback(host, direction);
        let outcome = message.process_chunk(&mut call, size, end);
        self.reply_or_continue(host, direction, outcome)
    }

    /// Processes the trailers of a message.
    pub fn on_trailers(&mut self, host: &mut dyn Host, direction: Direction) -> FilterStatus {
        if let Some(flow) = self.early_flow(host, direction) {
            return flow;
        }
        let (message, mut call) = self.callback(host, direction);
        let outcome = message.process_trailers(&mut call).map(|()| FilterStatus::Continue);
        self.reply_or_continue(host, direction, outcome)
    }

    /// The result of a callback that needs no processing, because another filter handles the stream or it is blocked.
    fn early_flow(&mut self, host: &mut dyn Host, direction: Direction) -> Option<FilterStatus> {
        if self.handled_elsewhere(host) {
            return Some(FilterStatus::Continue);
        }
        match (&self.request.state, &self.response.state) {
            // Only panveil's own local reply to a request continues.
            (State::Blocked { is_reply_sent: true }, _) if direction == Direction::Response => {
                Some(FilterStatus::Continue)
            }
            (State::Blocked { .. }, _) | (_, State::Blocked { .. }) => Some(FilterStatus::Pause),
            _ => None,
        }
    }

    fn process_headers(&mut self, host: &mut dyn Host, direction: Direction, end: bool) -> Result<(), Interrupt> {
        let map = HeaderMap::headers_of(direction);
        let block = host.headers(map)?;
        self.callback(host, direction).0.state = State::Passing;
        self.evaluate_rules(host, direction, &block);
        self.protocol = self.protocol.after_headers(direction, &block);
        let protocol = self.protocol;
        if direction == Direction::Request {
            self.log.publish_request(host, &self.policy, &block);
            if self.may_block() && self.log.request_id.is_none() {
                // Read now, because the request's headers are not available after they have been forwarded.
                self.log.request_id = block.get(b"x-request-id").map(|id| Redacted::under(&self.policy, id));
            }
            let decisions = [&self.request.decisions, &self.response.decisions];
            for change in negotiation::changes(&self.policy, decisions, &block) {
                change.apply(host, map)?;
            }
        }
        let (message, mut call) = self.callback(host, direction);
        if message.decisions.inspects() {
            message.inspect_fields(&mut call, map, &block)?;
        } else {
            message.skip_reason = Some(Reason::Skipped);
            if protocol != Protocol::WebSocket {
                return Ok(());
            }
            // The policy may inspect the other direction.
        }
        match protocol {
            Protocol::Unknown | Protocol::WebSocket => {
                for direction in Direction::ALL {
                    let (message, mut call) = self.callback(host, direction);
                    message.expect_protocol(&mut call, protocol)?;
                }
            }
            _ if end => {}
            Protocol::WebSocketRequested if direction == Direction::Request => {
                message.expect_upgrade(&mut call, &block)?;
            }
            Protocol::WebSocketRequested | Protocol::Http => message.expect_body(&mut call, &block)?,
        }
        Ok(())
    }

    /// Converts the outcome of a callback to its return value, and sends a local reply if the message is blocked.
    fn reply_or_continue(
        &mut self,
        host: &mut dyn Host,
        direction: Direction,
        outcome: Result<FilterStatus, Interrupt>,
    ) -> FilterStatus {
        let (message, mut call) = self.callback(host, direction);
        let refusal = match outcome {
            Ok(flow) => return flow,
            Err(Interrupt::Block(refusal)) => refusal,
            Err(Interrupt::HostCall(error)) => {
                call.host.log(LogLevel::Error, &Line::HostCallFailed(error.call));
                call.note_uninspected(direction, Reason::HostCall);
                if !message.decisions.blocks(Content::UNAVAILABLE) {
                    return FilterStatus::Continue;
                }
                Refusal::Uninspectable
            }
        };
        call.log.summary().note_blocked();
        let sent = call.host.reply(&refusal.reply(direction, call.policy, call.log.request_id.as_ref()));
        message.state = State::Blocked { is_reply_sent: sent.is_ok() };
        if let Err(error) = sent {
            call.host.log(LogLevel::Error, &Line::HostCallFailed(error.call));
        }
        FilterStatus::Pause
    }

    /// True if a message of this stream may be blocked.
    fn may_block(&self) -> bool {
        let uninspectable = Content::Uninspectable(self.policy.uninspectable());
        [&self.request.decisions, &self.response.decisions]
            .iter()
            .any(|decisions| decisions.blocks(Content::Finding) || decisions.blocks(uninspectable))
    }

    /// The message of that direction, and the context of the current callback.
    fn callback<'c>(&'c mut self, host: &'c mut dyn Host, direction: Direction) -> (&'c mut Message, Callback<'c>) {
        let message = match direction {
            Direction::Request => &mut self.request,
            Direction::Response => &mut self.response,
        };
        (message, Callback { host, policy: &self.policy, log: &mut self.log })
    }
}

impl From<HostError> for Interrupt {
    fn from(error: HostError) -> Self {
        Self::HostCall(error)
    }
}
