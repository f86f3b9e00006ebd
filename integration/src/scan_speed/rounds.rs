//! In which order is everything read? Input by input; of each, contestant after contestant and place after place, round after
//! round.

use anyhow::{Result, ensure};
use panveil_scan_speed::contestant::Contestant;
use panveil_scan_speed::input::Input;

use super::{Place, Runner};
use crate::sample::Sample;
pub use crate::turns::Plan;

/// What came of one input.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The input.
    pub input: Input,
    /// 10⁹ bytes a second, one value a round.
    pub speeds: Vec<(Place, Contestant, Sample)>,
    /// What panveil finds in it.
    pub found: usize,
}

impl Outcome {
    /// The rounds of a contestant at a place, when it was measured there.
    #[must_use]
    pub fn speed(&self, place: Place, contestant: Contestant) -> Option<&Sample> {
        self.speeds.iter().find(|speed| (speed.0, speed.1) == (place, contestant)).map(|(_, _, sample)| sample)
    }

    /// The median of the faster of the two that panveil is compared with.
    #[must_use]
    pub fn faster_regex(&self, place: Place) -> Option<f64> {
        let others = [Contestant::Regex, Contestant::Dfa].into_iter();
        others.filter_map(|contestant| Some(self.speed(place, contestant)?.median())).reduce(f64::max)
    }
}

/// Measures the input that stands at `index` in [`Input::all`].
///
/// # Errors
///
/// When a program ends, or finds something else than the other.
pub fn run(runners: &mut [Runner], index: usize, input: Input, plan: Plan) -> Result<Outcome> {
    let mut outcome = Outcome { input, speeds: Vec::new(), found: 0 };
    for contestant in Contestant::ALL {
        outcome.speeds.extend(runners.iter().map(|runner| (runner.place, contestant, Sample::default())));
    }
    // One round more, which does not count: inputs are made in it.
    for round in 0..=plan.rounds {
        let mut speeds = outcome.speeds.iter_mut();
        for (number, contestant) in Contestant::ALL.into_iter().enumerate() {
            let mut found = None;
            for runner in runners.iter_mut() {
                let turn = runner.measure(number, index, plan.turn)?;
                let (name, input) = (contestant.name(), &outcome.input.name);
                ensure!(
                    found.is_none_or(|found| found == turn.found),
                    "{input}: {name} finds {} in V8, and something else natively",
                    turn.found
                );
                found = Some(turn.found);
                let sample = speeds.next().filter(|_| round > 0);
                if let Some((_, _, sample)) = sample {
                    sample.add(turn.gigabytes_a_second());
                }
            }
            if contestant == Contestant::Panveil {
                outcome.found = found.unwrap_or_default();
            }
        }
    }
    Ok(outcome)
}
