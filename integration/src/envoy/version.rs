//! Envoy versions, and differences of older ones. Tests derive their expectations from this list, and
//! `docs/envoy-versions.md` describes it for operators.

use std::str::FromStr;

use anyhow::{Context, Result};
use serde_json::Value;

/// Version of Envoy: major, minor, patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(u32, u32, u32);

/// Behaviour of older Envoys that differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// A blocked HTTP/2 message that has already started ends with the code `NO_ERROR`, and many receivers take the
    /// part for the whole message. From 1.37 on the code is `INTERNAL_ERROR`.
    ResetsSayNoError,
    /// A JSON access log has null in place of a value that is not there, whatever `omit_empty_values` says.
    KeepsNulls,
}

impl Difference {
    /// First version without the difference.
    fn mended(self) -> Version {
        match self {
            Self::ResetsSayNoError => Version(1, 37, 0),
            Self::KeepsNulls => Version(1, 40, 0),
        }
    }
}

impl Version {
    /// Version on the page `/server_info`.
    pub(super) fn of(server_info: &str) -> Result<Self> {
        let page: Value = serde_json::from_str(server_info).context("/server_info")?;
        let told = page["version"].as_str().context("/server_info names no version")?;
        // The version field has the commit, the version and the build type.
        told.split('/').nth(1).context("no version")?.parse().with_context(|| told.to_owned())
    }

    /// Whether this version has the difference.
    #[must_use]
    pub fn has(self, difference: Difference) -> bool {
        self < difference.mended()
    }
}

impl FromStr for Version {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        // Builds between two releases have a suffix behind a dash.
        let numbers = text.split('-').next().unwrap_or_default();
        let mut numbers = numbers.split('.').map(|number| number.parse().context("no version of Envoy"));
        let mut next = || numbers.next().context("no version of Envoy")?;
        Ok(Self(next()?, next()?, next()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_compared() {
        let of = |version: &str| Version::of(&format!(r#"{{"version":"bad8280d/{version}/Clean/RELEASE/BoringSSL"}}"#));
        assert_eq!(of("1.36.4").unwrap(), Version(1, 36, 4));
        assert_eq!(of("1.41.0-dev").unwrap(), Version(1, 41, 0));
        assert!(of("1.9.10").unwrap() < of("1.10.9").unwrap());
        assert!(of("new").is_err() && Version::of("{}").is_err());
    }

    #[test]
    fn a_difference_ends_with_a_version() {
        let difference = Difference::ResetsSayNoError;
        assert!(Version(1, 36, 4).has(difference) && !Version(1, 37, 0).has(difference));
    }
}
