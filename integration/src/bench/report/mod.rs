//! How is it told what panveil costs?

mod chart;
mod page;
mod table;

pub use chart::{cpu_chart, memory_chart};
pub use page::{failures, markdown};
pub use table::{events, footprints, scenario};

/// A ratio with as many digits as it is good for.
fn ratio(value: f64, base: f64) -> String {
    match value / base {
        ratio if !ratio.is_finite() => String::new(),
        ratio if ratio < 9.995 => format!("{ratio:.2}"),
        ratio => format!("{ratio:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_has_three_digits_at_most() {
        assert_eq!([ratio(1.0, 2.0), ratio(23.41, 10.0), ratio(9.996, 1.0)], ["0.50", "2.34", "10"]);
        assert_eq!([ratio(1071.0, 10.0), ratio(1.0, 0.0), ratio(0.0, 0.0)], ["107", "", ""]);
    }
}
