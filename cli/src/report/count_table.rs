//! Tables of counts by properties.

use super::property::Property;
use super::table::{Cell, Table};
use super::tally::{Count, Tally};

/// Table of counts, with a row for each combination of properties.
pub struct CountTable {
    pub name: &'static str,
    pub title: &'static str,
    pub about: &'static str,
    pub requirement: &'static str,
    /// Columns of the properties.
    pub keys: &'static [&'static str],
    pub values: &'static [Value],
}

/// Column with a count.
pub type Value = (&'static str, fn(&Count) -> Cell);

pub const STREAMS: Value = ("streams", |count| Cell::Count(count.streams));
pub const FINDINGS: Value = ("findings", |count| Cell::Count(count.findings));
pub const CARD_NUMBERS: Value = ("card_numbers", |count| Cell::Count(count.card_numbers));
pub const AUTHENTICATION_DATA: Value = ("authentication_data", |count| Cell::Count(count.authentication_data));
pub const MASKED: Value = ("masked", |count| Cell::Count(count.masked));
pub const BLOCKED: Value = ("blocked", |count| Cell::Count(count.blocked));
pub const ALLOWED: Value = ("allowed", |count| Cell::Count(count.allowed));
pub const REPORTED: Value = ("reported", |count| Cell::Count(count.reported));
pub const FIRST: Value = ("first", |count| Cell::time(count.first));
pub const LAST: Value = ("last", |count| Cell::time(count.last));
pub const REQUEST_ID: Value = ("request_id", |count| Cell::text(count.request_id.as_deref().unwrap_or_default()));

/// Streams by direction and reason.
pub const UNINSPECTED: CountTable = CountTable {
    name: "uninspected",
    title: "Uninspected messages by reason",
    about: "Streams with a message, or a part of one, that was not inspected. With the reason coding_name it was inspected.",
    requirement: "12.5.2",
    keys: &["direction", "reason"],
    values: &[STREAMS, FIRST, LAST],
};

/// Streams by direction and limit.
pub const LIMITS: CountTable = CountTable {
    name: "limits",
    title: "Limits reached",
    about: "Streams that reached a limit of the policy.",
    requirement: "10.7.2",
    keys: &["direction", "limit"],
    values: &[STREAMS, FIRST, LAST],
};

impl CountTable {
    /// Table with these counts.
    pub fn table(&self, tally: &Tally) -> Table {
        let columns = self.keys.iter().copied().chain(self.values.iter().map(|(name, _)| *name)).collect();
        let row = |(key, count): (&Vec<Property>, &Count)| -> Vec<Cell> {
            let keys = key.iter().map(|text| Cell::text(text));
            keys.chain(self.values.iter().map(|(_, value)| value(count))).collect()
        };
        Table {
            name: self.name,
            title: self.title,
            about: self.about,
            requirement: self.requirement,
            columns,
            rows: tally.rows.iter().map(row).collect(),
            omitted: tally.omitted,
        }
    }
}
