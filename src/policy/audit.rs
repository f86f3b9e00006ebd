//! What is said of findings, and with which key?

use super::document::Document;
use super::error::PolicyError;
#[cfg(feature = "cli")]
use super::schema;
use crate::verdict::FingerprintKey;
use crate::verdict::fingerprint::KeyError;

/// The part of a policy that says what is told.
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema), schemars(transform = schema::object))]
pub(super) struct Audit {
    /// Records the part of each number that a mask keeps.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::boolean", extend("default" = false)))]
    pub truncated: bool,
    /// Records the HMAC-SHA-256 of each number, under the key in the environment variable `PANVEIL_HMAC_KEY`. Excludes
    /// `truncated`.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::boolean", extend("default" = false)))]
    pub fingerprint: bool,
    /// Records streams without findings too.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::boolean", extend("default" = false)))]
    pub clean: bool,
}

/// The environment variable that holds the key of fingerprints. A policy is no place for a secret.
pub const KEY_VARIABLE: &str = "PANVEIL_HMAC_KEY";

impl Audit {
    pub(super) fn read(document: &Document) -> Result<Self, PolicyError> {
        let [truncated, fingerprint, clean] = document.fields(["truncated", "fingerprint", "clean"])?;
        Ok(Self {
            truncated: truncated.or(false, Document::boolean)?,
            fingerprint: fingerprint.or(false, Document::boolean)?,
            clean: clean.or(false, Document::boolean)?,
        })
    }
}

/// The key that the environment holds, if it holds a good one.
pub(super) fn read_key(text: Option<&[u8]>) -> Result<FingerprintKey, PolicyError> {
    let key = text.ok_or("is not set").and_then(|text| {
        FingerprintKey::new(text).map_err(|weakness| match weakness {
            KeyError::Unprintable => "has a space, a newline or another sign in it that is not printable ASCII",
            KeyError::TooShort => "is shorter than 128 bits: 32 hexadecimal digits, or 22 other characters",
            KeyError::Repetitive => "repeats the same few characters",
        })
    });
    key.map_err(|flaw| PolicyError::no_key(flaw).in_field("fingerprint").in_field("audit"))
}
