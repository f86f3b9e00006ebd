//! Short soak test, and proof that it detects failures. `make soak` runs the long one.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use panveil_integration::sidecar::Build;
use panveil_integration::soak::{self, Load};

use crate::trial::trial;

/// Fixed seed, so that a failure is reproducible.
const LOAD: Load = Load { seed: 1, exchanges: 2000, at_once: 64, longest: Duration::from_secs(240) };

pub fn trials(build: &Build) -> Vec<Trial> {
    let short = build.clone();
    let blind = build.clone();
    vec![
        trial("soak::short", move || ends_well(short)),
        trial("soak::a_filter_that_does_nothing_is_noticed", move || notices(blind)),
    ]
}

async fn ends_well(build: Build) -> Result<()> {
    let summary = soak::run(&build, LOAD, || ()).await.with_context(|| format!("seed {}", LOAD.seed))?;
    ensure!(summary.taken > 0, "no policy was taken: {summary:?}");
    Ok(())
}

async fn notices(build: Build) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let module = folder.path().join("no-op.wasm");
    std::fs::write(&module, panveil_integration::envoy::no_op()?)?;
    let error = soak::run(&Build { module, ..build }, LOAD, || ()).await.err().context("nothing was noticed")?;
    ensure!(error.to_string().contains("faults"), "{error:#}");
    Ok(())
}
