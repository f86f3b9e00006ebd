//! Results on `docs/cost.md`.

use comfy_table::Table;

use super::fleet::{RATE, RATES, SIDECARS, gibibytes, processors};
use super::{Cost, Growth};
use crate::bench::rounds::Plan;
use crate::figures::{align, ratio, significant, table};

const MEBIBYTE: f64 = (1 << 20) as f64;

/// Results as Markdown: the small request, and for each growing quantity the cost of its steps.
#[must_use]
pub fn markdown(plan: Plan, request: &Cost, grown: &[(Growth, Vec<Cost>)]) -> String {
    let mut text = format!(
        "{} rounds of {} ms for each row, without panveil and with it; one client.\n\n{}",
        plan.rounds,
        plan.turn.as_millis(),
        section(&Growth::request(), &self::request(request).to_string()),
    );
    for (growth, costs) in grown {
        text.push_str(&format!("\n{}", self::growth(growth, costs)));
    }
    text.push_str(&format!("\n### A fleet\n\n{}", fleet(request)));
    text
}

/// Section of one growing quantity.
#[must_use]
pub fn growth(growth: &Growth, costs: &[Cost]) -> String {
    let mut text = section(growth, &steps(growth, costs).to_string());
    text.extend(each_further(growth, costs).map(|line| format!("\n{line}\n")));
    text
}

fn section(growth: &Growth, table: &str) -> String {
    format!("### {}\n\n{}.\n\n{table}\n", growth.heading, growth.about)
}

/// Table of the small request, as an operator needs it for a budget.
#[must_use]
pub fn request(cost: &Cost) -> Table {
    let columns = ["", "CPU µs per request", "p50 µs", "processors at 1,000 requests/s", "MiB resident"];
    let mut table = table(columns);
    let mut row = |name: &str, cpu: f64, p50: f64, memory: f64| {
        let processors = format!("{:.3}", processors(1000.0, cpu));
        let memory = format!("{:.0}", memory / MEBIBYTE);
        table.add_row([name.to_owned(), significant(cpu), significant(p50), processors, memory]);
    };
    for (name, figures) in [("no filter", &cost.none), ("panveil", &cost.panveil)] {
        row(name, figures.cpu.median(), figures.p50.median(), figures.resident as f64);
    }
    let (cpu, p50) = (cost.more_cpu(), cost.more_p50());
    row("difference", cpu.median(), p50.median(), cost.more_memory());
    let spread = [cpu.half_range(), p50.half_range()].map(significant);
    let [cpu, p50] = spread;
    table.add_row(["±".to_owned(), cpu, p50, String::new(), String::new()]);
    align(&mut table);
    table
}

fn steps(growth: &Growth, costs: &[Cost]) -> Table {
    let columns =
        ["", "no filter µs", "panveil µs", "difference µs", "± µs", "× no filter", "p50 µs", "p50 difference µs"];
    let mut table = table(columns);
    for (step, cost) in growth.steps.iter().zip(costs) {
        let (none, panveil, more) = (cost.none.cpu.median(), cost.panveil.cpu.median(), cost.more_cpu());
        table.add_row([
            step.label.clone(),
            significant(none),
            significant(panveil),
            significant(more.median()),
            significant(more.half_range()),
            ratio(panveil, none),
            significant(cost.panveil.p50.median()),
            significant(cost.more_p50().median()),
        ]);
    }
    align(&mut table);
    table
}

/// Cost of one more unit, between the least and the most. `None` when the steps are not counted.
fn each_further(growth: &Growth, costs: &[Cost]) -> Option<String> {
    let unit = growth.unit?;
    let [(least, first), .., (most, last)] = &growth.steps.iter().zip(costs).collect::<Vec<_>>()[..] else {
        return None;
    };
    let more = last.more_cpu().over(&first.more_cpu());
    let range = most.amount - least.amount;
    let (each, spread) = (more.median() / range, more.half_range() / range);
    Some(format!("From the first to the last row, panveil takes {each:.2} µs (± {spread:.2}) per additional {unit}."))
}

