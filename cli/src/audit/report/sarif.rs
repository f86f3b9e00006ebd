//! Output in SARIF.

use super::AuditReport;
use crate::audit::finding::Finding;
use crate::audit::rules::{self, AuditRule, Severity};
use crate::sarif::{self, SarifRule};
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
    let results: Vec<String> = open.chain(suppressed).map(|result| result.to_string()).collect();
    let rules: Vec<SarifRule> = rules::ALL.iter().map(rule).collect();
    let problems: Vec<String> = report.problems.iter().map(|problem| terminal::safe_line(problem)).collect();
    [sarif::begin(&rules), results.join(sarif::SEPARATOR), sarif::end(&problems)].concat()
}

fn rule(rule: &AuditRule) -> SarifRule {
    SarifRule {
        id: rule.id,
        summary: rule.problem,
        help: format!("Remedy: {}. PCI DSS {}.", rule.fix, rule.requirement),
        level: level(rule.severity),
        severity: match rule.severity {
            Severity::High => "8.0",
            Severity::Medium => "5.0",
            Severity::Low => "2.0",
        },
    }
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
            "artifactLocation": sarif::artifact(&DisplayName::of(Path::new(&*finding.location.file))),
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
