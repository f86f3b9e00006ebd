//! What does a record of the filter say?

use serde::Deserialize;

/// As much of a record as a table shows. A later version may say more.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct RecordSummary {
    pub action: String,
    pub findings: Vec<FindingSummary>,
    pub findings_beyond: u64,
    pub limits: Vec<ReachedLimit>,
}

/// One kind of finding at one place.
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

/// A limit that a message reached.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ReachedLimit {
    pub direction: String,
    pub limit: String,
}

impl RecordSummary {
    /// Reads a record; what is no record is one that says nothing.
    pub fn read(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }
}

impl FindingSummary {
    /// What was found, in a word or two.
    pub fn what(&self) -> String {
        let kind = self.kind.replace('_', " ");
        match (self.kind.as_str(), self.brand.as_ref().or(self.pattern.as_ref())) {
            ("pan", Some(brand)) => brand.clone(),
            (_, Some(name)) => format!("{kind} {name}"),
            (_, None) => kind,
        }
    }
}

/// What a reason not to inspect something means.
pub fn why(reason: &str) -> &str {
    match reason {
        "encoding" => "in a coding that is not read",
        "range" => "a part of something else",
        "limit" => "beyond a limit",
        "upgrade" => "handed over to another protocol",
        "skipped" => "skipped, as the policy says",
        "binary" => "body without text, as its type says",
        "charset" => "a character set that is not read",
        "host_call" => "the proxy could not be asked",
        other => other,
    }
}
