//! What does each contestant take before the first request, and for each open stream?

use std::time::Instant;

use anyhow::{Context, Result};

use super::Sample;
use super::contestant::{Builds, Contestant};
use super::open_streams::{STREAMS, growth};
use crate::envoy::Envoy;

/// What was measured of one contestant: one value a round.
#[derive(Clone, Debug)]
pub struct Footprint {
    /// Which.
    pub contestant: Contestant,
    /// Bytes of the module or script.
    pub code: Option<u64>,
    /// Milliseconds from the start of the process until it takes requests, found out every ten.
    pub ready: Sample,
    /// Milliseconds that it computed until then.
    pub cpu: Sample,
    /// Bytes of memory that it then has.
    pub resident: Sample,
    /// Bytes of memory that an open stream takes.
    pub stream: Sample,
}

/// Starts each contestant so often, and opens streams through each.
///
/// # Errors
///
/// When one does not start, or does not take the streams.
pub async fn run(builds: &Builds, rounds: usize, mut advance: impl FnMut()) -> Result<Vec<Footprint>> {
    let empty = |contestant: Contestant| {
        let [ready, cpu, resident, stream] = std::array::from_fn(|_| Sample::default());
        Ok(Footprint { contestant, code: contestant.size(builds)?, ready, cpu, resident, stream })
    };
    let mut footprints = Contestant::ALL.into_iter().map(empty).collect::<Result<Vec<_>>>()?;
    for _ in 0..rounds {
        for footprint in &mut footprints {
            footprint.measure(builds).await.with_context(|| footprint.contestant.name())?;
        }
        advance();
    }
    Ok(footprints)
}

impl Footprint {
    async fn measure(&mut self, builds: &Builds) -> Result<()> {
        let settings = self.contestant.settings(builds, ([127, 0, 0, 1], 9).into())?;
        let start = Instant::now();
        let envoy = Envoy::start(&builds.panveil.envoy, &settings).await?;
        self.ready.add(start.elapsed().as_secs_f64() * 1e3);
        self.cpu.add(envoy.cpu()?.as_secs_f64() * 1e3);
        self.resident.add(envoy.memory()?.resident as f64);
        drop(envoy);
        let grown = growth(&builds.panveil.envoy, settings).await?;
        self.stream.add(grown.resident as f64 / STREAMS as f64);
        Ok(())
    }
}
