//! Output in SARIF (Static Analysis Results Interchange Format 2.1.0, OASIS).

use super::AuditReport;
use crate::audit::finding::Finding;
use crate::audit::rules::{self, AuditRule, Severity};
use crate::scan::display_name::DisplayName;
use crate::terminal;
use serde_json::{Value, json};
use std::path::Path;

/// The whole document. Suppressed findings are in it, with their reason.
pub fn render(report: &AuditReport<'_>) -> String {
    let open = report.findings.iter().map(result);
    let suppressed = report.suppressed.iter().map(|one| {
        let reason = format!("{} (until {})", one.suppression.reason, one.suppression.expires);
        let mut result = result(&one.finding);
        if let Some(object) = result.as_object_mut() {
            let accepted = json!([{"kind": "external", "justification": terminal::safe_line(&reason)}]);
            object.insert("suppressions".to_owned(), accepted);
        }
        result
    });
    let results: Vec<Value> = open.chain(suppressed).collect();
    let notifications: Vec<Value> = report
        .problems
        .iter()
        .map(|problem| json!({"level": "error", "message": {"text": terminal::safe_line(problem)}}))
        .collect();
    let version = env!("CARGO_PKG_VERSION");
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "panveil",
                "version": version,
                "semanticVersion": version,
                "rules": rules::ALL.iter().map(rule).collect::<Vec<Value>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
            "invocations": [{
                "executionSuccessful": report.problems.is_empty(),
                "toolExecutionNotifications": notifications,
            }],
        }],
    });
    format!("{document:#}\n")
}

fn rule(rule: &AuditRule) -> Value {
    json!({
        "id": rule.id,
        "shortDescription": {"text": rule.problem},
        "help": {"text": format!("Remedy: {}. PCI DSS {}.", rule.fix, rule.requirement)},
        "defaultConfiguration": {"level": level(rule.severity)},
    })
}

fn result(finding: &Finding) -> Value {
    let index = rules::ALL.iter().position(|rule| rule.id == finding.rule.id);
    let position = finding.location.position;
    json!({
        "ruleId": finding.rule.id,
        "ruleIndex": index,
        "level": level(finding.rule.severity),
        "message": {"text": terminal::safe_line(&finding.message())},
        "locations": [{"physicalLocation": {
            "artifactLocation": {"uri": DisplayName::of(Path::new(&*finding.location.file)).uri()},
            "region": {"startLine": position.line, "startColumn": position.column},
        }}],
        "properties": {"requirement": finding.rule.requirement},
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "note",
    }
}
