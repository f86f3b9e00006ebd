//! Order of the measurements: inputs one after the other, and for each input every engine in every runtime, round after
//! round.

use anyhow::{Result, ensure};
use panveil_scan_speed::engine::Engine;
use panveil_scan_speed::input::Input;

use super::{Place, Runner};
pub use crate::measurement::Plan;
use crate::sample::Sample;

/// Result of one input.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Input.
    pub input: Input,
    /// 10⁹ bytes per second, one value per round.
    pub speeds: Vec<(Place, Engine, Sample)>,
    /// Findings of panveil.
    pub found: usize,
}

impl Outcome {
    /// Speeds of an engine in a runtime, when it was measured there.
    #[must_use]
    pub fn speed(&self, place: Place, engine: Engine) -> Option<&Sample> {
        self.speeds.iter().find(|speed| (speed.0, speed.1) == (place, engine)).map(|(_, _, sample)| sample)
    }

    /// Median of the faster regular expression.
    #[must_use]
    pub fn faster_regex(&self, place: Place) -> Option<f64> {
        let others = [Engine::Regex, Engine::Dfa].into_iter();
        others.filter_map(|engine| Some(self.speed(place, engine)?.median())).reduce(f64::max)
    }
}

/// Measures the input with this `index` in [`Input::all`].
///
/// # Errors
///
/// When a program exits, or the findings of the runtimes differ.
pub fn run(runners: &mut [Runner], index: usize, input: Input, plan: Plan) -> Result<Outcome> {
    let mut outcome = Outcome { input, speeds: Vec::new(), found: 0 };
    for engine in Engine::ALL {
        outcome.speeds.extend(runners.iter().map(|runner| (runner.place, engine, Sample::default())));
    }
    // Plus one round for generating the inputs, which does not count.
    for round in 0..=plan.rounds {
        let mut speeds = outcome.speeds.iter_mut();
        for (number, engine) in Engine::ALL.into_iter().enumerate() {
            let mut found = None;
            for runner in runners.iter_mut() {
                let turn = runner.measure(number, index, plan.turn)?;
                let (name, input) = (engine.name(), &outcome.input.name);
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
            if engine == Engine::Panveil {
                outcome.found = found.unwrap_or_default();
            }
        }
    }
    Ok(outcome)
}
