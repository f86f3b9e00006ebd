//! Content types, and patterns that match them.

use super::config_value::ConfigValue;
use super::error::PolicyError;
use super::field::{TextSpec, ValueSpec};
use super::kind::Kind;
use super::request_context::Tri;

/// Content type in normalized form: lowercase, without parameters.
pub(super) struct MediaType(Vec<u8>);

/// Pattern of content types in a rule.
pub(super) enum MediaPattern {
    /// One type.
    Is(Vec<u8>),
    /// All subtypes of a type, such as `text/`.
    Of(Vec<u8>),
}

impl MediaType {
    /// Type in the value of a header; `None` if it is invalid or there are several.
    pub(super) fn read(value: &[u8]) -> Option<Self> {
        // A comma joins the values of a header that was sent twice. A receiver may use either.
        let is_single = !value.contains(&b',');
        let name = value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        (is_single && is_type(name)).then(|| Self(name.to_ascii_lowercase()))
    }
}

impl Kind<Self> for MediaPattern {
    const SPEC: ValueSpec = ValueSpec::Text(TextSpec {
        pattern: Some(r"^[A-Za-z0-9!#$&^_.+-]+/(\*|[A-Za-z0-9!#$&^_.+-]+)$"),
        ..TextSpec::ANY
    });
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
    pub(super) fn matches(media: &MediaType, pattern: &Self) -> Tri {
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
    fn content_types_are_normalized() {
        for value in ["application/json", "Application/JSON; charset=utf-8", " application/json ;a=\"b\""] {
            assert_eq!(read(value).as_deref(), Some("application/json"), "{value}");
        }
        for value in ["", "json", "application/", "a/b/c", "a/b, c/d", "a/b;x=\"1,2\"", "application/ json", "*/*"] {
            assert_eq!(read(value), None, "{value}");
        }
    }

    #[test]
    fn a_pattern_matches_one_type_or_all_subtypes() {
        let matches = |pattern: &str, value: &str| {
            let pattern = MediaPattern::read(&ConfigValue::Text(pattern.to_owned())).unwrap();
            MediaPattern::matches(&MediaType::read(value.as_bytes()).unwrap(), &pattern) == Tri::Yes
        };
        assert!(
            matches("Application/json", "application/JSON;q=1") && !matches("application/json", "application/json+x")
        );
        assert!(matches("text/*", "text/csv") && !matches("text/*", "textual/csv"));
    }
}
