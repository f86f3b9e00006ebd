//! How long does a contestant take? It reads an input again and again until enough time is over.

use std::time::{Duration, Instant};

use crate::contestant::Scanner;
use crate::input::Input;

/// What came of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// How many bytes were read.
    pub bytes: u64,
    /// How many nanoseconds it took.
    pub nanoseconds: u64,
    /// How much is found in the input.
    pub found: usize,
}

impl Turn {
    /// Bytes by nanoseconds, which is 10⁹ bytes by seconds.
    #[must_use]
    pub fn gigabytes_a_second(&self) -> f64 {
        self.bytes as f64 / self.nanoseconds.max(1) as f64
    }
}

/// Reads `bytes`, those of `input`, for at least this long and at least once.
#[must_use]
pub fn take(scanner: &Scanner, input: &Input, bytes: &[u8], time: Duration) -> Turn {
    let start = Instant::now();
    let mut turn = Turn { bytes: 0, nanoseconds: 0, found: 0 };
    loop {
        turn.found = scanner.read(input.document, bytes);
        turn.bytes += bytes.len() as u64;
        let elapsed = start.elapsed();
        if elapsed >= time {
            turn.nanoseconds = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
            return turn;
        }
    }
}
