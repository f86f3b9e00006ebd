//! Contents of audit records.

use super::error::PolicyError;
use super::field::fields;
use super::kind::{Boolean, ListOf, OneOf, UNBOUNDED};
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
        /// Keys that access logs can print. panveil sets no others, apart from `mode`.
        pub keys: Vec<LogKey> as ListOf<OneOf, 0, UNBOUNDED> = LogKey::BY_DEFAULT.to_vec();
    }
}

named! {
    /// Key of the filter state that access logs print, as `wasm.panveil.<key>`.
    pub enum LogKey {
        /// Request method.
        Method = "method",
        /// Request path and query.
        Path = "path",
        /// Request host.
        Authority = "authority",
        /// Client address.
        Client = "client",
        /// Request id.
        RequestId = "request_id",
        /// Trace id.
        TraceId = "trace_id",
        /// User agent.
        UserAgent = "user_agent",
        /// Strictest action that was taken.
        Action = "action",
        /// Number of findings.
        Found = "found",
        /// Brands of the findings.
        Brands = "brands",
        /// Locations of the findings.
        Where = "where",
        /// Uninspected messages, with reasons.
        Uninspected = "uninspected",
        /// Names of the fields with findings.
        Fields = "fields",
        /// Rules that decided.
        Rules = "rules",
        /// Source principal under mutual TLS.
        Peer = "peer",
        /// Fingerprints of the card numbers.
        Fingerprints = "fingerprints",
        /// Audit record as JSON text.
        Record = "record",
        /// Audit record as a message, which access logs print as a JSON object.
        RecordObject = "record_object",
    }
}

impl LogKey {
    /// Keys of a policy that names none. The other keys cost each request an additional redaction.
    const BY_DEFAULT: [Self; 12] = [
        Self::Method,
        Self::Path,
        Self::Action,
        Self::Found,
        Self::Brands,
        Self::Where,
        Self::Uninspected,
        Self::Fields,
        Self::Rules,
        Self::Peer,
        Self::Fingerprints,
        Self::Record,
    ];
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
