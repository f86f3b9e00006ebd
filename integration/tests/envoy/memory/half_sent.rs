//! Memory of a thousand open streams, each half sent and ending in a possible partial card number.

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use panveil_integration::bench::open_streams::{STREAMS, growth};
use panveil_integration::envoy::{Filter, Settings};
use panveil_integration::sidecar::Build;

use crate::trial::trial;

/// Maximum memory of panveil for each of them.
const ALLOWANCE: u64 = 8 << 10;

pub fn trials(build: &Build) -> Vec<Trial> {
    let build = build.clone();
    vec![trial("memory::a_thousand_half_sent", move || half_sent(build))]
}

async fn half_sent(build: Build) -> Result<()> {
    let settings = |filter| Settings::new(filter, ([127, 0, 0, 1], 0).into());
    let none = growth(&build.envoy, settings(Filter::None)).await.context("without a filter")?;
    let no_op = growth(&build.envoy, settings(Filter::NoOp)).await.context("with a filter that does nothing")?;
    let panveil = growth(&build.envoy, build.settings("{}")).await?;
    let allowed = STREAMS as u64 * ALLOWANCE;
    let told = format!("panveil: {panveil:?}; a filter that does nothing: {no_op:?}; none: {none:?}");
    for base in [&none, &no_op] {
        ensure!(panveil.resident <= base.resident + allowed, "too much for {STREAMS} streams. {told}");
    }
    ensure!(panveil.wasm <= allowed, "too much wasm memory for {STREAMS} streams. {told}");
    Ok(())
}
