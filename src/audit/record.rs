//! How is what happened to an exchange written down?
//!
//! One line of JSON, the record. Fields that nothing is known for are left out.

use super::action::Action;
use super::redacted::Redacted;
use serde::{Serialize, Serializer};

/// What is known of the exchange besides the findings. Absent where the host does not say.
#[derive(Default)]
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

/// All that is told of one exchange.
#[derive(Serialize)]
pub(super) struct Record<'a> {
    pub version: u8,
    pub action: Action,
    pub found: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub authentication_data: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mtls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint_key: Option<&'a str>,
    pub findings: &'a [Entry],
    #[serde(skip_serializing_if = "is_zero")]
    pub findings_beyond: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub traces_beyond: u64,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub uninspected: &'a [Uninspected],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub limits: &'a [Reached],
}

/// Findings that do not differ in anything that is told of them.
#[derive(Serialize)]
pub(super) struct Entry {
    pub direction: &'static str,
    pub place: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    pub kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brand: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    pub length: u8,
    pub action: Action,
    pub rule: String,
    pub count: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub truncated: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fingerprints: Vec<String>,
}

/// A message, or a part of it, that was not looked at.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub(super) struct Uninspected {
    pub direction: &'static str,
    pub reason: &'static str,
}

/// A limit that was reached.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub(super) struct Reached {
    pub direction: &'static str,
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
