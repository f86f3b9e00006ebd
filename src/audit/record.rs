//! The record of a stream: one line of JSON. Fields without a value are omitted.

use super::action::Action;
use super::redacted::Redacted;
#[cfg(feature = "cli")]
use super::schema;
use serde::{Serialize, Serializer};

/// Attributes of a stream, apart from its findings. `None` if the host does not report them.
#[derive(Clone, Default)]
pub struct Facts {
    /// Request method.
    pub method: Option<Redacted>,
    /// Request path and query.
    pub path: Option<Redacted>,
    /// Request host.
    pub host: Option<Redacted>,
    /// Request id.
    pub request_id: Option<Redacted>,
    /// Name of the route.
    pub route: Option<Redacted>,
    /// Upstream cluster.
    pub cluster: Option<Redacted>,
    /// Client address.
    pub client: Option<Redacted>,
    /// Source principal under mutual TLS: the first URI of the client's certificate.
    pub source: Option<Redacted>,
    /// Upstream principal: the first URI of the upstream's certificate.
    pub destination: Option<Redacted>,
    /// True if the client connection used mutual TLS.
    pub mtls: Option<bool>,
    /// Name of the key of the fingerprints.
    pub fingerprint_key: Option<String>,
}

/// Version of the record format. It increases when a field changes its meaning.
pub(super) const RECORD_VERSION: u8 = 1;

/// Audit record of one stream.
#[derive(Serialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
pub(super) struct Record<'a> {
    /// Version of this format. It increases when a field changes its meaning.
    pub version: u8,
    /// Strictest action that was taken.
    pub action: Action,
    /// Number of findings.
    pub found: u64,
    /// Present and true if a track, a verification code or a PIN was found.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub authentication_data: bool,
    /// Request method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<&'a str>,
    /// Request host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<&'a str>,
    /// Request path and query, without card numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<&'a str>,
    /// Name of the route.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<&'a str>,
    /// Upstream cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<&'a str>,
    /// Request id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<&'a str>,
    /// Client address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<&'a str>,
    /// Source principal under mutual TLS: the first URI of the client's certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<&'a str>,
    /// Upstream principal: the first URI of the upstream's certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<&'a str>,
    /// True if the client connection used mutual TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mtls: Option<bool>,
    /// Name of the key of the fingerprints.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint_key: Option<&'a str>,
    /// Findings. Those with equal properties are one entry with a count.
    pub findings: &'a [Entry],
    /// Number of findings beyond the maximum of entries.
    #[serde(skip_serializing_if = "is_zero")]
    pub findings_beyond: u64,
    /// Number of card numbers beyond the maximum of logged ones.
    #[serde(skip_serializing_if = "is_zero")]
    pub traces_beyond: u64,
    /// Uninspected messages and parts, with reasons.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub uninspected: &'a [Uninspected],
    /// Limits that were reached.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub limits: &'a [Reached],
}

/// Findings with equal properties.
#[derive(Serialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
pub(super) struct Entry {
    /// Direction of the message.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::direction"))]
    pub direction: &'static str,
    /// Location in the message.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::place"))]
    pub place: &'static str,
    /// Field name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Kind of the finding.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::kind"))]
    pub kind: &'static str,
    /// Brand of a card number or a track.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::brand"))]
    pub brand: Option<&'static str>,
    /// Name of the policy's pattern that matches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Digits of a card number, also of that in a track. Characters of anything else.
    pub length: u8,
    /// Action that was taken.
    pub action: Action,
    /// Rule that decided.
    pub rule: String,
    /// Number of occurrences.
    pub count: u64,
    /// Truncated form of each number, with `audit.truncated`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub truncated: Vec<String>,
    /// HMAC-SHA-256 of each number as unpadded base64url, with `audit.fingerprint`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fingerprints: Vec<String>,
}

/// Uninspected message, or part of one.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
pub(super) struct Uninspected {
    /// Direction of the message.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::direction"))]
    pub direction: &'static str,
    /// Reason.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::reason"))]
    pub reason: &'static str,
}

/// Limit that was reached.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
pub(super) struct Reached {
    /// Direction of the message.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::direction"))]
    pub direction: &'static str,
    /// Name of the limit in the policy.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::limit"))]
    pub limit: &'static str,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Serialize for Action {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl Record<'_> {
    /// The record as one line.
    pub fn to_line(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}
