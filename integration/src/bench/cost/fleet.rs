//! Cost of a request in a fleet of sidecars.

use crate::bench::MICROS;

/// Number of sidecars.
pub const SIDECARS: u32 = 10_000;
/// Requests per second of one sidecar, averaged over day and night. Assumed, not measured.
pub const RATES: [u32; 3] = [10, 50, 200];
/// The one of [`RATES`] in the text of the page.
pub const RATE: u32 = 50;

/// Fully used processors for this rate of requests, each with this processor time in microseconds.
#[must_use]
pub fn processors(requests_a_second: f64, micros: f64) -> f64 {
    requests_a_second * micros / MICROS
}

/// Memory of these sidecars in GiB, with this number of bytes each.
#[must_use]
pub fn gibibytes(sidecars: u32, bytes: f64) -> f64 {
    f64::from(sidecars) * bytes / (1_u64 << 30) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_requests_of_a_millisecond_keep_one_processor_busy() {
        assert_eq!(processors(1000.0, 1000.0), 1.0);
        assert_eq!(processors(f64::from(SIDECARS * RATE), 70.0), 35.0);
        assert_eq!(processors(0.0, 70.0), 0.0);
    }

    #[test]
    fn memory_adds_up() {
        assert_eq!(gibibytes(1024, (50 << 20) as f64), 50.0);
    }

    #[test]
    fn the_rate_that_is_written_out_is_in_the_table() {
        assert!(RATES.contains(&RATE));
    }
}
