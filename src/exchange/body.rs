//! How is the body of a message prepared for, and what becomes of each chunk of it?

use super::framing::{pause_until, sender_of};
use super::refusal::Refusal;
use super::{Exchange, Flow, Stop, coding};
use crate::audit::{Action, Reason};
use crate::host::{HeaderBlock, HeaderMap, Host};
use crate::policy::{Decision, Direction, Limit, Place};
use crate::stream::{self, Body, Cut, Flaw, Plan, Shape, Side, Sighting, Treatment, Turn};
use std::rc::Rc;

impl Exchange {
    /// Prepares for the frames of a websocket, in both directions.
    pub(super) fn expect_frames<H: Host>(&mut self, host: &mut H) -> Result<(), Stop> {
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

    /// Prepares for the body of a message whose headers are `block`.
    pub(super) fn expect_body<H: Host>(
        &mut self,
        host: &mut H,
        direction: Direction,
        block: &HeaderBlock,
    ) -> Result<(), Stop> {
        let content_types = block.pairs().filter(|(name, _)| *name == b"content-type").map(|(_, value)| value);
        if self.message(direction).ruling.inspects_at(Place::Body) && stream::is_binary(content_types) {
            self.message(direction).pass_by(Reason::Binary);
            return Ok(());
        }
        let sender = sender_of(host, direction, block);
        let Some(plan) = self.plan(direction, pause_until(host, direction, sender)) else { return Ok(()) };
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
        if decoder.is_some() && plan.treatment != Treatment::Observe {
            for change in coding::changes(block) {
                change.make(host, HeaderMap::headers_of(direction))?;
            }
        }
        let shape = Shape::of_content_type(sender, block.get(b"content-type"));
        let body = match decoder {
            Some(decoder) => Body::encoded(decoder, shape, plan),
            None => Body::new(shape, plan),
        };
        self.message(direction).body = Some(Box::new(body));
        Ok(())
    }

    /// What is to be done with a body, if it is to be read.
    fn plan(&mut self, direction: Direction, pause_until: u64) -> Option<Plan> {
        let policy = Rc::clone(&self.policy);
        let treatment = match Action::of(policy.decide(&self.message(direction).ruling, Place::Body)) {
            Action::Masked => Treatment::Mask,
            Action::Blocked => Treatment::Block,
            Action::Reported | Action::Allowed => Treatment::Observe,
            Action::Clean | Action::Uninspected => return None,
        };
        Some(Plan {
            treatment,
            criteria: policy.criteria(),
            style: policy.mask_style(),
            pause_limit: policy.limits().paused_bytes,
            pause_until,
            refuse_unread: self.refuses_unread(direction, &[Place::Body]),
        })
    }

    pub(super) fn take_chunk<H: Host>(
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
        let turn = body.push(chunk, end, &mut |what| found.push(what));
        self.finish_turn(host, direction, size, body, &found, turn)
    }

    /// Ends the body of a message, now that its trailers have begun.
    pub(super) fn end_body<H: Host>(&mut self, host: &mut H, direction: Direction) -> Result<(), Stop> {
        let Some(mut body) = self.message(direction).body.take() else { return Ok(()) };
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
        self.message(direction).body = Some(body);
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
