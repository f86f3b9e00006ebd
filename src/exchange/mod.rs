//! What happens to one request and its response? (stage 8 of the flow)
//!
//! An [`Exchange`] gets the callbacks of a stream in the order in which the host makes them and answers each with a
//! [`Flow`]. It joins the stages: fields and bodies are inspected, the policy decides, cards are masked or the message is
//! refused, and what happened is told at the end. It knows the host only as a [`Host`].
//!
//! | found in | `mask` | `block`, request | `block`, response |
//! |---|---|---|---|
//! | headers, path | the field is edited | local reply, the service sees nothing | local reply |
//! | body | edited as it passes | local reply, the service gets an incomplete body | the body is cut: its headers have left |
//! | trailers | the field is edited | local reply, the service gets an incomplete message | the message is cut |
//!
//! Clean traffic costs one fetch of the headers and one of each chunk.

mod fields;
mod framing;
mod negotiation;
mod refusal;
mod telling;
#[cfg(test)]
mod tests;

use self::fields::Fields;
use self::framing::{Handover, hands_over, pause_until, sender_of};
use self::negotiation::{Change, opens_websocket};
use self::refusal::Refusal;
use crate::audit::{Action, Ledger, Line, Reason, Redacted, Tally};
use crate::host::{HeaderBlock, HeaderMap, Host, HostError, Level};
use crate::policy::{Decision, Direction, Mode, Place, Policy, Uninspectable};
use crate::stream::{self, Body, Cut, Plan, Shape, Side, Treatment, Turn, What};
use std::rc::Rc;

/// One request and its response.
pub struct Exchange {
    policy: Rc<Policy>,
    ledger: Rc<Ledger>,
    request: Message,
    response: Message,
    tally: Option<Box<Tally>>,
    request_id: Option<Redacted>,
    path: Option<Redacted>,
    stopped: Option<Stopped>,
    /// The client asked for a websocket.
    websocket: bool,
    handed_over: bool,
}

/// Whether the host goes on with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// It does.
    Continue,
    /// It waits, or nothing more of it is wanted.
    Pause,
}

/// One of the two messages, from its headers on.
#[derive(Default)]
struct Message {
    begun: bool,
    unread: bool,
    /// The receiver was told that nothing more comes.
    closed: bool,
    body: Option<Box<Body>>,
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
    /// A new exchange under `policy`, counted in `ledger`.
    pub fn new(policy: Rc<Policy>, ledger: Rc<Ledger>) -> Self {
        Self {
            policy,
            ledger,
            request: Message::default(),
            response: Message::default(),
            tally: None,
            request_id: None,
            path: None,
            stopped: None,
            websocket: false,
            handed_over: false,
        }
    }

    /// The headers of a message. `end` says that it has neither body nor trailers.
    pub fn on_headers<H: Host>(&mut self, host: &mut H, direction: Direction, end: bool) -> Flow {
        if let Some(stopped) = self.stopped {
            return stopped.flow(direction);
        }
        let outcome = self.take_headers(host, direction, end);
        self.conclude(host, direction, outcome)
    }

    /// A chunk of a body, of which the host holds `size` bytes now. `end` says that nothing follows it.
    pub fn on_body<H: Host>(&mut self, host: &mut H, direction: Direction, size: usize, end: bool) -> Flow {
        if let Some(stopped) = self.stopped {
            return stopped.flow(direction);
        }
        let outcome = self.take_chunk(host, direction, size, end);
        self.conclude(host, direction, outcome)
    }

    /// The trailers of a message.
    pub fn on_trailers<H: Host>(&mut self, host: &mut H, direction: Direction) -> Flow {
        if let Some(stopped) = self.stopped {
            return stopped.flow(direction);
        }
        let outcome = self.take_trailers(host, direction);
        self.conclude(host, direction, outcome)
    }

