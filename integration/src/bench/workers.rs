//! Memory of each further worker, before the first request.

use std::time::Duration;

use anyhow::{Context, Result};
use tokio::time::sleep;

use super::Sample;
use super::variant::{Builds, Variant};
use crate::envoy::Envoy;

/// Numbers of workers.
pub const WORKERS: [u32; 3] = [1, 2, 4];
/// Compared variants. Each has a VM in each worker, or none.
const VARIANTS: [Variant; 3] = [Variant::None, Variant::NoOp, Variant::Panveil];

const STEP: Duration = Duration::from_millis(50);
const MOST_STEPS: usize = 100;
/// Polls without growth after which the workers are set up.
const QUIET_STEPS: usize = 4;

/// Resident memory of one variant in bytes for each of [`WORKERS`], one value per round.
#[derive(Clone, Debug)]
pub struct Workers {
    /// Variant.
    pub variant: Variant,
    /// Memory, in the order of [`WORKERS`].
    pub resident: [Sample; WORKERS.len()],
}

impl Workers {
    /// Memory growth per further worker, from the fewest to the most.
    #[must_use]
    pub fn each(&self) -> f64 {
        let [least, .., most] = &self.resident;
        let [fewest, .., many] = WORKERS;
        (most.median() - least.median()) / f64::from(many - fewest)
    }
}

/// Starts each variant this often with each number of workers.
///
/// # Errors
///
/// When one does not start.
pub async fn run(builds: &Builds, rounds: usize, mut advance: impl FnMut()) -> Result<Vec<Workers>> {
    let empty = |variant| Workers { variant, resident: std::array::from_fn(|_| Sample::default()) };
    let mut all = VARIANTS.map(empty);
    for _ in 0..rounds {
        for (index, concurrency) in WORKERS.into_iter().enumerate() {
            for workers in &mut all {
                let variant = workers.variant;
                let resident = resident(builds, variant, concurrency).await;
                workers.resident[index].add(resident.with_context(|| variant.name())? as f64);
            }
        }
        advance();
    }
    Ok(all.into())
}

/// Memory of a new process, once it stops growing.
async fn resident(builds: &Builds, variant: Variant, concurrency: u32) -> Result<u64> {
    let mut settings = variant.settings(builds, ([127, 0, 0, 1], 9).into())?;
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
        assert_eq!(Workers { variant: Variant::Panveil, resident }.each(), 3.0);
    }
}
