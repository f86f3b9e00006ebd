//! Errors in a policy file, with the line and column that an editor shows.

use std::fmt;

/// Line and column, both counted from 1. Columns are characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

/// Problem with a document, at its position if that is known. It contains no value of the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub position: Option<Position>,
    pub text: String,
}

impl Diagnostic {
    pub fn at(position: Position, text: impl Into<String>) -> Self {
        Self { position: Some(position), text: text.into() }
    }

    /// Diagnostic in the format of compilers: `policy.yaml:3:7: problem`.
    pub fn in_file(&self, name: &str) -> String {
        match self.position {
            Some(position) => format!("{name}:{position}: {}", self.text),
            None => format!("{name}: {}", self.text),
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}
