//! Counters and their metric names.
//!
//! A name encodes each label as `tag=.=value;.;`, as Istio's own metrics do. The tag rules of the bootstrap turn these into
//! Prometheus labels (`panveil_findings_total{direction="request",…}`). Label values come from small fixed sets and from the
//! policy, not from traffic.

use super::Reason;
use crate::policy::{Connection, Direction, Limit, Location, Mode, Outcome};
use std::cell::Cell;

/// A counter with its labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter<'w> {
    /// Findings. The third label is the brand, or the kind of a finding without a brand.
    Findings(Direction, Location, &'w str, Outcome),
    /// Completed messages, by their outcome.
    Messages(Direction, Outcome),
    /// Inspected bytes of bodies.
    InspectedBytes(Direction),
    /// Messages that were not completely inspected, by the reason.
    Uninspected(Direction, Reason),
    /// Messages that reached a limit, by the limit.
    Limits(Direction, Limit),
    /// Streams in which account data crossed the client's connection, by its security if known and the direction of the listener.
    CardStreams(Option<Connection>, ListenerDirection),
}

named! {
    /// Traffic direction of a listener. The host's configuration sets it.
    pub enum ListenerDirection {
        /// Traffic to the workload of a sidecar, or through a waypoint.
        Inbound = "inbound",
        /// Traffic from the workload of a sidecar, or through a gateway of Istio.
        Outbound = "outbound",
        /// Not set, as in most configurations of a standalone Envoy.
        Unspecified = "unspecified",
    }
}

/// The counters that clean traffic increments. They are collected here and sent to the host in batches, because a host call for
/// each message would cost more than its inspection.
#[derive(Default)]
pub struct Counters {
    messages: [[Cell<u64>; Outcome::ALL.len()]; DIRECTIONS.len()],
    inspected_bytes: [Cell<u64>; DIRECTIONS.len()],
}

const DIRECTIONS: [Direction; 2] = [Direction::Request, Direction::Response];

impl Counter<'_> {
    /// The name of the metric in Envoy, without the prefix `wasmcustom.`.
    pub fn name(self) -> String {
        match self {
            Self::Findings(direction, place, brand, action) => format!(
                "panveil_findings_direction=.={};.;place=.={};.;brand=.={};.;action=.={};.;total",
                direction.as_str(),
                place.as_str(),
                brand,
                action.as_str()
            ),
            Self::Messages(direction, outcome) => {
                let (direction, outcome) = (direction.as_str(), outcome.as_str());
                format!("panveil_messages_direction=.={direction};.;outcome=.={outcome};.;total")
            }
            Self::InspectedBytes(direction) => {
                format!("panveil_inspected_bytes_direction=.={};.;total", direction.as_str())
            }
            Self::Uninspected(direction, reason) => {
                let (direction, reason) = (direction.as_str(), reason.as_str());
                format!("panveil_uninspected_direction=.={direction};.;reason=.={reason};.;total")
            }
            Self::Limits(direction, limit) => {
                let (direction, limit) = (direction.as_str(), limit.as_str());
                format!("panveil_limits_direction=.={direction};.;limit=.={limit};.;total")
            }
            Self::CardStreams(connection, listener) => {
                let (tls, listener) = (connection.map_or("unknown", Connection::as_str), listener.as_str());
                format!("panveil_card_streams_tls=.={tls};.;listener=.={listener};.;total")
            }
        }
    }

    /// The name of the gauge with the time at which the first rule of the policy expires.
    pub const RULE_EXPIRY: &'static str = "panveil_rule_expiry_timestamp_seconds";

    /// The name of the gauge that is 1 for the active version and mode.
    pub fn config_info(mode: Mode) -> String {
        format!("panveil_config_version=.={};.;mode=.={};.;info", env!("CARGO_PKG_VERSION"), mode.as_str())
    }
}

impl Counters {
    /// Counts a completed message.
    pub fn add_message(&self, direction: Direction, outcome: Outcome) {
        let row = self.messages.get(index(&DIRECTIONS, direction));
        add(row.and_then(|row| row.get(index(&Outcome::ALL, outcome))), 1);
    }

    /// Counts inspected bytes of a body.
    pub fn add_inspected(&self, direction: Direction, bytes: usize) {
        add(self.inspected_bytes.get(index(&DIRECTIONS, direction)), u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    /// Passes each nonzero count to `send` and resets it to zero.
    pub fn drain(&self, mut send: impl FnMut(Counter<'static>, u64)) {
        for ((direction, row), bytes) in DIRECTIONS.into_iter().zip(&self.messages).zip(&self.inspected_bytes) {
            let messages = Outcome::ALL.into_iter().zip(row);
            let messages = messages.map(|(outcome, count)| (Counter::Messages(direction, outcome), count));
            for (counter, count) in messages.chain([(Counter::InspectedBytes(direction), bytes)]) {
                let amount = count.take();
                if amount > 0 {
                    send(counter, amount);
                }
            }
        }
    }
}

fn index<T: PartialEq>(all: &[T], one: T) -> usize {
    all.iter().position(|other| *other == one).unwrap_or(usize::MAX)
}

fn add(count: Option<&Cell<u64>>, amount: u64) {
    if let Some(count) = count {
        count.set(count.get().saturating_add(amount));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_contain_their_labels() {
        let finding = Counter::Findings(Direction::Request, Location::Body, "visa", Outcome::Masked);
        assert_eq!(
            finding.name(),
            "panveil_findings_direction=.=request;.;place=.=body;.;brand=.=visa;.;action=.=masked;.;total"
        );
        let streams = Counter::CardStreams(Some(Connection::MutualTls), ListenerDirection::Inbound);
        assert_eq!(streams.name(), "panveil_card_streams_tls=.=mutual;.;listener=.=inbound;.;total");
    }

    #[test]
    fn drain_resets_the_counts() {
        let counters = Counters::default();
        counters.add_message(Direction::Request, Outcome::Clean);
        counters.add_message(Direction::Request, Outcome::Clean);
        counters.add_message(Direction::Response, Outcome::Masked);
        counters.add_inspected(Direction::Response, 70);
        let mut seen = Vec::new();
        counters.drain(|counter, amount| seen.push((counter, amount)));
        assert_eq!(
            seen,
            [
                (Counter::Messages(Direction::Request, Outcome::Clean), 2),
                (Counter::Messages(Direction::Response, Outcome::Masked), 1),
                (Counter::InspectedBytes(Direction::Response), 70),
            ]
        );
        counters.drain(|_, _| panic!("nothing is left"));
    }
}
