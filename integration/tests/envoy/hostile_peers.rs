//! `make hostile-peers`: its checks pass for panveil, and fail for a filter that does nothing.

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use panveil_integration::envoy::no_op;
use panveil_integration::peers::Python;
use panveil_integration::sidecar::Build;

use crate::trial::trial;

/// Fixed seed, so that a failure is reproducible. Its streams include ones that have crashed Envoy, inserted digits
/// in front of a text, and corrupted compressed bodies.
const SEED: &str = "7";
const EXCHANGES: &str = "8000";
/// Number of streams that suffices for a filter that does nothing.
const FEW: &str = "200";

pub fn trials(build: &Build) -> Vec<Trial> {
    let missing = Python::from_environment().is_none();
    let (judged, blind) = (build.clone(), build.clone());
    vec![
        trial("hostile_peers::nothing_gets_past_and_nothing_gets_lost", move || holds(judged))
            .with_ignored_flag(missing),
        trial("hostile_peers::a_filter_that_does_nothing_is_noticed", move || notices(blind))
            .with_ignored_flag(missing),
    ]
}

async fn run(build: &Build, exchanges: &str) -> Result<(bool, String)> {
    let python = Python::from_environment().context("PEERS_PYTHON is not set")?;
    let (module, envoy) = (build.module.to_string_lossy(), build.envoy.to_string_lossy());
    let arguments = ["--wasm", &module, "--envoy", &envoy, "--seed", SEED, "--exchanges", exchanges, "--shrink", "1"];
    python.run("hostile-peers/run.py", &arguments).await
}

async fn holds(build: Build) -> Result<()> {
    let (success, said) = run(&build, EXCHANGES).await?;
    ensure!(success, "{said}");
    Ok(())
}

async fn notices(build: Build) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let module = folder.path().join("no-op.wasm");
    std::fs::write(&module, no_op()?)?;
    let (success, said) = run(&Build { module, ..build }, FEW).await?;
    ensure!(!success && said.contains("FINDING leak"), "nothing was noticed: {said}");
    Ok(())
}
