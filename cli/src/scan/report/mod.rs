//! Report of a scan.

mod sarif;

use super::content::PartName;
use super::display_name::DisplayName;
use super::finding::ScanFinding;
use crate::terminal;
use clap::ValueEnum;

/// Output format of a scan.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ScanFormat {
    /// One line per finding: path:line:column: brand, digits, number.
    Text,
    /// One JSON object per line and finding.
    Json,
    /// One SARIF 2.1.0 document, for code scanning.
    Sarif,
}

/// Detail of the output.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Every finding.
    Findings,
    /// Number of findings, for each file with at least one.
    Counts,
    /// No output.
    Nothing,
}

/// Output of a scan.
#[derive(Clone, Copy)]
pub struct ScanReport {
    /// Output format.
    pub format: ScanFormat,
    /// Detail of the output.
    pub detail: Detail,
}

impl ScanReport {
    /// Text before the first file.
    pub fn begin(self) -> String {
        if self.is_document() { sarif::begin() } else { String::new() }
    }

    /// Text for a finding in the file `name`.
    pub fn finding(self, name: &PartName, finding: &ScanFinding) -> String {
        match (self.detail, self.format) {
            (Detail::Counts | Detail::Nothing, _) => String::new(),
            (Detail::Findings, ScanFormat::Text) => {
                format!("{}:{}:{}: {}\n", name.display.text(), finding.line, finding.column, finding.summary())
            }
            (Detail::Findings, ScanFormat::Json) => json_line(&name.display, finding),
            (Detail::Findings, ScanFormat::Sarif) => sarif::result(name, finding),
        }
    }

    /// Text for the file `name` after its last finding. `findings` is their number.
    pub fn file(self, name: &PartName, findings: u64) -> String {
        let name = &name.display;
        match (self.detail, self.format) {
            (Detail::Counts, _) if findings == 0 => String::new(),
            (Detail::Counts, ScanFormat::Text) => format!("{}:{findings}\n", name.text()),
            (Detail::Counts, ScanFormat::Json) => format!("{{\"path\":{},\"findings\":{findings}}}\n", name.json()),
            _ => String::new(),
        }
    }

    /// True if the output has the fingerprints of findings.
    pub fn shows_fingerprints(self) -> bool {
        self.detail == Detail::Findings && self.format != ScanFormat::Text
    }

    /// Text between two findings.
    pub fn separator(self) -> &'static str {
        if self.is_document() { sarif::SEPARATOR } else { "" }
    }

    /// Text after the last file.
    pub fn end(self, errors: &[String]) -> String {
        if self.is_document() { sarif::end(errors) } else { String::new() }
    }

    /// True if the output includes errors.
    pub fn keeps_errors(self) -> bool {
        self.is_document()
    }

    fn is_document(self) -> bool {
        self.format == ScanFormat::Sarif && self.detail == Detail::Findings
    }
}

/// Finding as a JSON object in one line.
fn json_line(name: &DisplayName, finding: &ScanFinding) -> String {
    let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map_or("null".to_owned(), terminal::json);
    let pattern = (finding.kind == "pattern").then_some(finding.label.as_str());
    format!(
        "{{\"path\":{},\"line\":{},\"column\":{},\"offset\":{},\"length\":{},\"kind\":\"{}\",\"brand\":{},\
         \"pattern\":{},\"digits\":{},\"number\":{},\"fingerprint\":\"{}\"}}\n",
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
