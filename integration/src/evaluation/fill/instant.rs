//! Values for placeholders of times, in the notations of programs.

use rand::RngExt;
use rand::rngs::ChaCha8Rng;

/// Range from 2015 to 2030, in seconds since 1970.
const SECONDS: std::ops::Range<u64> = 1_420_070_400..1_893_456_000;

/// Seconds from year 1 and from 1601 to 1970.
const SINCE_YEAR_1: u64 = 62_135_596_800;
const SINCE_1601: u64 = 11_644_473_600;

/// Units per second of .NET's ticks and of Windows' file times.
const TICKS: u64 = 10_000_000;

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Value for `{name}`. `None` when this module has no such placeholder.
pub(super) fn draw(name: &str, rng: &mut ChaCha8Rng) -> Option<String> {
    let seconds = rng.random_range(SECONDS);
    let nanos = rng.random_range(0..1_000_000_000_u64);
    let year = rng.random_range(2015..=2029_u32);
    let (month, day) = (rng.random_range(1..=12_u32), rng.random_range(1..=28_u32));
    let (hour, minute, second) =
        (rng.random_range(0..24_u32), rng.random_range(0..60_u32), rng.random_range(0..60_u32));
    Some(match name {
        "epoch_s" => seconds.to_string(),
        "epoch_ms" => (seconds * 1000 + nanos / 1_000_000).to_string(),
        "epoch_us" => (seconds * 1_000_000 + nanos / 1000).to_string(),
        "epoch_ns" => (seconds * 1_000_000_000 + nanos).to_string(),
        "ticks" => ((seconds + SINCE_YEAR_1) * TICKS + nanos / 100).to_string(),
        "filetime" => ((seconds + SINCE_1601) * TICKS + nanos / 100).to_string(),
        "date" => format!("{year}-{month:02}-{day:02}"),
        "time" => format!("{hour:02}:{minute:02}:{second:02}"),
        "iso" => format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", nanos / 1_000_000),
        "syslog_time" => format!("{} {day:2} {hour:02}:{minute:02}:{second:02}", MONTHS[month as usize - 1]),
        "stamp" => format!("{year}{month:02}{day:02}{hour:02}{minute:02}{second:02}"),
        "stamp_ms" => format!("{year}{month:02}{day:02}{hour:02}{minute:02}{second:02}{:03}", nanos / 1_000_000),
        "expiry" => format!("{month:02}/{}", year % 100 + 10),
        "month" => format!("{month:02}"),
        "yy" => (year % 100 + 10).to_string(),
        "year" => (year + 10).to_string(),
        _ => return None,
    })
}
