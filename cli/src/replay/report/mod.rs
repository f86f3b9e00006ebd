//! How is it printed what became of a capture?

mod json;
mod record;
mod table;
mod text;

use super::play::EntryOutcome;
use crate::failure::Failure;
use crate::output;
use clap::ValueEnum;
use text::TextReport;

/// The form of the output.
#[derive(Clone, Copy, ValueEnum)]
pub enum ReplayFormat {
    /// Tables: each kind of finding of each entry, totals by rule, and what was not inspected.
    Text,
    /// An object for each entry, one a line, with the filter's record when it has one.
    Json,
}

/// What is printed, entry by entry.
pub enum ReplayReport {
    /// All at the end, since columns are as wide as what is in them.
    Text(TextReport),
    /// At once.
    Json,
}

impl ReplayReport {
    pub fn new(format: ReplayFormat) -> Self {
        match format {
            ReplayFormat::Text => Self::Text(TextReport::default()),
            ReplayFormat::Json => Self::Json,
        }
    }

    /// Takes in what became of the entry of that number.
    pub fn add(&mut self, number: usize, played: &EntryOutcome) -> Result<(), Failure> {
        match self {
            Self::Text(text) => text.add(number, played),
            Self::Json => return output::write(json::line(number, played).as_bytes()),
        }
        Ok(())
    }

    /// Prints what there is to print once every entry is in.
    pub fn end(self) -> Result<(), Failure> {
        match self {
            Self::Text(text) => output::write(text.print().as_bytes()),
            Self::Json => Ok(()),
        }
    }
}
