//! First failures of a run, with the number of the stream, so that they can be replayed.

use std::sync::{Mutex, PoisonError};

/// Maximum number of stored failures.
const MOST: usize = 5;

#[derive(Debug, Default)]
pub struct Faults {
    told: Mutex<(usize, Vec<String>)>,
}

impl Faults {
    pub fn add(&self, number: u64, what: &str) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.0 += 1;
        if told.1.len() < MOST {
            told.1.push(format!("exchange {number}: {what}"));
        }
    }

    /// Number of failures, and the first of them. `None` without any.
    pub fn told(&self) -> Option<String> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        (told.0 > 0).then(|| format!("{} faults, among them {}", told.0, told.1.join("; ")))
    }
}
