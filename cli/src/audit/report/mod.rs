//! Output of the audit.

mod json;
mod sarif;
mod text;

use super::coverage::Coverage;
use super::finding::Finding;
use super::suppression::SuppressedFinding;
use clap::ValueEnum;

/// Output format of the audit.
#[derive(Clone, Copy, ValueEnum)]
pub enum AuditFormat {
    /// Table of ports, and one line per finding.
    Text,
    /// One JSON object per line, for each port and finding.
    Json,
    /// One SARIF 2.1.0 document with the findings.
    Sarif,
}

/// Result of an audit.
pub struct AuditReport<'a> {
    pub coverage: &'a [Coverage<'a, 'a>],
    pub findings: &'a [Finding],
    pub suppressed: &'a [SuppressedFinding<'a>],
    /// Files that could not be read.
    pub problems: &'a [String],
}

impl AuditReport<'_> {
    /// The report in this format.
    pub fn render(&self, format: AuditFormat) -> String {
        match format {
            AuditFormat::Text => text::render(self),
            AuditFormat::Json => json::render(self),
            AuditFormat::Sarif => sarif::render(self),
        }
    }
}
