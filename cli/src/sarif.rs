//! Documents in SARIF (Static Analysis Results Interchange Format 2.1.0, OASIS).

use crate::scan::display_name::DisplayName;
use serde_json::{Value, json};

/// Text between two results.
pub const SEPARATOR: &str = ",\n";

/// Documentation of every rule.
const HELP: &str = "https://www.pcisecuritystandards.org/standards/pci-dss/";

/// Description of a rule.
pub struct SarifRule {
    pub id: &'static str,
    /// The problem in one sentence.
    pub summary: &'static str,
    /// The remedy.
    pub help: String,
    /// `error`, `warning` or `note`.
    pub level: &'static str,
    /// Severity from 0 to 10, as in CVSS, by which code scanning sorts.
    pub severity: &'static str,
}

/// Beginning of a document with the rules, up to its results.
pub fn begin(rules: &[SarifRule]) -> String {
    const VERSION: &str = env!("CARGO_PKG_VERSION");

    let tool = json!({"driver": {
        "name": "panveil",
        "version": VERSION,
        "semanticVersion": VERSION,
        "rules": rules.iter().map(rule).collect::<Vec<Value>>(),
    }});
    let bases = json!({"%SRCROOT%": {"description": {"text": "The directory in which panveil was started"}}});
    format!(
        "{{\"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\",\"version\":\"2.1.0\",\"runs\":[{{\"tool\":{tool},\n\
         \"columnKind\":\"unicodeCodePoints\",\"originalUriBaseIds\":{bases},\"results\":[\n"
    )
}

/// End of a document, after its results. The errors are those of the run.
pub fn end(errors: &[String]) -> String {
    let notifications: Vec<Value> =
        errors.iter().map(|error| json!({"level": "error", "message": {"text": error}})).collect();
    let invocation = json!({"executionSuccessful": errors.is_empty(), "toolExecutionNotifications": notifications});
    format!("\n],\"invocations\":[{invocation}]}}]}}\n")
}

/// Location of a file.
pub fn artifact(name: &DisplayName) -> Value {
    let uri = name.uri();
    if name.is_absolute() { json!({"uri": uri}) } else { json!({"uri": uri, "uriBaseId": "%SRCROOT%"}) }
}

fn rule(rule: &SarifRule) -> Value {
    json!({
        "id": rule.id,
        "shortDescription": {"text": rule.summary},
        "help": {"text": rule.help},
        "helpUri": HELP,
        "defaultConfiguration": {"level": rule.level},
        "properties": {"security-severity": rule.severity, "tags": ["security", "pci-dss"]},
    })
}
