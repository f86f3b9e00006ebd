//! Which parts of a well formed policy does this version not do yet?
//!
//! To accept a field and not act on it would be a false promise, so each one that asks for something is refused by
//! name. A line goes when its engine comes.

use super::config::Config;
use super::error::PolicyError;

/// What may be done about a switch that is not supported.
const OFF: &str = "remove it or set it to false";

/// The first thing that the policy asks for and this version does not do.
pub(super) fn refuse(config: &Config) -> Result<(), PolicyError> {
    let checks: [(bool, &'static str, &'static str, &'static str); 2] = [
        (config.audit.truncated, "audit.truncated", "reports no digits", OFF),
        (config.audit.fingerprint, "audit.fingerprint", "reports no fingerprints", OFF),
    ];
    match checks.into_iter().find(|&(asked, ..)| asked) {
        Some((_, path, lacks, remedy)) => Err(PolicyError::not_supported(path, lacks, remedy)),
        None => Ok(()),
    }
}
