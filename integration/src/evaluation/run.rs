//! What does the detector do with every class?

use anyhow::Result;
use panveil::verdict::Sensitivity;

use super::corpus::{Class, Corpus, Expect, Tier};
use super::detector;
use super::fill::{self, Text};
use super::tally::Tally;

/// How much is measured, and how.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Each makes other records.
    pub seeds: Vec<u64>,
    /// How many records each class has under each seed.
    pub records: u64,
    /// How strong the evidence must be.
    pub level: Sensitivity,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome<'c> {
    /// How it was measured.
    pub plan: Plan,
    /// Every class, in the order of the corpus.
    pub classes: Vec<Measured<'c>>,
}

/// A class with its counts.
#[derive(Debug)]
pub struct Measured<'c> {
    /// The class.
    pub class: &'c Class,
    /// Its counts under each seed, in the order of the plan.
    pub by_seed: Vec<Tally>,
}

/// From this share of found cards on it is no longer true that a class is missed.
const FOUND_BY_NOW: f64 = 0.8;

/// A record that did not come out as it should.
pub struct Miss {
    /// The record.
    pub text: Text,
    /// What was found in it.
    pub findings: Vec<std::ops::Range<usize>>,
}

/// Measures every class of `corpus`; calls `done` after each.
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

/// The first records of `class` with a card number that is not found, or with something else that is.
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
    /// Its counts under all seeds.
    pub fn total(&self) -> Tally {
        self.by_seed.iter().copied().sum()
    }

    /// The share that a reader looks at first: of cards found, or of records flagged where there are none.
    pub fn headline(&self, tally: &Tally) -> f64 {
        if self.class.tier.has_cards() { tally.recall() } else { tally.flagged_share() }
    }

    /// The lowest and the highest headline of a seed.
    pub fn spread(&self) -> (f64, f64) {
        let shares = self.by_seed.iter().map(|tally| self.headline(tally));
        shares.fold((1.0, 0.0), |(low, high): (f64, f64), share| (low.min(share), high.max(share)))
    }

    /// What is wrong when the corpus promises more than came out, or says that something is missed which is found.
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
    /// The counts of one tier.
    pub fn tier(&self, tier: Tier) -> Tally {
        self.classes.iter().filter(|measured| measured.class.tier == tier).map(Measured::total).sum()
    }

    /// The counts that precision and F1 are told for: all but what is made to evade or to deceive.
    pub fn overall(&self) -> Tally {
        [Tier::Everyday, Tier::Hard, Tier::Negative].into_iter().map(|tier| self.tier(tier)).sum()
    }
}
