//! Patterns of field paths.

use super::config_value::ConfigValue;
use super::error::PolicyError;
use super::field::{TextSpec, ValueSpec};
use super::finding::FieldPath;
use super::kind::Kind;
use super::request_context::Tri;
use crate::scan::MIN_DIGITS;

/// Pattern of field paths: a name, at any depth, or a path from the outermost field on. Each `*` stands for one name, at either end for
/// one or more.
#[derive(PartialEq, Eq)]
pub(super) struct FieldPattern {
    /// The names without a `*` at either end; at least one.
    names: Vec<String>,
    /// Names before them.
    before: Others,
    /// Names behind them.
    after: Others,
}

/// Names around those of a pattern.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Others {
    /// None.
    None,
    /// One or more.
    Some,
    /// Any number.
    Any,
}

/// Name that stands for others.
const ANY: &str = "*";

/// Longest pattern in bytes.
const LONGEST: usize = 256;

impl FieldPattern {
    /// Result for a path. Some receivers ignore the case of names, so it does not matter.
    pub(super) fn matches(&self, path: &FieldPath) -> Tri {
        let path = match path {
            FieldPath::Unknown => return Tri::Unknown,
            FieldPath::Outside => return Tri::No,
            FieldPath::Names(path) => path,
        };
        let is_same = |name: &[u8], wanted: &str| wanted == ANY || name.eq_ignore_ascii_case(wanted.as_bytes());
        let names = || path.split(|byte| *byte == b'.');
        // Many values can have the same long path, of which the last name mostly decides.
        if let (Others::None, Some(name), Some(wanted)) = (self.after, names().next_back(), self.names.last()) {
            let is_same = is_same(name, wanted);
            if !is_same || (self.before == Others::Any && self.names.len() == 1) {
                return is_same.into();
            }
        }
        let path: Vec<&[u8]> = names().collect();
        let count = self.names.len();
        let parts = path.windows(count).enumerate();
        parts
            .into_iter()
            .any(|(start, part)| {
                let behind = path.len().saturating_sub(start).saturating_sub(count);
                self.before.fit(start)
                    && self.after.fit(behind)
                    && part.iter().zip(&self.names).all(|(name, wanted)| is_same(name, wanted))
            })
            .into()
    }
}

impl Others {
    fn of(has_star: bool) -> Self {
        if has_star { Self::Some } else { Self::None }
    }

    fn fit(self, count: usize) -> bool {
        match self {
            Self::None => count == 0,
            Self::Some => count > 0,
            Self::Any => true,
        }
    }
}

impl Kind<Self> for FieldPattern {
    const SPEC: ValueSpec = ValueSpec::Text(TextSpec {
        min: Some(1),
        max: Some(LONGEST),
        pattern: Some(r"^[^.*]+$|^([^.*]+|\*)(\.([^.*]+|\*))+$"),
        ..TextSpec::ANY
    });
    const PLURAL: &'static str = "fields";

    fn read(value: &ConfigValue) -> Result<Self, PolicyError> {
        let text = value.text()?;
        let names: Vec<&str> = text.split('.').collect();
        let is_name = |name: &&str| *name == ANY || !(name.is_empty() || name.contains('*'));
        let is_any = names.iter().all(|name| *name == ANY);
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        let is_long = text.len() > LONGEST || digits >= MIN_DIGITS || text.chars().any(char::is_control);
        if is_long || is_any || !names.iter().all(is_name) {
            let expected =
                "a name, or names with dots between them, of which * stands for any: pan, card.number, *.holder.ssn";
            return Err(PolicyError::wrong_value(expected));
        }
        let inner = names.strip_prefix(&[ANY]).unwrap_or(&names);
        let before = if names.len() == 1 { Others::Any } else { Others::of(inner.len() < names.len()) };
        let core = inner.strip_suffix(&[ANY]).unwrap_or(inner);
        let after = Others::of(core.len() < inner.len());
        Ok(Self { names: core.iter().map(|name| (*name).to_owned()).collect(), before, after })
    }
}
