//! Tables of the report. Each output prints the same ones.

use super::period;
use super::safe_text::SafeText;
use crate::clock;
use serde_json::Value;

/// Table of the report.
pub struct Table {
    /// Name in JSON and of the option `--table`.
    pub name: &'static str,
    pub title: &'static str,
    /// Meaning of its rows, and their limits.
    pub about: &'static str,
    /// Requirements of PCI DSS that it bears on.
    pub requirement: &'static str,
    pub columns: Vec<&'static str>,
    pub rows: Vec<Vec<Cell>>,
    /// Entries that the table leaves out, since it is full.
    pub omitted: u64,
}

/// Value of a cell.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cell {
    Absent,
    Text(SafeText),
    Count(u64),
    /// Seconds since 1970.
    Time(u64),
    /// First second of a day.
    Day(u64),
    Seconds(u64),
}

impl Cell {
    /// Text of the input; absent if it is empty.
    pub fn text(text: &str) -> Self {
        if text.is_empty() { Self::Absent } else { Self::Text(SafeText::of(text)) }
    }

    pub fn time(time: Option<u64>) -> Self {
        time.map_or(Self::Absent, Self::Time)
    }

    pub fn is_number(&self) -> bool {
        matches!(self, Self::Count(_) | Self::Seconds(_))
    }

    /// Value for people.
    pub fn shown(&self) -> String {
        match self {
            Self::Absent => String::new(),
            Self::Text(text) => text.as_str().to_owned(),
            Self::Count(count) => count.to_string(),
            Self::Time(time) => clock::shown(*time),
            Self::Day(time) => period::shown_day(*time),
            Self::Seconds(seconds) => period::shown_duration(*seconds),
        }
    }

    /// Value for programs. Durations are seconds.
    pub fn json(&self) -> Value {
        match self {
            Self::Absent => Value::Null,
            Self::Count(number) | Self::Seconds(number) => (*number).into(),
            other => other.shown().into(),
        }
    }
}
