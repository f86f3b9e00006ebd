//! Where are the cards in records from another program?

use super::cards_everywhere;
use crate::failure::Failure;
use crate::output;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use panveil::mask::Style;
use panveil::stream::{Finding, Inspector, TextFormat};
use panveil::verdict::Criteria;
use serde::Deserialize;
use std::borrow::Cow;
use std::fmt::Write;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

/// How much is read, and how much is printed, at once.
const PIECE: usize = 256 << 10;

/// A line of the input. Other fields may stand in it. Has no `Debug`: it holds bytes of a message.
#[derive(Deserialize)]
struct InputRecord<'a> {
    id: serde_json::Value,
    ch: Channel,
    #[serde(borrow)]
    ct: Option<Cow<'a, str>>,
    #[serde(borrow)]
    b: Cow<'a, str>,
}

/// The part of a message that a record is.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Channel {
    Body,
    Header,
    Path,
    Cookie,
}

/// Answers every record of the file at `path`, or of standard input when that is `-`.
pub fn answer(path: &Path) -> Result<(), Failure> {
    if path == Path::new("-") {
        return answer_all(io::stdin().lock(), "standard input");
    }
    let name = path.display().to_string();
    let file = File::open(path).map_err(Failure::of("read", &name))?;
    answer_all(file, &name)
}

fn answer_all(source: impl Read, name: &str) -> Result<(), Failure> {
    let mut source = BufReader::with_capacity(PIECE, source);
    let (mut line, mut number) = (Vec::new(), 0_u64);
    let (mut bytes, mut findings) = (Vec::new(), Vec::new());
    let mut answers = String::new();
    let criteria = Arc::new(cards_everywhere());
    while source.read_until(b'\n', &mut line).map_err(Failure::of("read", name))? > 0 {
        number = number.saturating_add(1);
        if !line.trim_ascii().is_empty()
            && let Err(what) = answer_one(&line, Arc::clone(&criteria), &mut bytes, &mut findings, &mut answers)
        {
            output::write(answers.as_bytes())?;
            return Err(Failure::Error(format!("{name}: line {number}: {what}")));
        }
        // Who asks one at a time gets each answer at once.
        if answers.len() >= PIECE || source.buffer().is_empty() {
            output::write(answers.as_bytes())?;
            answers.clear();
        }
        line.clear();
    }
    output::write(answers.as_bytes())
}

/// Adds the answer to the record in `line` to `answers`.
fn answer_one(
    line: &[u8],
    criteria: Arc<Criteria>,
    bytes: &mut Vec<u8>,
    findings: &mut Vec<Finding>,
    answers: &mut String,
) -> Result<(), String> {
    let record: InputRecord<'_> = serde_json::from_slice(line.trim_ascii_end()).map_err(|error| explain(&error))?;
    bytes.clear();
    STANDARD.decode_vec(record.b.as_bytes(), bytes).map_err(|_| "field \"b\" is not base64".to_owned())?;
    findings.clear();
    Inspector::new(record.text_format(), Style::HIDE).with_criteria(criteria).inspect(bytes, true, findings);
    // Writing to a string does not fail.
    let _ = write!(answers, "{{\"id\":{},\"spans\":[", record.id);
    for (index, finding) in findings.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        let _ = write!(answers, "{comma}[{},{}]", finding.span.start, finding.span.end);
    }
    answers.push_str("]}\n");
    Ok(())
}

impl InputRecord<'_> {
    /// The notation of a body is what its content type says; that of a field shows. A path has a query.
    fn text_format(&self) -> TextFormat {
        match self.ch {
            Channel::Body => TextFormat::of_content_type(self.ct.as_deref().map(str::as_bytes)),
            Channel::Path => TextFormat::Form,
            Channel::Header | Channel::Cookie => TextFormat::Unknown,
        }
    }
}

/// What is wrong with a line, without a value out of it.
fn explain(error: &serde_json::Error) -> String {
    const EXPECTED: &str = r#"{"id": …, "ch": "body" | "header" | "path" | "cookie", "ct": text or null, "b": base64}"#;

    let text = error.to_string();
    if !error.is_data() {
        return format!("not JSON at column {}", error.column());
    }
    match text.split('`').nth(1) {
        Some(field) if text.starts_with("missing field") => format!("no field \"{field}\", expected {EXPECTED}"),
        _ => format!("no record, expected {EXPECTED}"),
    }
}
