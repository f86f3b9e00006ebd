//! Scan of records from another program.

use crate::failure::Failure;
use crate::output;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use panveil::mask::Style;
use panveil::stream::{Finding, Inspector, TextFormat};
use panveil::verdict::{Criteria, Sensitivity};
use serde::Deserialize;
use std::borrow::Cow;
use std::fmt::Write;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

/// Bytes of one read, and of one write.
const CHUNK: usize = 256 << 10;

/// Line of the input. Other fields are ignored. Has no `Debug`: it contains bytes of a message.
#[derive(Deserialize)]
struct InputRecord<'a> {
    id: serde_json::Value,
    ch: Channel,
    #[serde(borrow)]
    ct: Option<Cow<'a, str>>,
    #[serde(borrow)]
    b: Cow<'a, str>,
}

/// Part of a message that a record contains.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Channel {
    Body,
    Header,
    Path,
    Cookie,
}

/// Scans every record of the file at `path`, or of standard input if the path is `-`.
pub fn scan(path: &Path, sensitivity: Sensitivity) -> Result<(), Failure> {
    if path == Path::new("-") {
        return scan_all(io::stdin().lock(), "standard input", sensitivity);
    }
    let name = path.display().to_string();
    let file = File::open(path).map_err(Failure::of("read", &name))?;
    scan_all(file, &name, sensitivity)
}

fn scan_all(source: impl Read, name: &str, sensitivity: Sensitivity) -> Result<(), Failure> {
    let mut source = BufReader::with_capacity(CHUNK, source);
    let (mut line, mut number) = (Vec::new(), 0_u64);
    let (mut bytes, mut findings) = (Vec::new(), Vec::new());
    let mut results = String::new();
    let criteria =
        Arc::new(Criteria { base64: true, authentication_data: None, ..Criteria::with_sensitivity(sensitivity) });
    while source.read_until(b'\n', &mut line).map_err(Failure::of("read", name))? > 0 {
        number = number.saturating_add(1);
        if !line.trim_ascii().is_empty()
            && let Err(problem) = scan_one(&line, Arc::clone(&criteria), &mut bytes, &mut findings, &mut results)
        {
            output::write(results.as_bytes())?;
            return Err(Failure::Error(format!("{name}: line {number}: {problem}")));
        }
        // A program that sends one record at a time gets each result at once.
        if results.len() >= CHUNK || source.buffer().is_empty() {
            output::write(results.as_bytes())?;
            results.clear();
        }
        line.clear();
    }
    output::write(results.as_bytes())
}

/// Scans the record in `line`, and adds the result to `results`.
fn scan_one(
    line: &[u8],
    criteria: Arc<Criteria>,
    bytes: &mut Vec<u8>,
    findings: &mut Vec<Finding>,
    results: &mut String,
) -> Result<(), String> {
    let record: InputRecord<'_> = serde_json::from_slice(line.trim_ascii_end()).map_err(|error| explain(&error))?;
    bytes.clear();
    STANDARD.decode_vec(record.b.as_bytes(), bytes).map_err(|_| "field \"b\": not base64".to_owned())?;
    findings.clear();
    Inspector::new(record.text_format(), Style::HIDE).with_criteria(criteria).inspect(bytes, true, findings);
    // Writing to a string does not fail.
    let _ = write!(results, "{{\"id\":{},\"spans\":[", record.id);
    for (index, finding) in findings.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        let _ = write!(results, "{comma}[{},{}]", finding.span.start, finding.span.end);
    }
    results.push_str("]}\n");
    Ok(())
}

impl InputRecord<'_> {
    /// Format of the bytes: that of a body follows from its content type, that of other parts from the part.
    fn text_format(&self) -> TextFormat {
        match self.ch {
            Channel::Body => TextFormat::of_content_type(self.ct.as_deref().map(str::as_bytes)),
            Channel::Path => TextFormat::Form,
            Channel::Header | Channel::Cookie => TextFormat::Unknown,
        }
    }
}

/// Description of an invalid line, without its values.
fn explain(error: &serde_json::Error) -> String {
    const EXPECTED: &str = r#"{"id": …, "ch": "body" | "header" | "path" | "cookie", "ct": text or null, "b": base64}"#;

    let text = error.to_string();
    if !error.is_data() {
        return format!("not JSON at column {}", error.column());
    }
    match text.split('`').nth(1) {
        Some(field) if text.starts_with("missing field") => format!("missing field \"{field}\"; expected {EXPECTED}"),
        _ => format!("not a record; expected {EXPECTED}"),
    }
}
