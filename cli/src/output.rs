//! Output of the command: results on standard output, notes and errors on standard error.

use super::failure::Failure;
use super::terminal;
use panveil::stream;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// Writes a result to standard output and flushes it.
pub fn write(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(Failure::of("written", "standard output"))
}

/// Target of a result: standard output or a file.
pub struct OutputTarget(Option<(File, String)>);

impl OutputTarget {
    /// Creates the file at `path`, if there is one.
    pub fn create(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else { return Ok(Self(None)) };
        let name = path.display().to_string();
        let file = File::create(path).map_err(Failure::of("written", &name))?;
        Ok(Self(Some((file, name))))
    }

    /// True for a file.
    pub fn is_file(&self) -> bool {
        self.0.is_some()
    }

    /// Writes a result.
    pub fn write(&self, bytes: &[u8]) -> Result<(), Failure> {
        match &self.0 {
            None => write(bytes),
            Some((file, name)) => {
                let mut file = file;
                file.write_all(bytes).map_err(Failure::of("written", name))
            }
        }
    }
}

/// Writes one line to standard error. The text may quote an argument or the name of a file, so card numbers in it are masked and
/// control characters escaped.
pub fn note(text: &str) {
    let line = format!("panveil: {}", text.replace(['\n', '\r'], " "));
    let line = terminal::escaped(&stream::redacted(line.as_bytes()));
    // A failure of standard error cannot be reported.
    let _ = writeln!(io::stderr().lock(), "{line}");
}
