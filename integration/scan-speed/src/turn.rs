//! One measurement of an engine: it reads an input repeatedly until the time is over.

use std::time::{Duration, Instant};

use crate::engine::Scanner;
use crate::input::Input;

/// Result of a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Bytes read.
    pub bytes: u64,
    /// Nanoseconds elapsed.
    pub nanoseconds: u64,
    /// Number of findings in the input.
    pub found: usize,
}

impl Turn {
    /// Speed in 10⁹ bytes per second.
    #[must_use]
    pub fn gigabytes_a_second(&self) -> f64 {
        self.bytes as f64 / self.nanoseconds.max(1) as f64
    }
}

/// Reads `bytes`, the bytes of `input`, for at least this time and at least once.
#[must_use]
pub fn take(scanner: &Scanner, input: &Input, bytes: &[u8], time: Duration) -> Turn {
    let start = Instant::now();
    let mut turn = Turn { bytes: 0, nanoseconds: 0, found: 0 };
    loop {
        turn.found = scanner.read(input.text_format, bytes);
        turn.bytes += bytes.len() as u64;
        let elapsed = start.elapsed();
        if elapsed >= time {
            turn.nanoseconds = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
            return turn;
        }
    }
}
