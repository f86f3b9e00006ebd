//! Headers of a request, and patterns that match them.

use super::config_value::ConfigValue;
use super::error::PolicyError;
use super::field::{TextSpec, ValueSpec, fields};
use super::kind::{Boolean, Kind, Maybe, Object};
use super::request_context::Tri;
use crate::scan::MIN_DIGITS;

fields! {
    /// Header of the request. Exactly one of `exact`, `prefix` and `present` is given.
    pub(super) struct HeaderPattern: check {
        /// Name of the header, in any case.
        pub name: String as HeaderName, required;
        /// The whole value.
        exact: Option<String> as Maybe<HeaderValue>, optional;
        /// The beginning of the value.
        prefix: Option<String> as Maybe<HeaderValue>, optional;
        /// `true`: any value; `false`: the request does not have it.
        present: Option<bool> as Maybe<Boolean>, optional;
    }
}

/// All values of one header in a request.
///
/// Has no `Debug`: it contains a header.
pub(super) struct HeaderValues {
    pub(super) name: Vec<u8>,
    pub(super) values: Vec<Vec<u8>>,
}

/// Name of a header, which is not case-sensitive.
struct HeaderName;

/// Value of a header.
struct HeaderValue;

/// Longest name in bytes.
const LONGEST_NAME: usize = 64;

/// Longest value in bytes.
const LONGEST_VALUE: usize = 256;

impl HeaderPattern {
    fn check(&self) -> Result<(), PolicyError> {
        let given = [self.exact.is_some(), self.prefix.is_some(), self.present.is_some()];
        if given.into_iter().filter(|given| *given).count() == 1 {
            Ok(())
        } else {
            Err(PolicyError::wrong_value("exactly one of exact, prefix, present"))
        }
    }

    /// Result for the headers of a request. If the header occurs several times, its values must agree.
    pub(super) fn matches(headers: &[HeaderValues], pattern: &Self) -> Tri {
        let Some(header) = headers.iter().find(|header| header.name == pattern.name.as_bytes()) else {
            return Tri::Unknown;
        };
        let mut results = header.values.iter().map(|value| pattern.matches_value(value));
        let Some(first) = results.next() else { return (pattern.present == Some(false)).into() };
        results.fold(first, |all, one| if one == all { all } else { Tri::Unknown })
    }

    /// Some upstreams ignore case, and some split a value at commas, so a difference in these is ambiguous.
    fn matches_value(&self, value: &[u8]) -> Tri {
        let matches = |value: &[u8], is_equal: fn(&[u8], &[u8]) -> bool| match (&self.exact, &self.prefix) {
            (Some(exact), _) => is_equal(value, exact.as_bytes()),
            (None, Some(prefix)) => value.get(..prefix.len()).is_some_and(|front| is_equal(front, prefix.as_bytes())),
            (None, None) => self.present == Some(true),
        };
        if matches(value, <[u8]>::eq) {
            return Tri::Yes;
        }
        let parts = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        if parts.into_iter().any(|part| matches(part, <[u8]>::eq_ignore_ascii_case)) { Tri::Unknown } else { Tri::No }
    }
}

impl Kind<String> for HeaderName {
    const SPEC: ValueSpec = ValueSpec::Text(TextSpec { pattern: Some("^[A-Za-z0-9_-]{1,64}$"), ..TextSpec::ANY });

    fn read(value: &ConfigValue) -> Result<String, PolicyError> {
        let name = value.text()?;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        let digits = name.bytes().filter(u8::is_ascii_digit).count();
        if (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(is_plain) && digits < MIN_DIGITS {
            Ok(name.to_ascii_lowercase())
        } else {
            Err(PolicyError::wrong_value(
                "the name of a header, such as x-tenant; method, host and path have conditions of their own",
            ))
        }
    }
}

impl Kind<String> for HeaderValue {
    const SPEC: ValueSpec = ValueSpec::Text(TextSpec { min: Some(1), max: Some(LONGEST_VALUE), ..TextSpec::ANY });

    fn read(value: &ConfigValue) -> Result<String, PolicyError> {
        let text = value.text()?;
        let is_trimmed = text.trim_ascii().len() == text.len();
        if (1..=LONGEST_VALUE).contains(&text.len()) && is_trimmed && !text.chars().any(char::is_control) {
            Ok(text.to_owned())
        } else {
            Err(PolicyError::wrong_value("1 to 256 bytes on one line, without spaces around them"))
        }
    }
}

impl Kind<Self> for HeaderPattern {
    const SPEC: ValueSpec = <Object as Kind<Self>>::SPEC;
    const PLURAL: &'static str = "headers";

    fn read(value: &ConfigValue) -> Result<Self, PolicyError> {
        <Object as Kind<Self>>::read(value)
    }
}