    fn take_headers<H: Host>(&mut self, host: &mut H, direction: Direction, end: bool) -> Result<Flow, Stop> {
        let policy = Rc::clone(&self.policy);
        let map = HeaderMap::headers_of(direction);
        let block = host.headers(map)?;
        self.message(direction).begun = true;
        if direction == Direction::Request {
            self.publish_request_line(host, &block);
            if self.may_refuse() {
                // Told only now: the host forgets the request's headers once they have gone on.
                self.request_id = block.get(b"x-request-id").map(|id| Redacted::under(&policy, id));
            }
        }
        if direction == Direction::Request {
            self.websocket = opens_websocket(&block);
            for change in negotiation::changes(&policy, &block) {
                match change {
                    Change::Replace(name, value) => host.replace_header(map, name, value)?,
                    Change::Remove(name) => host.remove_header(map, name)?,
                }
            }
        }
        let handover = hands_over(direction, &block, self.websocket);
        self.handed_over |= handover == Some(Handover::Unknown);
        if !policy.inspects(direction) {
            self.message(direction).unread = true;
            return Ok(Flow::Continue);
        }
        self.take_fields(host, direction, map, &block)?;
        if self.handed_over {
            self.request.body = None;
            self.pass_unread(host, Direction::Request, Reason::Upgrade)?;
            self.pass_unread(host, Direction::Response, Reason::Upgrade)?;
        } else if handover == Some(Handover::WebSocket) {
            self.expect_frames(host)?;
        } else if !end {
            self.expect_body(host, direction, &block)?;
        }
        Ok(Flow::Continue)
    }

    /// Prepares for the frames of a websocket, in both directions.
    fn expect_frames<H: Host>(&mut self, host: &mut H) -> Result<(), Stop> {
        for (direction, side) in [(Direction::Request, Side::Client), (Direction::Response, Side::Service)] {
            let begun = self.message(direction).body.as_ref().is_some_and(|body| !body.is_fresh());
            if begun {
                // A body before the answer: where its frames begin cannot be told.
                self.pass_unread(host, direction, Reason::Upgrade)?;
            } else {
                let plan = self.plan(direction, u64::MAX);
                self.message(direction).body = plan.map(|plan| Box::new(Body::of_websocket(side, plan)));
            }
        }
        Ok(())
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
        if !fields::may_hold_cards(block, &policy) {
            return Ok(());
        }
        let fields = Fields::inspect(block, map, direction, &policy);
        let mut refusal = None;
        for card in fields.cards() {
            let decision = policy.decide(direction, card.place);
            self.report(host, direction, card.place, Some(&card.field), std::slice::from_ref(&card.what), decision);
            if Action::of(decision) == Action::Blocked {
                refusal.get_or_insert(Refusal::Card { rule: decision.rule.to_owned() });
            }
        }
        match refusal {
            Some(refusal) => Err(Stop::Refused(refusal)),
            None => Ok(fields.write_back(host, map)?),
        }
    }

    /// Prepares for the body of a message whose headers are `block`.
    fn expect_body<H: Host>(&mut self, host: &mut H, direction: Direction, block: &HeaderBlock) -> Result<(), Stop> {
        let sender = sender_of(host, direction, block);
        let Some(plan) = self.plan(direction, pause_until(host, direction, sender)) else { return Ok(()) };
        if block.get(b"content-encoding").is_some_and(|coding| !coding.eq_ignore_ascii_case(b"identity")) {
            return self.pass_unread(host, direction, Reason::Encoding);
        }
        let shape = Shape::of_content_type(sender, block.get(b"content-type"));
        self.message(direction).body = Some(Box::new(Body::new(shape, plan)));
        Ok(())
    }

    /// What is to be done with a body, if it is to be read.
    fn plan(&self, direction: Direction, pause_until: u64) -> Option<Plan> {
        let policy = &self.policy;
        let treatment = match Action::of(policy.decide(direction, Place::Body)) {
            Action::Masked => Treatment::Mask,
            Action::Blocked => Treatment::Block,
            Action::Reported | Action::Allowed => Treatment::Observe,
            Action::Clean | Action::Uninspected => return None,
        };
        Some(Plan {
            treatment,
            criteria: policy.criteria(),
            style: policy.mask_style(),
            pause_limit: policy.paused_bytes(),
            pause_until,
            refuse_unread: self.refuses_unread(),
        })
    }

    fn take_chunk<H: Host>(
        &mut self,
        host: &mut H,
        direction: Direction,
        size: usize,
        end: bool,
    ) -> Result<Flow, Stop> {
        let Some(mut body) = self.message(direction).body.take() else { return Ok(Flow::Continue) };
        let fresh = size.saturating_sub(body.paused_len());
        let chunk = if size == 0 { Vec::new() } else { host.body(direction, size)? };
        self.ledger.add_inspected(direction, fresh);
        let mut found = Vec::new();
        let turn = body.push(chunk, end, |what| found.push(what));
        self.finish_turn(host, direction, size, body, &found, turn)
    }

