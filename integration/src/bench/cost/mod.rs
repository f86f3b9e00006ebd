//! Growth of the cost of a request: one quantity grows, all others are constant, with panveil and without a filter.

pub mod fleet;
mod growth;
pub mod report;

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};

pub use growth::{Growth, Step};

use super::Sample;
use super::lane::{Figures, Lane};
use super::rounds::Plan;
use super::scenario::Scenario;
use crate::envoy::{Filter, Settings};
use crate::sidecar::Build;

/// Measurement of one step.
#[derive(Clone, Debug)]
pub struct Cost {
    /// Envoy without a filter.
    pub none: Figures,
    /// Envoy with panveil under the policy of the step.
    pub panveil: Figures,
}

impl Cost {
    /// Additional processor time of Envoy per stream in microseconds, by round.
    #[must_use]
    pub fn more_cpu(&self) -> Sample {
        self.panveil.cpu.over(&self.none.cpu)
    }

    /// Additional p50 latency of a stream in microseconds, by round.
    #[must_use]
    pub fn more_p50(&self) -> Sample {
        self.panveil.p50.over(&self.none.p50)
    }

    /// Additional memory of Envoy in bytes.
    #[must_use]
    pub fn more_memory(&self) -> f64 {
        self.panveil.resident as f64 - self.none.resident as f64
    }
}

/// Measures every step, all of them in turns in each round. Calls `advance` after each round.
///
/// # Errors
///
/// When a stream does not end as expected, or the masking does not match the policy.
pub async fn run(build: &Build, growth: &Growth, plan: Plan, mut advance: impl FnMut()) -> Result<Vec<Cost>> {
    let mut pairs = Vec::new();
    for step in &growth.steps {
        let scenario = Arc::new(step.scenario.clone());
        let none = Settings::new(Filter::None, ([127, 0, 0, 1], 0).into());
        let lanes = [(none, false), (build.settings(&step.policy), step.masks)];
        let mut pair = Vec::new();
        for (settings, masks) in lanes {
            let lane = open(&build.envoy, settings, masks, &scenario, plan).await;
            pair.push(lane.with_context(|| format!("{}: {}", growth.heading, step.label))?);
        }
        pairs.push(pair);
    }
    for _ in 0..plan.rounds {
        for lane in pairs.iter_mut().flatten() {
            lane.measure(plan.turn).await.context(growth.heading)?;
        }
        advance();
    }
    let closed = pairs.into_iter().map(|pair| {
        let figures = pair.into_iter().map(Lane::close).collect::<Result<Vec<_>>>()?;
        let [none, panveil] = figures.try_into().ok().context("a pair has two")?;
        Ok(Cost { none, panveil })
    });
    closed.collect()
}

async fn open(envoy: &Path, settings: Settings, masks: bool, scenario: &Arc<Scenario>, plan: Plan) -> Result<Lane> {
    let mut lane = Lane::open(envoy, settings, masks, scenario).await?;
    lane.warm_up(plan.turn).await?;
    Ok(lane)
}