/// Cost of the small request in a fleet, with the formula.
#[must_use]
pub fn fleet(request: &Cost) -> String {
    let micros = request.more_cpu().median();
    let memory = request.more_memory();
    let all = |rate: u32| processors(f64::from(SIDECARS) * f64::from(rate), micros);
    let sum = gibibytes(SIDECARS, memory);
    let mut table = table(["requests/s per sidecar", "additional processors", "additional GiB"]);
    for rate in RATES {
        table.add_row([rate.to_string(), significant(all(rate)), format!("{sum:.0}")]);
    }
    align(&mut table);
    format!(
        "{SIDECARS} sidecars with one worker each. Every request is like the first on this page. Rates and number are assumed.\n\n\
         {table}\n\n\
         ```text\n\
         processors = sidecars × requests/s per sidecar × additional µs per request / 1000000\n           \
         = {SIDECARS} × {RATE} × {} / 1000000 = {}\n\
         GiB        = sidecars × additional MiB / 1024\n           \
         = {SIDECARS} × {} / 1024 = {sum:.0}\n\
         ```\n",
        significant(micros),
        significant(all(RATE)),
        significant(memory / MEBIBYTE),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::Figures;

    fn figures(micros: f64, mebibytes: u64) -> Figures {
        let mut figures = Figures { resident: mebibytes << 20, ..Figures::default() };
        // Both rounds differ by the same amount, regardless of other load on the machine.
        for busy in [0.0, 500.0] {
            figures.cpu.add(micros + busy);
            figures.p50.add(2.0 * micros + busy);
        }
        figures
    }

    fn cost(more: f64) -> Cost {
        Cost { none: figures(80.0, 65), panveil: figures(80.0 + more, 115) }
    }

    #[test]
    fn a_request_has_a_figure_in_processors_too() {
        let text = request(&cost(70.0)).to_string();
        let row = text.lines().find(|line| line.contains("difference")).unwrap();
        assert_eq!(
            row.split('|').map(str::trim).collect::<Vec<_>>(),
            ["", "difference", "70.0", "140", "0.070", "50", ""]
        );
    }

    #[test]
    fn a_fleet_is_the_sum_of_its_sidecars() {
        let text = fleet(&cost(70.0));
        assert!(text.contains("= 10000 × 50 × 70.0 / 1000000 = 35.0\n"), "{text}");
        assert!(text.contains("= 10000 × 50.0 / 1024 = 488\n"), "{text}");
        let row = |rate: &str| text.lines().find(|line| line.starts_with(&format!("| {rate} "))).unwrap().to_owned();
        assert!(row("10").contains(" 7.0 |") && row("200").contains(" 140 |"), "{text}");
    }

    #[test]
    fn the_cost_of_an_additional_unit_needs_counted_steps() {
        let all = Growth::all();
        let of = |heading: &str| all.iter().find(|growth| growth.heading == heading).unwrap();
        let rules = growth(of("Rules"), &[cost(70.0), cost(71.0), cost(80.0)]);
        assert!(rules.contains("takes 0.10 µs (± 0.00) per additional rule."), "{rules}");
        let policies = growth(of("Savings by policy"), &[cost(70.0), cost(69.0), cost(40.0), cost(30.0)]);
        assert!(!policies.contains("per additional") && policies.contains("| monitor "), "{policies}");
    }

    #[test]
    fn the_page_has_every_growing_quantity() {
        let page = include_str!("../../../../docs/cost.md");
        let headings = Growth::all().into_iter().map(|growth| growth.heading).chain(["A request", "A fleet"]);
        let missing: Vec<_> = headings.filter(|heading| !page.contains(&format!("\n### {heading}\n"))).collect();
        assert!(missing.is_empty(), "docs/cost.md lacks {missing:?}; run: make bench-cost");
    }
}
