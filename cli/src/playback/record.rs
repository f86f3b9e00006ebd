//! Record of the filter, as far as the tables show it.

use serde::Deserialize;

/// Part of a record that the tables show. Unknown fields are ignored.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct RecordSummary {
    pub action: String,
    pub findings: Vec<FindingSummary>,
    pub findings_beyond: u64,
    pub limits: Vec<ReachedLimit>,
}

/// Findings of one kind at one location.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct FindingSummary {
    pub direction: String,
    pub place: String,
    pub field: Option<String>,
    kind: String,
    brand: Option<String>,
    pattern: Option<String>,
    pub action: String,
    pub rule: String,
    pub count: u64,
}

/// Limit that a message reached.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ReachedLimit {
    pub direction: String,
    pub limit: String,
}

impl RecordSummary {
    /// Reads a record. Invalid text is read as an empty record.
    pub fn read(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }
}

impl FindingSummary {
    /// Kind of the finding, in a word or two.
    pub fn kind_name(&self) -> String {
        let kind = self.kind.replace('_', " ");
        match (self.kind.as_str(), self.brand.as_ref().or(self.pattern.as_ref())) {
            ("pan", Some(brand)) => brand.clone(),
            (_, Some(name)) => format!("{kind} {name}"),
            (_, None) => kind,
        }
    }
}

/// Description of a reason for which a message was not inspected.
pub fn describe(reason: &str) -> &str {
    match reason {
        "encoding" => "unsupported content encoding",
        "range" => "partial content",
        "limit" => "limit reached",
        "upgrade" => "upgraded to another protocol",
        "skipped" => "skipped by the policy",
        "binary" => "binary content type",
        "charset" => "unsupported charset",
        "host_call" => "host call failed",
        other => other,
    }
}
