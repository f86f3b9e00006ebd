//! How is what happened to an exchange written down?
//!
//! One line of JSON, the record. Fields that nothing is known for are left out.

use super::action::Action;
use super::redacted::Redacted;
#[cfg(feature = "cli")]
use super::schema;
use serde::{Serialize, Serializer};

/// What is known of the exchange besides the findings. Absent where the host does not say.
#[derive(Clone, Default)]
pub struct Facts {
    /// The request's method.
    pub method: Option<Redacted>,
    /// The request's path and query.
    pub path: Option<Redacted>,
    /// The request's host.
    pub host: Option<Redacted>,
    /// The request's id.
    pub request_id: Option<Redacted>,
    /// The route that was taken.
    pub route: Option<Redacted>,
    /// The cluster that the route leads to.
    pub cluster: Option<Redacted>,
    /// The client's address.
    pub client: Option<Redacted>,
    /// Who the client is, under mutual TLS: the first URI of its certificate.
    pub source: Option<Redacted>,
    /// Who the service is: the first URI of its certificate.
    pub destination: Option<Redacted>,
    /// Whether the client's connection was mutual TLS.
    pub mtls: Option<bool>,
    /// The name of the key that fingerprints are made with.
    pub fingerprint_key: Option<String>,
}

/// The version of the record's form; raised when a field changes its meaning.
pub(super) const RECORD_VERSION: u8 = 1;

/// What panveil tells of one exchange.
#[derive(Serialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
pub(super) struct Record<'a> {
    /// The version of this form; raised when a field changes its meaning.
    pub version: u8,
    /// What was done, at its strongest.
    pub action: Action,
    /// How much was found.
    pub found: u64,
    /// There, and true, when a track, a verification code or a PIN was found.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub authentication_data: bool,
    /// The request's method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<&'a str>,
    /// The request's host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<&'a str>,
    /// The request's path and query, without card numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<&'a str>,
    /// The route that was taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<&'a str>,
    /// The cluster that the route leads to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<&'a str>,
    /// The request's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<&'a str>,
    /// The client's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<&'a str>,
    /// Who the client is, under mutual TLS: the first URI of its certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<&'a str>,
    /// Who the service is: the first URI of its certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<&'a str>,
    /// Whether the client's connection was mutual TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mtls: Option<bool>,
    /// The name of the key that fingerprints are made with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint_key: Option<&'a str>,
    /// What was found. Findings that do not differ in anything that is told of them are counted together.
    pub findings: &'a [Entry],
    /// How many findings more there were than are told apart.
    #[serde(skip_serializing_if = "is_zero")]
    pub findings_beyond: u64,
    /// How many numbers more there were than are told.
    #[serde(skip_serializing_if = "is_zero")]
    pub traces_beyond: u64,
    /// What was not looked at, and why.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub uninspected: &'a [Uninspected],
    /// The limits that were reached.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub limits: &'a [Reached],
}

/// Findings that do not differ in anything that is told of them.
#[derive(Serialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
pub(super) struct Entry {
    /// Of the message that it stood in.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::direction"))]
    pub direction: &'static str,
    /// Where in the message.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::place"))]
    pub place: &'static str,
    /// The name that it stood under.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What it is.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::kind"))]
    pub kind: &'static str,
    /// Of a card number or a track.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::brand"))]
    pub brand: Option<&'static str>,
    /// The name of the policy's pattern that it matches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Of a card number and a track the digits of the number, of anything else its characters.
    pub length: u8,
    /// What was done about it.
    pub action: Action,
    /// The rule that decided.
    pub rule: String,
    /// How many there were.
    pub count: u64,
    /// What a mask leaves of each number, with `audit.truncated`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub truncated: Vec<String>,
    /// The HMAC-SHA-256 of each number as unpadded base64url, with `audit.fingerprint`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fingerprints: Vec<String>,
}

/// A message, or a part of it, that was not looked at.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
pub(super) struct Uninspected {
    /// Of the message.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::direction"))]
    pub direction: &'static str,
    /// Why.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::reason"))]
    pub reason: &'static str,
}

/// A limit that was reached.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
pub(super) struct Reached {
    /// Of the message.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::direction"))]
    pub direction: &'static str,
    /// Which of the policy's limits.
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
