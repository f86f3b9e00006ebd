//! Which Envoy is this, and what do older ones do otherwise? All that a test expects of them instead goes by this list, and
//! `docs/envoy-versions.md` tells operators of it.

use std::str::FromStr;

use anyhow::{Context, Result};
use serde_json::Value;

/// A version of Envoy: major, minor, patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(u32, u32, u32);

/// What older Envoys do otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// A message over HTTP/2 that is refused under way ends with `NO_ERROR`, and many a receiver takes what it got for all of
    /// it. From 1.37 on it is `INTERNAL_ERROR`.
    ResetsSayNoError,
}

impl Difference {
    /// The first version without it.
    fn mended(self) -> Version {
        match self {
            Self::ResetsSayNoError => Version(1, 37, 0),
        }
    }
}

impl Version {
    /// As the page `/server_info` has it.
    pub(super) fn of(server_info: &str) -> Result<Self> {
        let page: Value = serde_json::from_str(server_info).context("/server_info")?;
        let told = page["version"].as_str().context("/server_info names no version")?;
        // Commit, version, and how it was built.
        told.split('/').nth(1).context("no version")?.parse().with_context(|| told.to_owned())
    }

    /// Whether this one differs so.
    #[must_use]
    pub fn has(self, difference: Difference) -> bool {
        self < difference.mended()
    }
}

impl FromStr for Version {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        // What is built from between two releases says so behind a dash.
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
