//! Errors in a policy.
//!
//! An error is one line for the operator: the path of the field, the problem and the expected value. It contains no value of the
//! policy, because a misplaced value may be a secret or a card number. It contains only kinds of values ("a string"), positions, and
//! names of fields that are short, plain and have few digits.

use super::nearest::nearest;
use std::fmt;

/// Reason for which a policy is rejected. Its text is one line, and contains no value of the policy.
#[derive(Debug)]
pub struct PolicyError(Box<Refusal>);

/// Contents of the error. Boxed, because a small error type keeps the module small.
#[derive(Debug)]
struct Refusal {
    /// Path of the field, such as `rules[0].match`; empty for the document itself.
    path: String,
    problem: Problem,
}

/// Prefix of every error, which identifies it in a log.
const PREFIX: &str = "policy: ";

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
        /// Known word that is similar to the value.
        meant: Option<&'static str>,
        expected: String,
    },
    UnknownField {
        /// `None` if the name must not be shown.
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
        variable: &'static str,
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

    /// Syntax error. `reason` must not quote the document.
    pub(super) fn not_json(reason: String, line: usize, column: usize) -> Self {
        Problem::NotJson { reason, line, column }.into()
    }

    /// Value of the kind `found` where another kind is `expected`.
    pub(super) fn wrong_kind(found: &'static str, expected: &str) -> Self {
        let expected = expected.to_owned();
        Problem::WrongKind { found, expected }.into()
    }

    /// Value of the right kind that is not one of the `expected` values.
    pub(super) fn wrong_value(expected: &str) -> Self {
        let expected = expected.to_owned();
        Problem::WrongValue { expected }.into()
    }

    /// String that is none of the `expected` words. `meant` is a similar one.
    pub(super) fn unknown_value(expected: String, meant: Option<&'static str>) -> Self {
        Problem::UnknownValue { meant, expected }.into()
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

    /// Missing key, or key with that `flaw`, for a policy that needs a key.
    pub(super) fn no_key(variable: &'static str, flaw: &'static str) -> Self {
        Problem::NoKey { variable, flaw }.into()
    }

    /// Error that does not suggest the field `name`.
    pub(super) fn without_suggestion(mut self, name: &'static str) -> Self {
        if let Problem::UnknownField { known, .. } = &mut self.0.problem {
            known.retain(|known| *known != name);
        }
        self
    }

    /// Error with the field `name` before its path.
    pub(super) fn in_field(mut self, name: &'static str) -> Self {
        let separator = match self.0.path.as_bytes().first() {
            None | Some(b'[') => "",
            Some(_) => ".",
        };
        self.0.path = [name, separator, &self.0.path].concat();
        self
    }

    /// Error with the item at `index` before its path.
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

/// Location of an error, for callers that map it to lines and columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorLocation<'e> {
    /// The whole document, which is too large.
    Document,
    /// Beginning of this line.
    Line(usize),
    /// Line and column, both counted from 1.
    Character(usize, usize),
    /// Value at this path, such as `rules[0].match`. The path of the whole document is empty.
    Value(&'e str),
    /// First field of the object at this path that has none of these names.
    UnknownField(&'e str, &'e [&'static str]),
    /// Second field of that name in the object at this path.
    RepeatedField(&'e str, &'static str),
}

impl PolicyError {
    /// Location of the error.
    pub fn location(&self) -> ErrorLocation<'_> {
        let path = self.0.path.as_str();
        match &self.0.problem {
            Problem::TooLarge { .. } => ErrorLocation::Document,
            Problem::NotUtf8 { line } => ErrorLocation::Line(*line),
            Problem::NotJson { line, column, .. } => ErrorLocation::Character(*line, *column),
            Problem::UnknownField { known, .. } => ErrorLocation::UnknownField(path, known),
            Problem::RepeatedField { name } => ErrorLocation::RepeatedField(path, name),
            // A missing field is an error of the object around it.
            _ => ErrorLocation::Value(path),
        }
    }

    /// Description without the line and column of [`Self::location`].
    pub fn reason(&self) -> String {
        match &self.0.problem {
            Problem::NotJson { reason, .. } => ["not JSON: ", reason].concat(),
            Problem::NotUtf8 { .. } => "not UTF-8 text".to_owned(),
            _ => {
                let text = self.to_string();
                text.strip_prefix(PREFIX).unwrap_or(&text).to_owned()
            }
        }
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
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
            Problem::UnknownValue { meant: Some(meant), .. } => write!(f, "unknown value; did you mean \"{meant}\"?"),
            Problem::UnknownValue { meant: None, expected } => write!(f, "unknown value, expected {expected}"),
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
            Problem::NoKey { variable, flaw } => write!(
                f,
                "the environment variable {variable} of the filter's VM {flaw}; set it to a random key, such as openssl rand -hex 32 makes"
            ),
        }
    }
}

/// True if an error may show the name of an unknown field. Digits are counted over the whole name, because a card number in groups has
/// only short runs of digits.
fn is_showable(name: &str) -> bool {
    const MAX_BYTES: usize = 40;
    const MAX_DIGITS: usize = 4;

    (1..=MAX_BYTES).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
        && name.bytes().filter(u8::is_ascii_digit).count() <= MAX_DIGITS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_begins_with_the_outermost_field() {
        let error =
            PolicyError::wrong_value("a word").in_field("method").in_field("match").in_item(12).in_field("rules");
        assert_eq!(error.to_string(), "policy: rules[12].match.method: value not allowed, expected a word");
    }

    #[test]
    fn names_that_may_contain_a_secret_are_not_shown() {
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
}
