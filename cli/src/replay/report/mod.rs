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

/// Report, built entry by entry.
pub struct ReplayReport {
    format: ReplayFormat,
    contents: Contents,
}

/// Contents of a report. Tables are printed at the end, because the cells decide the width of a column. Lines are printed at once.
enum Contents {
    /// Decisions of one policy.
    Decisions(TextReport),
    /// Changes from another policy.
    Changes(ChangeReport),
}

impl ReplayReport {
    /// `is_comparison` is true for a report on the changes from another policy.
    pub fn new(format: ReplayFormat, is_comparison: bool) -> Self {
        let contents = if is_comparison {
            Contents::Changes(ChangeReport::default())
        } else {
            Contents::Decisions(TextReport::default())
        };
        Self { format, contents }
    }

    /// Adds the entry of that number, with its outcome under the previous policy if there is one.
    pub fn add(
        &mut self,
        number: usize,
        before: Option<&StreamOutcome>,
        outcome: &StreamOutcome,
    ) -> Result<(), Failure> {
        let line = match (&mut self.contents, self.format, before) {
            (Contents::Changes(changes), _, before) => changes.add(number, before.unwrap_or(outcome), outcome),
            (Contents::Decisions(_), ReplayFormat::Json, _) => Some(json::line(number, outcome)),
            (Contents::Decisions(text), ReplayFormat::Text, _) => {
                text.add(number, outcome);
                None
            }
        };
        match (self.format, line) {
            (ReplayFormat::Json, Some(line)) => output::write(line.as_bytes()),
            _ => Ok(()),
        }
    }

    /// Prints the rest of the report after the last entry.
    pub fn end(self) -> Result<(), Failure> {
        match (self.format, self.contents) {
            (ReplayFormat::Json, _) => Ok(()),
            (ReplayFormat::Text, Contents::Decisions(text)) => output::write(text.print().as_bytes()),
            (ReplayFormat::Text, Contents::Changes(changes)) => output::write(changes.print().as_bytes()),
        }
    }
}
