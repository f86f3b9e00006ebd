//! Constant memory for a body of 100 MiB in each direction, compared with a Wasm filter that does nothing.

use anyhow::{Result, ensure};
use bytes::Bytes;
use libtest_mimic::Trial;
use panveil_integration::envoy::{Envoy, Filter, Settings};
use panveil_integration::sidecar::Build;
use panveil_integration::test_cards::{CARD, MASKED};

use super::carrier::{Load, Service, carry};
use crate::trial::trial;

const MEBIBYTE: usize = 1 << 20;
/// Blocks of a body.
const BLOCKS: usize = 100;
/// Maximum growth of Envoy's peak, beyond that with a filter that does nothing: a few chunks of at most 1 MiB.
const ALLOWANCE: u64 = 10 << 20;
/// Maximum memory of panveil before the first byte, beyond that of a filter that does nothing: machine code and tables
/// in each of three VMs, and V8's compilation, which takes 30 MiB on two cores and more on others. The benchmark has
/// the figure.
const ALLOWANCE_AT_START: u64 = 64 << 20;

const LINE: &str = "{\"id\":20260817123456789012,\"card\":\"4111111111111111\",\"note\":\"total 4111 11\"}\n";
/// Numbers that are not card numbers, so that not every line has a finding.
const PLAIN: &str = "{\"ts\":1748503543012,\"part\":\"4111 11\",\"text\":\"and so on, for as long as it takes\"}\n";

pub fn trials(build: &Build) -> Vec<Trial> {
    let mut trials = Vec::new();
    for (http2, protocol) in [(false, "http1"), (true, "http2")] {
        for (with_length, end) in [(true, "length"), (false, "open")] {
            let build = build.clone();
            let name = format!("memory::a_hundred_mebibytes::{protocol}::{end}");
            trials.push(trial(name, move || flat(build, http2, with_length)));
        }
    }
    trials
}

async fn flat(build: Build, http2: bool, with_length: bool) -> Result<()> {
    let block = block();
    let unmasked = Load { block: block.clone().into(), masked: block.clone().into(), count: BLOCKS, with_length };
    let masked = Load { masked: Bytes::from(block.replace(CARD, MASKED)), ..unmasked.clone() };
    let panveil = Filter::Panveil { module: build.module.clone(), policy: "{}".to_owned() };
    let (base, base_growth) = memory(&build, Filter::NoOp, http2, unmasked).await?;
    let (start, growth) = memory(&build, panveil, http2, masked).await?;
    let told =
        format!("panveil: {start} bytes and {growth} more; a filter that does nothing: {base} and {base_growth}");
    ensure!(growth <= base_growth + ALLOWANCE, "memory grows with the body. {told}");
    ensure!(start <= base + ALLOWANCE_AT_START, "too much before the first byte. {told}");
    Ok(())
}

/// A mebibyte or a little more, of complete lines.
fn block() -> String {
    let mut block = String::new();
    while block.len() < MEBIBYTE {
        for _ in 0..50 {
            block.push_str(PLAIN);
        }
        block.push_str(LINE);
    }
    block
}

/// Memory of Envoy before the first request, and growth of its peak by the load in both directions.
async fn memory(build: &Build, filter: Filter, http2: bool, load: Load) -> Result<(u64, u64)> {
    let service = Service::start(load.clone()).await?;
    let settings = Settings { service_http2: http2, ..Settings::new(filter, service.address) };
    let envoy = Envoy::start(&build.envoy, &settings).await?;
    let start = envoy.memory()?.peak;
    carry(envoy.listener, http2, &load).await?;
    Ok((start, envoy.memory()?.peak.saturating_sub(start)))
}
