//! In which namespaces does a filter act that is loaded in all of them?

use super::document::Document;
use super::error::PolicyError;
#[cfg(feature = "cli")]
use super::schema;

/// Where one filter for a whole mesh acts.
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema), schemars(transform = schema::object))]
pub(super) struct Namespaces {
    /// Namespaces in which panveil is active. An empty list means all.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::namespaces", extend("default" = [])))]
    pub include: Vec<String>,
    /// Namespaces in which panveil is inactive, even if `include` has them.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::namespaces", extend("default" = [])))]
    pub exclude: Vec<String>,
}

/// The most names in a list.
pub(super) const MOST_NAMES: usize = 1000;

impl Namespaces {
    pub(super) fn read(document: &Document) -> Result<Self, PolicyError> {
        let [include, exclude] = document.fields(["include", "exclude"])?;
        Ok(Self { include: include.or(Vec::new(), read_names)?, exclude: exclude.or(Vec::new(), read_names)? })
    }

    /// Whether it depends on the namespace.
    pub(super) fn are_told_apart(&self) -> bool {
        !(self.include.is_empty() && self.exclude.is_empty())
    }

    /// Whether the filter acts in the namespace of that name. What is excluded wins.
    pub(super) fn hold(&self, namespace: &[u8]) -> bool {
        let is_in = |names: &[String]| names.iter().any(|name| name.as_bytes() == namespace);
        (self.include.is_empty() || is_in(&self.include)) && !is_in(&self.exclude)
    }
}

fn read_names(document: &Document) -> Result<Vec<String>, PolicyError> {
    let names = document.items("a list of namespaces", read_name)?;
    if names.len() > MOST_NAMES {
        return Err(PolicyError::wrong_value(&format!("at most {MOST_NAMES} namespaces")));
    }
    Ok(names)
}

/// A name as Kubernetes has them.
fn read_name(document: &Document) -> Result<String, PolicyError> {
    let name = document.text()?;
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_framed = !name.starts_with('-') && !name.ends_with('-');
    if (1..=63).contains(&name.len()) && name.bytes().all(is_allowed) && is_framed {
        Ok(name.to_owned())
    } else {
        Err(PolicyError::wrong_value("the name of a namespace: 1 to 63 small letters, digits and dashes"))
    }
}
