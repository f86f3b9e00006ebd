//! Report of the speed of the detector.

mod chart;
mod page;
mod table;
mod target;

pub use chart::chart;
pub use page::markdown;
pub use table::table;

/// Speed with three digits when it is large, and two when it is small.
fn speed(gigabytes: f64) -> String {
    match gigabytes {
        slow if slow < 0.00995 => format!("{slow:.4}"),
        slow if slow < 0.0995 => format!("{slow:.3}"),
        fast if fast < 9.95 => format!("{fast:.2}"),
        fast => format!("{fast:.1}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speed_has_two_or_three_digits() {
        assert_eq!(
            [speed(0.0018), speed(0.0204), speed(0.31), speed(5.0), speed(14.54)],
            ["0.0018", "0.020", "0.31", "5.00", "14.5"]
        );
    }
}
