//! Errors of readers, which pass through other readers.

use std::fmt;
use std::io;

/// Error that is described completely, without the context of the reader.
#[derive(Debug)]
pub struct FormatError(pub String);

impl std::error::Error for FormatError {}

impl fmt::Display for FormatError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Error that is described by its [`problem`], so that other readers do not add their context. An interruption stays one.
pub fn described(error: io::Error, context: &str) -> io::Error {
    match error.kind() {
        io::ErrorKind::Interrupted => error,
        kind => io::Error::new(kind, FormatError(problem(&error, context))),
    }
}

/// Text of an error: that of the innermost format, or `context` and the error.
pub fn problem(error: &io::Error, context: &str) -> String {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<FormatError>()) {
        Some(FormatError(text)) => text.clone(),
        None => format!("{context}: {error}"),
    }
}
