//! Report on a replayed capture.

mod json;
mod table;
mod text;

use crate::failure::Failure;
use crate::output;
use crate::playback::StreamOutcome;
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
pub enum ReplayReport {
    /// Tables, which are printed at the end, because the cells decide the width of a column.
    Text(TextReport),
    /// Lines, which are printed at once.
    Json,
}

impl ReplayReport {
    pub fn new(format: ReplayFormat) -> Self {
        match format {
            ReplayFormat::Text => Self::Text(TextReport::default()),
            ReplayFormat::Json => Self::Json,
        }
    }

    /// Adds the entry of that number.
    pub fn add(&mut self, number: usize, outcome: &StreamOutcome) -> Result<(), Failure> {
        match self {
            Self::Text(text) => text.add(number, outcome),
            Self::Json => return output::write(json::line(number, outcome).as_bytes()),
        }
        Ok(())
    }

    /// Prints the rest of the report after the last entry.
    pub fn end(self) -> Result<(), Failure> {
        match self {
            Self::Text(text) => output::write(text.print().as_bytes()),
            Self::Json => Ok(()),
        }
    }
}
