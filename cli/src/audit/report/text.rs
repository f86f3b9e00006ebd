//! Report for people.

use super::AuditReport;
use crate::audit::coverage::{Coverage, Inspection};
use crate::audit::finding::Finding;
use crate::audit::rules::Severity;
use crate::terminal;

const TITLES: [&str; 9] =
    ["workload or gateway", "port", "protocol", "inspected by", "mode", "phase", "priority", "on failure", "mTLS"];

/// Table of ports, findings, and their number.
pub fn render(report: &AuditReport<'_>) -> String {
    let mut text = String::new();
    if !report.coverage.is_empty() {
        let rows = std::iter::once(TITLES.map(str::to_owned)).chain(report.coverage.iter().map(row));
        text.push_str(&terminal::table(&rows.collect::<Vec<_>>()).concat());
        text.push('\n');
    }
    for finding in report.findings {
        text.push_str(&line(finding));
    }
    if !report.findings.is_empty() {
        text.push('\n');
    }
    if !report.coverage.is_empty() {
        let inspected = report.coverage.iter().filter(|one| matches!(one.inspection, Inspection::By(_))).count();
        text.push_str(&format!("{inspected} of {} ports inspected; ", report.coverage.len()));
    }
    let of = |severity: Severity| report.findings.iter().filter(|finding| finding.rule.severity == severity).count();
    let [high, medium, low] = [Severity::High, Severity::Medium, Severity::Low].map(of);
    text.push_str(&format!(
        "findings: {high} high, {medium} medium, {low} low, {} suppressed\n",
        report.suppressed.len()
    ));
    text
}

fn line(finding: &Finding) -> String {
    let severity = finding.rule.severity.as_str();
    let (location, rule) = (&finding.location, finding.rule);
    let message = finding.message();
    let text = format!(
        "{}:{}: {severity}: {message} [{}, PCI DSS {}]",
        location.file, location.position, rule.id, rule.requirement
    );
    terminal::safe_line(&text) + "\n"
}

fn row(one: &Coverage<'_, '_>) -> [String; 9] {
    let port = one.port.map_or_else(|| "all".to_owned(), |port| port.to_string());
    let protocol = one.protocol.map(|protocol| protocol.as_str()).unwrap_or_default().to_owned();
    let mtls = one.mtls.map(|mode| mode.as_str()).unwrap_or_default().to_owned();
    let subject = terminal::safe_line(&one.subject);
    match &one.inspection {
        Inspection::By(plugin) => {
            let priority = plugin.priority().map_or_else(|| "unset".to_owned(), |priority| priority.to_string());
            let [name, phase, failure] =
                [&plugin.name(), plugin.phase(), plugin.fail_strategy()].map(terminal::safe_line);
            [subject, port, protocol, name, plugin.mode().to_owned(), phase, priority, failure, mtls]
        }
        Inspection::None(rule, _) => {
            let reason = format!("nothing: {}", rule.id);
            [subject, port, protocol, reason, String::new(), String::new(), String::new(), String::new(), mtls]
        }
    }
}
