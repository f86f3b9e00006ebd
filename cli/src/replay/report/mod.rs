//! Report on a replayed capture.

mod change;
mod json;
mod table;
mod text;

use crate::failure::Failure;
use crate::output;
use crate::playback::StreamOutcome;
use change::ChangeReport;
use clap::ValueEnum;
use text::TextReport;

/// Output format of a replay.
#[derive(Clone, Copy, ValueEnum)]
pub enum ReplayFormat {
    /// Tables: findings of each entry by kind, totals by rule, and uninspected messages.
    Text,
    /// One JSON object per line and entry, with the filter's record if it has one.
    Json,
}

/// Report, built entry by entry. Tables are printed at the end, because the cells decide the width of a column.
pub enum ReplayReport {
    /// Lines in JSON, which are printed at once.
    Lines,
    /// Tables of the decisions of one policy.
    Decisions(TextReport),
    /// Tables of the changes from another policy.
    Changes(ChangeReport),
}

impl ReplayReport {
    /// `is_comparison` is true for a report on the changes from another policy.
    pub fn new(format: ReplayFormat, is_comparison: bool) -> Self {
        match format {
            ReplayFormat::Json => Self::Lines,
            ReplayFormat::Text if is_comparison => Self::Changes(ChangeReport::default()),
            ReplayFormat::Text => Self::Decisions(TextReport::default()),
        }
    }

    /// Adds the entry of that number, with its outcome under the previous policy if there is one.
    pub fn add(
        &mut self,
        number: usize,
        before: Option<&StreamOutcome>,
        outcome: &StreamOutcome,
    ) -> Result<(), Failure> {
        match self {
            Self::Lines => {
                let line = match before {
                    Some(before) => change::line(number, before, outcome),
                    None => Some(json::line(number, outcome)),
                };
                return output::write(line.unwrap_or_default().as_bytes());
            }
            Self::Decisions(text) => text.add(number, outcome),
            Self::Changes(changes) => changes.add(number, before.unwrap_or(outcome), outcome),
        }
        Ok(())
    }

    /// Prints the rest of the report after the last entry.
    pub fn end(self) -> Result<(), Failure> {
        match self {
            Self::Lines => Ok(()),
            Self::Decisions(text) => output::write(text.print().as_bytes()),
            Self::Changes(changes) => output::write(changes.print().as_bytes()),
        }
    }
}
