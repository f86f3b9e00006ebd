//! Output in the format of JUnit.

use super::{PartName, ScanFinding, ScanTotal};
use crate::failure::Failure;
use crate::junit::{self, Problem, TestCase, TestSuite};
use crate::terminal;

/// Most findings of one file that are listed.
const MAX_LISTED: u64 = 100;

const NAME: &str = "panveil scan";

/// Findings in one file.
#[derive(Default)]
pub struct FileFindings {
    name: String,
    /// Number of findings.
    pub count: u64,
    lines: String,
}

impl FileFindings {
    /// Adds a finding in the file `name`.
    pub fn add(&mut self, name: &PartName, finding: &ScanFinding) {
        if self.count == 0 {
            self.name = name.display.text();
        }
        self.count = self.count.saturating_add(1);
        if self.count <= MAX_LISTED {
            let line = format!("{}:{}:{}: {}\n", self.name, finding.line, finding.column, finding.summary());
            self.lines.push_str(&line);
        }
    }

    fn case(&self) -> TestCase {
        let mut lines = self.lines.clone();
        if self.count > MAX_LISTED {
            lines.push_str(&format!("{} more\n", self.count.saturating_sub(MAX_LISTED)));
        }
        let problem =
            Problem::Failure { message: terminal::counted(self.count, "finding", "findings"), details: lines };
        TestCase { name: self.name.clone(), problem: Some(problem) }
    }
}

/// Document with a test case for each file with findings and for each error, or one that passed.
pub fn document(total: &ScanTotal) -> Result<String, Failure> {
    let errors = total.errors.iter().map(|error| TestCase {
        name: error.split(": ").next().unwrap_or_default().to_owned(),
        problem: Some(Problem::Error { message: error.clone() }),
    });
    let mut cases: Vec<TestCase> = total.files.iter().map(FileFindings::case).chain(errors).collect();
    if cases.is_empty() {
        let name = ["no findings in ", &terminal::counted(total.parts, "file", "files")].concat();
        cases.push(TestCase { name, problem: None });
    }
    junit::document(NAME, &[TestSuite { name: NAME.to_owned(), cases }])
}
