//! What is wrong with a policy, and where?
//!
//! An error is one line for the operator: the path, what was found there and what was expected. It never holds a
//! value of the policy, since a value could be a secret or a card number put in the wrong place: only kinds ("a
//! string"), positions, and names of fields that are short, plain and nearly without digits.

use super::audit::KEY_VARIABLE;
use std::fmt;

/// Why a policy was refused. Its text is one line, and holds no value out of the policy.
#[derive(Debug)]
pub struct PolicyError(Box<Refusal>);

/// Boxed, since it passes through many hands and each of them is code in every sidecar.
#[derive(Debug)]
struct Refusal {
    /// Names and positions only, such as `rules[0].match`; empty for the document itself.
    path: String,
    problem: Problem,
}

#[derive(Debug)]
enum Problem {
    TooLarge {
        limit: usize,
    },
    NotUtf8 {
        line: usize,
    },
    NotJson {
        reason: String,
        line: usize,
        column: usize,
    },
    WrongKind {
        found: &'static str,
        expected: String,
    },
    WrongValue {
        expected: String,
    },
    UnknownValue {
        expected: String,
    },
    UnknownField {
        /// `None` when the name must not be shown.
        name: Option<String>,
        known: Vec<&'static str>,
    },
    MissingField {
        name: &'static str,
    },
    RepeatedField {
        name: &'static str,
    },
    NoKey {
        flaw: &'static str,
    },
}

impl PolicyError {
    pub(super) fn too_large(limit: usize) -> Self {
        Problem::TooLarge { limit }.into()
    }

    pub(super) fn not_utf8(line: usize) -> Self {
        Problem::NotUtf8 { line }.into()
    }

    /// `reason` must not quote the document.
    pub(super) fn not_json(reason: String, line: usize, column: usize) -> Self {
        Problem::NotJson { reason, line, column }.into()
    }

    /// For a value of the kind `found` where another kind was `expected`.
    pub(super) fn wrong_kind(found: &'static str, expected: &str) -> Self {
        let expected = expected.to_owned();
        Problem::WrongKind { found, expected }.into()
    }

    /// For a value of the right kind that is not among the `expected` ones.
    pub(super) fn wrong_value(expected: &str) -> Self {
        let expected = expected.to_owned();
        Problem::WrongValue { expected }.into()
    }

    /// For a string that is none of the `expected` ones.
    pub(super) fn unknown_value(expected: &str) -> Self {
        let expected = expected.to_owned();
        Problem::UnknownValue { expected }.into()
    }

    pub(super) fn unknown_field(name: &str, known: Vec<&'static str>) -> Self {
        let name = is_showable(name).then(|| name.to_owned());
        Problem::UnknownField { name, known }.into()
    }

    pub(super) fn missing_field(name: &'static str) -> Self {
        Problem::MissingField { name }.into()
    }

    pub(super) fn repeated_field(name: &'static str) -> Self {
        Problem::RepeatedField { name }.into()
    }

    /// For a policy that asks for what takes a key, where the environment has none, or one with that `flaw`.
    pub(super) fn no_key(flaw: &'static str) -> Self {
        Problem::NoKey { flaw }.into()
    }

    /// The same error, as seen from the object that holds the field `name`.
    pub(super) fn in_field(mut self, name: &'static str) -> Self {
        let separator = match self.0.path.as_bytes().first() {
            None | Some(b'[') => "",
            Some(_) => ".",
        };
        self.0.path = [name, separator, &self.0.path].concat();
        self
    }

    /// The same error, as seen from the list that holds the item at `index`.
    pub(super) fn in_item(mut self, index: usize) -> Self {
        let separator = if self.0.path.is_empty() { "" } else { "." };
        self.0.path = ["[", &index.to_string(), "]", separator, &self.0.path].concat();
        self
    }
}

impl From<Problem> for PolicyError {
    #[cold]
    #[inline(never)]
    fn from(problem: Problem) -> Self {
        Self(Box::new(Refusal { path: String::new(), problem }))
    }
}

