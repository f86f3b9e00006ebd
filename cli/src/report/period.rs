//! Period of a report, and times in it.

use crate::clock;
use panveil::policy::Expiry;
use std::time::Duration;

pub const MINUTE: u64 = 60;
pub const HOUR: u64 = 60 * MINUTE;
pub const DAY: u64 = 24 * HOUR;

/// Period: from `from` up to but not including `to`, in seconds since 1970.
#[derive(Clone, Copy, Default)]
pub struct Period {
    pub from: Option<u64>,
    pub to: Option<u64>,
}

impl Period {
    /// True if the period includes this time. An unknown time is in the period without limits only.
    pub fn includes(self, time: Option<u64>) -> bool {
        match time {
            Some(time) => self.from.is_none_or(|from| from <= time) && self.to.is_none_or(|to| time < to),
            None => self.from.is_none() && self.to.is_none(),
        }
    }
}

/// Begin of a period: a time, or a day in UTC.
pub fn begin(text: &str) -> Result<u64, String> {
    let day = Expiry::parse(text).map(Expiry::start);
    day.or_else(|| clock::parse(text)).ok_or_else(expected)
}

/// End of a period: a time, or a day in UTC that belongs to it.
pub fn end(text: &str) -> Result<u64, String> {
    let day = Expiry::parse(text).map(Expiry::end);
    day.or_else(|| clock::parse(text)).ok_or_else(expected)
}

fn expected() -> String {
    "expected a day or time in UTC, such as 2026-11-30 or 2026-11-30T12:00:00Z".to_owned()
}

/// Begin of the minute, hour or day that includes `time`.
pub fn begin_of(unit: u64, time: u64) -> u64 {
    time.saturating_sub(time.checked_rem(unit).unwrap_or_default())
}

/// Day of `time` in UTC, such as `2026-11-30`.
pub fn shown_day(time: u64) -> String {
    clock::shown(time).chars().take("2026-11-30".len()).collect()
}

/// `seconds` in words, such as `2h 5m`.
pub fn shown_duration(seconds: u64) -> String {
    humantime::format_duration(Duration::from_secs(seconds)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_belongs_to_the_period_completely() {
        let period = Period { from: begin("2026-11-29").ok(), to: end("2026-11-30").ok() };
        for (time, is_in) in [
            ("2026-11-28T23:59:59Z", false),
            ("2026-11-29T00:00:00Z", true),
            ("2026-11-30T23:59:59.999Z", true),
            ("2026-12-01T00:00:00Z", false),
        ] {
            assert_eq!(period.includes(clock::parse(time)), is_in, "{time}");
        }
        assert!(!period.includes(None) && Period::default().includes(None));
        assert!(begin("yesterday").is_err() && end("2026-13-01").is_err());
        assert_eq!(clock::shown(end("2026-11-30T12:00:00Z").unwrap()), "2026-11-30T12:00:00Z");
        assert_eq!(shown_day(1_796_040_754), "2026-11-30");
        assert_eq!(shown_duration(7500), "2h 5m");
    }
}
