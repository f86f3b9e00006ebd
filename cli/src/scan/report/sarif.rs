//! Output in SARIF (Static Analysis Results Interchange Format 2.1.0, OASIS).

use super::{PartName, ScanFinding, terminal};
use serde_json::{Value, json};

/// Text between two results.
pub const SEPARATOR: &str = ",\n";

const RULE: &str = "payment-card-number";

/// Beginning of the document, up to its results.
pub fn begin() -> String {
    const VERSION: &str = env!("CARGO_PKG_VERSION");

    format!(
        r#"{{"$schema":"https://json.schemastore.org/sarif-2.1.0.json","version":"2.1.0","runs":[{{"tool":{{"driver":{{
"name":"panveil","version":"{VERSION}","semanticVersion":"{VERSION}","rules":[{{"id":"{RULE}",
"name":"PaymentCardNumber","shortDescription":{{"text":"A payment card number"}},
"fullDescription":{{"text":"A number with the range, length and layout of a payment card number (PAN) that passes the Luhn check."}},
"help":{{"text":"Remove the number, or mask it with panveil mask. PCI DSS 3.5.1 requires that stored numbers are unreadable."}},
"defaultConfiguration":{{"level":"error"}}}}]}}}},
"columnKind":"unicodeCodePoints","results":[
"#
    )
}

/// Result for one finding. In a member of an archive it has no region, which would be one of the archive.
pub fn result(name: &PartName, finding: &ScanFinding) -> String {
    let artifact = json!({"uri": name.relative.uri()});
    let location = if name.relative.is_member() {
        let position = format!("{}:{}:{}", name.relative.text(), finding.line, finding.column);
        json!({
            "physicalLocation": {"artifactLocation": artifact},
            "logicalLocations": [{"fullyQualifiedName": position}],
        })
    } else {
        json!({"physicalLocation": {"artifactLocation": artifact, "region": region(finding)}})
    };
    terminal::json(json!({
        "ruleId": RULE,
        "ruleIndex": 0,
        "level": "error",
        "message": {"text": finding.summary()},
        "locations": [location],
        "partialFingerprints": {"panveil/v1": finding.fingerprint},
        "properties": {"kind": finding.kind, "brand": finding.brand(), "digits": finding.digits},
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

/// End of the document, after its results.
pub fn end(errors: &[String]) -> String {
    let notifications: Vec<Value> =
        errors.iter().map(|error| json!({"level": "error", "message": {"text": error}})).collect();
    let invocation = json!({"executionSuccessful": errors.is_empty(), "toolExecutionNotifications": notifications});
    format!("\n],\"invocations\":[{}]}}]}}\n", terminal::json(invocation))
}
