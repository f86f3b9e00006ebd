//! Results on `docs/performance.md`.

use super::table;
use crate::bench::Sample;
use crate::bench::footprint::Footprint;
use crate::bench::rounds::{Outcome, Plan};
use crate::bench::workers::Workers;

/// Results as Markdown. `events` has the name of each protocol and its lanes.
#[must_use]
pub fn markdown(
    plan: Plan,
    outcomes: &[Outcome],
    footprints: &[Footprint],
    workers: &[Workers],
    events: &[(&str, Vec<(&'static str, Sample)>)],
) -> String {
    let turn = plan.turn.as_millis();
    let mut text = format!("{} rounds of {turn} ms for each filter.\n", plan.rounds);
    for outcome in outcomes {
        let scenario = &outcome.scenario;
        text.push_str(&format!("\n### {}\n\n{}.\n\n", scenario.name, scenario.about));
        text.push_str(&format!("{}\n", table::scenario(outcome)));
        for failure in failures(outcome) {
            text.push_str(&format!("\n{failure}\n"));
        }
    }
    text.push_str(&format!("\n### Start, and open streams\n\n{}\n", table::footprints(footprints)));
    text.push_str(&format!("\n### Further workers\n\n{}\n", table::workers(workers)));
    for (protocol, lanes) in events {
        text.push_str(&format!("\n### A server-sent event over {protocol}\n\n{}\n", table::events(lanes)));
    }
    text
}

/// Variants without figures and the reason, one line each.
pub fn failures(outcome: &Outcome) -> impl Iterator<Item = String> {
    outcome.by_variant.iter().filter_map(|(variant, figures)| {
        let reason = figures.as_ref().err()?;
        Some(format!("{} fails: {reason}.", variant.name()))
    })
}

#[cfg(test)]
mod tests {
    use crate::bench::scenario::Scenario;

    #[test]
    fn the_page_tells_of_every_scenario() {
        let page = include_str!("../../../../docs/performance.md");
        let all = Scenario::all();
        let names = all.iter().map(|scenario| scenario.name);
        let missing: Vec<_> = names.filter(|name| !page.contains(&format!("\n### {name}\n"))).collect();
        assert!(missing.is_empty(), "docs/performance.md lacks {missing:?}; run: make bench");
    }
}
