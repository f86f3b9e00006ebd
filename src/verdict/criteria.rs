//! What does the operator say about what a card is?

use super::Sensitivity;
use super::authentication::CodeNames;
use super::brand::{Brand, Tier};
use super::fingerprint::FingerprintKey;
use super::name::Names;
use crate::scan::pattern::Patterns;
use std::sync::Arc;

/// What counts as found. [`Criteria::default`] is what a policy says that says nothing.
#[derive(Clone)]
pub struct Criteria {
    /// How strong the evidence must be.
    pub level: Sensitivity,
    /// Whether a range, a length and a check digit are enough, and neither evidence nor a letter beside it counts against a number.
    pub luhn_only: bool,
    /// Brands all of whose numbers need no more evidence than a range, a length and a check digit.
    pub brands: Vec<Brand>,
    /// Whether published numbers for tests count.
    pub test_cards: bool,
    /// Fields whose names decide.
    pub names: Names,
    /// What is looked for beside card numbers: whole tracks, verification codes, PINs.
    pub authentication_data: Option<CodeNames>,
    /// Whether base64 tokens are read.
    pub base64: bool,
    /// What else is found.
    pub patterns: Option<OwnPatterns>,
    /// What is told of each number, so that it is known again.
    pub traces: Traces,
}

/// What is told of each number besides what it is. One of the two, never both: PCI DSS 3.5.1 wants a truncated number and a
/// hash of it kept apart.
#[derive(Clone, Default)]
pub enum Traces {
    /// Nothing.
    #[default]
    None,
    /// The digits that a mask leaves.
    Truncated,
    /// Its fingerprint.
    Fingerprint(Arc<FingerprintKey>),
}

/// The operator's patterns.
#[derive(Clone)]
pub struct OwnPatterns {
    /// Ready to match.
    pub compiled: Patterns,
    /// For each, its name and how many letters and digits at the end of a match stay readable.
    pub named: Vec<(Arc<str>, u8)>,
}

impl Criteria {
    /// The default, with another strength of evidence.
    pub fn at(level: Sensitivity) -> Self {
        Self { level, ..Self::default() }
    }

    /// The same for what is said of traffic: whatever may be found is hidden, and all of it, and a log loses little by
    /// a number that was none.
    pub fn for_redaction(&self) -> Self {
        let patterns = self
            .patterns
            .clone()
            .map(|own| OwnPatterns { named: own.named.into_iter().map(|(name, _)| (name, 0)).collect(), ..own });
        let names = self.names.clone().without_ignored();
        let authentication_data = Some(self.authentication_data.unwrap_or_default());
        Self {
            level: Sensitivity::Strict,
            luhn_only: true,
            test_cards: true,
            names,
            patterns,
            authentication_data,
            traces: Traces::None,
            ..self.clone()
        }
    }

    /// The score from which on a candidate is a card.
    pub(super) fn threshold(&self) -> i8 {
        if self.luhn_only { i8::MIN } else { self.level.threshold() }
    }

    /// How much a number of `brand` has to show whose range is of `tier`.
    pub(super) fn tier(&self, brand: Brand, tier: Tier) -> Tier {
        if self.brands.contains(&brand) { Tier::Default } else { tier }
    }
}

impl Default for Criteria {
    fn default() -> Self {
        Self {
            level: Sensitivity::Balanced,
            luhn_only: false,
            brands: Vec::new(),
            test_cards: true,
            names: Names::default(),
            authentication_data: Some(CodeNames),
            base64: false,
            patterns: None,
            traces: Traces::None,
        }
    }
}
