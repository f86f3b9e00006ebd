//! Findings in a text.

use crate::mask::{self, Form, Style};
use crate::policy::{FieldPath, FindingAttributes, FindingName};
use crate::scan::MIN_DIGITS;
use crate::verdict::{Brand, Code, Fingerprint, Pan};
use std::ops::Range;
use std::sync::Arc;

/// A finding in the inspected window.
///
/// Has no `Debug`, because it contains a name from the traffic.
#[derive(Clone, PartialEq, Eq)]
pub struct Finding {
    /// Span in the window.
    pub span: Range<usize>,
    /// Notation of the value, which determines its mask.
    pub form: Form,
    /// Reportable properties.
    pub detection: Detection,
    /// Whether it continues the value of the finding before it, and is not reported again.
    pub is_continued: bool,
}

/// Reportable properties of a finding, independent of its location.
///
/// Has no `Debug`, because it contains a name from the traffic.
#[derive(Clone, PartialEq, Eq)]
pub struct Detection {
    /// Kind of the finding.
    pub kind: FindingKind,
    /// Name of the JSON member, form field or column that contains it, as received.
    pub name: Option<Vec<u8>>,
    /// Path of that field, if rules test it.
    pub field: FieldPath,
    /// Value that identifies the same card number again, if the policy requires one.
    pub trace: Option<Trace>,
}

/// Value that identifies a card number without all its digits.
#[derive(Clone, PartialEq, Eq)]
pub enum Trace {
    /// Truncated card number, with the digits that the policy's masks keep.
    Truncated(String),
    /// Keyed hash of the card number.
    Fingerprint(Fingerprint),
}

/// Kind of a finding, without any of its digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FindingKind {
    /// Card number.
    Pan(Pan),
    /// Track data of a magnetic stripe, from the card number on.
    Track(Pan),
    /// Track data of a chip, from the card number on.
    Chip(Pan),
    /// Verification code or PIN, with its length in characters.
    Code(Code, u8),
    /// Match of an operator's pattern.
    Pattern(PatternMatch),
    /// Value of a field that a rule names, whatever it is.
    Value,
}

/// Match of an operator's pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternMatch {
    /// Name of the pattern.
    pub name: Arc<str>,
    /// Length of the match in bytes.
    pub length: u8,
    /// Number of letters and digits at the end that the mask keeps.
    pub keep_last: u8,
}

impl Finding {
    /// Masks `span`, the bytes of the finding. Only card numbers and pattern matches keep digits.
    pub fn mask(&self, span: &mut [u8], style: Style) {
        match &self.detection.kind {
            FindingKind::Pan(pan) => mask::apply(span, &self.form, pan.brand, style),
            FindingKind::Track(_) | FindingKind::Chip(_) | FindingKind::Code(..) | FindingKind::Value => {
                mask::hide(span, &self.form, style.character, 0)
            }
            FindingKind::Pattern(matched) => {
                let kept = usize::from(matched.keep_last);
                let kept = if self.may_be_card(span) { kept.min(MAX_KEPT_OF_PAN) } else { kept };
                mask::hide(span, &self.form, style.character, kept);
            }
        }
    }
}

impl Finding {
    /// True when `span` contains enough digits for a card number, escaped or not.
    fn may_be_card(&self, span: &[u8]) -> bool {
        let spelled = if let Form::Encoded(characters) = &self.form { characters.len() } else { 0 };
        span.iter().filter(|byte| byte.is_ascii_digit()).count().max(spelled) >= MIN_DIGITS
    }
}

/// Maximum number of digits that a pattern keeps at the end of a possible card number (PCI SSC, FAQ 1091).
const MAX_KEPT_OF_PAN: usize = 4;

impl Detection {
    /// A detection without a name and a trace.
    pub fn of(kind: FindingKind) -> Self {
        Self { kind, name: None, field: FieldPath::Unknown, trace: None }
    }

    /// Attributes that rules test.
    pub fn attributes(&self) -> FindingAttributes<'_> {
        FindingAttributes { name: self.kind.name(), pattern: self.kind.pattern(), field: &self.field }
    }
}

impl FindingKind {
    /// True for card numbers and sensitive authentication data, false for what a policy defines.
    pub fn is_account_data(&self) -> bool {
        !matches!(self, Self::Pattern(_) | Self::Value)
    }

    /// Name of the kind in rules and records.
    pub fn name(&self) -> FindingName {
        match self {
            Self::Pan(_) => FindingName::Pan,
            Self::Track(_) => FindingName::Track,
            Self::Chip(_) => FindingName::Chip,
            Self::Code(Code::Verification, _) => FindingName::VerificationCode,
            Self::Code(Code::Pin, _) => FindingName::Pin,
            Self::Pattern(_) => FindingName::Pattern,
            Self::Value => FindingName::Value,
        }
    }

    /// Name of the kind in records.
    pub fn as_str(&self) -> &'static str {
        self.name().as_str()
    }

    /// Label in place of a brand: the brand, or the name of the code or of the pattern.
    pub fn label(&self) -> &str {
        match self {
            Self::Pan(pan) | Self::Track(pan) | Self::Chip(pan) => pan.brand.as_str(),
            Self::Code(code, _) => code.as_str(),
            Self::Pattern(matched) => &matched.name,
            Self::Value => FindingName::Value.as_str(),
        }
    }

    /// Card number, alone or at the start of a track.
    pub fn pan(&self) -> Option<Pan> {
        match self {
            Self::Pan(pan) | Self::Track(pan) | Self::Chip(pan) => Some(*pan),
            Self::Code(..) | Self::Pattern(_) | Self::Value => None,
        }
    }

    /// Brand of a card number or a track.
    pub fn brand(&self) -> Option<Brand> {
        self.pan().map(|pan| pan.brand)
    }

    /// Name of the pattern that matched.
    pub fn pattern(&self) -> Option<&str> {
        match self {
            Self::Pattern(matched) => Some(&matched.name),
            Self::Pan(_) | Self::Track(_) | Self::Chip(_) | Self::Code(..) | Self::Value => None,
        }
    }

    /// Length in characters; of a track, the length of its card number; 0 of a value, whose end is not known when it is found.
    pub fn length(&self) -> u8 {
        match self {
            Self::Pan(pan) | Self::Track(pan) | Self::Chip(pan) => pan.length,
            Self::Code(_, length) => *length,
            Self::Pattern(matched) => matched.length,
            Self::Value => 0,
        }
    }

    /// True for sensitive authentication data according to PCI DSS.
    pub fn is_authentication_data(&self) -> bool {
        self.name().is_authentication_data()
    }
}
