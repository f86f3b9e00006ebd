//! In which order is everything measured? Contestant after contestant, round after round.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};

use super::contestant::Contestant;
use super::lane::{Figures, Lane};
use super::scenario::Scenario;
use crate::sidecar::Build;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How often each contestant has its turn in each scenario.
    pub rounds: usize,
    /// How long a turn is.
    pub turn: Duration,
}

/// What came of one scenario.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The scenario.
    pub scenario: Arc<Scenario>,
    /// Each contestant's figures, or in a few words why it has none.
    pub by_contestant: Vec<(Contestant, Result<Figures, String>)>,
}

impl Outcome {
    /// A contestant's figures, when it has any.
    #[must_use]
    pub fn figures(&self, contestant: Contestant) -> Option<&Figures> {
        self.by_contestant.iter().find(|(one, _)| *one == contestant).and_then(|(_, figures)| figures.as_ref().ok())
    }
}

/// Measures one scenario. `advance` is called after each round.
///
/// # Errors
///
/// When a contestant that must not fail does, or does not mask what it must.
pub async fn run(build: &Build, scenario: Scenario, plan: Plan, mut advance: impl FnMut()) -> Result<Outcome> {
    let scenario = Arc::new(scenario);
    let mut lanes = Vec::new();
    for contestant in Contestant::ALL {
        let lane = open(build, contestant, &scenario, plan).await;
        let lane = match lane {
            Err(error) if contestant.may_fail() => Err(format!("{error:#}")),
            lane => Ok(lane.with_context(|| format!("{}: {}", scenario.name, contestant.name()))?),
        };
        lanes.push((contestant, lane));
    }
    for _ in 0..plan.rounds {
        for (contestant, lane) in &mut lanes {
            if let Ok(lane) = lane {
                lane.measure(plan.turn).await.with_context(|| format!("{}: {}", scenario.name, contestant.name()))?;
            }
        }
        advance();
    }
    let mut by_contestant = Vec::new();
    for (contestant, lane) in lanes {
        let figures = match lane {
            Ok(lane) => Ok(lane.close().with_context(|| format!("{}: {}", scenario.name, contestant.name()))?),
            Err(reason) => Err(reason),
        };
        by_contestant.push((contestant, figures));
    }
    Ok(Outcome { scenario, by_contestant })
}

async fn open(build: &Build, contestant: Contestant, scenario: &Arc<Scenario>, plan: Plan) -> Result<Lane> {
    let mut lane = Lane::open(build, contestant, scenario).await?;
    lane.warm_up(plan.turn).await?;
    Ok(lane)
}
