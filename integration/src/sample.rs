//! Statistics of repeated measurements.

/// Measurements, in order.
#[derive(Clone, Debug, Default)]
pub struct Sample(Vec<f64>);

impl Sample {
    /// Adds one.
    pub fn add(&mut self, value: f64) {
        self.0.push(value);
    }

    /// Adds those of `other`.
    pub fn extend(&mut self, other: &Self) {
        self.0.extend_from_slice(&other.0);
    }

    /// Smallest value that this share of the measurements does not exceed. 0 when there are none.
    #[must_use]
    pub fn quantile(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().saturating_sub(1);
        sorted.get((share * last as f64).round() as usize).copied().unwrap_or_default()
    }

    /// Median.
    #[must_use]
    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// Half of the interquartile range. 0 when there are no measurements.
    #[must_use]
    pub fn half_range(&self) -> f64 {
        (self.quantile(0.75) - self.quantile(0.25)) / 2.0
    }

    /// Half of the interquartile range, as a share of the median.
    #[must_use]
    pub fn spread(&self) -> f64 {
        let median = self.median();
        if median == 0.0 { 0.0 } else { self.half_range() / median }
    }

    /// Differences to the measurements of the same rounds in `base`.
    #[must_use]
    pub fn over(&self, base: &Self) -> Self {
        Self(self.0.iter().zip(&base.0).map(|(value, base)| value - base).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(values: &[f64]) -> Sample {
        Sample(values.to_vec())
    }

    #[test]
    fn quantiles_are_measurements() {
        assert_eq!(sample(&[]).median(), 0.0);
        let five = sample(&[5.0, 1.0, 4.0, 2.0, 3.0]);
        assert_eq!((five.quantile(0.0), five.median(), five.quantile(1.0)), (1.0, 3.0, 5.0));
    }

    #[test]
    fn a_spread_is_that_of_the_middle_half() {
        assert_eq!((sample(&[]).spread(), sample(&[7.0]).spread()), (0.0, 0.0));
        let five = sample(&[10.0, 8.0, 1.0, 12.0, 900.0]);
        assert_eq!((five.half_range(), five.spread()), (2.0, 0.2));
    }

    #[test]
    fn a_round_is_compared_with_itself() {
        let more = sample(&[3.0, 30.0, 301.0]).over(&sample(&[1.0, 29.0, 300.0]));
        assert_eq!((more.median(), more.half_range()), (1.0, 0.5));
    }
}