impl std::error::Error for PolicyError {}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("policy: ")?;
        let Refusal { path, problem } = &*self.0;
        if !path.is_empty() {
            f.write_str(path)?;
            f.write_str(": ")?;
        }
        match problem {
            Problem::TooLarge { limit } => write!(f, "larger than {limit} bytes"),
            Problem::NotUtf8 { line } => write!(f, "not UTF-8 text, at line {line}"),
            Problem::NotJson { reason, line, column } => {
                write!(f, "not JSON at line {line}, column {column}: {reason}")
            }
            Problem::WrongKind { found, expected } => {
                write!(f, "found {found}, expected {expected}")
            }
            Problem::WrongValue { expected } => write!(f, "value not allowed, expected {expected}"),
            Problem::UnknownValue { expected } => write!(f, "unknown value, expected {expected}"),
            Problem::UnknownField { name, known } => {
                match name {
                    Some(name) => write!(f, "unknown field \"{name}\"")?,
                    None => f.write_str("unknown field with an unprintable name")?,
                }
                if path.is_empty() {
                    f.write_str(" at the top level")?;
                }
                match name.as_deref().and_then(|name| nearest(name, known)) {
                    Some(meant) => write!(f, "; did you mean \"{meant}\"?"),
                    None => write!(f, "; expected one of {}", known.join(", ")),
                }
            }
            Problem::MissingField { name } => write!(f, "missing field \"{name}\""),
            Problem::RepeatedField { name } => write!(f, "field \"{name}\" given more than once"),
            Problem::NoKey { flaw } => write!(
                f,
                "the environment variable {KEY_VARIABLE} of the filter's VM {flaw}; set it to a random key, such as openssl rand -hex 32 makes"
            ),
        }
    }
}

/// Whether the name of an unknown field may stand in an error. Digits are counted over the whole name, since a card
/// number in groups has no long run of them.
fn is_showable(name: &str) -> bool {
    const MAX_BYTES: usize = 40;
    const MAX_DIGITS: usize = 4;

    (1..=MAX_BYTES).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
        && name.bytes().filter(u8::is_ascii_digit).count() <= MAX_DIGITS
}

/// The known name that `name` was probably meant to be: at most a third of its letters differ, whatever the case and
/// the separators, so that `requestStatus` finds `request_status`.
fn nearest(name: &str, known: &[&'static str]) -> Option<&'static str> {
    let name = letters(name);
    let tolerance = (name.len() / 3).clamp(1, 3);
    known
        .iter()
        .map(|&candidate| (edit_distance(&name, &letters(candidate)), candidate))
        .min_by_key(|&(distance, _)| distance)
        .filter(|&(distance, _)| distance <= tolerance && distance < name.len())
        .map(|(_, candidate)| candidate)
}

fn letters(name: &str) -> Vec<u8> {
    name.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_lowercase()).collect()
}

/// How many letters must be put in, taken out or replaced to get from `from` to `to` (Levenshtein), one row at a
/// time.
fn edit_distance(from: &[u8], to: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (above_left, from_letter) in from.iter().enumerate() {
        let mut diagonal = above_left;
        let mut left = above_left.saturating_add(1);
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, to_letter) in row.iter_mut().skip(1).zip(to) {
            let replaced = diagonal.saturating_add(usize::from(from_letter != to_letter));
            diagonal = *cell;
            left = replaced.min(left.min(diagonal).saturating_add(1));
            *cell = left;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_from_the_outside_in() {
        let error =
            PolicyError::wrong_value("a word").in_field("method").in_field("match").in_item(12).in_field("rules");
        assert_eq!(error.to_string(), "policy: rules[12].match.method: value not allowed, expected a word");
    }

    #[test]
    fn names_that_could_hold_a_secret_are_not_shown() {
        for name in [
            "",
            "4111111111111111",
            "4111-1111-1111-1111",
            "a b",
            "a\"b",
            "a\nb",
            "é",
            "a_name_that_goes_on_for_longer_than_a_name_should",
        ] {
            assert!(!is_showable(name), "{name:?}");
        }
        for name in ["reqest", "x-y.z_1234"] {
            assert!(is_showable(name), "{name:?}");
        }
    }

    #[test]
    fn the_nearest_name_is_suggested_only_when_it_is_near() {
        const KNOWN: &[&str] = &["request", "response", "request_status", "tls", "mode"];
        for (name, meant) in [
            ("reqest", Some("request")),
            ("reqeust", Some("request")),
            ("Request", Some("request")),
            ("requestStatus", Some("request_status")),
            ("request-status", Some("request_status")),
            ("tsl", None),
            ("tls1", Some("tls")),
            ("modes", Some("mode")),
            ("x", None),
            ("_", None),
            ("headers", None),
        ] {
            assert_eq!(nearest(name, KNOWN), meant, "{name}");
        }
    }

    #[test]
    fn edit_distance_counts_letters() {
        for (from, to, distance) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("flaw", "lawn", 2),
            ("same", "same", 0),
        ] {
            assert_eq!(edit_distance(from.as_bytes(), to.as_bytes()), distance);
        }
    }
}
