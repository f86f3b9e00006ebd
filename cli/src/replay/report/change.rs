//! Report on the differences between two policies on a capture.

use super::table;
use crate::playback::{RecordSummary, StreamOutcome};
use crate::terminal;
use panveil::policy::{Direction, Outcome};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Changes of the entries so far.
#[derive(Default)]
pub struct ChangeReport {
    rows: Vec<Vec<String>>,
    /// Findings and entries by the decisions before and after.
    totals: BTreeMap<(String, String), (u64, usize)>,
    entries: usize,
    changed: usize,
    /// Findings beyond the limit of a record, which are not compared.
    beyond: u64,
}

/// Entry with changes.
#[derive(Serialize)]
struct ChangedEntry<'o> {
    entry: usize,
    method: &'o str,
    host: &'o str,
    path: &'o str,
    changes: Vec<Change>,
}

/// Change of the findings at one location, or of the outcome of a message without findings.
#[derive(Serialize)]
struct Change {
    direction: String,
    #[serde(flatten)]
    findings: Option<FindingKey>,
    before: Vec<DecisionCount>,
    after: Vec<DecisionCount>,
}

/// Findings of one kind at one location.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct FindingKey {
    place: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    found: String,
}

/// Number of findings with a decision.
#[derive(Clone, PartialEq, Eq, Serialize)]
struct DecisionCount {
    action: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<String>,
    count: u64,
}

/// Decisions by direction and findings.
type DecisionMap = BTreeMap<(String, FindingKey), Vec<DecisionCount>>;

impl ChangeReport {
    /// Adds the entry of that number, with its outcomes under the previous policy and under the new one.
    pub fn add(&mut self, number: usize, before: &StreamOutcome, after: &StreamOutcome) {
        let (changes, beyond) = changes(before, after);
        self.entries = self.entries.saturating_add(1);
        self.beyond = self.beyond.saturating_add(beyond);
        if changes.is_empty() {
            return;
        }
        self.changed = self.changed.saturating_add(1);
        let mut counted: BTreeSet<(String, String)> = BTreeSet::new();
        for change in &changes {
            let (labels, count) = (change.labels(), change.count());
            self.rows.push(change.row(number, after, count, &labels));
            let total = self.totals.entry(labels.clone()).or_default();
            total.0 = total.0.saturating_add(count);
            if counted.insert(labels) {
                total.1 = total.1.saturating_add(1);
            }
        }
    }

    /// Text of the tables.
    pub fn print(&self) -> String {
        let mut text = String::new();
        if !self.rows.is_empty() {
            let header = [
                "entry", "method", "host", "path", "message", "location", "field", "found", "count", "before", "after",
            ];
            // Writing to a string does not fail.
            let _ = writeln!(text, "{}", table::print("Changed", &header, &[0, 8], &self.rows));
            let rows: Vec<Vec<String>> = self
                .totals
                .iter()
                .map(|((before, after), (findings, entries))| {
                    vec![before.clone(), after.clone(), findings.to_string(), entries.to_string()]
                })
                .collect();
            let header = ["before", "after", "findings", "entries"];
            let _ = writeln!(text, "{}", table::print("By rule", &header, &[2, 3], &rows));
        }
        if self.beyond > 0 {
            let _ = writeln!(
                text,
                "{} findings are not compared: they are beyond the limit of entries in a record\n",
                self.beyond
            );
        }
        let entries = terminal::counted(self.entries, "entry", "entries");
        let unchanged = self.entries.saturating_sub(self.changed);
        let _ = writeln!(text, "{entries}: {} changed, {unchanged} unchanged", self.changed);
        text
    }
}

/// Line in JSON for the entry of that number, if anything changes.
pub fn line(number: usize, before: &StreamOutcome, after: &StreamOutcome) -> Option<String> {
    let (changes, _) = changes(before, after);
    if changes.is_empty() {
        return None;
    }
    let StreamOutcome { method, host, path, .. } = after;
    let entry = ChangedEntry { entry: number, method, host, path, changes };
    serde_json::to_string(&entry).ok().map(|line| line + "\n")
}

impl Change {
    /// Decisions before and after.
    fn labels(&self) -> (String, String) {
        (label(&self.before), label(&self.after))
    }

