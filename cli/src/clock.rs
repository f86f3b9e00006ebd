//! The clock of the machine.

use std::time::{SystemTime, UNIX_EPOCH};

/// Time in seconds since 1970; `None` for a clock before it.
pub fn now() -> Option<u64> {
    SystemTime::now().duration_since(UNIX_EPOCH).ok().map(|time| time.as_secs())
}
