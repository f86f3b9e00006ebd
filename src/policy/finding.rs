//! Findings as rules see them, and the condition on their kind.

use super::config_value::ConfigValue;
use super::error::PolicyError;
use super::field::{TextSpec, ValueSpec};
use super::kind::Kind;
use super::nearest::nearest;
use super::value::Name;
use std::sync::Arc;

named! {
    /// Kind of a finding in rules and records.
    pub enum FindingName {
        /// Card number.
        Pan = "pan",
        /// Track data of a magnetic stripe, with the card number in it.
        Track = "track",
        /// Track data of a chip, with the card number in it.
        Chip = "chip",
        /// Card verification code.
        VerificationCode = "verification_code",
        /// PIN.
        Pin = "pin",
        /// Match of one of the operator's patterns.
        Pattern = "pattern",
        /// Value of a field that a rule names, whatever it is.
        Value = "value",
    }
}

/// Attributes of a finding that rules test.
#[derive(Clone, Copy)]
pub struct FindingAttributes<'f> {
    /// Kind of the finding.
    pub name: FindingName,
    /// Name of the pattern that matches.
    pub pattern: Option<&'f str>,
    /// Path of the field that contains it.
    pub field: &'f FieldPath,
}

/// Path of the field that contains a finding.
///
/// Has no `Debug`: it contains names from the traffic.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum FieldPath {
    /// Not known.
    #[default]
    Unknown,
    /// It is in no field.
    Outside,
    /// Names from the outermost field on, with dots between them.
    Names(Arc<[u8]>),
}

/// Kind of findings in a rule: one of the names, or one pattern of the policy.
#[derive(PartialEq, Eq)]
pub(super) struct KindPattern {
    name: FindingName,
    pattern: Option<String>,
}

/// Prefix of a pattern's name in a rule.
const PATTERN_PREFIX: &str = "pattern:";

impl FindingName {
    /// True for sensitive authentication data according to PCI DSS, which is detected with `detect.authentication_data` only.
    pub fn is_authentication_data(self) -> bool {
        matches!(self, Self::Track | Self::Chip | Self::VerificationCode | Self::Pin)
    }
}

impl KindPattern {
    /// True for values of fields, whatever they are.
    pub(super) fn is_value(&self) -> bool {
        self.name == FindingName::Value
    }

    pub(super) fn matches(&self, finding: &FindingAttributes<'_>) -> bool {
        self.name == finding.name && self.pattern.as_deref().is_none_or(|name| finding.pattern == Some(name))
    }

    /// True if this matches every finding that `other` matches.
    pub(super) fn includes(&self, other: &Self) -> bool {
        self.name == other.name && (self.pattern.is_none() || self.pattern == other.pattern)
    }

    /// Rejects a kind that a policy with these settings never finds.
    pub(super) fn check(&self, patterns: &[&str], authentication_data: bool) -> Result<(), PolicyError> {
        if self.name.is_authentication_data() && !authentication_data {
            return Err(PolicyError::wrong_value(
                "detect.authentication_data with it, without which it is not detected",
            ));
        }
        let is_known = match &self.pattern {
            Some(name) => patterns.contains(&name.as_str()),
            None => self.name != FindingName::Pattern || !patterns.is_empty(),
        };
        if is_known {
            Ok(())
        } else {
            Err(PolicyError::wrong_value("the name of a pattern in detect.patterns or detect.builtin_patterns"))
        }
    }
}

impl Kind<Self> for KindPattern {
    const SPEC: ValueSpec = ValueSpec::Text(TextSpec {
        pattern: Some("^(pan|track|chip|verification_code|pin|pattern|value|pattern:[A-Za-z0-9._-]{1,64})$"),
        ..TextSpec::ANY
    });
    const PLURAL: &'static str = "kinds of findings";

    fn read(value: &ConfigValue) -> Result<Self, PolicyError> {
        let text = value.text()?;
        if let Some(name) = text.strip_prefix(PATTERN_PREFIX) {
            let name = Name::read(&ConfigValue::Text(name.to_owned()))?;
            return Ok(Self { name: FindingName::Pattern, pattern: Some(name) });
        }
        let known = FindingName::ALL.into_iter().find(|name| name.as_str() == text);
        let name = known.ok_or_else(|| {
            let words: Vec<&'static str> = FindingName::ALL.iter().map(|name| name.as_str()).collect();
            let expected = ["one of ", &words.join(", "), ", pattern:NAME"].concat();
            PolicyError::unknown_value(expected, nearest(text, &words))
        })?;
        Ok(Self { name, pattern: None })
    }
}
