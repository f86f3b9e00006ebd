//! What is told of an exchange, and when?
//!
//! Findings are counted as they are made; the rest is said once, at the end.

use super::body::PendingBody;
use super::framing::is_broken_off;
use super::rule_inputs::{DESTINATION, MUTUAL, SOURCE};
use super::{Exchange, Stop, fields};
use crate::audit::{Action, Counter, Facts, Line, Reason, Redacted, StreamSummary};
use crate::host::{HeaderBlock, HeaderMap, Host, LogLevel};
use crate::policy::{Decision, Direction, Limit, Location};
use crate::stream::Detection;

impl Exchange {
    /// The end of the exchange, however it came about: tells what happened.
    pub fn on_log<H: Host>(&mut self, host: &mut H) {
        if self.handled_elsewhere(host) {
            return;
        }
        if self.path.is_none()
            && let Ok(block) = host.headers(HeaderMap::RequestHeaders)
        {
            // Refused by the host before it came to us; its log line is written all the same.
            self.publish_request_line(host, &block);
        }
        for direction in [Direction::Request, Direction::Response] {
            self.note_held_back(host, direction);
            if let Some(outcome) = self.outcome(direction) {
                self.counters.add_message(direction, outcome);
            }
        }
        let passed_by = [(Direction::Request, self.request.passed_by), (Direction::Response, self.response.passed_by)];
        let nothing_passed_by = passed_by.iter().all(|(_, reason)| reason.is_none());
        if self.stream_summary.is_none() && nothing_passed_by && !self.policy.records_clean() {
            return;
        }
        let mut stream_summary = self.stream_summary.take().unwrap_or_default();
        for (direction, reason) in passed_by {
            if let Some(reason) = reason {
                stream_summary.note_uninspected(direction, reason);
            }
        }
        self.publish_if_any(host, "uninspected", &stream_summary.uninspected());
        if stream_summary.action() != Action::Clean || self.policy.records_clean() {
            self.publish_tally(host, &stream_summary);
        }
    }

    /// Notes what was held back to the end of a message that nobody broke off.
    fn note_held_back<H: Host>(&mut self, host: &mut H, direction: Direction) {
        let Some(PendingBody::Read(body)) = &self.message(direction).body else { return };
        let reason = match (body.paused_len() > 0, body.holds_back()) {
            (true, _) => Reason::Released,
            (false, true) => Reason::Incomplete,
            (false, false) => return,
        };
        if self.stopped.is_none() && !is_broken_off(host) {
            self.note_unread(host, direction, reason);
        }
    }

    fn publish_tally<H: Host>(&self, host: &mut H, stream_summary: &StreamSummary) {
        let facts = self.facts(host);
        self.publish(host, "action", stream_summary.action().as_str());
        self.publish(host, "found", &stream_summary.found().to_string());
        self.publish(host, "brands", &stream_summary.brands());
        self.publish(host, "where", &stream_summary.locations());
        self.publish_if_any(host, "fields", &stream_summary.fields());
        self.publish_if_any(host, "rules", &stream_summary.rules());
        self.publish_if_any(host, "peer", facts.source.as_ref().map_or("", Redacted::as_str));
        self.publish_if_any(host, "fingerprints", &stream_summary.fingerprints());
        self.publish(host, "record", &stream_summary.record(&facts));
    }

    /// Adds what was found in one place, in the header called `field` if it was in one, to the tally and the counters.
    /// However much that is, all of it is dealt with; a message with more than the policy allows for is refused if the policy
    /// refuses what is beyond a limit.
    pub(super) fn report<H: Host>(
        &mut self,
        host: &mut H,
        direction: Direction,
        place: Location,
        field: Option<&[u8]>,
        findings: &[Detection],
        decision: Decision<'_>,
    ) -> Result<(), Stop> {
        let mut last: Option<(Vec<u8>, Redacted)> = None;
        for detection in findings {
            let name = fields::called(field, detection.name.as_deref());
            if last.as_ref().map(|(name, _)| name) != name.as_ref() {
                last = name.map(|name| (name.clone(), Redacted::name(&self.policy, &name)));
            }
            let field = last.as_ref().map(|(_, redacted)| redacted);
            self.stream_summary().add(direction, place, field, detection, decision);
        }
        let mut labels: Vec<(&str, u64)> = Vec::new();
        for label in findings.iter().map(|detection| detection.kind.label()) {
            match labels.iter_mut().find(|(other, _)| *other == label) {
                Some((_, count)) => *count = count.saturating_add(1),
                None => labels.push((label, 1)),
            }
        }
        for (label, count) in labels {
            self.count(host, Counter::Findings(direction, place, label, Action::of(decision)), count);
        }
        let most = self.policy.limits().findings_per_message;
        let message = self.message(direction);
        message.found = message.found.saturating_add(u32::try_from(findings.len()).unwrap_or(u32::MAX));
        if message.found > most { self.reach(host, direction, &[place], Limit::FindingsPerMessage) } else { Ok(()) }
    }

