//! Which parts of a well formed policy does this version not do yet?
//!
//! To accept a field and not act on it would be a false promise, so each one that asks for something is refused by
//! name. A line goes when its engine comes.

use super::config::{Config, TestCards};
use super::error::PolicyError;

/// What may be done about a list that is not supported.
const EMPTY: &str = "remove it or leave it empty";
/// What may be done about a switch that is not supported.
const OFF: &str = "remove it or set it to false";
/// What may be done about a value that is not supported.
const REMOVE: &str = "remove it";

/// The first thing that the policy asks for and this version does not do.
pub(super) fn refuse(config: &Config) -> Result<(), PolicyError> {
    let detect = &config.detect;
    let limits = &config.limits;
    let checks: [(bool, &'static str, &'static str, &'static str); 14] = [
        (detect.brands, "detect.brands", "looks for the same brands everywhere", EMPTY),
        (detect.authentication_data, "detect.authentication_data", "finds card numbers, but no CVV or PIN", OFF),
        (
            detect.test_cards != TestCards::Detect,
            "detect.test_cards",
            "treats test cards as cards",
            "remove it or set it to detect",
        ),
        (detect.base64, "detect.base64", "does not look inside base64", OFF),
        (detect.ignore_keys, "detect.ignore_keys", "does not go by the names of fields", EMPTY),
        (detect.card_keys, "detect.card_keys", "does not go by the names of fields", EMPTY),
        (detect.patterns, "detect.patterns", "finds card numbers only", EMPTY),
        (config.rules, "rules", "goes by request and response alone", EMPTY),
        (config.namespaces.include, "namespaces.include", "acts wherever it is loaded", EMPTY),
        (config.namespaces.exclude, "namespaces.exclude", "acts wherever it is loaded", EMPTY),
        (limits.inflate_ratio.is_some(), "limits.inflate_ratio", "does not decompress", REMOVE),
        (
            limits.findings_per_message.is_some(),
            "limits.findings_per_message",
            "handles every finding of a message",
            REMOVE,
        ),
        (config.audit.truncated, "audit.truncated", "reports no digits", OFF),
        (config.audit.fingerprint, "audit.fingerprint", "reports no fingerprints", OFF),
    ];
    match checks.into_iter().find(|&(asked, ..)| asked) {
        Some((_, path, lacks, remedy)) => Err(PolicyError::not_supported(path, lacks, remedy)),
        None => Ok(()),
    }
}
