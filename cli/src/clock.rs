//! The clock of the machine, and its times in RFC 3339.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Time in seconds since 1970; `None` for a clock before it.
pub fn now() -> Option<u64> {
    SystemTime::now().duration_since(UNIX_EPOCH).ok().map(|time| time.as_secs())
}

/// Time in RFC 3339, in seconds since 1970.
pub fn parse(text: &str) -> Option<u64> {
    since_1970(text).map(|time| time.as_secs())
}

/// Time in RFC 3339, in milliseconds since 1970.
pub fn parse_milliseconds(text: &str) -> Option<u64> {
    since_1970(text).and_then(|time| u64::try_from(time.as_millis()).ok())
}

fn since_1970(text: &str) -> Option<Duration> {
    humantime::parse_rfc3339_weak(text).ok()?.duration_since(UNIX_EPOCH).ok()
}

/// `time` in RFC 3339.
pub fn shown(time: u64) -> String {
    /// Last time that has four digits of a year.
    const LAST: u64 = 253_402_300_799;

    humantime::format_rfc3339_seconds(UNIX_EPOCH.checked_add(Duration::from_secs(time.min(LAST))).unwrap_or(UNIX_EPOCH))
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_rfc_3339() {
        for (text, time) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-11-30T12:12:34Z", 1_796_040_754),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
        ] {
            assert_eq!((parse(text), shown(time).as_str()), (Some(time), text));
        }
        assert_eq!(parse("2026-11-30T12:12:34.217Z"), Some(1_796_040_754));
        assert_eq!(parse_milliseconds("2026-11-30T12:12:34.217Z"), Some(1_796_040_754_217));
        assert_eq!(["", "2026-11-30", "1969-12-31T23:59:59Z"].map(parse), [None; 3]);
        assert_eq!(shown(u64::MAX), "9999-12-31T23:59:59Z");
    }
}
