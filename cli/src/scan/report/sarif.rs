//! Output in SARIF.

use super::{PartName, ScanFinding, terminal};
use crate::sarif::{self, SarifRule};
use serde_json::{Value, json};

/// Kinds of findings, with the description of their rules.
const RULES: [(&str, &str, &str, &str); 6] = [
    ("pan", "payment-card-number", "A payment card number (PAN)", "8.0"),
    ("track", "track-data", "Track data of a magnetic stripe", "9.5"),
    ("chip", "chip-data", "Track data of a chip", "9.5"),
    ("verification_code", "verification-code", "The verification code of a payment card", "9.5"),
    ("pin", "pin", "The PIN of a payment card", "9.5"),
    ("pattern", "policy-pattern", "A match of a pattern in the policy", "5.0"),
];

/// Beginning of the document, up to its results.
pub fn begin() -> String {
    let rule = |(kind, id, summary, severity): (&str, &'static str, &'static str, &'static str)| {
        let help = match kind {
            "pan" => {
                "Remove the number, or mask it with panveil mask. PCI DSS 3.5.1 requires that stored numbers are unreadable."
            }
            "pattern" => "Remove it. The policy defines the pattern.",
            _ => "Remove it. PCI DSS 3.3.1 forbids to store it after authorization.",
        };
        SarifRule { id, summary, help: help.to_owned(), level: "error", severity }
    };
    sarif::begin(&RULES.map(rule))
}

/// Result for one finding. In a member of an archive it has no region, which would be one of the archive.
pub fn result(name: &PartName, finding: &ScanFinding) -> String {
    let artifact = sarif::artifact(&name.relative);
    let location = if name.relative.is_member() {
        let position = format!("{}:{}:{}", name.relative.text(), finding.line, finding.column);
        json!({
            "physicalLocation": {"artifactLocation": artifact},
            "logicalLocations": [{"fullyQualifiedName": position}],
        })
    } else {
        json!({"physicalLocation": {"artifactLocation": artifact, "region": region(finding)}})
    };
    let index = RULES.iter().position(|(kind, ..)| *kind == finding.kind).unwrap_or_default();
    terminal::json(json!({
        "ruleId": RULES.get(index).map(|(_, id, ..)| id),
        "ruleIndex": index,
        "level": "error",
        "message": {"text": finding.summary()},
        "locations": [location],
        "partialFingerprints": {"panveil/v1": finding.fingerprint},
        "properties": {
            "kind": finding.kind, "brand": finding.brand(), "digits": finding.digits, "commit": name.commit(),
        },
    }))
}

fn region(finding: &ScanFinding) -> Value {
    json!({
        "startLine": finding.line,
        "startColumn": finding.column,
        "endColumn": finding.column.saturating_add(finding.characters),
        "byteOffset": finding.offset,
        "byteLength": finding.length,
    })
}
