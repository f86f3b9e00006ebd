//! Results of cases, as text and in the format of JUnit.

use super::case::Case;
use super::difference::Difference;
use crate::failure::Failure;
use crate::junit::{self, Problem, TestCase, TestSuite};
use crate::terminal;
use clap::ValueEnum;
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

    fn suite(&self) -> TestSuite {
        let name = terminal::safe_line(&self.name);
        TestSuite { cases: self.cases.iter().map(|case| case.test_case(&name)).collect(), name }
    }
}

impl CaseResult {
    pub fn new(case: &Case, differences: Vec<Difference>) -> Self {
        Self { name: terminal::safe_line(&case.name), line: case.position.line, differences }
    }

    fn passed(&self) -> bool {
        self.differences.is_empty()
    }

    /// Test case of this result in the file of that name.
    fn test_case(&self, file: &str) -> TestCase {
        let fields: Vec<&str> = self.differences.iter().map(|difference| difference.field.as_str()).collect();
        let message = format!("{file}:{}: {}", self.line, fields.join(", "));
        let problem = (!self.passed()).then(|| Problem::Failure { message, details: self.difference_lines() });
        TestCase { name: self.name.clone(), problem }
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
            let suites: Vec<TestSuite> = files.iter().map(FileResult::suite).collect();
            junit::document("panveil test", &suites)
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
    let cases = terminal::counted(count, "case", "cases");
    let _ = writeln!(text, "{cases}: {} passed, {failed} failed", count.saturating_sub(failed));
    text
}
