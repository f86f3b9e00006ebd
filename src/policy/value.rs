//! Kinds of single values: names, keys, statuses and words.

use super::config_value::ConfigValue;
use super::error::PolicyError;
use super::field::{TextSpec, ValueSpec};
use super::kind::{Kind, Word};
use crate::mask::{Keep, MaskCharacter};
use crate::scan::MIN_DIGITS;

/// Name of a rule or a pattern. Access logs and records contain it without escapes, so it has plain characters only, and too few
/// digits for a card number.
pub(super) struct Name;

/// Name of a field in JSON, forms and headers.
pub(super) struct Key;

/// Word near a pattern's match.
pub(super) struct NearWord;

/// Remark for people, on one line. It has too few digits for a card number.
pub(super) struct Remark;

/// Regular expression of at most 1024 bytes.
pub(super) struct Expression;

/// Digits that stay readable.
pub(super) struct KeptDigits;

/// Character that covers digits.
pub(super) struct CoverCharacter;

/// Body of a local reply, or null for the default body.
pub(super) struct ReplyBody;

/// Longest name of a field, in bytes.
const LONGEST_KEY: usize = 64;

/// Longest remark, in bytes.
const LONGEST_REMARK: usize = 200;

/// Longest regular expression, in bytes.
const LONGEST_EXPRESSION: usize = 1024;

/// Longest body of a local reply, in bytes.
const LONGEST_BODY: usize = 4096;

impl Kind<String> for Name {
    const SPEC: ValueSpec = ValueSpec::Text(TextSpec {
        pattern: Some("^[A-Za-z._-]*([0-9][A-Za-z._-]*){0,4}$"),
        min: Some(1),
        max: Some(64),
        ..TextSpec::ANY
    });

    fn read(value: &ConfigValue) -> Result<String, PolicyError> {
        let name = value.text()?;
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
}

impl Kind<String> for Key {
    const SPEC: ValueSpec = ValueSpec::Text(TextSpec { min: Some(1), max: Some(LONGEST_KEY), ..TextSpec::ANY });
    const PLURAL: &'static str = "names of fields";

    fn read(value: &ConfigValue) -> Result<String, PolicyError> {
        let key = value.text()?;
        let has_letter = key.chars().any(char::is_alphabetic);
        if key.len() <= LONGEST_KEY && has_letter {
            Ok(key.to_owned())
        } else {
            Err(PolicyError::wrong_value("1 to 64 bytes with at least one letter"))
        }
    }

    fn text(value: &String) -> String {
        value.clone()
    }
}

impl Kind<String> for NearWord {
    const SPEC: ValueSpec = <Key as Kind<String>>::SPEC;
    const PLURAL: &'static str = "words";

    fn read(value: &ConfigValue) -> Result<String, PolicyError> {
        <Key as Kind<String>>::read(value)
    }
}

impl Kind<String> for Remark {
    const SPEC: ValueSpec = ValueSpec::Text(TextSpec {
        pattern: Some(r"^[^0-9\x00-\x1f\x7f]*([0-9][^0-9\x00-\x1f\x7f]*){0,11}$"),
        min: Some(1),
        max: Some(LONGEST_REMARK),
        ..TextSpec::ANY
    });

    fn read(value: &ConfigValue) -> Result<String, PolicyError> {
        let remark = value.text()?;
        let digits = remark.chars().filter(|c| c.is_numeric()).count();
        if (1..=LONGEST_REMARK).contains(&remark.len()) && !remark.chars().any(char::is_control) && digits < MIN_DIGITS
        {
            Ok(remark.to_owned())
        } else {
            Err(PolicyError::wrong_value("1 to 200 bytes on one line, with 11 digits at most"))
        }
    }
}

impl Kind<String> for Expression {
    const SPEC: ValueSpec = ValueSpec::Text(TextSpec { min: Some(1), max: Some(LONGEST_EXPRESSION), ..TextSpec::ANY });

    fn read(value: &ConfigValue) -> Result<String, PolicyError> {
        let expression = value.text()?;
        if (1..=LONGEST_EXPRESSION).contains(&expression.len()) {
            Ok(expression.to_owned())
        } else {
            Err(PolicyError::wrong_value("1 to 1024 bytes"))
        }
    }
}

impl Kind<Keep> for KeptDigits {
    const SPEC: ValueSpec = ValueSpec::OneOf(|| Keep::ALL.iter().map(|keep| keep.word()).collect());

    /// Reads the word. The error distinguishes words that the truncation rules forbid from unknown words.
    fn read(value: &ConfigValue) -> Result<Keep, PolicyError> {
        let keeps_too_much = |text: &str| {
            let kept = |part: &str, side: &str, most: u8| {
                part.strip_prefix(side).and_then(|count| count.parse().ok()).is_some_and(|count: u8| count > most)
            };
            text.split('_').any(|part| kept(part, "first", 8) || kept(part, "last", 4))
        };
        match value {
            ConfigValue::Text(text) if keeps_too_much(text) => Err(PolicyError::wrong_value(
                "a truncation that PCI SSC's FAQ 1091 permits, one of none, last4, first6_last4, first8_last4",
            )),
            other => other.word(),
        }
    }

    fn text(value: &Keep) -> String {
        value.word().to_owned()
    }
}

impl Kind<MaskCharacter> for CoverCharacter {
    const SPEC: ValueSpec = ValueSpec::OneOf(|| vec!["*", "#", "x", "X"]);

    fn read(value: &ConfigValue) -> Result<MaskCharacter, PolicyError> {
        let character = match value.text()?.as_bytes() {
            &[byte] => MaskCharacter::new(byte),
            _ => None,
        };
        character.ok_or_else(|| PolicyError::wrong_value("one of *, #, x, X"))
    }

    fn text(value: &MaskCharacter) -> String {
        char::from(value.as_byte()).to_string()
    }
}

impl Kind<Option<String>> for ReplyBody {
    const SPEC: ValueSpec = ValueSpec::Text(TextSpec { max: Some(LONGEST_BODY), or_null: true, ..TextSpec::ANY });

    fn read(value: &ConfigValue) -> Result<Option<String>, PolicyError> {
        match value {
            ConfigValue::Null => Ok(None),
            ConfigValue::Text(body) if body.len() <= LONGEST_BODY => Ok(Some(body.clone())),
            ConfigValue::Text(_) => Err(PolicyError::wrong_value("null or a string of at most 4096 bytes")),
            other => Err(other.is_not("null or a string")),
        }
    }

    /// `set` or `null`. The body itself may be long.
    fn text(value: &Option<String>) -> String {
        if value.is_some() { "set" } else { "null" }.to_owned()
    }
}
