//! Audit records, as the filter writes them: docs/logs-and-metrics.md.

use super::property::Property;
use panveil::audit::RECORD_VERSION;
use panveil::policy::{FindingName, Outcome};
use serde::Deserialize;

/// Record of one stream. Unknown fields are ignored: a new field does not raise the version. Truncated numbers and fingerprints
/// are not read, so that the report cannot contain them.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Record {
    version: u8,
    pub action: Property,
    pub authentication_data: bool,
    pub method: Option<Property>,
    pub host: Option<Property>,
    pub path: Option<Property>,
    pub route: Option<Property>,
    pub cluster: Option<Property>,
    pub request_id: Option<Property>,
    pub client: Option<Property>,
    pub source: Option<Property>,
    pub destination: Option<Property>,
    pub mtls: Option<bool>,
    pub findings: Vec<Finding>,
    pub findings_beyond: u64,
    pub uninspected: Vec<Uninspected>,
    pub limits: Vec<Reached>,
    /// The record, if Envoy has printed it as a typed message.
    value: Option<Box<Record>>,
}

/// Findings with equal properties.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Finding {
    pub direction: Property,
    pub place: Property,
    pub field: Property,
    pub kind: Property,
    pub brand: Property,
    pub pattern: Property,
    pub action: Property,
    pub rule: Property,
    pub count: u64,
}

/// Uninspected message, or part of one.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Uninspected {
    pub direction: Property,
    pub reason: Property,
}

/// Limit that was reached.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Reached {
    pub direction: Property,
    pub limit: Property,
}

impl Record {
    /// Record in this JSON text. `None` if it is not one, or has another version.
    pub fn read(text: &str) -> Option<Self> {
        let mut record = serde_json::from_str::<Self>(text).ok()?;
        if let Some(value) = record.value.take() {
            record = *value;
        }
        Some(record).filter(|record| record.version == RECORD_VERSION)
    }

    /// Receiver of the request: its principal, or else the host, or else the cluster.
    pub fn receiver(&self) -> &str {
        let names = [&self.destination, &self.host, &self.cluster];
        names.into_iter().find_map(Option::as_deref).unwrap_or_default()
    }

    /// Path without its query, whose values differ from request to request.
    pub fn plain_path(&self) -> &str {
        self.path.as_deref().and_then(|path| path.split('?').next()).unwrap_or_default()
    }

    /// Whether the client's connection used mutual TLS, in words.
    pub fn mtls(&self) -> &'static str {
        match self.mtls {
            Some(true) => "yes",
            Some(false) => "no",
            None => "unknown",
        }
    }
}

impl Finding {
    /// True for card numbers, also those in tracks.
    pub fn is_card_number(&self) -> bool {
        matches!(self.name(), Some(FindingName::Pan | FindingName::Track | FindingName::Chip))
    }

    /// True for sensitive authentication data. Tracks are both.
    pub fn is_authentication_data(&self) -> bool {
        self.name().is_some_and(FindingName::is_authentication_data)
    }

    /// True for account data: card numbers and sensitive authentication data.
    pub fn is_account_data(&self) -> bool {
        self.is_card_number() || self.is_authentication_data()
    }

    /// Action that was taken. `None` for a word of another version.
    pub fn outcome(&self) -> Option<Outcome> {
        Outcome::ALL.into_iter().find(|outcome| outcome.as_str() == &*self.action)
    }

    /// True if the upstream or the client received it unmasked.
    pub fn has_passed(&self) -> bool {
        matches!(self.outcome(), Some(Outcome::Allowed | Outcome::Reported))
    }

    fn name(&self) -> Option<FindingName> {
        FindingName::ALL.into_iter().find(|name| name.as_str() == &*self.kind)
    }

    /// Brand, or the name of the policy's pattern.
    pub fn brand(&self) -> &str {
        if self.brand.is_empty() { &self.pattern } else { &self.brand }
    }
}
