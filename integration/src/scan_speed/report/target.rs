//! Speed targets, for V8 on an otherwise idle machine.

use panveil_scan_speed::input::Input;

/// Minimum speed of every input, in 10⁹ bytes per second.
const EVERY: f64 = 0.2;
const NAMED: [(&str, f64); 6] =
    [("JSON", 5.0), ("HTML", 8.0), ("base64", 8.0), ("CSV", 1.5), ("16-digit CSV", 0.7), ("all digits", 1.2)];
/// Minimum ratio to the faster regular expression, for the inputs with this target.
const TIMES: f64 = 7.0;
const TIMES_OF: [&str; 2] = ["JSON", "CSV"];

/// Target of an input, and whether it is met. `speed` is panveil's, `regex` that of the faster expression.
pub(super) fn verdict(input: &Input, speed: f64, regex: f64) -> String {
    let named = NAMED.iter().find(|(name, _)| *name == input.name);
    let least = named.map_or(EVERY, |(_, least)| *least);
    let times = TIMES_OF.contains(&input.name.as_str());
    let aim = if times { format!("≥ {least}, ≥ {TIMES} ×") } else { format!("≥ {least}") };
    let is_met = speed >= least && (!times || speed >= regex * TIMES);
    format!("{aim}: {}", if is_met { "met" } else { "missed" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_met_or_missed() {
        let input = |name: &str| Input::all().into_iter().find(|input| input.name == name).unwrap();
        assert_eq!(verdict(&input("JSON"), 5.0, 0.7), "≥ 5, ≥ 7 ×: met");
        assert_eq!(verdict(&input("JSON"), 5.0, 0.8), "≥ 5, ≥ 7 ×: missed");
        assert_eq!(verdict(&input("prose"), 0.19, 66.0), "≥ 0.2: missed");
    }

    #[test]
    fn every_named_input_exists() {
        let all = Input::all();
        let names = NAMED.iter().map(|(name, _)| name).chain(&TIMES_OF);
        for name in names {
            assert!(all.iter().any(|input| input.name == *name), "{name}");
        }
    }
}
