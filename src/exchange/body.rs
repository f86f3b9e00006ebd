//! How is the body of a message prepared for, and what becomes of each chunk of it?

use super::framing::{pause_until, sender_of};
use super::refusal::Refusal;
use super::{Exchange, Flow, Stop, coding};
use crate::audit::{Action, Reason};
use crate::host::{HeaderBlock, HeaderMap, Host};
use crate::policy::{Decision, Direction, Limit, Place, Policy};
use crate::stream::{self, Body, Cut, Flaw, Framing, Plan, Shape, Side, Sighting, Treatment, Turn};
use std::rc::Rc;

/// The body of a message on its way.
pub(super) enum Incoming {
    /// A text as it is, of which nothing is remembered yet, because nothing has to be.
    Text(Text),
    /// Any other body, and a text that comes in pieces or may hold something.
    Read(Box<Body>),
}

/// What is known of a text before it comes.
#[derive(Clone, Copy)]
pub(super) struct Text {
    shape: Shape,
    treatment: Treatment,
    pause_until: u64,
    /// All of it came at once and passed.
    passed: bool,
}

/// The longest text that is looked at in one go before anything is set up for it.
const SMALL_TEXT: usize = 16_384;

impl Incoming {
    fn has_begun(&self) -> bool {
        match self {
            Self::Text(text) => text.passed,
            Self::Read(body) => !body.is_fresh(),
        }
    }

    fn paused_len(&self) -> usize {
        match self {
            Self::Text(_) => 0,
            Self::Read(body) => body.paused_len(),
        }
    }
}

impl Text {
    /// True when `chunk` is all of it, small, and nothing could be in it. `end` says that nothing follows.
    fn is_clean(&self, chunk: &[u8], end: bool, policy: &Policy) -> bool {
        let length = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        let is_whole = !self.passed && (end || self.shape.sender.is_done_after(length));
        let suspect = || {
            let escapes = self.shape.document.escapes();
            stream::is_suspect(chunk, escapes, &policy.criteria(), policy.mask_style())
        };
        is_whole && chunk.len() <= SMALL_TEXT && !suspect()
    }
}

impl Exchange {
    /// Prepares for the frames of a websocket, in both directions.
    pub(super) fn expect_frames<H: Host>(&mut self, host: &mut H) -> Result<(), Stop> {
        for (direction, side) in [(Direction::Request, Side::Client), (Direction::Response, Side::Service)] {
            if self.message(direction).body.as_ref().is_some_and(Incoming::has_begun) {
                // A body before the answer: where its frames begin cannot be told.
                self.pass_unread(host, direction, Reason::Upgrade)?;
            } else {
                let treatment = self.treatment(direction);
                let plan = treatment.map(|treatment| self.plan(direction, treatment, u64::MAX));
                let body = plan.map(|plan| Box::new(Body::of_websocket(side, plan)));
                self.message(direction).body = body.map(Incoming::Read);
            }
        }
        Ok(())
    }

    /// Prepares for the body of a message whose headers are `block`.
    pub(super) fn expect_body<H: Host>(
        &mut self,
        host: &mut H,
        direction: Direction,
        block: &HeaderBlock,
    ) -> Result<(), Stop> {
        let content_type = block.get(b"content-type");
        let is_binary = content_type.is_some() && block.all(b"content-type").all(stream::is_binary);
        if is_binary && self.message(direction).ruling.inspects_at(Place::Body) {
            self.message(direction).pass_by(Reason::Binary);
            return Ok(());
        }
        let sender = sender_of(host, direction, block);
        let Some(treatment) = self.treatment(direction) else { return Ok(()) };
        let pause_until = pause_until(host, direction, sender);
        if block.all(b"content-type").any(stream::is_unreadable_charset) {
            // It is read all the same: what it is called need not be true.
            self.pass_unread(host, direction, Reason::Charset)?;
        }
        let is_part = coding::is_part(direction, block);
        if is_part {
            self.pass_unread(host, direction, Reason::Range)?;
        }
        let Ok(decoder) = coding::decoder(block, self.policy.limits().inflate_ratio) else {
            return self.pass_unread(host, direction, Reason::Encoding);
        };
        if decoder.is_some() && is_part {
            // A part of what is encoded says nothing.
            return self.pass_unread(host, direction, Reason::Encoding);
        }
        if decoder.is_some() && treatment != Treatment::Observe {
            for change in coding::changes(block) {
                change.make(host, HeaderMap::headers_of(direction))?;
            }
        }
        let shape = Shape::of_content_type(sender, content_type);
        let is_text = shape.framing == Framing::Whole && !shape.base64;
        self.message(direction).body = Some(match decoder {
            None if is_text => Incoming::Text(Text { shape, treatment, pause_until, passed: false }),
            decoder => {
                let plan = self.plan(direction, treatment, pause_until);
                Incoming::Read(Box::new(match decoder {
                    Some(decoder) => Body::encoded(decoder, shape, plan),
                    None => Body::new(shape, plan),
                }))
            }
        });
        Ok(())
    }

