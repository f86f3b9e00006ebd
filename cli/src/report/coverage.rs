//! Times at which the access logs show no panveil, or at which there is no access log.

use super::log_line::Stream;
use super::period::{HOUR, MINUTE, Period, begin_of};
use super::table::{Cell, Table};
use std::collections::{BTreeMap, BTreeSet};

/// Unhandled streams that are at most this far apart belong to one gap.
const JOINED: u64 = 5 * MINUTE;

/// Most minutes with unhandled streams (69 days), and most hours with a line (eleven years).
const MOST: usize = 100_000;

/// Times at which the access logs show no panveil, or at which there is no access log.
#[derive(Default)]
pub struct LogCoverage {
    /// Unhandled streams by minute.
    unhandled: BTreeMap<u64, Gap>,
    omitted: u64,
    /// Hours with a line.
    hours: BTreeSet<u64>,
}

/// Unhandled streams close to each other.
#[derive(Clone, Copy)]
struct Gap {
    first: u64,
    last: u64,
    streams: u64,
}

impl LogCoverage {
    pub fn add(&mut self, stream: &Stream) {
        let Some(time) = stream.time() else { return };
        let hour = begin_of(HOUR, time);
        if self.hours.len() < MOST {
            self.hours.insert(hour);
        }
        if stream.is_handled {
            return;
        }
        let minute = begin_of(MINUTE, time);
        if self.unhandled.len() >= MOST && !self.unhandled.contains_key(&minute) {
            self.omitted = self.omitted.saturating_add(1);
            return;
        }
        let gap = self.unhandled.entry(minute).or_insert(Gap { first: time, last: time, streams: 0 });
        gap.join(Gap { first: time, last: time, streams: 1 });
    }

    /// Tables of gaps. `seen` has the times of the first and the last line.
    pub fn tables(&self, period: Period, seen: [Option<u64>; 2], created: u64) -> [Table; 2] {
        let gap = |gap: Gap| {
            let seconds = gap.last.saturating_sub(gap.first);
            vec![Cell::Time(gap.first), Cell::Time(gap.last), Cell::Seconds(seconds), Cell::Count(gap.streams)]
        };
        let silence =
            |(from, to): (u64, u64)| vec![Cell::Time(from), Cell::Time(to), Cell::Seconds(to.saturating_sub(from))];
        let unhandled = Table {
            name: "gaps",
            title: "Streams that panveil did not handle",
            about: "Times with HTTP streams in the logs that have no value of panveil. Streams up to five minutes apart are one gap. \
                    The duration is that between its first and last stream; the failure may have lasted longer.",
            requirement: "10.7.2, 10.7.3",
            columns: vec!["from", "to", "duration", "streams"],
            rows: self.gaps().into_iter().map(gap).collect(),
            omitted: self.omitted,
        };
        let silent = Table {
            name: "log_gaps",
            title: "Hours without a log line",
            about: "Complete hours without any stream in the logs: no traffic, no proxy, or no log.",
            requirement: "10.5.1, 10.7.2",
            columns: vec!["from", "to", "duration"],
            rows: self.silences(period, seen, created).into_iter().map(silence).collect(),
            omitted: 0,
        };
        [unhandled, silent]
    }

    fn gaps(&self) -> Vec<Gap> {
        let mut gaps: Vec<Gap> = Vec::new();
        for next in self.unhandled.values() {
            match gaps.last_mut() {
                Some(gap) if next.first.saturating_sub(gap.last) <= JOINED => gap.join(*next),
                _ => gaps.push(*next),
            }
        }
        gaps
    }

    /// Begins and ends of runs of hours without a line.
    fn silences(&self, period: Period, [first, last]: [Option<u64>; 2], created: u64) -> Vec<(u64, u64)> {
        let Some(begin) = period.from.or(first) else { return Vec::new() };
        let Some(end) = period.to.map(|to| to.min(created)).or(last) else { return Vec::new() };
        // The first hour that begins in the period.
        let mut from = begin_of(HOUR, begin.saturating_add(HOUR).saturating_sub(1));
        let mut silences = Vec::new();
        for hour in self.hours.iter().copied().chain([begin_of(HOUR, end)]) {
            if hour > from {
                silences.push((from, hour));
            }
            from = from.max(hour.saturating_add(HOUR));
        }
        silences
    }
}

impl Gap {
    fn join(&mut self, other: Self) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.streams = self.streams.saturating_add(other.streams);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coverage(streams: &[(u64, bool)]) -> LogCoverage {
        let mut coverage = LogCoverage::default();
        for (time, is_handled) in streams {
            coverage.add(&Stream {
                milliseconds: time.checked_mul(1000),
                is_handled: *is_handled,
                ..Stream::default()
            });
        }
        coverage
    }

    #[test]
    fn unhandled_streams_close_to_each_other_are_one_gap() {
        let streams = [(1000, false), (900, false), (1310, true), (1300, false), (1601, false)];
        let gaps = coverage(&streams).gaps();
        let shown: Vec<_> = gaps.iter().map(|gap| (gap.first, gap.last, gap.streams)).collect();
        assert_eq!(shown, [(900, 1300, 3), (1601, 1601, 1)]);
    }

    #[test]
    fn complete_hours_without_a_line_are_listed() {
        let coverage = coverage(&[(HOUR + 5, true), (4 * HOUR, true), (5 * HOUR + 7, true)]);
        let seen = [Some(HOUR + 5), Some(5 * HOUR + 7)];
        assert_eq!(coverage.silences(Period::default(), seen, 9 * HOUR), [(2 * HOUR, 4 * HOUR)]);
        let period = Period { from: Some(5), to: Some(20 * HOUR) };
        assert_eq!(coverage.silences(period, seen, 9 * HOUR + 30), [(2 * HOUR, 4 * HOUR), (6 * HOUR, 9 * HOUR)]);
        let none = LogCoverage::default();
        assert_eq!(none.silences(period, [None, None], 9 * HOUR), [(HOUR, 9 * HOUR)]);
        assert_eq!(none.silences(Period::default(), [None, None], 9 * HOUR), []);
    }
}
