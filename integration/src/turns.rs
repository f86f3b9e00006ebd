//! How much is measured, when contestants take turns?

use std::time::Duration;

/// The rounds of a measurement.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How often each contestant has its turn with each thing that is measured.
    pub rounds: usize,
    /// How long a turn is at least.
    pub turn: Duration,
}
