//! Results of cases, as text and in the format of JUnit.

use super::case::Case;
use super::difference::Difference;
use crate::failure::Failure;
use crate::terminal;
use clap::ValueEnum;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use std::fmt::Write;
use std::io;

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
        TestFormat::Junit => junit(files).map_err(|_| Failure::Error("the report cannot be written as XML".to_owned())),
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

/// Report in the format of JUnit, as the schema of Jenkins' xUnit plugin describes it.
fn junit(files: &[FileResult]) -> Result<String, io::Error> {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let (tests, failures) = counts(files.iter().flat_map(|file| &file.cases));
    let suites = writer.create_element("testsuites").with_attributes([
        ("name", "panveil test"),
        ("tests", &tests),
        ("failures", &failures),
        ("errors", "0"),
    ]);
    suites.write_inner_content(|writer| files.iter().try_for_each(|file| write_suite(writer, file)))?;
    let mut text = String::from_utf8_lossy(&writer.into_inner()).into_owned();
    text.push('\n');
    Ok(text)
}

fn write_suite(writer: &mut Writer<Vec<u8>>, file: &FileResult) -> Result<(), io::Error> {
    let name = terminal::safe_line(&file.name);
    let (tests, failures) = counts(file.cases.iter());
    let attributes = [("name", name.as_str()), ("tests", &tests), ("failures", &failures), ("errors", "0")];
    let suite = writer.create_element("testsuite").with_attributes(attributes);
    suite.write_inner_content(|writer| file.cases.iter().try_for_each(|case| write_case(writer, &name, case)))?;
    Ok(())
}

fn write_case(writer: &mut Writer<Vec<u8>>, file: &str, case: &CaseResult) -> Result<(), io::Error> {
    let attributes = [("name", case.name.as_str()), ("classname", file)];
    let element = writer.create_element("testcase").with_attributes(attributes);
    if case.passed() {
        element.write_empty()?;
        return Ok(());
    }
    let fields: Vec<&str> = case.differences.iter().map(|difference| difference.field.as_str()).collect();
    let message = format!("{file}:{}: {}", case.line, fields.join(", "));
    let lines = case.difference_lines();
    element.write_inner_content(|writer| {
        let failure = writer.create_element("failure").with_attribute(("message", message.as_str()));
        failure.write_text_content(BytesText::new(&lines)).map(|_| ())
    })?;
    Ok(())
}

/// Number of cases, and of those that fail.
fn counts<'c>(cases: impl Iterator<Item = &'c CaseResult> + Clone) -> (String, String) {
    let failed = cases.clone().filter(|case| !case.passed()).count();
    (cases.count().to_string(), failed.to_string())
}
