//! What does a message say it holds?

use super::config_value::ConfigValue;
use super::error::PolicyError;
use super::field::{TextSpec, ValueSpec};
use super::kind::Kind;
use super::request_context::Tri;

/// A content type in its one form: in lower case, without parameters.
pub(super) struct MediaType(Vec<u8>);

/// Which content types a rule is about.
pub(super) enum MediaPattern {
    /// This one.
    Is(Vec<u8>),
    /// Those of a kind: `text/`.
    Of(Vec<u8>),
}

impl MediaType {
    /// The type in a header's value; `None` when it is not plainly one, such as two of them.
    pub(super) fn read(value: &[u8]) -> Option<Self> {
        // A comma joins the values of a header that was sent twice, and of which the receiver takes either.
        let one = !value.contains(&b',');
        let name = value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        (one && is_type(name)).then(|| Self(name.to_ascii_lowercase()))
    }
}

impl Kind<Self> for MediaPattern {
    const SPEC: ValueSpec = ValueSpec::Text(TextSpec { pattern: Some("^[^/]+/[^/]+$"), ..TextSpec::ANY });
    const PLURAL: &'static str = "content types";

    fn read(value: &ConfigValue) -> Result<Self, PolicyError> {
        let text = value.text()?.as_bytes();
        let name = match text.strip_suffix(b"/*") {
            Some(kind) if is_token(kind) => {
                return Ok(Self::Of([&kind.to_ascii_lowercase(), b"/".as_slice()].concat()));
            }
            _ => text,
        };
        if is_type(name) {
            Ok(Self::Is(name.to_ascii_lowercase()))
        } else {
            Err(PolicyError::wrong_value("a content type without parameters, such as application/json or text/*"))
        }
    }
}

impl MediaPattern {
    pub(super) fn holds(media: &MediaType, pattern: &Self) -> Tri {
        match pattern {
            Self::Is(name) => media.0 == *name,
            Self::Of(kind) => media.0.starts_with(kind),
        }
        .into()
    }
}

fn is_type(name: &[u8]) -> bool {
    let mut parts = name.splitn(2, |byte| *byte == b'/');
    name.len() <= 127 && parts.next().is_some_and(is_token) && parts.next().is_some_and(is_token)
}

fn is_token(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Option<String> {
        MediaType::read(value.as_bytes()).map(|media| String::from_utf8(media.0).unwrap())
    }

    #[test]
    fn a_content_type_has_one_form() {
        for value in ["application/json", "Application/JSON; charset=utf-8", " application/json ;a=\"b\""] {
            assert_eq!(read(value).as_deref(), Some("application/json"), "{value}");
        }
        for value in ["", "json", "application/", "a/b/c", "a/b, c/d", "a/b;x=\"1,2\"", "application/ json", "*/*"] {
            assert_eq!(read(value), None, "{value}");
        }
    }

    #[test]
    fn a_pattern_is_a_type_or_a_kind() {
        let holds = |pattern: &str, value: &str| {
            let pattern = MediaPattern::read(&ConfigValue::Text(pattern.to_owned())).unwrap();
            MediaPattern::holds(&MediaType::read(value.as_bytes()).unwrap(), &pattern) == Tri::Yes
        };
        assert!(holds("Application/json", "application/JSON;q=1") && !holds("application/json", "application/json+x"));
        assert!(holds("text/*", "text/csv") && !holds("text/*", "textual/csv"));
    }
}
