//! Report of a scan.

mod github;
mod json;
mod junit;
mod sarif;
mod text;

use super::content::PartName;
use super::finding::ScanFinding;
use super::ordered_output::ScanTotal;
use crate::failure::Failure;
use crate::terminal;
use clap::ValueEnum;
pub use junit::FileFindings;

/// Output format of a scan.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ScanFormat {
    /// One line per finding: path:line:column: kind and shown digits.
    Text,
    /// One JSON document with findings, errors and numbers.
    Json,
    /// One JSON object per line and finding.
    Jsonl,
    /// One SARIF 2.1.0 document, for code scanning.
    Sarif,
    /// XML in the format of JUnit, with a test case for each file with findings and for each error.
    Junit,
    /// Workflow commands of GitHub Actions, which annotate the lines of a pull request.
    Github,
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
    /// True for colours in text.
    pub color: bool,
}

impl ScanReport {
    /// Text before the first file.
    pub fn begin(self) -> String {
        match self.format {
            _ if self.detail != Detail::Findings => String::new(),
            ScanFormat::Json => json::begin(),
            ScanFormat::Sarif => sarif::begin(),
            _ => String::new(),
        }
    }

    /// Text for a finding in the file `name`.
    pub fn finding(self, name: &PartName, finding: &ScanFinding) -> String {
        match self.format {
            _ if self.detail != Detail::Findings => String::new(),
            ScanFormat::Text => text::line(name, finding, self.color),
            ScanFormat::Json => json::object(&name.display, finding),
            ScanFormat::Jsonl => json::object(&name.display, finding) + "\n",
            ScanFormat::Sarif => sarif::result(name, finding),
            ScanFormat::Junit => String::new(),
            ScanFormat::Github => github::command(name, finding),
        }
    }

    /// Text for the file `name` after its last finding. `findings` is their number.
    pub fn file(self, name: &PartName, findings: u64) -> String {
        let name = &name.display;
        match self.format {
            _ if self.detail != Detail::Counts || findings == 0 => String::new(),
            ScanFormat::Jsonl => format!("{{\"path\":{},\"findings\":{findings}}}\n", name.json()),
            _ => format!("{}:{findings}\n", name.text()),
        }
    }

    /// Text between two findings.
    pub fn separator(self) -> &'static str {
        if self.is_document() { crate::sarif::SEPARATOR } else { "" }
    }

    /// Text after the last file. `excluded` is the number of files that were not scanned on request.
    pub fn end(self, total: &ScanTotal, excluded: usize) -> Result<String, Failure> {
        Ok(match self.format {
            _ if self.detail != Detail::Findings => String::new(),
            ScanFormat::Json => json::end(total, excluded),
            ScanFormat::Sarif => crate::sarif::end(&total.errors),
            ScanFormat::Junit => junit::document(total)?,
            _ => String::new(),
        })
    }

    /// True if the output includes errors.
    pub fn keeps_errors(self) -> bool {
        self.is_document() || self.collects_files()
    }

    /// True if the output is by file, and written at the end.
    pub fn collects_files(self) -> bool {
        self.format == ScanFormat::Junit && self.detail == Detail::Findings
    }

    /// True if the output has the fingerprints of findings.
    pub fn shows_fingerprints(self) -> bool {
        let has_them = matches!(self.format, ScanFormat::Json | ScanFormat::Jsonl | ScanFormat::Sarif);
        has_them && self.detail == Detail::Findings
    }

    fn is_document(self) -> bool {
        matches!(self.format, ScanFormat::Json | ScanFormat::Sarif) && self.detail == Detail::Findings
    }
}