    pub(super) fn note_limit<H: Host>(&mut self, host: &mut H, direction: Direction, limit: Limit) {
        if self.stream_summary().note_limit(direction, limit) {
            self.count(host, Counter::Limits(direction, limit), 1);
        }
    }

    /// Notes what was odd about a message that is read all the same.
    pub(super) fn note_oddity<H: Host>(&mut self, host: &mut H, direction: Direction, reason: Reason) {
        if self.stream_summary().note_uninspected(direction, reason) {
            self.count(host, Counter::Uninspected(direction, reason), 1);
        }
    }

    pub(super) fn note_unread<H: Host>(&mut self, host: &mut H, direction: Direction, reason: Reason) {
        self.message(direction).unread = true;
        self.note_oddity(host, direction, reason);
    }

    /// What became of a message; `None` when it never began.
    fn outcome(&self, direction: Direction) -> Option<Action> {
        let message = match direction {
            Direction::Request => &self.request,
            Direction::Response => &self.response,
        };
        if message.closed || self.stopped.is_some_and(|stopped| stopped.direction == direction) {
            return Some(Action::Blocked);
        }
        let found = self.stream_summary.as_ref().and_then(|stream_summary| stream_summary.action_in(direction));
        let unread = if message.unread { Action::Uninspected } else { Action::Clean };
        message.begun.then_some(found.unwrap_or(unread))
    }

    fn facts<H: Host>(&self, host: &mut H) -> Facts {
        let of_request = match &self.unmasked {
            Some(facts) => Facts::clone(facts),
            None => host.headers(HeaderMap::RequestHeaders).map(|block| self.facts_of(&block)).unwrap_or_default(),
        };
        let mutual = host.property(&["connection", "mtls"]).ok().flatten().map(|value| value == MUTUAL);
        let mut property = |path: &[&str]| host.property(path).ok().flatten().filter(|value| !value.is_empty());
        let client = property(&["source", "address"]);
        let mut text = |path: &[&str]| property(path).map(|value| Redacted::under(&self.policy, &value));
        Facts {
            route: text(&["xds", "route_name"]),
            cluster: text(&["xds", "cluster_name"]),
            client: client.map(|address| Redacted::under(&self.policy, without_port(&address))),
            // Of a client that did not prove it, a name is worth nothing.
            source: if mutual == Some(true) { text(&SOURCE) } else { None },
            destination: text(&DESTINATION),
            path: self.path.clone(),
            mtls: mutual,
            fingerprint_key: self.policy.key_id().map(str::to_owned),
            ..of_request
        }
    }

    /// What the headers of a request say that a record tells.
    pub(super) fn facts_of(&self, block: &HeaderBlock) -> Facts {
        let text = |name: &[u8]| block.get(name).map(|value| Redacted::under(&self.policy, value));
        Facts {
            method: text(b":method"),
            host: text(b":authority"),
            request_id: text(b"x-request-id"),
            ..Facts::default()
        }
    }

    /// Publishes the request line without its cards, for logs to print in place of the headers themselves.
    pub(super) fn publish_request_line<H: Host>(&mut self, host: &mut H, block: &HeaderBlock) {
        let mut redacted = |name: &[u8], key| {
            let text = block.get(name).map(|value| Redacted::under(&self.policy, value));
            if let Some(text) = &text {
                self.publish(host, key, text.as_str());
            }
            text
        };
        redacted(b":method", "method");
        self.path = redacted(b":path", "path");
    }

    pub(super) fn publish<H: Host>(&self, host: &mut H, key: &str, value: &str) {
        if let Err(error) = host.set_metadata(key, value) {
            host.log(LogLevel::Warn, &Line::HostCallFailed(error.call));
        }
    }

    fn publish_if_any<H: Host>(&self, host: &mut H, key: &str, value: &str) {
        if !value.is_empty() {
            self.publish(host, key, value);
        }
    }

    fn count<H: Host>(&self, host: &mut H, counter: Counter<'_>, amount: u64) {
        if let Err(error) = host.count(counter, amount) {
            host.log(LogLevel::Warn, &Line::HostCallFailed(error.call));
        }
    }
}

/// The address in `10.0.3.7:51734` or `[fd00::7]:51734`.
fn without_port(address: &[u8]) -> &[u8] {
    let end = address.iter().rposition(|byte| *byte == b':');
    address.get(..end.unwrap_or(address.len())).unwrap_or(address)
}