    fn take_trailers<H: Host>(&mut self, host: &mut H, direction: Direction) -> Result<Flow, Stop> {
        if let Some(mut body) = self.message(direction).body.take() {
            let size = body.paused_len();
            let waiting = if size == 0 { Vec::new() } else { host.body(direction, size)? };
            let mut found = Vec::new();
            let turn = body.finish_before_trailers(waiting, |what| found.push(what));
            self.finish_turn(host, direction, size, body, &found, turn)?;
        }
        if self.policy.inspects(direction) {
            let map = HeaderMap::trailers_of(direction);
            let block = host.headers(map)?;
            self.take_fields(host, direction, map, &block)?;
        }
        Ok(Flow::Continue)
    }

    /// Reports what a chunk held and does with it what its body asks for.
    fn finish_turn<H: Host>(
        &mut self,
        host: &mut H,
        direction: Direction,
        size: usize,
        body: Box<Body>,
        found: &[What],
        turn: Turn,
    ) -> Result<Flow, Stop> {
        let policy = Rc::clone(&self.policy);
        let decision = policy.decide(direction, Place::Body);
        self.report(host, direction, Place::Body, None, found, decision);
        if body.passed_unread() {
            self.note_unread(host, direction, Reason::Encoding);
        }
        if let Some(bytes) = turn.replacement {
            host.replace_body(direction, size, &bytes)?;
        }
        let flow = match turn.flow {
            stream::Flow::Pass => Flow::Continue,
            stream::Flow::Pause => Flow::Pause,
            stream::Flow::Cut(cut) => return Err(Stop::Refused(refusal_for(cut, decision))),
            stream::Flow::Close(_) => {
                self.tally().note_blocked();
                self.message(direction).closed = true;
                Flow::Continue
            }
        };
        self.message(direction).body = Some(body);
        Ok(flow)
    }

    /// Turns the outcome of a callback into the host's next step.
    fn conclude<H: Host>(&mut self, host: &mut H, direction: Direction, outcome: Result<Flow, Stop>) -> Flow {
        let refusal = match outcome {
            Ok(flow) => return flow,
            Err(Stop::Refused(refusal)) => refusal,
            Err(Stop::Host(error)) => {
                host.log(Level::Error, &Line::HostCallFailed(error.call));
                self.note_unread(host, direction, Reason::HostCall);
                if self.policy.mode() == Mode::Monitor {
                    return Flow::Continue;
                }
                Refusal::Uninspectable
            }
        };
        self.tally().note_blocked();
        let reply = refusal.reply(direction, &self.policy, self.request_id.as_ref());
        let answer = host.reply(&reply);
        if let Err(error) = answer {
            host.log(Level::Error, &Line::HostCallFailed(error.call));
        }
        self.stopped = Some(Stopped { direction, answered: answer.is_ok() });
        Flow::Pause
    }

    /// Lets a message pass that cannot be read, or refuses it.
    fn pass_unread<H: Host>(&mut self, host: &mut H, direction: Direction, reason: Reason) -> Result<(), Stop> {
        self.note_unread(host, direction, reason);
        if self.refuses_unread() { Err(Stop::Refused(Refusal::Uninspectable)) } else { Ok(()) }
    }

    /// True when the policy refuses any message.
    fn may_refuse(&self) -> bool {
        let blocks = |direction| Action::of(self.policy.decide(direction, Place::Body)) == Action::Blocked;
        self.refuses_unread() || blocks(Direction::Request) || blocks(Direction::Response)
    }

    fn refuses_unread(&self) -> bool {
        self.policy.uninspectable() == Uninspectable::Block && self.policy.mode() == Mode::Enforce
    }

    fn tally(&mut self) -> &mut Tally {
        self.tally.get_or_insert_default()
    }

    fn message(&mut self, direction: Direction) -> &mut Message {
        match direction {
            Direction::Request => &mut self.request,
            Direction::Response => &mut self.response,
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
    fn flow(self, direction: Direction) -> Flow {
        let own_answer = self.answered && self.direction == Direction::Request && direction == Direction::Response;
        if own_answer { Flow::Continue } else { Flow::Pause }
    }
}

fn refusal_for(cut: Cut, decision: Decision<'_>) -> Refusal {
    match cut {
        Cut::Card => Refusal::Card { rule: decision.rule.to_owned() },
        Cut::Uninspectable => Refusal::Uninspectable,
        Cut::TrailersOverTail => Refusal::TrailersOverTail,
    }
}
