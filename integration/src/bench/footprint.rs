//! Footprint of each variant before the first request, and for each open stream.

use std::time::Instant;

use anyhow::{Context, Result};

use super::Sample;
use super::open_streams::{STREAMS, growth};
use super::variant::{Builds, Variant};
use crate::envoy::Envoy;

/// Measurements of one variant, one value per round.
#[derive(Clone, Debug)]
pub struct Footprint {
    /// Variant.
    pub variant: Variant,
    /// Bytes of the module or script.
    pub code: Option<u64>,
    /// Milliseconds from the start of the process until it accepts requests, polled every ten.
    pub ready: Sample,
    /// Processor time until then, in milliseconds.
    pub cpu: Sample,
    /// Resident memory then, in bytes.
    pub resident: Sample,
    /// Memory of an open stream, in bytes.
    pub stream: Sample,
}

/// Starts each variant this often, and opens streams through each.
///
/// # Errors
///
/// When one does not start, or rejects a stream.
pub async fn run(builds: &Builds, rounds: usize, mut advance: impl FnMut()) -> Result<Vec<Footprint>> {
    let empty = |variant: Variant| {
        let [ready, cpu, resident, stream] = std::array::from_fn(|_| Sample::default());
        Ok(Footprint { variant, code: variant.size(builds)?, ready, cpu, resident, stream })
    };
    let mut footprints = Variant::ALL.into_iter().map(empty).collect::<Result<Vec<_>>>()?;
    for _ in 0..rounds {
        for footprint in &mut footprints {
            footprint.measure(builds).await.with_context(|| footprint.variant.name())?;
        }
        advance();
    }
    Ok(footprints)
}

impl Footprint {
    async fn measure(&mut self, builds: &Builds) -> Result<()> {
        let settings = self.variant.settings(builds, ([127, 0, 0, 1], 9).into())?;
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
