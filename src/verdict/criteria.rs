//! Detection settings of the policy, as the detector uses them.

use super::Sensitivity;
use super::authentication::CodeNames;
use super::brand::{Brand, Tier};
use super::fingerprint::FingerprintKey;
use super::name::Names;
use super::pattern_set::PatternSet;
use std::sync::Arc;

/// The settings of detection. [`Criteria::default`] has those of an empty policy.
#[derive(Clone)]
pub struct Criteria {
    /// The amount of evidence that a card number needs.
    pub sensitivity: Sensitivity,
    /// If true, IIN range, length and Luhn are sufficient: weak evidence and an adjacent letter do not reject a number.
    pub luhn_only: bool,
    /// Brands whose extended IIN ranges need no more evidence than their default ranges.
    pub brands: Vec<Brand>,
    /// If true, published test numbers are card numbers.
    pub test_cards: bool,
    /// The policy's lists of field names.
    pub names: Names,
    /// Enables the detection of tracks, verification codes and PINs.
    pub authentication_data: Option<CodeNames>,
    /// If true, base64 tokens are decoded.
    pub base64: bool,
    /// Sets of patterns. Where matches overlap, the first set wins.
    pub patterns: Vec<PatternSet>,
    /// The reported form of each card number.
    pub traces: Traces,
}

/// The form in which each card number is reported, for correlation. A policy chooses at most one: PCI DSS 3.5.1 asks for
/// controls that keep the truncated form and the hash of a number apart.
#[derive(Clone, Default)]
pub enum Traces {
    /// Card numbers are not reported.
    #[default]
    None,
    /// Card numbers are reported in their truncated form.
    Truncated,
    /// Card numbers are reported as fingerprints under this key.
    Fingerprint(Arc<FingerprintKey>),
}

impl Criteria {
    /// The default criteria with another `sensitivity`.
    pub fn with_sensitivity(sensitivity: Sensitivity) -> Self {
        Self { sensitivity, ..Self::default() }
    }

    /// The criteria for text in logs and records. They find as much as possible and keep no digit, because a false positive
    /// costs little there.
    pub fn for_redaction(&self) -> Self {
        let patterns = self.patterns.iter().cloned().map(PatternSet::masking_all).collect();
        let names = self.names.clone().without_ignored();
        let authentication_data = Some(self.authentication_data.unwrap_or_default());
        Self {
            sensitivity: Sensitivity::Strict,
            luhn_only: true,
            test_cards: true,
            names,
            patterns,
            authentication_data,
            traces: Traces::None,
            ..self.clone()
        }
    }

    /// The lowest score of a card number.
    pub(super) fn threshold(&self) -> i8 {
        if self.luhn_only { i8::MIN } else { self.sensitivity.threshold() }
    }

    /// The tier of a number of `brand` whose IIN range is of `tier`.
    pub(super) fn tier(&self, brand: Brand, tier: Tier) -> Tier {
        if self.brands.contains(&brand) { Tier::Default } else { tier }
    }
}

impl Default for Criteria {
    fn default() -> Self {
        Self {
            sensitivity: Sensitivity::Balanced,
            luhn_only: false,
            brands: Vec::new(),
            test_cards: true,
            names: Names::default(),
            authentication_data: Some(CodeNames),
            base64: false,
            patterns: Vec::new(),
            traces: Traces::None,
        }
    }
}
