//! Tables of the speeds, with a row for each input.

use comfy_table::Table;
use panveil_scan_speed::engine::Engine;

use super::{speed, target};
use crate::figures::{align, percent, ratio};
use crate::scan_speed::Place;
use crate::scan_speed::rounds::Outcome;

/// Table of all inputs in one place.
#[must_use]
pub fn table(outcomes: &[Outcome], place: Place) -> Table {
    let mut columns = vec!["", "panveil", "±", "meta regex", "dense DFA", "× faster regex"];
    columns.extend(if place == Place::V8 { &["× native", "target"][..] } else { &["findings per KiB"] });
    let mut table = crate::figures::table(columns);
    for outcome in outcomes {
        let median = |place, engine| outcome.speed(place, engine).map(|sample| sample.median());
        let Some(own) = outcome.speed(place, Engine::Panveil) else { continue };
        let regex = outcome.faster_regex(place).unwrap_or_default();
        let mut row = vec![outcome.input.name.clone(), speed(own.median()), percent(own.spread())];
        row.extend([Engine::Regex, Engine::Dfa].map(|one| median(place, one).map_or(String::new(), speed)));
        row.push(ratio(own.median(), regex));
        if place == Place::V8 {
            row.push(ratio(own.median(), median(Place::Native, Engine::Panveil).unwrap_or_default()));
            row.push(target::verdict(&outcome.input, own.median(), regex));
        } else {
            row.push(format!("{:.1}", outcome.found as f64 * 1024.0 / outcome.input.size() as f64));
        }
        table.add_row(row);
    }
    align(&mut table);
    table
}

#[cfg(test)]
pub(super) mod tests {
    use panveil_scan_speed::input::Input;

    use super::*;
    use crate::sample::Sample;

    /// Example: panveil reads the first input at 4 GB/s natively and 3 in V8, the others at a tenth of that.
    pub(in crate::scan_speed::report) fn outcome() -> Outcome {
        let sample = |value: f64| {
            let mut sample = Sample::default();
            sample.add(value);
            sample
        };
        let mut speeds = Vec::new();
        for (place, fast) in [(Place::Native, 4.0), (Place::V8, 3.0)] {
            speeds.push((place, Engine::Panveil, sample(fast)));
            speeds.push((place, Engine::Regex, sample(fast / 20.0)));
            speeds.push((place, Engine::Dfa, sample(fast / 10.0)));
        }
        Outcome { input: Input::all().remove(0), speeds, found: 2048 }
    }

    #[test]
    fn a_row_compares_with_the_faster_and_with_native() {
        let text = table(&[outcome()], Place::V8).to_string();
        let row: Vec<&str> = text.lines().last().unwrap().split('|').map(str::trim).collect();
        assert_eq!(row[1..9], ["JSON", "3.00", "0 %", "0.15", "0.30", "10", "0.75", "≥ 5, ≥ 7 ×: missed"]);
        let text = table(&[outcome()], Place::Native).to_string();
        assert!(text.lines().last().unwrap().contains("4.00") && text.contains(" 2.0 |"), "{text}");
    }
}
