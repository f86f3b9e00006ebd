//! Totals of the streams in access logs.

use super::count_table::{LIMITS, UNINSPECTED};
use super::coverage::LogCoverage;
use super::log_line::Stream;
use super::period::{DAY, Period, begin_of};
use super::record::Record;
use super::table::{Cell, Table};
use super::tally::{Count, Tally};
use super::traffic_table::ALL;
use panveil::audit::Reason;
use std::collections::{BTreeMap, BTreeSet};

/// Most days of a report.
const MOST_DAYS: usize = 4000;

/// Totals of the streams in access logs.
#[derive(Default)]
pub struct Traffic {
    total: Total,
    /// By the day of the stream.
    days: BTreeMap<u64, Total>,
    omitted_days: u64,
    /// In the order of [`ALL`].
    findings: [Tally; ALL.len()],
    uninspected: Tally,
    limits: Tally,
    coverage: LogCoverage,
}

/// Counts of a day, or of all days.
#[derive(Default)]
struct Total {
    count: Count,
    with_findings: u64,
    beyond: u64,
    uninspected: u64,
    unhandled: u64,
}

impl Traffic {
    /// Adds a stream of the period.
    pub fn add(&mut self, stream: &Stream) {
        let record = stream.record.as_deref();
        let mut count = Count::of_stream(record, stream.time());
        for finding in record.into_iter().flat_map(|record| &record.findings) {
            count.add_finding(finding);
        }
        let listed = listed(stream);
        // A message with an unknown name of a content encoding was inspected.
        let is_uninspected = listed.iter().any(|(_, reason)| *reason != Reason::CodingName.as_str());
        self.total.add(stream, &count, is_uninspected);
        self.add_to_day(stream, &count, is_uninspected);
        self.coverage.add(stream);
        let stream_only = Count::of_stream(None, stream.time());
        for (direction, reason) in listed {
            self.uninspected.add(&[direction, reason], &stream_only);
        }
        if let Some(record) = record {
            self.add_record(record, stream.time());
        }
    }

    fn add_to_day(&mut self, stream: &Stream, count: &Count, is_uninspected: bool) {
        let Some(day) = stream.time().map(|time| begin_of(DAY, time)) else { return };
        if self.days.len() < MOST_DAYS || self.days.contains_key(&day) {
            self.days.entry(day).or_default().add(stream, count, is_uninspected);
        } else {
            self.omitted_days = self.omitted_days.saturating_add(1);
        }
    }

    fn add_record(&mut self, record: &Record, time: Option<u64>) {
        for (table, tally) in ALL.iter().zip(&mut self.findings) {
            // Findings with equal properties are one stream of a row.
            let mut rows: BTreeMap<Vec<&str>, Count> = BTreeMap::new();
            for finding in &record.findings {
                if let Some(key) = (table.key)(record, finding) {
                    rows.entry(key).or_insert_with(|| Count::of_stream(Some(record), time)).add_finding(finding);
                }
            }
            rows.into_iter().for_each(|(key, count)| tally.add(&key, &count));
        }
        let limits: BTreeSet<[&str; 2]> = record.limits.iter().map(|one| [&*one.direction, &*one.limit]).collect();
        for limit in limits {
            self.limits.add(&limit, &Count::of_stream(None, time));
        }
    }

    /// Totals, by their names.
    pub fn summary(&self) -> Vec<(&'static str, Cell)> {
        let Total { count, with_findings, beyond, uninspected, unhandled } = &self.total;
        vec![
            ("streams", Cell::Count(count.streams)),
            ("streams_with_findings", Cell::Count(*with_findings)),
            ("card_numbers", Cell::Count(count.card_numbers)),
            ("authentication_data", Cell::Count(count.authentication_data)),
            ("masked", Cell::Count(count.masked)),
            ("blocked", Cell::Count(count.blocked)),
            ("allowed", Cell::Count(count.allowed)),
            ("reported", Cell::Count(count.reported)),
            ("findings_beyond", Cell::Count(*beyond)),
            ("uninspected_streams", Cell::Count(*uninspected)),
            ("unhandled_streams", Cell::Count(*unhandled)),
            ("first_stream", Cell::time(count.first)),
            ("last_stream", Cell::time(count.last)),
        ]
    }

    /// Tables of the traffic up to the time `created`.
    pub fn tables(&self, period: Period, created: u64) -> Vec<Table> {
        let findings = ALL.iter().zip(&self.findings).map(|(table, tally)| table.counts.table(tally));
        let mut tables: Vec<Table> = findings.collect();
        tables.extend([UNINSPECTED.table(&self.uninspected), LIMITS.table(&self.limits), self.day_table()]);
        tables.extend(self.coverage.tables(period, [self.total.count.first, self.total.count.last], created));
        tables
    }

    fn day_table(&self) -> Table {
        let row = |(day, total): (&u64, &Total)| {
            let Total { count, with_findings, uninspected, unhandled, .. } = total;
            let counts = [
                count.streams,
                *with_findings,
                count.card_numbers,
                count.authentication_data,
                count.masked,
                count.blocked,
                count.allowed,
                count.reported,
                *uninspected,
                *unhandled,
            ];
            std::iter::once(Cell::Day(*day)).chain(counts.map(Cell::Count)).collect()
        };
        Table {
            name: "days",
            title: "Days",
            about: "Streams in the access logs, by day in UTC. An unhandled stream has no value of panveil: no panveil ran.",
            requirement: "10.4.1.1, 10.5.1",
            columns: vec![
                "day",
                "streams",
                "streams_with_findings",
                "card_numbers",
                "authentication_data",
                "masked",
                "blocked",
                "allowed",
                "reported",
                "uninspected_streams",
                "unhandled_streams",
            ],
            rows: self.days.iter().map(row).collect(),
            omitted: self.omitted_days,
        }
    }
}

impl Total {
    fn add(&mut self, stream: &Stream, count: &Count, is_uninspected: bool) {
        let add = |sum: &mut u64, more: u64| *sum = sum.saturating_add(more);
        self.count.add(count);
        let beyond = stream.record.as_deref().map_or(0, |record| record.findings_beyond);
        add(&mut self.with_findings, u64::from(count.findings > 0 || beyond > 0));
        add(&mut self.beyond, beyond);
        add(&mut self.uninspected, u64::from(is_uninspected));
        add(&mut self.unhandled, u64::from(!stream.is_handled));
    }
}

/// Directions and reasons of a stream, each once.
fn listed(stream: &Stream) -> BTreeSet<(&str, &str)> {
    let of_record = stream.record.as_deref().map(|record| &record.uninspected).into_iter().flatten();
    stream.uninspected.iter().chain(of_record).map(|one| (&*one.direction, &*one.reason)).collect()
}