    /// Number of findings that change.
    fn count(&self) -> u64 {
        let sum = |side: &[DecisionCount]| side.iter().fold(0, |sum: u64, one| sum.saturating_add(one.count));
        sum(&self.before).max(sum(&self.after))
    }

    fn row(
        &self,
        number: usize,
        outcome: &StreamOutcome,
        count: u64,
        (before, after): &(String, String),
    ) -> Vec<String> {
        let (place, field, found) = match &self.findings {
            Some(FindingKey { place, field, found }) => (place.as_str(), field.as_deref(), found.as_str()),
            None => ("", None, "none"),
        };
        vec![
            number.to_string(),
            outcome.method.clone(),
            outcome.host.clone(),
            outcome.path.clone(),
            self.direction.clone(),
            place.to_owned(),
            field.unwrap_or_default().to_owned(),
            found.to_owned(),
            count.to_string(),
            before.clone(),
            after.clone(),
        ]
    }
}

impl DecisionCount {
    fn label(&self) -> String {
        match &self.rule {
            Some(rule) => format!("{} by {rule}", self.action),
            None => self.action.clone(),
        }
    }
}

fn label(side: &[DecisionCount]) -> String {
    side.iter().map(DecisionCount::label).collect::<Vec<String>>().join(", ")
}

/// Changes of one entry, and the number of findings that were not compared.
fn changes(before: &StreamOutcome, after: &StreamOutcome) -> (Vec<Change>, u64) {
    let ((old, old_beyond), (new, new_beyond)) = (decisions(before), decisions(after));
    let keys: BTreeSet<&(String, FindingKey)> = old.keys().chain(new.keys()).collect();
    let mut changes: Vec<Change> = Vec::new();
    for key in keys {
        let (direction, findings) = key;
        let (old, new) = (old.get(key), new.get(key));
        if old != new {
            let side = |side: Option<&Vec<DecisionCount>>, outcome| {
                side.cloned().unwrap_or_else(|| absent(direction, outcome))
            };
            let (before, after) = (side(old, before), side(new, after));
            changes.push(Change { direction: direction.clone(), findings: Some(findings.clone()), before, after });
        }
    }
    for direction in Direction::ALL.map(Direction::as_str) {
        let [old, new] = [before, after].map(|outcome| outcome_of(direction, outcome));
        if old != new && !changes.iter().any(|change| change.direction == direction) {
            let side = |action: &str| vec![DecisionCount { action: action.to_owned(), rule: None, count: 1 }];
            changes.push(Change {
                direction: direction.to_owned(),
                findings: None,
                before: side(old),
                after: side(new),
            });
        }
    }
    (changes, old_beyond.max(new_beyond))
}

/// Decisions about the findings of a stream, and the number of findings beyond the limit of its record.
fn decisions(outcome: &StreamOutcome) -> (DecisionMap, u64) {
    let record = outcome.record.as_deref().map(RecordSummary::read).unwrap_or_default();
    let mut decisions = DecisionMap::new();
    for finding in record.findings {
        let found = finding.kind_name();
        let key = (finding.direction, FindingKey { place: finding.place, field: finding.field, found });
        let side = decisions.entry(key).or_default();
        let (action, rule) = (finding.action, Some(finding.rule));
        match side.iter_mut().find(|one| one.action == action && one.rule == rule) {
            Some(one) => one.count = one.count.saturating_add(finding.count),
            None => side.push(DecisionCount { action, rule, count: finding.count }),
        }
    }
    (decisions, record.findings_beyond)
}

/// Side without the findings: the message was not sent or not inspected, or they were not found.
fn absent(direction: &str, outcome: &StreamOutcome) -> Vec<DecisionCount> {
    let action = match outcome_of(direction, outcome) {
        reason if reason == NOT_SENT || reason == Outcome::Uninspected.as_str() => reason,
        _ => "not found",
    };
    vec![DecisionCount { action: action.to_owned(), rule: None, count: 0 }]
}

/// Outcome of a message that does not pass, because the request is blocked.
const NOT_SENT: &str = "not sent";

fn outcome_of(direction: &str, outcome: &StreamOutcome) -> &'static str {
    let mut outcomes = outcome.outcomes.iter();
    let found = outcomes.find(|(other, _)| other.as_str() == direction);
    found.map_or(NOT_SENT, |(_, outcome)| outcome.as_str())
}
