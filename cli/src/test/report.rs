//! Results of cases, as text and in the format of JUnit.

use super::case::Case;
use super::difference::Difference;
use crate::failure::Failure;
use crate::terminal;
use clap::ValueEnum;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use std::fmt::Write;

/// Output format of a test.
#[derive(Clone, Copy, ValueEnum)]
pub enum TestFormat {
    /// Differences of the cases that fail, and the number of cases.
    Text,
    /// XML in the format of JUnit, which CI systems read.
    Junit,
}

/// Results of a file.
pub struct FileResult {
    pub name: String,
    pub cases: Vec<CaseResult>,
}

/// Result of a case.
pub struct CaseResult {
    /// Name, without card numbers.
    name: String,
    /// Line in the file.
    line: usize,
    differences: Vec<Difference>,
}

impl FileResult {
    /// True if all cases passed.
    pub fn passed(&self) -> bool {
        self.cases.iter().all(CaseResult::passed)
    }
}

impl CaseResult {
    pub fn new(case: &Case, differences: Vec<Difference>) -> Self {
        Self { name: terminal::safe_line(&case.name), line: case.position.line, differences }
    }

    fn passed(&self) -> bool {
        self.differences.is_empty()
    }

    fn difference_lines(&self) -> String {
        self.differences.iter().map(Difference::lines).collect()
    }
}

/// Report on all files.
pub fn render(files: &[FileResult], format: TestFormat) -> Result<String, Failure> {
    match format {
        TestFormat::Text => Ok(text(files)),
        TestFormat::Junit => {
            junit(files).to_string().map_err(|_| Failure::Error("the report cannot be written as XML".to_owned()))
        }
    }
}

fn text(files: &[FileResult]) -> String {
    let mut text = String::new();
    let mut failed: usize = 0;
    for file in files {
        for case in file.cases.iter().filter(|case| !case.passed()) {
            failed = failed.saturating_add(1);
            // Writing to a string does not fail.
            let _ = writeln!(text, "{}:{}: {}", terminal::safe_line(&file.name), case.line, case.name);
            let _ = writeln!(text, "{}", case.difference_lines());
        }
    }
    let count: usize = files.iter().map(|file| file.cases.len()).fold(0, usize::saturating_add);
    let cases = if count == 1 { "case" } else { "cases" };
    let _ = writeln!(text, "{count} {cases}: {} passed, {failed} failed", count.saturating_sub(failed));
    text
}

fn junit(files: &[FileResult]) -> Report {
    let mut report = Report::new("panveil test");
    for file in files {
        let name = terminal::safe_line(&file.name);
        let mut suite = TestSuite::new(name.as_str());
        for case in &file.cases {
            let mut status = TestCaseStatus::success();
            if !case.passed() {
                status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                let fields: Vec<&str> = case.differences.iter().map(|difference| difference.field.as_str()).collect();
                status.set_message(format!("{}:{}: {}", name, case.line, fields.join(", ")));
                status.set_description(case.difference_lines());
            }
            let mut test = TestCase::new(case.name.as_str(), status);
            test.set_classname(name.as_str());
            suite.add_test_case(test);
        }
        report.add_test_suite(suite);
    }
    report
}
