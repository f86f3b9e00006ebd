//! Output of the command: results on standard output, notes and errors on standard error.

use super::failure::Failure;
use super::terminal;
use panveil::stream;
use std::io::{self, Write};

/// Writes a result to standard output and flushes it.
pub fn write(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(Failure::of("written", "standard output"))
}

/// Writes one line to standard error. The text may quote an argument or the name of a file, so card numbers in it are masked and
/// control characters escaped.
pub fn note(text: &str) {
    let line = format!("panveil: {}", text.replace(['\n', '\r'], " "));
    let line = terminal::escaped(&stream::redacted(line.as_bytes()));
    // A failure of standard error cannot be reported.
    let _ = writeln!(io::stderr().lock(), "{line}");
}
