//! Counts of found card numbers and false findings.

use std::iter::Sum;
use std::ops::{Add, Range};

use super::fill::{Card, Text};

/// Minimum share of a card number's bytes that findings must cover for it to count as found.
const COVERED: f64 = 0.99;

/// Counts over some records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Records.
    pub records: u64,
    /// Records with a finding.
    pub flagged: u64,
    /// Records with a finding that overlaps no card number.
    pub wrong: u64,
    /// Card numbers.
    pub cards: u64,
    /// Found card numbers.
    pub found: u64,
    /// Findings that overlap no card number.
    pub false_findings: u64,
}

impl Tally {
    /// Counts of one record.
    pub fn of(text: &Text, findings: &[Range<usize>]) -> Self {
        let cards = text.cards();
        let found = cards.iter().filter(|card| is_found(card, findings)).count();
        let touches = |finding: &&Range<usize>| {
            let mut spans = cards.iter().flat_map(|card| &card.spans);
            spans.any(|span| overlap(span, finding) > 0)
        };
        let false_findings = findings.len() - findings.iter().filter(touches).count();
        Self {
            records: 1,
            flagged: u64::from(!findings.is_empty()),
            wrong: u64::from(false_findings > 0),
            cards: cards.len() as u64,
            found: found as u64,
            false_findings: false_findings as u64,
        }
    }

    /// Share of card numbers that were found.
    pub fn recall(&self) -> f64 {
        share(self.found, self.cards)
    }

    /// Share of found card numbers among all findings.
    pub fn precision(&self) -> f64 {
        share(self.found, self.found + self.false_findings)
    }

    /// Harmonic mean of recall and precision.
    pub fn f1(&self) -> f64 {
        share(2 * self.found, self.found + self.false_findings + self.cards)
    }

    /// Share of records with a finding.
    pub fn flagged_share(&self) -> f64 {
        share(self.flagged, self.records)
    }

    /// Share of records with a finding that overlaps no card number.
    pub fn wrong_share(&self) -> f64 {
        share(self.wrong, self.records)
    }

    /// Whether a card number was missed, or a finding is false.
    pub fn is_a_miss(&self) -> bool {
        self.found < self.cards || self.false_findings > 0
    }
}

impl Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            records: self.records + other.records,
            flagged: self.flagged + other.flagged,
            wrong: self.wrong + other.wrong,
            cards: self.cards + other.cards,
            found: self.found + other.found,
            false_findings: self.false_findings + other.false_findings,
        }
    }
}

impl Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(tallies: I) -> Self {
        tallies.fold(Self::default(), Add::add)
    }
}

fn is_found(card: &Card, findings: &[Range<usize>]) -> bool {
    let bytes: usize = card.spans.iter().map(ExactSizeIterator::len).sum();
    let pairs = card.spans.iter().flat_map(|span| findings.iter().map(move |finding| overlap(span, finding)));
    pairs.sum::<usize>() as f64 >= COVERED * bytes as f64
}

/// Length of the intersection.
fn overlap(one: &Range<usize>, other: &Range<usize>) -> usize {
    one.end.min(other.end).saturating_sub(one.start.max(other.start))
}

/// `part` of `whole`. 1 when `whole` is zero, since nothing was missed.
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}
