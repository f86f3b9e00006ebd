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
        let safe = terminal::safe_line(text);
        if safe.chars().nth(MOST_CHARACTERS).is_none() {
            return Self(safe);
        }
        Self(safe.chars().take(MOST_CHARACTERS.saturating_sub(1)).chain(['…']).collect())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}
