//! Tables of the benchmark.

use comfy_table::Table;

use crate::bench::Sample;
use crate::bench::footprint::Footprint;
use crate::bench::rounds::Outcome;
use crate::bench::variant::Variant;
use crate::bench::workers::{WORKERS, Workers};
use crate::figures::{align, percent, ratio, significant, table};

/// Table of one scenario, with a row for each variant.
#[must_use]
pub fn scenario(outcome: &Outcome) -> Table {
    let has_cards = outcome.scenario.cards() > 0;
    let cards = has_cards.then_some("masked");
    let length = outcome.scenario.response_length() as f64;
    let is_large = outcome.scenario.is_large();
    let bytes = if is_large { &["ns/byte", "MB/s"][..] } else { &[] };
    let columns = ["CPU µs", "±", "× no filter", "× no-op", "p50 µs", "p99 µs", "requests/s", "peak MiB"];
    let mut table = table(std::iter::once("").chain(columns).chain(bytes.iter().copied()).chain(cards));
    let cpu = |variant| outcome.figures(variant).map_or(0.0, |figures| figures.cpu.median());
    let (none, no_op) = (cpu(Variant::None), cpu(Variant::NoOp));
    for (variant, figures) in &outcome.by_variant {
        let mut row = vec![variant.name().to_owned()];
        match figures {
            Ok(figures) => {
                let spent = figures.cpu.median();
                row.push(significant(spent));
                row.push(percent(figures.cpu.spread()));
                row.extend([ratio(spent, none), ratio(spent, no_op)]);
                row.extend([&figures.p50, &figures.p99, &figures.rate].map(|sample| significant(sample.median())));
                row.push(format!("{:.0}", mebibytes(figures.peak as f64)));
                if is_large {
                    row.push(format!("{:.2}", spent * 1e3 / length));
                    row.push(significant(figures.rate.median() * length / 1e6));
                }
                row.extend(has_cards.then(|| figures.masked.to_string()));
            }
            Err(_) => row.push("fails".to_owned()),
        }
        table.add_row(row);
    }
    align(&mut table);
    table
}

/// Table of start and open streams, with a row for each variant.
#[must_use]
pub fn footprints(footprints: &[Footprint]) -> Table {
    let columns = ["", "code KB", "start ms", "start CPU ms", "MiB at start", "KiB per open stream"];
    let mut table = table(columns);
    for footprint in footprints {
        table.add_row([
            footprint.variant.name().to_owned(),
            footprint.code.map(|bytes| format!("{:.1}", bytes as f64 / 1e3)).unwrap_or_default(),
            format!("{:.0}", footprint.ready.median()),
            format!("{:.0}", footprint.cpu.median()),
            format!("{:.0}", mebibytes(footprint.resident.median())),
            format!("{:.1}", footprint.stream.median() / 1024.0),
        ]);
    }
    align(&mut table);
    table
}

/// Table of further workers, with a row for each variant.
#[must_use]
pub fn workers(all: &[Workers]) -> Table {
    let columns = WORKERS.map(|count| format!("MiB with {count}"));
    let header = std::iter::once("").chain(columns.iter().map(String::as_str));
    let mut table = table(header.chain(["MiB per further worker"]));
    for workers in all {
        let mut row = vec![workers.variant.name().to_owned()];
        row.extend(workers.resident.iter().map(|sample| format!("{:.1}", mebibytes(sample.median()))));
        row.push(format!("{:.2}", mebibytes(workers.each())));
        table.add_row(row);
    }
    align(&mut table);
    table
}

/// Table of events. The first lane is the base of the ratios.
#[must_use]
pub fn events(lanes: &[(&str, Sample)]) -> Table {
    let mut table = table(["", "p50 µs", "p99 µs", "p50 × no filter", "p99 × no filter"]);
    let base = lanes.first().map(|(_, sample)| sample);
    for (name, sample) in lanes {
        let to_base = |share: f64| ratio(sample.quantile(share), base.map_or(0.0, |base| base.quantile(share)));
        table.add_row([
            (*name).to_owned(),
            significant(sample.median()),
            significant(sample.quantile(0.99)),
            to_base(0.5),
            to_base(0.99),
        ]);
    }
    align(&mut table);
    table
}

fn mebibytes(bytes: f64) -> f64 {
    bytes / (1 << 20) as f64
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::bench::Figures;
    use crate::bench::scenario::Scenario;

    #[test]
    fn a_variant_that_fails_has_a_row() {
        let mut slow = Figures::default();
        slow.cpu.add(60.0);
        let mut fast = Figures::default();
        fast.cpu.add(40.0);
        let by_variant = vec![
            (Variant::None, Ok(fast)),
            (Variant::Panveil, Ok(slow)),
            (Variant::Lua, Err("answered with 500".to_owned())),
        ];
        let scenario = Arc::new(Scenario::all().remove(0));
        let text = super::scenario(&Outcome { scenario, by_variant }).to_string();
        let row = |name: &str| text.lines().find(|line| line.starts_with(&format!("| {name}"))).unwrap().to_owned();
        assert!(row("panveil").contains(" 1.50 |") && row("no filter").contains(" 40.0 |"), "{text}");
        assert!(row("Lua").contains("fails") && !row("Lua").contains("0"), "{text}");
        assert!(!text.contains("ns/byte"), "{text}");
    }

    #[test]
    fn a_large_response_has_figures_per_byte() {
        let scenario = Scenario::all().into_iter().find(|scenario| scenario.name == "json-1m").unwrap();
        let mut figures = Figures::default();
        // Two nanoseconds per byte, and a hundred responses per second.
        figures.cpu.add((2 << 20) as f64 / 1e3);
        figures.rate.add(100.0);
        let by_variant = vec![(Variant::None, Ok(figures))];
        let text = super::scenario(&Outcome { scenario: Arc::new(scenario), by_variant }).to_string();
        assert!(text.contains("ns/byte") && text.contains(" 2.00 |") && text.contains(" 105 |"), "{text}");
    }
}
