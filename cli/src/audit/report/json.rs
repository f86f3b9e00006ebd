//! Report for programs.

use super::AuditReport;
use crate::audit::coverage::{Coverage, Inspection};
use crate::audit::finding::Finding;
use crate::clock;
use crate::terminal;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// One object per line: the audit itself, ports, findings, suppressed findings.
pub fn render(report: &AuditReport<'_>) -> String {
    let ports = report.coverage.iter().map(port);
    let findings = report.findings.iter().map(|one| finding("finding", one));
    let suppressed = report.suppressed.iter().map(|one| {
        let mut object = finding("suppressed", &one.finding);
        if let Some(object) = object.as_object_mut() {
            object.insert("reason".to_owned(), terminal::safe_line(&one.suppression.reason).into());
            object.insert("expires".to_owned(), one.suppression.expires.to_string().into());
        }
        object
    });
    std::iter::once(audit()).chain(ports).chain(findings).chain(suppressed).map(|line| format!("{line}\n")).collect()
}

/// Time and version, for evidence.
fn audit() -> Value {
    json!({"record": "audit", "version": env!("CARGO_PKG_VERSION"), "time": clock::now().map(clock::shown)})
}

fn port(one: &Coverage<'_, '_>) -> Value {
    let mut object = json!({
        "record": "port",
        "subject": terminal::safe_line(&one.subject),
        "port": one.port,
        "protocol": one.protocol.map(|protocol| protocol.as_str()),
        "inspected": matches!(one.inspection, Inspection::By(_)),
        "mtls": one.mtls.map(|mode| mode.as_str()),
    });
    let details = match &one.inspection {
        Inspection::By(plugin) => json!({
            "plugin": terminal::safe_line(&plugin.name()),
            "digest": plugin.digest().map(terminal::safe_line),
            "policy_digest": plugin.policy_digest(),
            "policy": plugin.actions().into_iter().collect::<BTreeMap<String, String>>(),
            "mode": plugin.mode(),
            "phase": terminal::safe_line(plugin.phase()),
            "priority": plugin.priority(),
            "fail_strategy": terminal::safe_line(plugin.fail_strategy()),
        }),
        Inspection::None(rule, detail) => json!({"rule": rule.id, "reason": terminal::safe_line(detail)}),
    };
    if let (Some(object), Value::Object(details)) = (object.as_object_mut(), details) {
        object.extend(details);
    }
    object
}

fn finding(record: &str, finding: &Finding) -> Value {
    json!({
        "record": record,
        "rule": finding.rule.id,
        "severity": finding.rule.severity.as_str(),
        "requirement": finding.rule.requirement,
        "file": terminal::safe_line(&finding.location.file),
        "line": finding.location.position.line,
        "column": finding.location.position.column,
        "subject": terminal::safe_line(&finding.subject),
        "port": finding.port,
        "problem": terminal::safe_line(&finding.detail),
        "fix": finding.rule.fix,
    })
}
