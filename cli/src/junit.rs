//! Reports in the format of JUnit, as the schema of Jenkins' xUnit plugin describes it.

use crate::failure::Failure;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use std::io;

/// Group of test cases.
pub struct TestSuite {
    pub name: String,
    pub cases: Vec<TestCase>,
}

/// Test case. Without a problem it passed.
pub struct TestCase {
    pub name: String,
    pub problem: Option<Problem>,
}

/// Reason for which a test case did not pass.
pub enum Problem {
    /// Unexpected result, with its details.
    Failure { message: String, details: String },
    /// Case without a result.
    Error { message: String },
}

/// Report with these suites.
pub fn document(name: &str, suites: &[TestSuite]) -> Result<String, Failure> {
    let written = write(name, suites);
    let mut bytes = written.map_err(|_| Failure::Error("the report cannot be written as XML".to_owned()))?;
    bytes.push(b'\n');
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn write(name: &str, suites: &[TestSuite]) -> io::Result<Vec<u8>> {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let counts = counts(suites.iter().flat_map(|suite| &suite.cases));
    let element = writer.create_element("testsuites").with_attribute(("name", name)).with_attributes(pairs(&counts));
    element.write_inner_content(|writer| suites.iter().try_for_each(|suite| write_suite(writer, suite)))?;
    Ok(writer.into_inner())
}

fn write_suite(writer: &mut Writer<Vec<u8>>, suite: &TestSuite) -> io::Result<()> {
    let (name, counts) = (xml_text(&suite.name), counts(&suite.cases));
    let element = writer.create_element("testsuite").with_attribute(("name", name.as_str()));
    let element = element.with_attributes(pairs(&counts));
    element.write_inner_content(|writer| suite.cases.iter().try_for_each(|case| write_case(writer, &name, case)))?;
    Ok(())
}

/// Writes a case of the suite with that name, which is the class of its cases.
fn write_case(writer: &mut Writer<Vec<u8>>, suite: &str, case: &TestCase) -> io::Result<()> {
    let name = xml_text(&case.name);
    let attributes = [("name", name.as_str()), ("classname", suite)];
    let element = writer.create_element("testcase").with_attributes(attributes);
    match &case.problem {
        None => element.write_empty()?,
        Some(problem) => element.write_inner_content(|writer| write_problem(writer, problem))?,
    };
    Ok(())
}

fn write_problem(writer: &mut Writer<Vec<u8>>, problem: &Problem) -> io::Result<()> {
    match problem {
        Problem::Failure { message, details } => {
            let element = writer.create_element("failure").with_attribute(("message", xml_text(message).as_str()));
            element.write_text_content(BytesText::new(&xml_text(details)))?;
        }
        Problem::Error { message } => {
            writer.create_element("error").with_attribute(("message", xml_text(message).as_str())).write_empty()?;
        }
    }
    Ok(())
}

/// Numbers of the cases, by attribute.
fn counts<'c>(cases: impl IntoIterator<Item = &'c TestCase>) -> [(&'static str, String); 3] {
    let (mut tests, mut failures, mut errors): (usize, usize, usize) = (0, 0, 0);
    for case in cases {
        tests = tests.saturating_add(1);
        match case.problem {
            None => {}
            Some(Problem::Failure { .. }) => failures = failures.saturating_add(1),
            Some(Problem::Error { .. }) => errors = errors.saturating_add(1),
        }
    }
    [("tests", tests), ("failures", failures), ("errors", errors)].map(|(name, count)| (name, count.to_string()))
}

fn pairs<'a>(attributes: &'a [(&'static str, String)]) -> impl Iterator<Item = (&'a str, &'a str)> {
    attributes.iter().map(|(name, value)| (*name, value.as_str()))
}

/// `text` without the characters that XML 1.0 excludes.
fn xml_text(text: &str) -> String {
    text.chars().filter(|character| is_allowed(*character)).collect()
}

/// True for the characters of XML (XML 1.0, section 2.2).
fn is_allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_no_character_that_xml_excludes() {
        let problem = Problem::Failure { message: "a\u{1b}[2J <".to_owned(), details: "b\u{0}\u{ffff}\n".to_owned() };
        let case = TestCase { name: "n\u{8}\"".to_owned(), problem: Some(problem) };
        let error = TestCase { name: "m".to_owned(), problem: Some(Problem::Error { message: "d".to_owned() }) };
        let suite = TestSuite { name: "s".to_owned(), cases: vec![case, error] };
        let expected = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="all" tests="2" failures="1" errors="1">
  <testsuite name="s" tests="2" failures="1" errors="1">
    <testcase name="n&quot;" classname="s">
      <failure message="a[2J &lt;">b
</failure>
    </testcase>
    <testcase name="m" classname="s">
      <error message="d"/>
    </testcase>
  </testsuite>
</testsuites>
"#;
        let document = document("all", &[suite]);
        assert_eq!(document.ok().as_deref(), Some(expected));
    }
}
