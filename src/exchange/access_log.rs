//! Counters and log fields of a stream.
//!
//! Findings are counted when they are detected. The other counters and the log fields are published at the end of the stream.

use super::framing::was_aborted;
use super::message::State;
use super::rule_inputs::{DESTINATION, MUTUAL, SOURCE, connection, listener_direction};
use super::{Callback, Exchange};
use crate::audit::{Counter, Counters, Facts, Line, Reason, Redacted, StreamSummary, record_object};
use crate::host::{HeaderBlock, HeaderMap, Host, LogLevel};
use crate::policy::{Direction, Limit, LogKey, Outcome, Policy};
use std::rc::Rc;

/// Log fields, record and counters of a stream.
pub(super) struct AccessLog {
    pub(super) counters: Rc<Counters>,
    /// `None` until there is something to log. Most streams need none.
    summary: Option<Box<StreamSummary>>,
    /// The request id for local replies.
    pub(super) request_id: Option<Redacted>,
    path: Option<Redacted>,
    has_trace_id: bool,
    /// True if the stream is counted as one with account data on the client's connection.
    has_card: bool,
    /// The facts of a request with findings in its headers, redacted before the headers were masked. A mask keeps digits that a
    /// record must not contain.
    facts_before_masking: Option<Box<Facts>>,
}

/// The keys with the value of a header.
const REQUEST_KEYS: [(LogKey, &[u8]); 5] = [
    (LogKey::Method, b":method"),
    (LogKey::Path, b":path"),
    (LogKey::Authority, b":authority"),
    (LogKey::RequestId, b"x-request-id"),
    (LogKey::UserAgent, b"user-agent"),
];

impl Exchange {
    /// Publishes the log fields and the record at the end of the stream.
    pub fn on_log(&mut self, host: &mut dyn Host) {
        if self.handled_elsewhere(host) {
            return;
        }
        let mut block = None;
        if self.log.path.is_none()
            && let Ok(headers) = host.headers(HeaderMap::RequestHeaders)
        {
            // The host rejected the request before this filter, but writes its access log.
            self.log.publish_request(host, &self.policy, &headers);
            block = Some(headers);
        }
        if self.policy.publishes(LogKey::TraceId) && !self.log.has_trace_id {
            // The host began the trace, and added its header when it forwarded the request.
            block = block.or_else(|| host.headers(HeaderMap::RequestHeaders).ok());
            if let Some(block) = &block {
                self.log.publish_trace_id(host, &self.policy, block);
            }
        }
        self.note_held_back(host);
        for message in [&self.request, &self.response] {
            if let Some(outcome) = message.outcome(&self.log) {
                self.log.counters.add_message(message.direction, outcome);
            }
        }
        for message in [&self.request, &self.response] {
            if let Some(reason) = message.skip_reason {
                self.log.summary().note_uninspected(message.direction, reason);
            }
        }
        let records_clean = self.policy.records_clean();
        let Some(summary) = self.log.summary.take().or_else(|| records_clean.then(Box::default)) else { return };
        let policy = &self.policy;
        publish_if_any(host, policy, LogKey::Uninspected, &summary.uninspected());
        if summary.action() != Outcome::Clean || records_clean {
            let facts = self.log.facts(host, policy, block);
            publish(host, policy, LogKey::Action, summary.action().as_str());
            publish(host, policy, LogKey::Found, &summary.found().to_string());
            publish(host, policy, LogKey::Brands, &summary.brands());
            publish(host, policy, LogKey::Where, &summary.locations());
            publish_if_any(host, policy, LogKey::Fields, &summary.fields());
            publish_if_any(host, policy, LogKey::Rules, &summary.rules());
            publish_if_any(host, policy, LogKey::Peer, facts.source.as_ref().map_or("", Redacted::as_str));
            publish_if_any(host, policy, LogKey::Fingerprints, &summary.fingerprints());
            if policy.publishes(LogKey::Record) || policy.publishes(LogKey::RecordObject) {
                let record = summary.record(&facts);
                publish(host, policy, LogKey::Record, &record);
                publish_object(host, policy, &record);
            }
        }
    }

