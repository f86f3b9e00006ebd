//! Where is a mistake, as an editor counts?

use std::fmt;

/// A line and a column, both from 1 on. Columns are characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

/// What is wrong with a document, where that is known, without a value out of it.
#[derive(Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub position: Option<Position>,
    pub text: String,
}

impl Diagnostic {
    pub fn at(position: Position, text: impl Into<String>) -> Self {
        Self { position: Some(position), text: text.into() }
    }

    /// As compilers write it: `policy.yaml:3:7: what is wrong`.
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
