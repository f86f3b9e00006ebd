//! What does a person see of a capture that was replayed?

use super::super::play::EntryOutcome;
use super::record::{RecordSummary, why};
use super::table;
use panveil::audit::Action;
use std::collections::BTreeMap;
use std::fmt::Write;

/// The most numbers of entries that stand in a cell.
const MOST_NUMBERS: usize = 8;

/// Everything that is printed, as far as the entries are in.
#[derive(Default)]
pub struct TextReport {
    findings: Vec<Vec<String>>,
    /// By rule and action.
    totals: BTreeMap<(String, String), RuleTotal>,
    /// By what it is and why.
    unread: BTreeMap<(String, String), Vec<usize>>,
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
    /// Takes in what became of the entry of that number.
    pub fn add(&mut self, number: usize, played: &EntryOutcome) {
        let record = played.record.as_deref().map(RecordSummary::read).unwrap_or_default();
        for finding in &record.findings {
            let place = finding.field.clone().unwrap_or_default();
            self.findings.push(vec![
                number.to_string(),
                played.method.clone(),
                played.host.clone(),
                played.path.clone(),
                finding.direction.clone(),
                finding.place.clone(),
                place,
                finding.what(),
                finding.count.to_string(),
                finding.action.clone(),
                finding.rule.clone(),
            ]);
            let total = self.totals.entry((finding.rule.clone(), finding.action.clone())).or_default();
            total.findings = total.findings.saturating_add(finding.count);
            note(&mut total.entries, number);
        }
        self.beyond = self.beyond.saturating_add(record.findings_beyond);
        self.add_unread(number, played, &record);
        self.entries = self.entries.saturating_add(1);
        let action = match record.action.as_str() {
            "" if played.gaps.is_empty() => Action::Clean.as_str(),
            "" => "clean as far as captured",
            action => action,
        };
        let count = self.actions.entry(action.to_owned()).or_default();
        *count = count.saturating_add(1);
    }

    fn add_unread(&mut self, number: usize, played: &EntryOutcome, record: &RecordSummary) {
        let mut add = |direction: &str, why: &str| {
            note(self.unread.entry((direction.to_owned(), why.to_owned())).or_default(), number);
        };
        for (direction, gap) in &played.gaps {
            add(direction.as_str(), &format!("{} not captured", gap.as_str()));
        }
        let told: Vec<(&str, &str)> = played.uninspected.split(',').filter_map(|told| told.split_once(':')).collect();
        for (direction, reason) in &told {
            add(direction, why(reason));
        }
        for reached in &record.limits {
            add(&reached.direction, &format!("reached the limit {}", reached.limit));
        }
        for direction in played.bodies_passed.iter().map(|direction| direction.as_str()) {
            if !told.iter().any(|(other, _)| *other == direction) {
                add(direction, "body skipped, as the policy says");
            }
        }
    }

    /// All of it.
    pub fn print(&self) -> String {
        let mut text = String::new();
        if !self.findings.is_empty() {
            let header =
                ["entry", "method", "host", "path", "message", "place", "field", "found", "count", "action", "rule"];
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
        if !self.unread.is_empty() {
            let unread: Vec<Vec<String>> = self
                .unread
                .iter()
                .map(|((direction, why), entries)| {
                    vec![direction.clone(), why.clone(), entries.len().to_string(), list(entries)]
                })
                .collect();
            let header = ["message", "why", "count", "entries"];
            let _ = writeln!(text, "{}", table::print("Not inspected", &header, &[2], &unread));
        }
        if self.beyond > 0 {
            let _ = writeln!(text, "{} findings more, which records do not tell apart\n", self.beyond);
        }
        let actions: Vec<String> = self.actions.iter().map(|(action, count)| format!("{count} {action}")).collect();
        let entries = if self.entries == 1 { "entry" } else { "entries" };
        let _ = writeln!(text, "{} {entries}: {}", self.entries, actions.join(", "));
        text
    }
}

/// Adds the number of an entry, once.
fn note(entries: &mut Vec<usize>, number: usize) {
    if entries.last() != Some(&number) {
        entries.push(number);
    }
}

/// `1, 2, 5` and so on.
fn list(entries: &[usize]) -> String {
    let shown: Vec<String> = entries.iter().take(MOST_NUMBERS).map(usize::to_string).collect();
    let more = if entries.len() > MOST_NUMBERS { ", …" } else { "" };
    shown.join(", ") + more
}
