//! Counters and log fields of a stream.
//!
//! Findings are counted when they are detected. The other counters and the log fields are published at the end of the stream.

use super::body::PendingBody;
use super::framing::was_aborted;
use super::rule_inputs::{DESTINATION, MUTUAL, SOURCE};
use super::{Exchange, Interrupt, fields};
use crate::audit::{Action, Counter, Facts, Line, Reason, Redacted, StreamSummary};
use crate::host::{HeaderBlock, HeaderMap, Host, LogLevel};
use crate::policy::{Decision, Direction, Limit, Location};
use crate::stream::Detection;

impl Exchange {
    /// Publishes the log fields and the record at the end of the stream.
    pub fn on_log<H: Host>(&mut self, host: &mut H) {
        if self.handled_elsewhere(host) {
            return;
        }
        if self.path.is_none()
            && let Ok(block) = host.headers(HeaderMap::RequestHeaders)
        {
            // The host rejected the request before this filter, but writes its access log.
            self.publish_request_line(host, &block);
        }
        for direction in [Direction::Request, Direction::Response] {
            self.note_held_back(host, direction);
            if let Some(outcome) = self.outcome(direction) {
                self.counters.add_message(direction, outcome);
            }
        }
        let skip_reason =
            [(Direction::Request, self.request.skip_reason), (Direction::Response, self.response.skip_reason)];
        let nothing_skipped = skip_reason.iter().all(|(_, reason)| reason.is_none());
        if self.stream_summary.is_none() && nothing_skipped && !self.policy.records_clean() {
            return;
        }
        let mut stream_summary = self.stream_summary.take().unwrap_or_default();
        for (direction, reason) in skip_reason {
            if let Some(reason) = reason {
                stream_summary.note_uninspected(direction, reason);
            }
        }
        self.publish_if_any(host, "uninspected", &stream_summary.uninspected());
        if stream_summary.action() != Action::Clean || self.policy.records_clean() {
            self.publish_summary(host, &stream_summary);
        }
    }

    /// Notes bytes that were still held back at the end of a message, unless the stream was aborted.
    fn note_held_back<H: Host>(&mut self, host: &mut H, direction: Direction) {
        let Some(PendingBody::Read(body)) = &self.message(direction).body else { return };
        let reason = match (body.paused_len() > 0, body.holds_back()) {
            (true, _) => Reason::Released,
            (false, true) => Reason::Incomplete,
            (false, false) => return,
        };
        if self.blocked.is_none() && !was_aborted(host) {
            self.note_uninspected(host, direction, reason);
        }
    }

    fn publish_summary<H: Host>(&self, host: &mut H, stream_summary: &StreamSummary) {
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

    /// Adds findings at one location, in the header `field` if it is one, to the summary and the counters. All findings are processed.
    /// If a message exceeds `limits.findings_per_message`, it is blocked if the policy blocks uninspectable messages.
    pub(super) fn report<H: Host>(
        &mut self,
        host: &mut H,
        direction: Direction,
        location: Location,
        field: Option<&[u8]>,
        findings: &[Detection],
        decision: Decision<'_>,
    ) -> Result<(), Interrupt> {
        let mut last: Option<(Vec<u8>, Redacted)> = None;
        for detection in findings {
            let name = fields::label(field, detection.name.as_deref());
            if last.as_ref().map(|(name, _)| name) != name.as_ref() {
                last = name.map(|name| (name.clone(), Redacted::name(&self.policy, &name)));
            }
            let field = last.as_ref().map(|(_, redacted)| redacted);
            self.stream_summary().add(direction, location, field, detection, decision);
        }
        let mut labels: Vec<(&str, u64)> = Vec::new();
        for label in findings.iter().map(|detection| detection.kind.label()) {
            match labels.iter_mut().find(|(other, _)| *other == label) {
                Some((_, count)) => *count = count.saturating_add(1),
                None => labels.push((label, 1)),
            }
        }
        for (label, count) in labels {
            self.count(host, Counter::Findings(direction, location, label, Action::of(decision)), count);
        }
        let most = self.policy.limits().findings_per_message;
        let message = self.message(direction);
        message.found = message.found.saturating_add(u32::try_from(findings.len()).unwrap_or(u32::MAX));
        if message.found > most {
            self.handle_limit(host, direction, &[location], Limit::FindingsPerMessage)
        } else {
            Ok(())
        }
    }

    pub(super) fn note_limit<H: Host>(&mut self, host: &mut H, direction: Direction, limit: Limit) {
        if self.stream_summary().note_limit(direction, limit) {
            self.count(host, Counter::Limits(direction, limit), 1);
        }
    }

    /// Notes a reason without marking the message as uninspected.
    pub(super) fn note_reason<H: Host>(&mut self, host: &mut H, direction: Direction, reason: Reason) {
        if self.stream_summary().note_uninspected(direction, reason) {
            self.count(host, Counter::Uninspected(direction, reason), 1);
        }
    }

    /// Notes that a message was not completely inspected.
    pub(super) fn note_uninspected<H: Host>(&mut self, host: &mut H, direction: Direction, reason: Reason) {
        self.message(direction).uninspected = true;
        self.note_reason(host, direction, reason);
    }

    /// The outcome of a message, or `None` if its headers did not arrive.
    fn outcome(&self, direction: Direction) -> Option<Action> {
        let message = match direction {
            Direction::Request => &self.request,
            Direction::Response => &self.response,
        };
        if message.closed || self.blocked.is_some_and(|blocked| blocked.direction == direction) {
            return Some(Action::Blocked);
        }
        let found = self.stream_summary.as_ref().and_then(|stream_summary| stream_summary.action_in(direction));
        let unread = if message.uninspected { Action::Uninspected } else { Action::Clean };
        message.started.then_some(found.unwrap_or(unread))
    }

    fn facts<H: Host>(&self, host: &mut H) -> Facts {
        let request_facts = match &self.facts_before_masking {
            Some(facts) => Facts::clone(facts),
            None => host.headers(HeaderMap::RequestHeaders).map(|block| self.request_facts(&block)).unwrap_or_default(),
        };
        let is_mutual = host.property(&["connection", "mtls"]).ok().flatten().map(|value| value == MUTUAL);
        let mut property = |path: &[&str]| host.property(path).ok().flatten().filter(|value| !value.is_empty());
        let client = property(&["source", "address"]);
        let mut text = |path: &[&str]| property(path).map(|value| Redacted::under(&self.policy, &value));
        Facts {
            route: text(&["xds", "route_name"]),
            cluster: text(&["xds", "cluster_name"]),
            client: client.map(|address| Redacted::under(&self.policy, without_port(&address))),
            // Without mutual TLS the certificate does not identify the client.
            source: if is_mutual == Some(true) { text(&SOURCE) } else { None },
            destination: text(&DESTINATION),
            path: self.path.clone(),
            mtls: is_mutual,
            fingerprint_key: self.policy.key_id().map(str::to_owned),
            ..request_facts
        }
    }

    /// The facts of a record that are in the request's headers.
    pub(super) fn request_facts(&self, block: &HeaderBlock) -> Facts {
        let text = |name: &[u8]| block.get(name).map(|value| Redacted::under(&self.policy, value));
        Facts {
            method: text(b":method"),
            host: text(b":authority"),
            request_id: text(b"x-request-id"),
            ..Facts::default()
        }
    }

    /// Publishes the redacted method and path, which access logs print instead of the headers.
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
