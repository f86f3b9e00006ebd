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
    use std::process::Command;
    use std::thread;

    use super::*;

    #[test]
    fn the_first_number_counts() {
        assert_eq!(on_processor("1234567890 42 7\n"), Some(Duration::from_nanos(1_234_567_890)));
        assert_eq!(on_processor(""), None);
        assert_eq!(on_processor("-1 0 0\n"), None);
    }

    #[test]
    fn it_grows_with_what_is_computed() {
        // A process with one thread: in this one, other tests end theirs, whose time is lost.
        let mut child = Command::new("sh").args(["-c", "while :; do :; done"]).spawn().unwrap();
        let spent = || of(child.id()).unwrap();
        let before = spent();
        let grew = (0..60_000).any(|_| {
            thread::sleep(Duration::from_millis(1));
            spent() > before
        });
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(grew);
    }
}
