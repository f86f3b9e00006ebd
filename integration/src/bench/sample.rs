//! What do many measurements of one thing come to?

/// Measurements, in no order.
#[derive(Clone, Debug, Default)]
pub struct Sample(Vec<f64>);

impl Sample {
    /// Adds one.
    pub fn add(&mut self, value: f64) {
        self.0.push(value);
    }

    /// The smallest value that this share of the measurements does not exceed; 0 when there are none.
    #[must_use]
    pub fn quantile(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().saturating_sub(1);
        sorted.get((share * last as f64).round() as usize).copied().unwrap_or_default()
    }

    /// The middle one.
    #[must_use]
    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_measurements() {
        let mut sample = Sample::default();
        assert_eq!(sample.median(), 0.0);
        for value in [5.0, 1.0, 4.0, 2.0, 3.0] {
            sample.add(value);
        }
        assert_eq!((sample.quantile(0.0), sample.median(), sample.quantile(1.0)), (1.0, 3.0, 5.0));
    }
}
