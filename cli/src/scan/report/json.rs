//! Output for programs: one document, or one line for each finding.

use super::{ScanFinding, ScanTotal, terminal};
use crate::scan::display_name::DisplayName;
use serde_json::json;

/// Beginning of the document, up to its findings.
pub fn begin() -> String {
    "{\"findings\":[\n".to_owned()
}

/// End of the document, after its findings.
pub fn end(total: &ScanTotal, excluded: usize) -> String {
    let summary = json!({
        "findings": total.findings,
        "files": total.with_findings,
        "allowed": total.allowed,
        "accepted": total.accepted,
        "scanned": total.parts,
        "binary": total.binary,
        "excluded": excluded,
        "incomplete": total.failed,
    });
    format!("\n],\"errors\":{},\n\"summary\":{summary}}}\n", terminal::json(total.errors.as_slice()))
}

/// Finding as an object in one line.
pub fn object(name: &DisplayName, finding: &ScanFinding) -> String {
    let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map_or("null".to_owned(), terminal::json);
    let pattern = (finding.kind == "pattern").then_some(finding.label.as_str());
    format!(
        "{{\"path\":{},\"line\":{},\"column\":{},\"offset\":{},\"length\":{},\"kind\":\"{}\",\"brand\":{},\
         \"pattern\":{},\"digits\":{},\"number\":{},\"fingerprint\":\"{}\"}}",
        name.json(),
        finding.line,
        finding.column,
        finding.offset,
        finding.length,
        finding.kind,
        text(finding.brand()),
        text(pattern),
        finding.digits,
        text(Some(&finding.number)),
        finding.fingerprint,
    )
}