    /// Notes bytes that were still held back at the end of a message, and decides the rest of one that is only observed, unless the
    /// stream was aborted.
    fn note_held_back(&mut self, host: &mut dyn Host) {
        let states = [&self.request.state, &self.response.state];
        let is_blocked = states.iter().any(|state| matches!(state, State::Blocked { .. }));
        for direction in Direction::ALL {
            let (message, mut call) = self.callback(host, direction);
            if !is_blocked {
                message.finish_observed(&mut call);
            }
            let reason = match &message.state {
                State::Inspecting(body) if body.paused_len() > 0 => Reason::Released,
                State::Inspecting(body) if body.holds_back() => Reason::Incomplete,
                _ => continue,
            };
            if !is_blocked && !was_aborted(call.host) {
                call.note_uninspected(direction, reason);
            }
        }
    }
}

impl Callback<'_> {
    /// Notes that account data crossed the client's connection. A stream counts once.
    #[inline(never)] // Few streams have findings.
    pub(super) fn note_card_on_connection(&mut self) {
        if !std::mem::replace(&mut self.log.has_card, true) {
            let counter = Counter::CardStreams(connection(self.host), listener_direction(self.host));
            self.count(counter, 1);
        }
    }

    /// Notes that a limit was reached.
    pub(super) fn note_limit(&mut self, direction: Direction, limit: Limit) {
        if self.log.summary().note_limit(direction, limit) {
            self.count(Counter::Limits(direction, limit), 1);
        }
    }

    /// Notes a reason for which a message was not completely inspected, or not decoded.
    pub(super) fn note_uninspected(&mut self, direction: Direction, reason: Reason) {
        if self.log.summary().note_uninspected(direction, reason) {
            self.count(Counter::Uninspected(direction, reason), 1);
        }
    }

    pub(super) fn count(&mut self, counter: Counter<'_>, amount: u64) {
        if let Err(error) = self.host.count(counter, amount) {
            self.host.log(LogLevel::Warn, &Line::HostCallFailed(error.call));
        }
    }
}

impl AccessLog {
    pub(super) fn new(counters: Rc<Counters>) -> Self {
        Self {
            counters,
            summary: None,
            request_id: None,
            path: None,
            has_trace_id: false,
            has_card: false,
            facts_before_masking: None,
        }
    }

    pub(super) fn summary(&mut self) -> &mut StreamSummary {
        self.summary.get_or_insert_default()
    }

    /// The strongest action on the findings and gaps of one direction so far.
    pub(super) fn action_in(&self, direction: Direction) -> Outcome {
        self.summary.as_ref().map_or(Outcome::Clean, |summary| summary.action_in(direction))
    }

    /// Notes the facts of a request before its headers are masked.
    pub(super) fn note_facts(&mut self, policy: &Policy, block: &HeaderBlock) {
        self.facts_before_masking = Some(Box::new(request_facts(policy, block)));
    }

    /// Publishes the redacted attributes of a request, which access logs print instead of the headers.
    pub(super) fn publish_request(&mut self, host: &mut dyn Host, policy: &Policy, block: &HeaderBlock) {
        for (key, name) in REQUEST_KEYS {
            // Records contain the path too.
            if key != LogKey::Path && !policy.publishes(key) {
                continue;
            }
            let text = block.get(name).map(|value| Redacted::under(policy, value));
            if let Some(text) = &text {
                publish(host, policy, key, text.as_str());
            }
            match key {
                LogKey::Path => self.path = text,
                LogKey::RequestId => self.request_id = text,
                _ => {}
            }
        }
        if policy.publishes(LogKey::Client)
            && let Some(client) = client(host, policy)
        {
            publish(host, policy, LogKey::Client, client.as_str());
        }
        if policy.publishes(LogKey::TraceId) {
            self.publish_trace_id(host, policy, block);
        }
    }

