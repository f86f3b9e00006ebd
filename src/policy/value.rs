//! How is one value of a policy written, and within which bounds?

use super::condition::Tls;
use super::detect::TestCards;
use super::document::Document;
use super::error::PolicyError;
use super::read::Word;
use super::{Direction, Intent, Location, Mode, Uninspectable};
use crate::mask::{Keep, MaskCharacter};
use crate::verdict::{Brand, Sensitivity};

/// The name of a rule or a pattern. It goes into access logs and records as it is, so it is plain; and with its few
/// digits it cannot be a card number.
pub(super) fn name(document: &Document) -> Result<String, PolicyError> {
    let name = document.text()?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if (1..=64).contains(&name.len())
        && name.bytes().all(is_plain)
        && name.bytes().filter(u8::is_ascii_digit).count() <= 4
    {
        Ok(name.to_owned())
    } else {
        Err(PolicyError::wrong_value("1 to 64 letters, digits (4 at most), '.', '_' or '-'"))
    }
}

/// Which digits stay. What the truncation rules forbid is told from what is no such word at all.
pub(super) fn keep(document: &Document) -> Result<Keep, PolicyError> {
    let keeps_too_much = |text: &str| {
        let kept = |part: &str, side: &str, most: u8| {
            part.strip_prefix(side).and_then(|count| count.parse().ok()).is_some_and(|count: u8| count > most)
        };
        text.split('_').any(|part| kept(part, "first", 8) || kept(part, "last", 4))
    };
    match document {
        Document::Text(text) if keeps_too_much(text) => Err(PolicyError::wrong_value(
            "what PCI SSC's FAQ 1091 on truncation permits, one of none, last4, first6_last4, first8_last4",
        )),
        other => other.word(),
    }
}

/// The name of a field, as JSON, forms and headers have them.
pub(super) fn key(document: &Document) -> Result<String, PolicyError> {
    let key = document.text()?;
    let has_letter = key.chars().any(char::is_alphabetic);
    if key.len() <= 64 && has_letter {
        Ok(key.to_owned())
    } else {
        Err(PolicyError::wrong_value("1 to 64 bytes with a letter among them"))
    }
}

/// A regular expression or a path, as far as its length goes.
pub(super) fn expression(document: &Document) -> Result<String, PolicyError> {
    let expression = document.text()?;
    if (1..=1024).contains(&expression.len()) {
        Ok(expression.to_owned())
    } else {
        Err(PolicyError::wrong_value("1 to 1024 bytes"))
    }
}

/// A string of the one character.
pub(super) fn mask_character(document: &Document) -> Result<MaskCharacter, PolicyError> {
    let text = document.text()?;
    let character = match text.as_bytes() {
        &[byte] => MaskCharacter::new(byte),
        _ => None,
    };
    character.ok_or_else(|| PolicyError::wrong_value("one of *, #, x, X"))
}

/// The status of a reply that refuses something.
pub(super) fn status(document: &Document) -> Result<u16, PolicyError> {
    // Lossless, by the bounds.
    document.whole_number(400, 599).map(|status| status as u16)
}

/// The body of a reply that refuses something, or null for the default one.
pub(super) fn reply_body(document: &Document) -> Result<Option<String>, PolicyError> {
    match document {
        Document::Null => Ok(None),
        Document::Text(body) if body.len() <= 4096 => Ok(Some(body.clone())),
        Document::Text(_) => Err(PolicyError::wrong_value("null or a string of at most 4096 bytes")),
        other => Err(other.is_not("null or a string")),
    }
}

impl Word for Mode {
    const ALL: &'static [Self] = &[Self::Enforce, Self::Monitor];

    fn word(self) -> &'static str {
        self.as_str()
    }
}

impl Word for Intent {
    const ALL: &'static [Self] = &[Self::Mask, Self::Block, Self::Allow, Self::Skip];

    fn word(self) -> &'static str {
        self.as_str()
    }
}

impl Word for Uninspectable {
    const ALL: &'static [Self] = &[Self::Pass, Self::Block];

    fn word(self) -> &'static str {
        self.as_str()
    }
}

impl Word for Direction {
    const ALL: &'static [Self] = &[Self::Request, Self::Response];

    fn word(self) -> &'static str {
        self.as_str()
    }
}

impl Word for Location {
    const ALL: &'static [Self] = &[Self::Headers, Self::Path, Self::Body, Self::Trailers];

    fn word(self) -> &'static str {
        self.as_str()
    }
}

impl Word for Keep {
    const ALL: &'static [Self] = &[Self::None, Self::Last4, Self::First6Last4, Self::First8Last4];

    fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Last4 => "last4",
            Self::First6Last4 => "first6_last4",
            Self::First8Last4 => "first8_last4",
        }
    }
}

impl Word for Sensitivity {
    const ALL: &'static [Self] = &[Self::Strict, Self::Balanced, Self::Precise];

    fn word(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Balanced => "balanced",
            Self::Precise => "precise",
        }
    }
}

impl Word for Brand {
    const ALL: &'static [Self] = &Self::ALL;

    fn word(self) -> &'static str {
        self.as_str()
    }
}

impl Word for TestCards {
    const ALL: &'static [Self] = &[Self::Detect, Self::Ignore];

    fn word(self) -> &'static str {
        match self {
            Self::Detect => "detect",
            Self::Ignore => "ignore",
        }
    }
}

impl Word for Tls {
    const ALL: &'static [Self] = &[Self::Mutual, Self::Any, Self::None];

    fn word(self) -> &'static str {
        match self {
            Self::Mutual => "mutual",
            Self::Any => "any",
            Self::None => "none",
        }
    }
}