    /// What happens to a card in a body, if it is to be read.
    fn treatment(&mut self, direction: Direction) -> Option<Treatment> {
        let ruling = self.message(direction).ruling;
        match Action::of(self.policy.decide(&ruling, Place::Body)) {
            Action::Masked => Some(Treatment::Mask),
            Action::Blocked => Some(Treatment::Block),
            Action::Reported | Action::Allowed => Some(Treatment::Observe),
            Action::Clean | Action::Uninspected => None,
        }
    }

    /// What is to be done with a body.
    fn plan(&mut self, direction: Direction, treatment: Treatment, pause_until: u64) -> Plan {
        Plan {
            treatment,
            criteria: self.policy.criteria(),
            style: self.policy.mask_style(),
            pause_limit: self.policy.limits().paused_bytes,
            pause_until,
            refuse_unread: self.refuses_unread(direction, &[Place::Body]),
        }
    }

    pub(super) fn take_chunk<H: Host>(
        &mut self,
        host: &mut H,
        direction: Direction,
        size: usize,
        end: bool,
    ) -> Result<Flow, Stop> {
        let Some(incoming) = self.message(direction).body.take() else { return Ok(Flow::Continue) };
        let fresh = size.saturating_sub(incoming.paused_len());
        let chunk = if size == 0 { Vec::new() } else { host.body(direction, size)? };
        self.ledger.add_inspected(direction, fresh);
        let mut body = match incoming {
            Incoming::Read(body) => body,
            Incoming::Text(text) if chunk.is_empty() || text.is_clean(&chunk, end, &self.policy) => {
                let passed = text.passed || !chunk.is_empty();
                self.message(direction).body = Some(Incoming::Text(Text { passed, ..text }));
                return Ok(Flow::Continue);
            }
            Incoming::Text(text) => {
                let plan = self.plan(direction, text.treatment, text.pause_until);
                Box::new(Body::new(text.shape, plan))
            }
        };
        let mut found = Vec::new();
        let turn = body.push(chunk, end, &mut |what| found.push(what));
        self.finish_turn(host, direction, size, body, &found, turn)
    }

    /// Ends the body of a message, now that its trailers have begun.
    pub(super) fn end_body<H: Host>(&mut self, host: &mut H, direction: Direction) -> Result<(), Stop> {
        let Some(Incoming::Read(mut body)) = self.message(direction).body.take() else { return Ok(()) };
        let size = body.paused_len();
        let waiting = if size == 0 { Vec::new() } else { host.body(direction, size)? };
        let mut found = Vec::new();
        let turn = body.finish_before_trailers(waiting, &mut |what| found.push(what));
        self.finish_turn(host, direction, size, body, &found, turn)?;
        Ok(())
    }

    /// Reports what a chunk held and does with it what its body asks for.
    fn finish_turn<H: Host>(
        &mut self,
        host: &mut H,
        direction: Direction,
        size: usize,
        body: Box<Body>,
        found: &[Sighting],
        turn: Turn,
    ) -> Result<Flow, Stop> {
        let policy = Rc::clone(&self.policy);
        let decision = policy.decide(&self.message(direction).ruling, Place::Body);
        self.report(host, direction, Place::Body, None, found, decision)?;
        if body.passed_unread() || body.flaw() == Some(Flaw::Broken) {
            self.note_unread(host, direction, Reason::Encoding);
        }
        if body.flaw() == Some(Flaw::Ratio) {
            self.note_limit(host, direction, Limit::InflateRatio);
            self.note_unread(host, direction, Reason::Limit);
        }
        if body.outgrew_pause() {
            self.note_limit(host, direction, Limit::PausedBytes);
        }
        if let Some(bytes) = turn.replacement {
            host.replace_body(direction, size, &bytes)?;
        }
        let flow = match turn.flow {
            stream::Flow::Pass => Flow::Continue,
            stream::Flow::Pause => Flow::Pause,
            stream::Flow::Cut(cut) => return Err(Stop::Refused(refusal_for(cut, decision, body.flaw()))),
            stream::Flow::Close(_) => {
                self.tally().note_blocked();
                self.message(direction).closed = true;
                Flow::Continue
            }
        };
        self.message(direction).body = Some(Incoming::Read(body));
        Ok(flow)
    }
}

fn refusal_for(cut: Cut, decision: Decision<'_>, flaw: Option<Flaw>) -> Refusal {
    match cut {
        Cut::Uninspectable if flaw == Some(Flaw::Ratio) => Refusal::Limit(Limit::InflateRatio),
        Cut::Card => Refusal::Card { rule: decision.rule.to_owned() },
        Cut::Uninspectable => Refusal::Uninspectable,
        Cut::TrailersOverTail => Refusal::TrailersOverTail,
    }
}
