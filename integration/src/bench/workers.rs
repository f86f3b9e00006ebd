//! What does each further worker take, before the first request?

use std::time::Duration;

use anyhow::{Context, Result};
use tokio::time::sleep;

use super::Sample;
use super::contestant::{Builds, Contestant};
use crate::envoy::Envoy;

/// How many workers are tried.
pub const WORKERS: [u32; 3] = [1, 2, 4];
/// Who is compared: each has a virtual machine for each worker, or none.
const CONTESTANTS: [Contestant; 3] = [Contestant::None, Contestant::NoOp, Contestant::Panveil];

const STEP: Duration = Duration::from_millis(50);
const MOST_STEPS: usize = 100;
/// So long without growing, workers have set up what they have.
const QUIET_STEPS: usize = 4;

/// What was measured of one contestant: bytes of resident memory with each number of [`WORKERS`], one value a round.
#[derive(Clone, Debug)]
pub struct Workers {
    /// Which.
    pub contestant: Contestant,
    /// In the order of [`WORKERS`].
    pub resident: [Sample; WORKERS.len()],
}

impl Workers {
    /// Bytes by which the memory grows from one worker to the next, from the fewest to the most.
    #[must_use]
    pub fn each(&self) -> f64 {
        let [least, .., most] = &self.resident;
        let [fewest, .., many] = WORKERS;
        (most.median() - least.median()) / f64::from(many - fewest)
    }
}

/// Starts each contestant so often with each number of workers.
///
/// # Errors
///
/// When one does not start.
pub async fn run(builds: &Builds, rounds: usize, mut advance: impl FnMut()) -> Result<Vec<Workers>> {
    let empty = |contestant| Workers { contestant, resident: std::array::from_fn(|_| Sample::default()) };
    let mut all = CONTESTANTS.map(empty);
    for _ in 0..rounds {
        for (index, concurrency) in WORKERS.into_iter().enumerate() {
            for workers in &mut all {
                let contestant = workers.contestant;
                let resident = resident(builds, contestant, concurrency).await;
                workers.resident[index].add(resident.with_context(|| contestant.name())? as f64);
            }
        }
        advance();
    }
    Ok(all.into())
}

/// Of a new process, once it does not grow any more.
async fn resident(builds: &Builds, contestant: Contestant, concurrency: u32) -> Result<u64> {
    let mut settings = contestant.settings(builds, ([127, 0, 0, 1], 9).into())?;
    settings.concurrency = concurrency;
    let envoy = Envoy::start(&builds.panveil.envoy, &settings).await?;
    let (mut largest, mut quiet) = (0, 0);
    for _ in 0..MOST_STEPS {
        let now = envoy.memory()?.resident;
        quiet = if now > largest { 0 } else { quiet + 1 };
        largest = largest.max(now);
        if quiet == QUIET_STEPS {
            break;
        }
        sleep(STEP).await;
    }
    Ok(envoy.memory()?.resident)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_further_worker_takes_its_share() {
        let resident = [10.0, 13.0, 19.0].map(|value| {
            let mut sample = Sample::default();
            sample.add(value);
            sample
        });
        assert_eq!(Workers { contestant: Contestant::Panveil, resident }.each(), 3.0);
    }
}
