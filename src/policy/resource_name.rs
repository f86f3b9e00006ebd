//! Names of routes and clusters in the proxy's configuration.

use super::config_value::ConfigValue;
use super::error::PolicyError;
use super::field::{TextSpec, ValueSpec};
use super::kind::Kind;
use super::request_context::Tri;

/// Pattern of names: a name, in which one `*` stands for any characters.
pub(super) struct NamePattern {
    before: String,
    /// The part behind the `*`, if there is one.
    after: Option<String>,
}

/// Longest name in bytes.
const LONGEST: usize = 256;

impl NamePattern {
    pub(super) fn matches(name: &[u8], pattern: &Self) -> Tri {
        match &pattern.after {
            None => name == pattern.before.as_bytes(),
            Some(after) => {
                name.len() >= pattern.before.len().saturating_add(after.len())
                    && name.starts_with(pattern.before.as_bytes())
                    && name.ends_with(after.as_bytes())
            }
        }
        .into()
    }
}

impl Kind<Self> for NamePattern {
    const SPEC: ValueSpec = ValueSpec::Text(TextSpec { min: Some(1), max: Some(LONGEST), ..TextSpec::ANY });
    const PLURAL: &'static str = "names";

    fn read(value: &ConfigValue) -> Result<Self, PolicyError> {
        let name = value.text()?;
        let has_one_star = name.bytes().filter(|byte| *byte == b'*').count() <= 1;
        if !(1..=LONGEST).contains(&name.len()) || name.chars().any(char::is_control) || !has_one_star || name == "*" {
            let expected =
                "1 to 256 bytes, in which one * stands for any characters; without the field everything matches";
            return Err(PolicyError::wrong_value(expected));
        }
        let (before, after) = name.split_once('*').map_or((name, None), |(before, after)| (before, Some(after)));
        Ok(Self { before: before.to_owned(), after: after.map(str::to_owned) })
    }
}
