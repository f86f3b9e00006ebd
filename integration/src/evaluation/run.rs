//! Measurement of every class of the corpus.

use anyhow::Result;
use panveil::verdict::Sensitivity;

use super::corpus::{Class, Corpus, Expect, Tier};
use super::detector;
use super::fill::{self, Text};
use super::tally::Tally;

/// Size and settings of a measurement.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Seeds. Each gives other records.
    pub seeds: Vec<u64>,
    /// Records of each class for each seed.
    pub records: u64,
    /// Required evidence.
    pub level: Sensitivity,
}

/// Result of a measurement.
#[derive(Debug)]
pub struct Outcome<'c> {
    /// Settings of the measurement.
    pub plan: Plan,
    /// Every class, in the order of the corpus.
    pub classes: Vec<Measured<'c>>,
}

/// Class with its counts.
#[derive(Debug)]
pub struct Measured<'c> {
    /// Class.
    pub class: &'c Class,
    /// Counts for each seed, in the order of the plan.
    pub by_seed: Vec<Tally>,
}

/// Share of found card numbers above which a class no longer counts as missed.
const FOUND_BY_NOW: f64 = 0.8;

/// Record with an unexpected result.
pub struct Miss {
    /// Record.
    pub text: Text,
    /// Findings in it.
    pub findings: Vec<std::ops::Range<usize>>,
}

/// Measures every class of `corpus`. Calls `done` after each.
///
/// # Errors
///
/// When a class cannot be filled.
pub fn measure<'c>(corpus: &'c Corpus, plan: &Plan, mut done: impl FnMut()) -> Result<Outcome<'c>> {
    let mut classes = Vec::new();
    for class in &corpus.classes {
        let mut by_seed = Vec::new();
        for seed in &plan.seeds {
            let mut tally = Tally::default();
            for number in 0..plan.records {
                let text = fill::record(class, &corpus.issuers, *seed, number)?;
                tally = tally + Tally::of(&text, &detector::find(&text, &class.place, plan.level));
            }
            by_seed.push(tally);
        }
        classes.push(Measured { class, by_seed });
        done();
    }
    Ok(Outcome { plan: plan.clone(), classes })
}

/// First records of `class` with a missed card number or a false finding.
///
/// # Errors
///
/// When the class cannot be filled.
pub fn misses(corpus: &Corpus, class: &Class, plan: &Plan, most: usize) -> Result<Vec<Miss>> {
    let mut misses = Vec::new();
    for seed in &plan.seeds {
        for number in 0..plan.records {
            let text = fill::record(class, &corpus.issuers, *seed, number)?;
            let findings = detector::find(&text, &class.place, plan.level);
            if misses.len() < most && Tally::of(&text, &findings).is_a_miss() {
                misses.push(Miss { text, findings });
            }
        }
    }
    Ok(misses)
}

impl Measured<'_> {
    /// Counts for all seeds.
    pub fn total(&self) -> Tally {
        self.by_seed.iter().copied().sum()
    }

    /// Main figure: the share of found card numbers, or of flagged records in a class without card numbers.
    pub fn headline(&self, tally: &Tally) -> f64 {
        if self.class.tier.has_cards() { tally.recall() } else { tally.flagged_share() }
    }

    /// Lowest and highest main figure among the seeds.
    pub fn spread(&self) -> (f64, f64) {
        let shares = self.by_seed.iter().map(|tally| self.headline(tally));
        shares.fold((1.0, 0.0), |(low, high): (f64, f64), share| (low.min(share), high.max(share)))
    }

    /// Violation of the corpus: a result below the expectation, or a class that is marked as missed but is found.
    pub fn breach(&self) -> Option<String> {
        let (name, share) = (&self.class.name, self.headline(&self.total()));
        match self.class.expect {
            Expect::Found { at_least } if share < at_least => {
                Some(format!("{name}: {share:.3} of the cards found, at_least is {at_least}"))
            }
            Expect::Clean { at_most } if share > at_most => {
                Some(format!("{name}: {share:.3} of the records flagged, at_most is {at_most}"))
            }
            Expect::Missed { .. } if share > FOUND_BY_NOW => {
                Some(format!("{name}: {share:.3} of the cards found, though expect is \"missed\""))
            }
            _ => None,
        }
    }
}

impl Outcome<'_> {
    /// Counts of one tier.
    pub fn tier(&self, tier: Tier) -> Tally {
        self.classes.iter().filter(|measured| measured.class.tier == tier).map(Measured::total).sum()
    }

    /// Counts for precision and F1: all classes except the evasion and adversarial ones.
    pub fn overall(&self) -> Tally {
        [Tier::Everyday, Tier::Hard, Tier::Negative].into_iter().map(|tier| self.tier(tier)).sum()
    }
}
