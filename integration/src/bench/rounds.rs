//! Order of the measurements: each round measures every variant.

use std::sync::Arc;

use anyhow::Result;

use super::contestant::{Builds, Contestant};
use super::lane::{Figures, Lane};
use super::scenario::Scenario;
pub use crate::turns::Plan;

/// Result of one scenario.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Scenario.
    pub scenario: Arc<Scenario>,
    /// Figures of each variant, or a short reason why it has none.
    pub by_contestant: Vec<(Contestant, Result<Figures, String>)>,
}

impl Outcome {
    /// Figures of a variant, when it has any.
    #[must_use]
    pub fn figures(&self, contestant: Contestant) -> Option<&Figures> {
        self.by_contestant.iter().find(|(one, _)| *one == contestant).and_then(|(_, figures)| figures.as_ref().ok())
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
    let mut by_contestant: Vec<_> = Contestant::ALL.map(|contestant| (contestant, Ok(Figures::default()))).into();
    let mut left = plan.rounds;
    while left > 0 {
        let rounds = left.min(ROUNDS_OF_A_PROCESS);
        left = left.saturating_sub(rounds);
        let plan = Plan { rounds, ..plan };
        let measured = of_new_processes(builds, &scenario, plan, &mut advance).await?;
        for ((_, all), (_, figures)) in by_contestant.iter_mut().zip(measured) {
            match (all.as_mut(), figures) {
                (Ok(all), Ok(figures)) => all.extend(&figures),
                (_, Err(reason)) => *all = Err(reason),
                (Err(_), Ok(_)) => {}
            }
        }
    }
    Ok(Outcome { scenario, by_contestant })
}

/// Measures one scenario with a new Envoy for each variant.
async fn of_new_processes(
    builds: &Builds,
    scenario: &Arc<Scenario>,
    plan: Plan,
    advance: &mut impl FnMut(),
) -> Result<Vec<(Contestant, Result<Figures, String>)>> {
    let mut lanes = Vec::new();
    for contestant in Contestant::ALL {
        let lane = match open(builds, contestant, scenario, plan).await {
            Ok(lane) => Ok(lane),
            Err(error) => Err(excused(contestant, scenario, error)?),
        };
        lanes.push((contestant, lane));
    }
    for _ in 0..plan.rounds {
        for (contestant, lane) in &mut lanes {
            let Ok(running) = lane else { continue };
            let turn = running.measure(plan.turn).await;
            if let Err(error) = turn {
                *lane = Err(excused(*contestant, scenario, error)?);
            }
        }
        advance();
    }
    let mut by_contestant = Vec::new();
    for (contestant, lane) in lanes {
        let figures = match lane.map(Lane::close) {
            Ok(Ok(figures)) => Ok(figures),
            Ok(Err(error)) => Err(excused(contestant, scenario, error)?),
            Err(reason) => Err(reason),
        };
        by_contestant.push((contestant, figures));
    }
    Ok(by_contestant)
}

/// Reason why a variant fails that may fail.
fn excused(contestant: Contestant, scenario: &Scenario, error: anyhow::Error) -> Result<String> {
    if contestant.may_fail() {
        return Ok(format!("{error:#}"));
    }
    Err(error.context(format!("{}: {}", scenario.name, contestant.name())))
}

async fn open(builds: &Builds, contestant: Contestant, scenario: &Arc<Scenario>, plan: Plan) -> Result<Lane> {
    let settings = contestant.settings(builds, ([127, 0, 0, 1], 0).into())?;
    let mut lane = Lane::open(&builds.panveil.envoy, settings, contestant.masks(), scenario).await?;
    lane.warm_up(plan.turn).await?;
    Ok(lane)
}
