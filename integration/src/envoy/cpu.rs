//! Processor time of a process, from the scheduler of Linux in nanoseconds.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// Processor time of the living threads of a process. The time of an ended thread is lost.
pub(super) fn of(process: u32) -> Result<Duration> {
    let mut total = Duration::ZERO;
    for task in fs::read_dir(format!("/proc/{process}/task"))? {
        let path = task?.path().join("schedstat");
        // The thread has ended since the folder was listed.
        let Ok(text) = fs::read_to_string(&path) else { continue };
        total += on_processor(&text).with_context(|| format!("cannot read {}", path.display()))?;
    }
    Ok(total)
}

/// First of the three numbers of a `schedstat`: nanoseconds on a processor.
fn on_processor(schedstat: &str) -> Option<Duration> {
    Some(Duration::from_nanos(schedstat.split_whitespace().next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_number_counts() {
        assert_eq!(on_processor("1234567890 42 7\n"), Some(Duration::from_nanos(1_234_567_890)));
        assert_eq!(on_processor(""), None);
        assert_eq!(on_processor("-1 0 0\n"), None);
    }

    #[test]
    fn it_grows_with_what_is_computed() {
        let spent = || of(std::process::id()).unwrap();
        let before = spent();
        let mut number = 1_u64;
        while spent() == before {
            for step in 0..1_000_000 {
                number = std::hint::black_box(number.wrapping_mul(31).wrapping_add(step));
            }
        }
        assert!(spent() > before);
    }
}
