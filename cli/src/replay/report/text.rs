//! Report in tables.

use super::table;
use crate::playback::{RecordSummary, StreamOutcome, describe};
use crate::terminal;
use panveil::policy::Outcome;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Most entry numbers in a cell.
const MAX_NUMBERS: usize = 8;

/// Tables for the entries so far.
#[derive(Default)]
pub struct TextReport {
    findings: Vec<Vec<String>>,
    /// Totals by rule and action.
    totals: BTreeMap<(String, String), RuleTotal>,
    /// Entries with uninspected messages, by message and reason.
    uninspected: BTreeMap<(String, String), Vec<usize>>,
    beyond: u64,
    entries: usize,
    actions: BTreeMap<String, usize>,
}

#[derive(Default)]
struct RuleTotal {
    findings: u64,
    entries: Vec<usize>,
}

impl TextReport {
    /// Adds the entry of that number.
    pub fn add(&mut self, number: usize, outcome: &StreamOutcome) {
        let record = outcome.record.as_deref().map(RecordSummary::read).unwrap_or_default();
        for finding in &record.findings {
            let field = finding.field.clone().unwrap_or_default();
            self.findings.push(vec![
                number.to_string(),
                outcome.method.clone(),
                outcome.host.clone(),
                outcome.path.clone(),
                finding.direction.clone(),
                finding.place.clone(),
                field,
                finding.kind_name(),
                finding.count.to_string(),
                finding.action.clone(),
                finding.rule.clone(),
            ]);
            let total = self.totals.entry((finding.rule.clone(), finding.action.clone())).or_default();
            total.findings = total.findings.saturating_add(finding.count);
            note(&mut total.entries, number);
        }
        self.beyond = self.beyond.saturating_add(record.findings_beyond);
        self.add_uninspected(number, outcome, &record);
        self.entries = self.entries.saturating_add(1);
        let action = match record.action.as_str() {
            "" if outcome.gaps.is_empty() => Outcome::Clean.as_str(),
            "" => "clean as far as captured",
            action => action,
        };
        let count = self.actions.entry(action.to_owned()).or_default();
        *count = count.saturating_add(1);
    }

    fn add_uninspected(&mut self, number: usize, outcome: &StreamOutcome, record: &RecordSummary) {
        let mut add = |direction: &str, reason: &str| {
            note(self.uninspected.entry((direction.to_owned(), reason.to_owned())).or_default(), number);
        };
        for (direction, gap) in &outcome.gaps {
            add(direction.as_str(), &format!("{} not captured", gap.as_str()));
        }
        let uninspected: Vec<(&str, &str)> =
            outcome.uninspected.split(',').filter_map(|message| message.split_once(':')).collect();
        for (direction, reason) in &uninspected {
            add(direction, describe(reason));
        }
        for reached in &record.limits {
            add(&reached.direction, &format!("limit {} reached", reached.limit));
        }
        for direction in outcome.bodies_passed.iter().map(|direction| direction.as_str()) {
            if !uninspected.iter().any(|(other, _)| *other == direction) {
                add(direction, "body skipped by the policy");
            }
        }
    }

    /// Text of all tables.
    pub fn print(&self) -> String {
        let mut text = String::new();
        if !self.findings.is_empty() {
            let header =
                ["entry", "method", "host", "path", "message", "location", "field", "found", "count", "action", "rule"];
            let _ = writeln!(text, "{}", table::print("Found", &header, &[0, 8], &self.findings));
            let totals: Vec<Vec<String>> = self
                .totals
                .iter()
                .map(|((rule, action), total)| {
                    vec![rule.clone(), action.clone(), total.findings.to_string(), total.entries.len().to_string()]
                })
                .collect();
            let header = ["rule", "action", "findings", "entries"];
            let _ = writeln!(text, "{}", table::print("By rule", &header, &[2, 3], &totals));
        }
        if !self.uninspected.is_empty() {
            let uninspected: Vec<Vec<String>> = self
                .uninspected
                .iter()
                .map(|((direction, reason), entries)| {
                    vec![direction.clone(), reason.clone(), entries.len().to_string(), list(entries)]
                })
                .collect();
            let header = ["message", "reason", "count", "entries"];
            let _ = writeln!(text, "{}", table::print("Not inspected", &header, &[2], &uninspected));
        }
        if self.beyond > 0 {
            let _ = writeln!(text, "{} further findings, beyond the limit of entries in a record\n", self.beyond);
        }
        let actions: Vec<String> = self.actions.iter().map(|(action, count)| format!("{count} {action}")).collect();
        let entries = terminal::counted(self.entries, "entry", "entries");
        let _ = writeln!(text, "{entries}: {}", actions.join(", "));
        text
    }
}

/// Adds the number of an entry, once.
fn note(entries: &mut Vec<usize>, number: usize) {
    if entries.last() != Some(&number) {
        entries.push(number);
    }
}

/// List of entry numbers, such as `1, 2, 5, …`.
fn list(entries: &[usize]) -> String {
    let shown: Vec<String> = entries.iter().take(MAX_NUMBERS).map(usize::to_string).collect();
    let more = if entries.len() > MAX_NUMBERS { ", …" } else { "" };
    shown.join(", ") + more
}
