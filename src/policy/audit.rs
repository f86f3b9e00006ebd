//! Contents of audit records.

use super::error::PolicyError;
use super::field::fields;
use super::kind::Boolean;
use crate::verdict::FingerprintKey;
use crate::verdict::fingerprint::KeyError;

fields! {
    /// Contents of audit records.
    pub(super) struct Audit {
        /// Adds the truncated form of each number: the digits that its mask leaves.
        pub truncated: bool as Boolean = false;
        /// Adds the HMAC-SHA-256 of each number, under the key in the environment variable `PANVEIL_HMAC_KEY`. Not together
        /// with `truncated`.
        pub fingerprint: bool as Boolean = false;
        /// Also reports request/response pairs without findings.
        pub clean: bool as Boolean = false;
    }
}

/// Environment variable with the fingerprint key. A policy must not contain secrets.
pub const KEY_VARIABLE: &str = "PANVEIL_HMAC_KEY";

/// Key from the environment. A missing or weak key is an error.
pub(super) fn read_key(text: Option<&[u8]>) -> Result<FingerprintKey, PolicyError> {
    let key = text.ok_or("is not set").and_then(|text| {
        FingerprintKey::new(text).map_err(|weakness| match weakness {
            KeyError::Unprintable => "contains a space, a newline or another character that is not printable ASCII",
            KeyError::TooShort => "is shorter than 128 bits: 32 hexadecimal digits, or 22 other characters",
            KeyError::Repetitive => "repeats the same few characters",
        })
    });
    key.map_err(|flaw| PolicyError::no_key(KEY_VARIABLE, flaw).in_field("fingerprint").in_field("audit"))
}
