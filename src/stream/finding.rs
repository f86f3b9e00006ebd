//! What was found in a text?

use crate::mask::{self, Form, Style};
use crate::scan::MIN_DIGITS;
use crate::verdict::{Brand, Code, Fingerprint, Pan};
use std::ops::Range;
use std::sync::Arc;

/// Something in the window that was inspected.
///
/// Has no `Debug`: a name is text of whoever sent it.
#[derive(Clone, PartialEq, Eq)]
pub struct Finding {
    /// From its first byte to behind its last, as offsets into the window.
    pub span: Range<usize>,
    /// How it is written.
    pub form: Form,
    /// What may be known of it.
    pub detection: Detection,
}

/// What may be known of something that was found, wherever it was.
///
/// Has no `Debug`: a name is text of whoever sent it.
#[derive(Clone, PartialEq, Eq)]
pub struct Detection {
    /// What it is.
    pub kind: FindingKind,
    /// The name that it stands under, as it was sent: that of a member, a form field, a column.
    pub name: Option<Vec<u8>>,
    /// What tells its number again.
    pub trace: Option<Trace>,
}

/// What tells a number again without all its digits.
#[derive(Clone, PartialEq, Eq)]
pub enum Trace {
    /// Its first and last digits, as the policy's masks leave them.
    Truncated(String),
    /// Its keyed hash.
    Fingerprint(Fingerprint),
}

/// What may be known of something that was found, without any of its digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FindingKind {
    /// A card number.
    Pan(Pan),
    /// The data of a track, from its card number on.
    Track(Pan),
    /// A verification code or PIN of so many characters.
    Code(Code, u8),
    /// Something that a pattern of the operator describes.
    Pattern(PatternMatch),
}

/// Something that a pattern matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternMatch {
    /// The pattern's name.
    pub name: Arc<str>,
    /// How many bytes it has.
    pub length: u8,
    /// How many letters and digits at its end stay readable.
    pub keep_last: u8,
}

impl Finding {
    /// Masks `span`, the bytes of the finding. Only card numbers and what a pattern says keep any digit.
    pub fn mask(&self, span: &mut [u8], style: Style) {
        match &self.detection.kind {
            FindingKind::Pan(pan) => mask::apply(span, &self.form, pan.brand, style),
            FindingKind::Track(_) | FindingKind::Code(..) => mask::hide(span, &self.form, style.character, 0),
            FindingKind::Pattern(matched) => {
                let kept = usize::from(matched.keep_last);
                let kept = if self.may_be_card(span) { kept.min(KEPT_OF_NUMBERS) } else { kept };
                mask::hide(span, &self.form, style.character, kept);
            }
        }
    }
}

impl Finding {
    /// True when there are as many digits in `span` as in a card number, in whatever spelling.
    fn may_be_card(&self, span: &[u8]) -> bool {
        let spelled = if let Form::Encoded(characters) = &self.form { characters.len() } else { 0 };
        span.iter().filter(|byte| byte.is_ascii_digit()).count().max(spelled) >= MIN_DIGITS
    }
}

/// How many digits at the end of a card number may stay readable (PCI SSC, FAQ 1091), whatever a pattern says that matches
/// one.
const KEPT_OF_NUMBERS: usize = 4;

impl Detection {
    /// Something of which nothing else is known.
    pub fn of(kind: FindingKind) -> Self {
        Self { kind, name: None, trace: None }
    }
}

impl FindingKind {
    /// The names of all kinds.
    pub const NAMES: [&str; 5] = ["pan", "track", Code::Verification.as_str(), Code::Pin.as_str(), "pattern"];

    /// The name of its kind in records.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Pan(_) => "pan",
            Self::Track(_) => "track",
            Self::Code(code, _) => code.as_str(),
            Self::Pattern(_) => "pattern",
        }
    }

    /// What stands for the brand where there is none.
    pub fn label(&self) -> &str {
        match self {
            Self::Pan(pan) | Self::Track(pan) => pan.brand.as_str(),
            Self::Code(code, _) => code.as_str(),
            Self::Pattern(matched) => &matched.name,
        }
    }

    /// Whose card it belongs to, if that shows.
    pub fn brand(&self) -> Option<Brand> {
        match self {
            Self::Pan(pan) | Self::Track(pan) => Some(pan.brand),
            Self::Code(..) | Self::Pattern(_) => None,
        }
    }

    /// The name of the pattern that describes it, if one does.
    pub fn pattern(&self) -> Option<&str> {
        match self {
            Self::Pattern(matched) => Some(&matched.name),
            Self::Pan(_) | Self::Track(_) | Self::Code(..) => None,
        }
    }

    /// How many characters it has; of a track, its card number.
    pub fn length(&self) -> u8 {
        match self {
            Self::Pan(pan) | Self::Track(pan) => pan.length,
            Self::Code(_, length) => *length,
            Self::Pattern(matched) => matched.length,
        }
    }

    /// True for what PCI DSS calls sensitive authentication data.
    pub fn is_authentication_data(&self) -> bool {
        matches!(self, Self::Track(_) | Self::Code(..))
    }
}
