//! Tables of findings: the properties by which each counts them.

use super::count_table::{
    ALLOWED, AUTHENTICATION_DATA, BLOCKED, CARD_NUMBERS, CountTable, FINDINGS, FIRST, LAST, MASKED, REPORTED,
    REQUEST_ID, STREAMS,
};
use super::property::Property;
use super::record::{Finding, Record};
use panveil::policy::{Direction, Outcome};

/// Table of findings by some of their properties.
pub struct TrafficTable {
    pub counts: CountTable,
    /// Properties of a finding. `None` if the table does not count it.
    pub key: for<'r> fn(&'r Record, &'r Finding) -> Option<Vec<&'r str>>,
}

/// Tables of findings, in the order of the report.
pub const ALL: [TrafficTable; 8] = [
    TrafficTable {
        counts: CountTable {
            name: "data_flows",
            title: "Data flows of card numbers",
            about: "Source principal and receiver of the requests with findings. A response flows from the receiver to the source. The \
                receiver is its principal, or else the host that the client named.",
            requirement: "1.2.4, 12.5.2",
            keys: &["source", "receiver", "direction", "mtls"],
            values: &[STREAMS, CARD_NUMBERS, AUTHENTICATION_DATA, MASKED, BLOCKED, ALLOWED, REPORTED, FIRST, LAST],
        },
        key: |record, finding| Some(vec![text(&record.source), record.receiver(), &finding.direction, record.mtls()]),
    },
    TrafficTable {
        counts: CountTable {
            name: "locations",
            title: "Locations of card numbers",
            about: "Fields of messages with findings, by brand and action. For a pattern of the policy, the brand is its name.",
            requirement: "12.5.2",
            keys: &["receiver", "direction", "place", "field", "kind", "brand", "action"],
            values: &[STREAMS, FINDINGS, FIRST, LAST],
        },
        key: |record, finding| {
            let Finding { direction, place, field, kind, action, .. } = finding;
            Some(vec![record.receiver(), direction, place, field, kind, finding.brand(), action])
        },
    },
    TrafficTable {
        counts: CountTable {
            name: "paths",
            title: "Paths with card numbers",
            about: "Paths without their queries.",
            requirement: "12.5.2",
            keys: &["host", "path", "direction"],
            values: &[STREAMS, CARD_NUMBERS, AUTHENTICATION_DATA, FIRST, LAST],
        },
        key: |record, finding| Some(vec![text(&record.host), record.plain_path(), &finding.direction]),
    },
    TrafficTable {
        counts: CountTable {
            name: "brands",
            title: "Kinds and brands",
            about: "The track data of a magnetic stripe (track) or a chip counts as a card number and as sensitive authentication data.",
            requirement: "3.3.1, 12.5.2",
            keys: &["kind", "brand", "direction", "action"],
            values: &[STREAMS, FINDINGS],
        },
        key: |_, finding| Some(vec![&finding.kind, finding.brand(), &finding.direction, &finding.action]),
    },
    TrafficTable {
        counts: CountTable {
            name: "rules",
            title: "Deciding rules",
            about: "Rules that decided about findings; request and response if no rule matched. Owner and last day come from the policies \
                of --policy.",
            requirement: "7.2.5, 7.2.5.1",
            keys: &["rule", "action"],
            values: &[STREAMS, FINDINGS, FIRST, LAST],
        },
        key: |_, finding| Some(vec![&finding.rule, &finding.action]),
    },
    TrafficTable {
        counts: CountTable {
            name: "permitted",
            title: "Complete numbers that were permitted",
            about: "Findings that passed unmasked, by the rule that allowed them. The rule request or response is the default action of \
                the policy; the action reported is that of monitor mode.",
            requirement: "7.2.5",
            keys: &["rule", "action", "source", "receiver", "direction"],
            values: &[STREAMS, FINDINGS, FIRST, LAST],
        },
        key: |record, finding| {
            let Finding { rule, action, direction, .. } = finding;
            finding.has_passed().then(|| vec![&**rule, action, text(&record.source), record.receiver(), direction])
        },
    },
    TrafficTable {
        counts: CountTable {
            name: "without_mtls",
            title: "Card numbers on connections without mutual TLS",
            about: "Bears on 4.2.1 only where the operator declares the network open.",
            requirement: "4.2.1 if the network is open, else good practice",
            keys: &["client", "receiver", "direction", "action"],
            values: &[STREAMS, CARD_NUMBERS, AUTHENTICATION_DATA, FIRST, LAST],
        },
        key: |record, finding| {
            let Finding { action, direction, .. } = finding;
            (record.mtls == Some(false) && finding.is_account_data())
                .then(|| vec![text(&record.client), record.receiver(), direction, action])
        },
    },
    TrafficTable {
        counts: CountTable {
            name: "incidents",
            title: "Supporting evidence for incidents",
            about: "Findings to investigate. The records are supporting evidence: 12.10.7 is about stored numbers, which panveil scan \
                finds. The request id is that of one stream.",
            requirement: "12.10.5, supports 12.10.7",
            keys: &["reason", "source", "client", "receiver", "path", "direction", "place", "field", "kind", "action"],
            values: &[STREAMS, FINDINGS, FIRST, LAST, REQUEST_ID],
        },
        key: |record, finding| {
            let Finding { direction, place, field, kind, action, .. } = finding;
            let reason = reason(record, finding)?;
            let [source, client] = [&record.source, &record.client].map(text);
            let path = record.plain_path();
            Some(vec![reason, source, client, record.receiver(), path, direction, place, field, kind, action])
        },
    },
];

/// Reason why a finding is one to investigate.
fn reason(record: &Record, finding: &Finding) -> Option<&'static str> {
    match finding.outcome() {
        _ if finding.is_authentication_data() && *finding.direction == *Direction::Response.as_str() => {
            Some("authentication data in a response")
        }
        _ if finding.has_passed() && record.mtls == Some(false) && finding.is_account_data() => {
            Some("passed without mutual TLS")
        }
        Some(Outcome::Reported) => Some("passed in monitor mode"),
        Some(Outcome::Blocked) => Some("blocked"),
        _ => None,
    }
}

fn text(property: &Option<Property>) -> &str {
    property.as_deref().unwrap_or_default()
}
