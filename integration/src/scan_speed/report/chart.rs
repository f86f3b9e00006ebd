//! Chart on `docs/scanner-speed.md`: a group of bars for each input. The length is the logarithm of the speed in V8.

use panveil_scan_speed::engine::Engine;

use super::speed;
use crate::bar_chart::{Bar, Chart, Group};
use crate::scan_speed::Place;
use crate::scan_speed::rounds::Outcome;

/// Chart as SVG.
#[must_use]
pub fn chart(outcomes: &[Outcome]) -> String {
    let median = |outcome: &Outcome, engine| outcome.speed(Place::V8, engine).map(|sample| sample.median());
    let all = || outcomes.iter().flat_map(|one| Engine::ALL.map(|engine| median(one, engine))).flatten();
    let slowest = all().fold(1.0, f64::min).max(1e-6).log10().floor();
    let fastest = all().fold(1.0, f64::max).log10().ceil().max(slowest + 1.0);
    let share = |value: f64| (value.max(1e-6).log10() - slowest) / (fastest - slowest);
    let marks = (slowest as i32..=fastest as i32).map(|power| {
        let value = 10_f64.powi(power);
        (share(value), format!("{value} GB/s"))
    });
    let groups = outcomes.iter().map(|outcome| {
        let bars = Engine::ALL.map(|engine| {
            let value = median(outcome, engine);
            Bar {
                name: engine.name(),
                class: class(engine),
                length: value.map(share),
                label: value.map_or_else(|| "not measured".to_owned(), speed),
            }
        });
        Group { heading: outcome.input.name.clone(), bars: bars.into() }
    });
    let title = "Speed as wasm in V8; adjacent grid lines differ by a factor of ten".to_owned();
    Chart { title, marks: marks.collect(), groups: groups.collect() }.draw()
}

fn class(engine: Engine) -> &'static str {
    match engine {
        Engine::Panveil => "panveil",
        Engine::Regex => "regex",
        Engine::Dfa => "dfa",
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::tests::outcome;
    use super::*;

    #[test]
    fn every_engine_has_a_bar_and_every_power_of_ten_a_line() {
        let chart = chart(&[outcome()]);
        for part in ["class=\"panveil\"", "class=\"regex\"", "class=\"dfa\"", "0.1 GB/s", "1 GB/s", "10 GB/s", "3.00"] {
            assert!(chart.contains(part), "{part}: {chart}");
        }
        assert!(!chart.contains("NaN") && !chart.contains("inf"));
    }
}
