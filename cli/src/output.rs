//! What is written where? Results go to standard output; what is said about them goes to standard error.

use super::failure::Failure;
use super::terminal;
use panveil::stream;
use std::io::{self, Write};

/// Writes a result, all of it and at once.
pub fn write(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(Failure::of("write to", "standard output"))
}

/// Says something in one line. Card numbers in it are hidden and nothing in it steers a terminal: it may quote what was
/// typed or the name of a file.
pub fn note(text: &str) {
    let line = format!("panveil: {}", text.replace(['\n', '\r'], " "));
    let line = terminal::harmless(&stream::redacted(line.as_bytes()));
    // Without standard error there is no one left to tell.
    let _ = writeln!(io::stderr().lock(), "{line}");
}