    /// Publishes the redacted trace id, if the headers contain one.
    fn publish_trace_id(&mut self, host: &mut dyn Host, policy: &Policy, block: &HeaderBlock) {
        let part = |name: &[u8], index| {
            let id = block.get(name)?.split(|byte| *byte == b'-').nth(index)?;
            (!id.is_empty()).then_some(id)
        };
        if let Some(id) = part(b"traceparent", 1).or_else(|| part(b"x-b3-traceid", 0)) {
            publish(host, policy, LogKey::TraceId, Redacted::under(policy, id).as_str());
            self.has_trace_id = true;
        }
    }

    /// The facts for the record. `block` contains the headers of the request, if they have been read in this callback.
    fn facts(&self, host: &mut dyn Host, policy: &Policy, block: Option<HeaderBlock>) -> Facts {
        let request_facts = match &self.facts_before_masking {
            Some(facts) => Facts::clone(facts),
            None => {
                let block = block.or_else(|| host.headers(HeaderMap::RequestHeaders).ok());
                block.map(|block| request_facts(policy, &block)).unwrap_or_default()
            }
        };
        let is_mutual = host.property(&["connection", "mtls"]).ok().flatten().map(|value| value == MUTUAL);
        let client = client(host, policy);
        let mut text = |path: &[&str]| property(host, path).map(|value| Redacted::under(policy, &value));
        Facts {
            route: text(&["xds", "route_name"]),
            cluster: text(&["xds", "cluster_name"]),
            client,
            // Without mutual TLS the certificate does not identify the client.
            source: if is_mutual == Some(true) { text(&SOURCE) } else { None },
            destination: text(&DESTINATION),
            path: self.path.clone(),
            mtls: is_mutual,
            fingerprint_key: policy.key_id().map(str::to_owned),
            ..request_facts
        }
    }
}

/// The facts of a record that are in the request's headers.
fn request_facts(policy: &Policy, block: &HeaderBlock) -> Facts {
    let text = |name: &[u8]| block.get(name).map(|value| Redacted::under(policy, value));
    Facts { method: text(b":method"), host: text(b":authority"), request_id: text(b"x-request-id"), ..Facts::default() }
}

/// The address of the client, according to the host.
fn client(host: &mut dyn Host, policy: &Policy) -> Option<Redacted> {
    property(host, &["source", "address"]).map(|address| Redacted::address(policy, without_port(&address)))
}

fn property(host: &mut dyn Host, path: &[&str]) -> Option<Vec<u8>> {
    host.property(path).ok().flatten().filter(|value| !value.is_empty())
}

/// Publishes a log field, if the policy wants it.
#[inline(never)] // Its copies would add 2 kB to the module.
fn publish(host: &mut dyn Host, policy: &Policy, key: LogKey, value: &str) {
    if policy.publishes(key) {
        set(host, key.as_str(), value);
    }
}

fn publish_if_any(host: &mut dyn Host, policy: &Policy, key: LogKey, value: &str) {
    if !value.is_empty() {
        publish(host, policy, key, value);
    }
}

/// Publishes the record as a message, if the policy wants it.
fn publish_object(host: &mut dyn Host, policy: &Policy, record: &str) {
    if policy.publishes(LogKey::RecordObject)
        && let Some(object) = record_object(record)
        && let Err(error) = host.set_message(LogKey::RecordObject.as_str(), &object)
    {
        host.log(LogLevel::Warn, &Line::HostCallFailed(error.call));
    }
}

/// Sets a key of the filter state.
pub(super) fn set(host: &mut dyn Host, key: &str, value: &str) {
    if let Err(error) = host.set_metadata(key, value) {
        host.log(LogLevel::Warn, &Line::HostCallFailed(error.call));
    }
}

/// The address in `10.0.3.7:51734` or `[fd00::7]:51734`.
fn without_port(address: &[u8]) -> &[u8] {
    let end = address.iter().rposition(|byte| *byte == b':');
    address.get(..end.unwrap_or(address.len())).unwrap_or(address)
}
