//! Charts on `docs/performance.md`.
//!
//! A group of bars for each scenario, a bar for each variant. The length is the logarithm of the ratio to Envoy without
//! a filter: a variant without cost has no bar.

use crate::bar_chart::{Bar, Chart, Group};
use crate::bench::lane::Figures;
use crate::bench::rounds::Outcome;
use crate::bench::variant::Variant;
use crate::figures::ratio;

/// Processor time of a stream.
#[must_use]
pub fn cpu_chart(outcomes: &[Outcome]) -> String {
    chart("CPU of a request and its response, as a multiple of Envoy without a filter", outcomes, |figures| {
        figures.cpu.median()
    })
}

/// Peak memory of Envoy.
#[must_use]
pub fn memory_chart(outcomes: &[Outcome]) -> String {
    chart("Peak memory, as a multiple of Envoy without a filter", outcomes, |figures| figures.peak as f64)
}

fn chart(title: &str, outcomes: &[Outcome], value: fn(&Figures) -> f64) -> String {
    let base = |outcome: &Outcome| outcome.figures(Variant::None).map_or(0.0, value);
    let largest = outcomes.iter().flat_map(|outcome| {
        let base = base(outcome);
        outcome.by_variant.iter().filter_map(move |(_, figures)| Some(value(figures.as_ref().ok()?) / base))
    });
    let doublings = largest.filter(|ratio| ratio.is_finite()).fold(2.0, f64::max).log2().ceil();
    let marks =
        (0..=doublings as u32).map(|doubling| (f64::from(doubling) / doublings, format!("{}×", 1_u64 << doubling)));
    let groups = outcomes.iter().map(|outcome| {
        let others = outcome.by_variant.iter().filter(|(one, _)| *one != Variant::None);
        let bars = others.map(|(variant, figures)| {
            let value = figures.as_ref().ok().map(value);
            let length = value.map(|value| (value / base(outcome)).log2().max(0.0) / doublings);
            let label = value.map_or("fails".to_owned(), |value| format!("{}×", ratio(value, base(outcome))));
            Bar { name: variant.name(), class: class(*variant), length, label }
        });
        Group { heading: format!("{}: {}", outcome.scenario.name, outcome.scenario.about), bars: bars.collect() }
    });
    Chart { title: title.to_owned(), marks: marks.collect(), groups: groups.collect() }.draw()
}

fn class(variant: Variant) -> &'static str {
    match variant {
        Variant::None => "none",
        Variant::Bare => "bare",
        Variant::NoOp => "no-op",
        Variant::Calls => "calls",
        Variant::Panveil => "panveil",
        Variant::Naive => "naive",
        Variant::Lua => "lua",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::bench::scenario::Scenario;

    #[test]
    fn a_bar_is_as_long_as_its_ratio_has_doublings() {
        let figures = |micros: f64| {
            let mut figures = Figures::default();
            figures.cpu.add(micros);
            Ok(figures)
        };
        let by_variant = vec![
            (Variant::None, figures(10.0)),
            (Variant::NoOp, figures(9.0)),
            (Variant::Panveil, figures(20.0)),
            (Variant::Naive, figures(160.0)),
            (Variant::Lua, Err("answered with 500".to_owned())),
        ];
        let scenario = Arc::new(Scenario::all().remove(0));
        let chart = cpu_chart(&[Outcome { scenario, by_variant }]);
        let width = |class: &str| {
            let bar = chart.lines().find(|line| line.contains(&format!("class=\"{class}\""))).unwrap();
            let (_, width) = bar.split_once("width=\"").unwrap();
            width.split('"').next().unwrap().parse::<usize>().unwrap()
        };
        assert_eq!((width("no-op"), width("panveil"), width("naive")), (0, 125, 500));
        assert!(chart.contains("fails") && !chart.contains("\"lua\"") && !chart.contains("NaN"), "{chart}");
    }
}
