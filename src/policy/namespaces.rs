//! Namespaces in which a filter for a whole mesh acts.

use super::config_value::ConfigValue;
use super::error::PolicyError;
use super::field::{TextSpec, ValueSpec, fields};
use super::kind::{Kind, ListOf};

fields! {
    /// Namespaces in which a filter that is deployed to a whole mesh acts.
    pub(super) struct Namespaces {
        /// Namespaces in which the filter acts. An empty list means all.
        pub include: Vec<String> as ListOf<Namespace, 0, MOST_NAMES> = Vec::new();
        /// Namespaces in which it does not act, even when `include` lists them.
        pub exclude: Vec<String> as ListOf<Namespace, 0, MOST_NAMES> = Vec::new();
    }
}

/// Most names in a list.
const MOST_NAMES: usize = 1000;

/// Name of a Kubernetes namespace (RFC 1123 label).
struct Namespace;

impl Namespaces {
    /// True if the filter is active in some namespaces only.
    pub(super) fn is_restricted(&self) -> bool {
        !(self.include.is_empty() && self.exclude.is_empty())
    }

    /// True if the filter is active in the namespace of that name. `exclude` overrides `include`.
    pub(super) fn contains(&self, namespace: &[u8]) -> bool {
        let is_in = |names: &[String]| names.iter().any(|name| name.as_bytes() == namespace);
        (self.include.is_empty() || is_in(&self.include)) && !is_in(&self.exclude)
    }
}

impl Kind<String> for Namespace {
    const SPEC: ValueSpec = ValueSpec::Text(TextSpec { pattern: Some("^[a-z0-9-]{1,63}$"), ..TextSpec::ANY });
    const PLURAL: &'static str = "namespaces";

    fn read(value: &ConfigValue) -> Result<String, PolicyError> {
        let name = value.text()?;
        let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let has_no_dash_at_the_ends = !name.starts_with('-') && !name.ends_with('-');
        if (1..=63).contains(&name.len()) && name.bytes().all(is_allowed) && has_no_dash_at_the_ends {
            Ok(name.to_owned())
        } else {
            Err(PolicyError::wrong_value("a namespace: 1 to 63 lowercase letters, digits and dashes"))
        }
    }

    fn text(value: &String) -> String {
        value.clone()
    }
}
