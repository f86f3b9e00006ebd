//! Files that operators copy: manifests, alerts and the dashboard, tested without an Envoy and without a cluster.
//!
//! Tests that need a tool are ignored without it. `KUSTOMIZE` and `PROMETHEUS` name the tools; the make targets set
//! both.

mod alerts;
mod compose;
mod dashboard;
mod envoy_gateway;
mod files;
mod istio;
mod metrics;
mod quick_start;
mod rendering;
mod schemas;
mod shape;
mod standalone;

use std::process::ExitCode;

use anyhow::Result;
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = [
        files::trials,
        shape::trials,
        istio::trials,
        rendering::trials,
        schemas::trials,
        envoy_gateway::trials,
        standalone::trials,
        compose::trials,
        quick_start::trials,
        alerts::trials,
        dashboard::trials,
    ];
    libtest_mimic::run(&arguments, trials.iter().flat_map(|trials| trials()).collect()).exit_code()
}

/// Test with this name.
fn trial(name: &str, test: fn() -> Result<()>) -> Trial {
    Trial::test(name, move || test().map_err(|error| Failed::from(format!("{error:#}"))))
}

/// Test that needs the tool in this variable.
fn with_tool(variable: &'static str, name: &str, test: fn() -> Result<()>) -> Trial {
    trial(name, test).with_ignored_flag(std::env::var_os(variable).is_none())
}
