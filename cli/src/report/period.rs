//! Period of a report, and times in it.

use super::log_line;
use std::time::{Duration, UNIX_EPOCH};

const DAY: u64 = 24 * 60 * 60;

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
    day(text).or_else(|| log_line::seconds(text)).ok_or_else(expected)
}

/// End of a period: a time, or a day in UTC that belongs to it.
pub fn end(text: &str) -> Result<u64, String> {
    let day = day(text).map(|day| day.saturating_add(DAY));
    day.or_else(|| log_line::seconds(text)).ok_or_else(expected)
}

fn expected() -> String {
    "expected a day or time in UTC, such as 2026-11-30 or 2026-11-30T12:00:00Z".to_owned()
}

fn day(text: &str) -> Option<u64> {
    (text.len() == "2026-11-30".len()).then(|| log_line::seconds(&format!("{text}T00:00:00Z")))?
}

/// First second of the day of `time`.
pub fn day_of(time: u64) -> u64 {
    time.saturating_sub(time.checked_rem(DAY).unwrap_or_default())
}

/// Day of `time` in UTC, such as `2026-11-30`.
pub fn shown_day(time: u64) -> String {
    shown(time).chars().take("2026-11-30".len()).collect()
}

/// `time` in RFC 3339.
pub fn shown(time: u64) -> String {
    /// Last time that has four digits of a year.
    const LAST: u64 = 253_402_300_799;

    humantime::format_rfc3339_seconds(UNIX_EPOCH.checked_add(Duration::from_secs(time.min(LAST))).unwrap_or(UNIX_EPOCH))
        .to_string()
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
            assert_eq!(period.includes(log_line::seconds(time)), is_in, "{time}");
        }
        assert!(!period.includes(None) && Period::default().includes(None));
        assert!(begin("yesterday").is_err() && end("2026-13-01").is_err());
        assert_eq!(shown(end("2026-11-30T12:00:00Z").unwrap()), "2026-11-30T12:00:00Z");
        assert_eq!(shown_day(1_796_040_754), "2026-11-30");
        assert_eq!(shown_duration(7500), "2h 5m");
    }
}
