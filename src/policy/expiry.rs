//! Last day of an exception.

use super::config_value::ConfigValue;
use super::error::PolicyError;
use super::field::{TextSpec, ValueSpec};
use super::kind::Kind;
use std::fmt;

/// Last day on which an exception counts, in UTC.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Expiry {
    year: u16,
    month: u8,
    day: u8,
}

impl Expiry {
    /// Start of the day, in seconds since 1970.
    pub fn start(self) -> u64 {
        self.end().saturating_sub(SECONDS_OF_DAY)
    }

    /// End of the day, in seconds since 1970.
    pub fn end(self) -> u64 {
        // Days since March 1 of the year 0, because the leap day is the last day of a year that begins in March.
        let month = u64::from(self.month);
        let year = u64::from(self.year).saturating_sub(u64::from(month <= 2));
        let month_from_march = if month > 2 { month.saturating_sub(3) } else { month.saturating_add(9) };
        let before_month = month_from_march.saturating_mul(153).saturating_add(2) / 5;
        let before_year = year.saturating_mul(365).saturating_add(year / 4).saturating_add(year / 400);
        let days =
            before_year.saturating_sub(year / 100).saturating_add(before_month).saturating_add(u64::from(self.day));
        days.saturating_sub(DAYS_BEFORE_1970).saturating_mul(SECONDS_OF_DAY)
    }

    /// True if the day has ended at `now`, in seconds since 1970. Without a readable clock it has.
    pub fn has_passed(self, now: Option<u64>) -> bool {
        now.is_none_or(|now| now >= self.end())
    }

    /// Reads a day of the calendar from 1970 on: `2027-03-31`.
    pub fn parse(text: &str) -> Option<Self> {
        let (date, day) = text.rsplit_once('-')?;
        let (year, month) = date.rsplit_once('-')?;
        let is_plain =
            |part: &str, length: usize| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
        if !(is_plain(year, 4) && is_plain(month, 2) && is_plain(day, 2)) {
            return None;
        }
        let (year, month, day) = (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
        let is_date = (1970..).contains(&year) && (1..=days_of_month(year, month)?).contains(&day);
        is_date.then_some(Self { year, month, day })
    }
}

/// Days from March 1 of the year 0 to January 1, 1970.
const DAYS_BEFORE_1970: u64 = 719_468;

const SECONDS_OF_DAY: u64 = 86_400;

fn days_of_month(year: u16, month: u8) -> Option<u8> {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => Some(29),
        2 => Some(28),
        _ => None,
    }
}

impl Kind<Self> for Expiry {
    const SPEC: ValueSpec = ValueSpec::Text(TextSpec {
        pattern: Some("^(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"),
        ..TextSpec::ANY
    });

    fn read(value: &ConfigValue) -> Result<Self, PolicyError> {
        Self::parse(value.text()?).ok_or_else(|| PolicyError::wrong_value("a day, such as 2027-03-31"))
    }
}

impl fmt::Display for Expiry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_starts_and_ends_at_midnight() {
        for (text, end) in [
            ("1970-01-01", 86_400),
            ("2000-02-29", 951_868_800),
            ("2024-02-29", 1_709_251_200),
            ("1970-02-28", 59 * 86_400),
            ("2000-02-29", 11_017 * 86_400),
            ("2026-11-29", 20_787 * 86_400),
            ("2026-12-31", 1_798_761_600),
            ("2027-01-01", 20_820 * 86_400),
            ("2100-03-01", 4_107_628_800),
        ] {
            assert_eq!(Expiry::parse(text).map(Expiry::end), Some(end), "{text}");
            assert_eq!(Expiry::parse(text).map(Expiry::start), Some(end - 86_400), "{text}");
        }
    }

    #[test]
    fn only_days_of_the_calendar_are_read() {
        for text in [
            "",
            "2027-3-31",
            "2027-02-29",
            "2100-02-29",
            "2027-13-01",
            "2027-00-10",
            "2027-04-31",
            "1969-12-31",
            "+027-01-01",
            "2027-01-01T00:00:00Z",
            "2026-02-29",
            "2026-13-01",
            "2026-00-10",
            "2026-1-1",
            "tomorrow",
            "2026-01-00",
            "+026-01-01",
        ] {
            assert!(Expiry::parse(text).is_none(), "{text}");
        }
    }
}
