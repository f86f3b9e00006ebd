//! Text of the input, made safe for every output.

use crate::terminal;

/// Most characters of a text in the report.
const MOST_CHARACTERS: usize = 200;

/// Text of the input without card numbers, control characters and line breaks. Only this type carries text from the input to the
/// output.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SafeText(String);

impl SafeText {
    pub fn of(text: &str) -> Self {
        Self(terminal::shortened(&terminal::safe_line(text), MOST_CHARACTERS))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}
