//! Counts of streams and findings by their properties, in bounded memory.

use super::property::Property;
use super::record::{Finding, Record};
use panveil::policy::Outcome;
use std::collections::BTreeMap;

/// Most rows of a tally. Clients choose hosts, paths and names of fields, so that there may be any number of them.
pub const MOST_ROWS: usize = 2000;

/// Counts by key.
#[derive(Default)]
pub struct Tally {
    pub rows: BTreeMap<Vec<Property>, Count>,
    /// Additions to rows beyond the most.
    pub omitted: u64,
}

/// Counts of streams with a property, and of the findings in them.
#[derive(Clone, Default)]
pub struct Count {
    pub streams: u64,
    pub findings: u64,
    pub card_numbers: u64,
    pub authentication_data: u64,
    pub masked: u64,
    pub blocked: u64,
    pub allowed: u64,
    pub reported: u64,
    pub first: Option<u64>,
    pub last: Option<u64>,
    /// Request id of the first of them in the input.
    pub request_id: Option<Property>,
}

impl Tally {
    /// Adds one stream.
    pub fn add(&mut self, key: &[&str], count: &Count) {
        let key = key.iter().copied().map(Property::of).collect();
        if let Some(row) = self.rows.get_mut(&key) {
            row.add(count);
        } else if self.rows.len() < MOST_ROWS {
            self.rows.insert(key, count.clone());
        } else {
            self.omitted = self.omitted.saturating_add(1);
        }
    }
}

impl Count {
    /// Count of one stream without its findings.
    pub fn of_stream(record: Option<&Record>, time: Option<u64>) -> Self {
        let request_id = record.and_then(|record| record.request_id.clone());
        Self { streams: 1, first: time, last: time, request_id, ..Self::default() }
    }

    /// Adds a finding of the same stream.
    pub fn add_finding(&mut self, finding: &Finding) {
        let add = |sum: &mut u64, is_one: bool| *sum = sum.saturating_add(if is_one { finding.count } else { 0 });
        add(&mut self.findings, true);
        add(&mut self.card_numbers, finding.is_card_number());
        add(&mut self.authentication_data, finding.is_authentication_data());
        let outcome = finding.outcome();
        add(&mut self.masked, outcome == Some(Outcome::Masked));
        add(&mut self.blocked, outcome == Some(Outcome::Blocked));
        add(&mut self.allowed, outcome == Some(Outcome::Allowed));
        add(&mut self.reported, outcome == Some(Outcome::Reported));
    }

    /// Adds other streams.
    pub fn add(&mut self, other: &Self) {
        for (sum, more) in [
            (&mut self.streams, other.streams),
            (&mut self.findings, other.findings),
            (&mut self.card_numbers, other.card_numbers),
            (&mut self.authentication_data, other.authentication_data),
            (&mut self.masked, other.masked),
            (&mut self.blocked, other.blocked),
            (&mut self.allowed, other.allowed),
            (&mut self.reported, other.reported),
        ] {
            *sum = sum.saturating_add(more);
        }
        self.first = [self.first, other.first].into_iter().flatten().min();
        self.last = self.last.max(other.last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_is_bounded_and_counts_the_rest() {
        let mut tally = Tally::default();
        for index in 0..MOST_ROWS + 5 {
            tally.add(&[&format!("{index}{}", "ä".repeat(1000))], &Count::of_stream(None, Some(7)));
        }
        tally.add(&[&format!("0{}", "ä".repeat(1000))], &Count::of_stream(None, Some(5)));
        assert_eq!((tally.rows.len(), tally.omitted), (MOST_ROWS, 5));
        assert!(tally.rows.keys().flatten().all(|text| text.chars().count() <= 160));
        let twice = tally.rows.values().find(|count| count.streams == 2).unwrap();
        assert_eq!((twice.first, twice.last), (Some(5), Some(7)));
    }
}
