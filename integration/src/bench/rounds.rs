//! Order of the measurements: each round measures every variant.

use std::sync::Arc;

use anyhow::Result;

use super::lane::{Figures, Lane};
use super::scenario::Scenario;
use super::variant::{Builds, Variant};
pub use crate::measurement::Plan;

/// Result of one scenario.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Scenario.
    pub scenario: Arc<Scenario>,
    /// Figures of each variant, or a short reason why it has none.
    pub by_variant: Vec<(Variant, Result<Figures, String>)>,
}

impl Outcome {
    /// Figures of a variant, when it has any.
    #[must_use]
    pub fn figures(&self, variant: Variant) -> Option<&Figures> {
        self.by_variant.iter().find(|(one, _)| *one == variant).and_then(|(_, figures)| figures.as_ref().ok())
    }
}

/// Rounds of a process. Memory placement makes one process some percent faster than the next with the same variant, so
/// a measurement needs several processes.
const ROUNDS_OF_A_PROCESS: usize = 3;

/// Measures one scenario. Calls `advance` after each round.
///
/// # Errors
///
/// When a variant that must not fail does, or does not mask every card number.
pub async fn run(builds: &Builds, scenario: Scenario, plan: Plan, mut advance: impl FnMut()) -> Result<Outcome> {
    let scenario = Arc::new(scenario);
    let mut by_variant: Vec<_> = Variant::ALL.map(|variant| (variant, Ok(Figures::default()))).into();
    let mut left = plan.rounds;
    while left > 0 {
        let rounds = left.min(ROUNDS_OF_A_PROCESS);
        left = left.saturating_sub(rounds);
        let plan = Plan { rounds, ..plan };
        let measured = of_new_processes(builds, &scenario, plan, &mut advance).await?;
        for ((_, all), (_, figures)) in by_variant.iter_mut().zip(measured) {
            match (all.as_mut(), figures) {
                (Ok(all), Ok(figures)) => all.extend(&figures),
                (_, Err(reason)) => *all = Err(reason),
                (Err(_), Ok(_)) => {}
            }
        }
    }
    Ok(Outcome { scenario, by_variant })
}

/// Measures one scenario with a new Envoy for each variant.
async fn of_new_processes(
    builds: &Builds,
    scenario: &Arc<Scenario>,
    plan: Plan,
    advance: &mut impl FnMut(),
) -> Result<Vec<(Variant, Result<Figures, String>)>> {
    let mut lanes = Vec::new();
    for variant in Variant::ALL {
        let lane = match open(builds, variant, scenario, plan).await {
            Ok(lane) => Ok(lane),
            Err(error) => Err(excused(variant, scenario, error)?),
        };
        lanes.push((variant, lane));
    }
    for _ in 0..plan.rounds {
        for (variant, lane) in &mut lanes {
            let Ok(running) = lane else { continue };
            let turn = running.measure(plan.turn).await;
            if let Err(error) = turn {
                *lane = Err(excused(*variant, scenario, error)?);
            }
        }
        advance();
    }
    let mut by_variant = Vec::new();
    for (variant, lane) in lanes {
        let figures = match lane.map(Lane::close) {
            Ok(Ok(figures)) => Ok(figures),
            Ok(Err(error)) => Err(excused(variant, scenario, error)?),
            Err(reason) => Err(reason),
        };
        by_variant.push((variant, figures));
    }
    Ok(by_variant)
}

/// Reason why a variant fails that may fail.
fn excused(variant: Variant, scenario: &Scenario, error: anyhow::Error) -> Result<String> {
    if variant.may_fail() {
        return Ok(format!("{error:#}"));
    }
    Err(error.context(format!("{}: {}", scenario.name, variant.name())))
}

async fn open(builds: &Builds, variant: Variant, scenario: &Arc<Scenario>, plan: Plan) -> Result<Lane> {
    let settings = variant.settings(builds, ([127, 0, 0, 1], 0).into())?;
    let mut lane = Lane::open(&builds.panveil.envoy, settings, variant.masks(), scenario).await?;
    lane.warm_up(plan.turn).await?;
    Ok(lane)
}
