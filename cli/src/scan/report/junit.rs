//! Output in the format of JUnit.

use super::{PartName, ScanFinding, ScanTotal};
use crate::failure::Failure;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

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
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_message(format!("{} findings", self.count)).set_description(lines);
        TestCase::new(self.name.as_str(), status)
    }
}

/// Document with a test case for each file with findings and for each error, or one that passed.
pub fn document(total: &ScanTotal) -> Result<String, Failure> {
    let mut suite = TestSuite::new(NAME);
    let errors = total.errors.iter().map(|error| {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_message(error.as_str());
        TestCase::new(error.split(": ").next().unwrap_or_default(), status)
    });
    let mut cases: Vec<TestCase> = total.files.iter().map(FileFindings::case).chain(errors).collect();
    if cases.is_empty() {
        cases.push(TestCase::new(format!("no findings in {} files", total.parts), TestCaseStatus::success()));
    }
    for mut case in cases {
        case.set_classname(NAME);
        suite.add_test_case(case);
    }
    let mut report = Report::new(NAME);
    report.add_test_suite(suite);
    report.to_string().map_err(|_| Failure::Error("the report cannot be written as XML".to_owned()))
}
