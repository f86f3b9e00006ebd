//! Results on `docs/scanner-speed.md`.

use super::table;
use crate::scan_speed::Place;
use crate::scan_speed::rounds::{Outcome, Plan};

/// Results as Markdown. `v8` is the version of V8.
#[must_use]
pub fn markdown(plan: Plan, outcomes: &[Outcome], v8: &str) -> String {
    let turn = plan.turn.as_millis();
    let mut text = format!("{} rounds of {turn} ms for each engine and input. V8 {v8}.\n", plan.rounds);
    text.push_str(&format!("\n### As wasm in V8, GB/s\n\n{}\n", table(outcomes, Place::V8)));
    text.push_str(&format!("\n### Natively, GB/s\n\n{}\n", table(outcomes, Place::Native)));
    text.push_str("\n### Inputs\n\n");
    for outcome in outcomes {
        text.push_str(&format!("- **{}**: {}.\n", outcome.input.name, outcome.input.about));
    }
    text
}

#[cfg(test)]
mod tests {
    use panveil_scan_speed::input::Input;

    #[test]
    fn the_page_has_every_input() {
        let page = include_str!("../../../../docs/scanner-speed.md");
        let all = Input::all();
        let line = |input: &Input| format!("- **{}**: {}.\n", input.name, input.about);
        let missing: Vec<_> = all.iter().map(line).filter(|line| !page.contains(line)).collect();
        assert!(missing.is_empty(), "docs/scanner-speed.md lacks {missing:?}; run: make bench-scan");
    }
}
