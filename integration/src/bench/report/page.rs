//! What stands on the page about performance?

use super::table;
use crate::bench::Sample;
use crate::bench::footprint::Footprint;
use crate::bench::rounds::{Outcome, Plan};

/// The results as Markdown. `events` has a name of the protocol and its lanes.
#[must_use]
pub fn markdown(
    plan: Plan,
    outcomes: &[Outcome],
    footprints: &[Footprint],
    events: &[(&str, Vec<(&'static str, Sample)>)],
) -> String {
    let turn = plan.turn.as_millis();
    let mut text = format!("{} rounds, each contestant {turn} ms in each.\n", plan.rounds);
    for outcome in outcomes {
        let scenario = &outcome.scenario;
        text.push_str(&format!("\n### {}\n\n{}.\n\n", scenario.name, scenario.about));
        text.push_str(&format!("{}\n", table::scenario(outcome)));
        for (contestant, figures) in &outcome.by_contestant {
            if let Err(reason) = figures {
                text.push_str(&format!("\n{} fails: {reason}.\n", contestant.name()));
            }
        }
    }
    text.push_str(&format!("\n### Start, and open streams\n\n{}\n", table::footprints(footprints)));
    for (protocol, lanes) in events {
        text.push_str(&format!("\n### A server-sent event over {protocol}\n\n{}\n", table::events(lanes)));
    }
    text
}
