//! State of one message, and the inspection of its fields.

use super::body::PendingBody;
use super::fields::{self, Fields};
use super::forwarded::Forwarded;
use super::framing::Arrival;
use super::refusal::Refusal;
use super::{AccessLog, Callback, Interrupt};
use crate::audit::{Counter, Reason, Redacted};
use crate::host::{HeaderBlock, HeaderMap};
use crate::policy::{Content, Decisions, Direction, Limit, Location, Outcome};
use crate::stream::Detection;

/// A request or a response.
pub(super) struct Message {
    pub(super) direction: Direction,
    /// The decisions of the policy. Before the headers, the strictest possible ones.
    pub(super) decisions: Decisions,
    pub(super) state: State,
    /// The reason why the message or its body is not inspected, if that is intended.
    pub(super) skip_reason: Option<Reason>,
    /// The number of findings.
    found: u32,
    pub(super) arrival: Arrival,
    /// The forwarded bytes of the body, as far as needed to recognize them.
    pub(super) forwarded: Forwarded,
}

/// The state of a message.
pub(super) enum State {
    /// The headers have not arrived.
    Waiting,
    /// The rest is forwarded without inspection, or only the trailers are inspected.
    Passing,
    /// The body is inspected.
    Inspecting(PendingBody),
    /// The message was blocked.
    Blocked {
        /// True if the host accepted the local reply.
        is_reply_sent: bool,
    },
    /// The body was blocked by a close frame of the protocol inside it. Nothing more of it is forwarded.
    Closed,
}

impl Message {
    pub(super) fn new(direction: Direction, decisions: Decisions) -> Self {
        Self {
            direction,
            decisions,
            state: State::Waiting,
            skip_reason: None,
            found: 0,
            arrival: Arrival::default(),
            forwarded: Forwarded::default(),
        }
    }

    /// Inspects the fields of a header or trailer map and edits those that the policy masks.
    pub(super) fn inspect_fields(
        &mut self,
        call: &mut Callback<'_>,
        map: HeaderMap,
        block: &HeaderBlock,
    ) -> Result<(), Interrupt> {
        let locations = Fields::locations(map);
        if !locations.iter().any(|location| self.decisions.inspects_at(*location)) {
            return Ok(());
        }
        if let Some(limit) = fields::limit_reached(block, call.policy.limits()) {
            call.note_uninspected(self.direction, Reason::Limit);
            return self.handle_limit(call, locations, limit);
        }
        if !fields::may_contain_findings(block, call.policy) {
            return Ok(());
        }
        let fields = Fields::inspect(block, map, &self.decisions, call.policy);
        if map == HeaderMap::RequestHeaders && !fields.findings().is_empty() {
            call.log.note_facts(call.policy, block);
        }
        let mut refusal = None;
        for finding in fields.findings() {
            let detection = std::slice::from_ref(&finding.detection);
            let blocked = self.report(call, finding.location, Some(&finding.field), detection)?;
            refusal = refusal.or(blocked);
        }
        let written = fields.write_back(call.host, map);
        match refusal {
            // A blocked message is not forwarded, so a failure to mask it does not matter.
            Some(refusal) => Err(Interrupt::Block(refusal)),
            None => Ok(written?),
        }
    }

    /// Completes the body and inspects the trailers.
    pub(super) fn process_trailers(&mut self, call: &mut Callback<'_>) -> Result<(), Interrupt> {
        self.end_body(call)?;
        if self.decisions.inspects_at(Location::Trailers) {
            let map = HeaderMap::trailers_of(self.direction);
            let block = call.host.headers(map)?;
            self.inspect_fields(call, map, &block)?;
        }
        Ok(())
    }

    /// Adds findings at one location, in the header `field` if it is one, to the summary and the counters, except those that the policy
    /// skips. Returns the reply to the first one that the policy blocks. All findings are processed. If a message exceeds
    /// `limits.findings_per_message`, it is blocked if the policy blocks uninspectable messages.
    pub(super) fn report(
        &mut self,
        call: &mut Callback<'_>,
        location: Location,
        field: Option<&[u8]>,
        findings: &[Detection],
    ) -> Result<Option<Refusal>, Interrupt> {
        let mut last: Option<(Vec<u8>, Redacted)> = None;
        let mut counts: Vec<(&str, Outcome, u64)> = Vec::new();
        let mut refusal = None;
        for detection in findings {
            let decision = call.policy.decide_finding(&self.decisions, location, &detection.attributes());
            let outcome = decision.outcome();
            if outcome == Outcome::Clean {
                continue;
            }
            if outcome == Outcome::Blocked {
                refusal.get_or_insert_with(|| Refusal::Card { rule: decision.rule.to_owned() });
            }
            // The client does not receive what is masked or blocked in a response.
            let crosses = self.direction == Direction::Request || !outcome.protects();
            if crosses && detection.kind.is_account_data() {
                call.note_card_on_connection();
            }
            let name = fields::label(field, detection.name.as_deref());
            if last.as_ref().map(|(name, _)| name) != name.as_ref() {
                last = name.map(|name| (name.clone(), Redacted::name(call.policy, &name)));
            }
            let field = last.as_ref().map(|(_, redacted)| redacted);
            call.log.summary().add(field, detection, decision);
            let label = detection.kind.label();
            match counts.iter_mut().find(|(other, action, _)| *other == label && *action == outcome) {
                Some((.., count)) => *count = count.saturating_add(1),
                None => counts.push((label, outcome, 1)),
            }
            self.found = self.found.saturating_add(1);
        }
        for (label, outcome, count) in counts {
            call.count(Counter::Findings(self.direction, location, label, outcome), count);
        }
        if self.found > call.policy.limits().findings_per_message {
            self.handle_limit(call, &[location], Limit::FindingsPerMessage)?;
        }
        Ok(refusal)
    }

    /// Notes that the message cannot be inspected, and blocks it if the policy blocks those.
    pub(super) fn handle_uninspectable(&self, call: &mut Callback<'_>, reason: Reason) -> Result<(), Interrupt> {
        call.note_uninspected(self.direction, reason);
        self.block_uninspectable(call, &[Location::Body], Refusal::Uninspectable)
    }

    /// Notes that a limit was reached at these locations, and blocks the message if the policy blocks uninspectable ones.
    fn handle_limit(&self, call: &mut Callback<'_>, locations: &[Location], limit: Limit) -> Result<(), Interrupt> {
        call.note_limit(self.direction, limit);
        self.block_uninspectable(call, locations, Refusal::Limit(limit))
    }

    /// Blocks the message if these locations cannot be inspected and the policy blocks those.
    fn block_uninspectable(
        &self,
        call: &Callback<'_>,
        locations: &[Location],
        refusal: Refusal,
    ) -> Result<(), Interrupt> {
        let content = Content::Uninspectable(call.policy.uninspectable());
        let is_blocked = |location: &Location| self.decisions.outcome_at(*location, content) == Outcome::Blocked;
        if locations.iter().any(is_blocked) { Err(Interrupt::Block(refusal)) } else { Ok(()) }
    }

    /// The outcome of the message, or `None` if its headers did not arrive.
    pub(super) fn outcome(&self, log: &AccessLog) -> Option<Outcome> {
        match self.state {
            State::Waiting => None,
            State::Blocked { .. } | State::Closed => Some(Outcome::Blocked),
            State::Passing | State::Inspecting(_) => {
                let skipped = self.skip_reason.map_or(Outcome::Clean, |_| Outcome::Uninspected);
                Some(log.action_in(self.direction).max(skipped))
            }
        }
    }
}
