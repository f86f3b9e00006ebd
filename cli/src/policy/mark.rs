//! Where is a mistake, as an editor counts?

use std::fmt;

/// A line and a column, both from 1 on. Columns are characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    pub line: usize,
    pub column: usize,
}

/// What is wrong with a document, where that is known, without a value out of it.
#[derive(Debug, PartialEq, Eq)]
pub struct Mistake {
    pub mark: Option<Mark>,
    pub text: String,
}

impl Mistake {
    pub fn at(mark: Mark, text: impl Into<String>) -> Self {
        Self { mark: Some(mark), text: text.into() }
    }

    /// As compilers write it: `policy.yaml:3:7: what is wrong`.
    pub fn in_file(&self, name: &str) -> String {
        match self.mark {
            Some(mark) => format!("{name}:{mark}: {}", self.text),
            None => format!("{name}: {}", self.text),
        }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}
