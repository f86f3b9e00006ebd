//! Case of a policy, and its run.

use super::difference::Difference;
use crate::document::Position;
use crate::playback::{ForwardedMessage, Peers, RecordSummary, StoredStream, StreamOutcome, play, values};
use panveil::policy::{Direction, Outcome, Policy};
use std::rc::Rc;

/// Case: messages and peers, and the expected result for the last message.
pub struct Case {
    pub name: String,
    pub position: Position,
    /// Direction of the last message.
    pub direction: Direction,
    pub stream: StoredStream,
    pub peers: Peers,
    pub expected: Expected,
}

/// Expected result. Only given fields are compared.
pub struct Expected {
    pub action: Outcome,
    /// Rules that decide about the findings.
    pub rules: Option<Vec<String>>,
    /// Status of the local reply.
    pub status: Option<u16>,
    /// Path and query that the upstream gets.
    pub path: Option<String>,
    /// Headers that the receiver gets.
    pub headers: Vec<(String, String)>,
    /// Body that the receiver gets.
    pub body: Option<String>,
}

impl Case {
    /// Plays the messages through the filter, and returns the differences from the expected result.
    pub fn run(&self, policy: &Rc<Policy>) -> Vec<Difference> {
        let (outcome, forwarded) = play(policy, &self.peers, self.stream.clone());
        let mut differences = self.compare_outcome(&outcome);
        let message = forwarded.iter().find(|message| message.direction == self.direction);
        // The receiver gets a part of a blocked message at most.
        let message = message.filter(|_| !outcome.outcomes.contains(&(self.direction, Outcome::Blocked)));
        differences.extend(self.compare_texts(message));
        differences
    }

    fn compare_outcome(&self, outcome: &StreamOutcome) -> Vec<Difference> {
        let Expected { action, rules, status, .. } = &self.expected;
        let found = outcome.outcomes.iter().find(|(direction, _)| *direction == self.direction);
        let found = found.map(|(_, outcome)| outcome.as_str());
        let mut differences = Vec::new();
        let found_action = found.unwrap_or("not sent, because the request is blocked");
        differences.extend(Difference::of_words("action", action.as_str(), found_action));
        if let Some(rules) = rules {
            let found = deciding_rules(outcome, self.direction);
            differences.extend(Difference::of_words("rule", &listed(rules), &listed(&found)));
        }
        if let Some(status) = status {
            let found = outcome.replied.map_or("none".to_owned(), |status| status.to_string());
            differences.extend(Difference::of_words("status", &status.to_string(), &found));
        }
        differences
    }

    fn compare_texts(&self, message: Option<&ForwardedMessage>) -> Vec<Difference> {
        let header = |name: &str| message.and_then(|message| values(&message.fields, name).next());
        let mut differences = Vec::new();
        if let Some(path) = &self.expected.path {
            differences.extend(Difference::of_texts("path", path, header(":path")));
        }
        for (name, value) in &self.expected.headers {
            differences.extend(Difference::of_texts(&format!("header {name}"), value, header(name)));
        }
        if let Some(body) = &self.expected.body {
            let found = message.map(|message| String::from_utf8_lossy(&message.body));
            differences.extend(Difference::of_texts("body", body, found.as_deref()));
        }
        differences
    }
}

/// Rules that decided about the findings of a message, in order.
fn deciding_rules(outcome: &StreamOutcome, direction: Direction) -> Vec<String> {
    let record = outcome.record.as_deref().map(RecordSummary::read).unwrap_or_default();
    let mut rules: Vec<String> = Vec::new();
    for finding in record.findings.into_iter().filter(|finding| finding.direction == direction.as_str()) {
        if !rules.contains(&finding.rule) {
            rules.push(finding.rule);
        }
    }
    rules
}

fn listed(rules: &[String]) -> String {
    if rules.is_empty() { "none".to_owned() } else { rules.join(", ") }
}
