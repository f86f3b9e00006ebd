//! `make demo`: panveil with a real client, a real Envoy and a real upstream, on one screen.

mod report;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use panveil_integration::case::{Case, Cut, Protocol, parse};
use panveil_integration::observation::check;
use panveil_integration::sidecar::{Build, Sidecar};
use panveil_integration::termination::{demonstrate, exit_code};
use panveil_integration::upstream::Script;
use report::Report;

/// Streams of the demo. They are cases, so the tests run them too.
const EXCHANGES: &str = include_str!("../../../cases/demo.toml");

/// Demonstrate panveil: client -> Envoy with panveil -> upstream, all on 127.0.0.1.
#[derive(Debug, Parser)]
#[command(name = "demo")]
struct Arguments {
    /// The filter: panveil.wasm.
    #[arg(long, value_name = "PATH")]
    wasm: PathBuf,
    /// The Envoy binary.
    #[arg(long, value_name = "PATH")]
    envoy: PathBuf,
    /// Keep running on the ports of sidecar.yaml, for manual requests.
    #[arg(long)]
    keep: bool,
}

/// Policy of `sidecar.yaml`.
const SHIPPED_POLICY: &str = "{}";
const LISTENER_PORT: u16 = 10000;
const ADMIN_PORT: u16 = 9901;
const SERVICE_PORT: u16 = 8080;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // In every case the work is dropped, and with it every process.
    exit_code("demo", demonstrate(arguments.keep, run(arguments)).await)
}

/// Runs every stream. False when the result of one is not as expected.
async fn run(arguments: Arguments) -> Result<bool> {
    let cases = parse("demo", EXCHANGES)?;
    let mut sidecars = start(&arguments, &cases).await?;
    let report = Report::to_stdout();
    report.title();
    let mut right = 0;
    for case in &cases {
        let sidecar = sidecars.get_mut(&case.policy).context("no sidecar")?;
        let seen = sidecar.run(case, Protocol::Http1, Cut::AsGiven).await?;
        let outcome = check(case, &seen);
        report.exchange(case, &seen, outcome.as_ref().err().map(String::as_str));
        right += usize::from(outcome.is_ok());
    }
    report.counters(&sum_of_counters(&sidecars).await?);
    report.verdict(right, cases.len());
    if arguments.keep {
        let sidecar = sidecars.get(SHIPPED_POLICY).context("no sidecar with the shipped policy")?;
        sidecar.upstream.script(Script::Echo);
        report.invitation(sidecar.envoy.listener, sidecar.envoy.admin);
        std::future::pending::<()>().await;
    }
    Ok(right == cases.len())
}

/// Starts a sidecar for each policy. With `--keep` the shipped policy gets the shipped ports.
async fn start(arguments: &Arguments, cases: &[Case]) -> Result<BTreeMap<String, Sidecar>> {
    let build = Build { envoy: arguments.envoy.clone(), module: arguments.wasm.clone() };
    let mut sidecars = BTreeMap::new();
    for case in cases {
        if !sidecars.contains_key(&case.policy) {
            let mut settings = build.settings(&case.policy);
            if arguments.keep && case.policy == SHIPPED_POLICY {
                settings.listener_port = LISTENER_PORT;
                settings.admin_port = ADMIN_PORT;
                settings.service.set_port(SERVICE_PORT);
            }
            sidecars.insert(case.policy.clone(), Sidecar::start(&build.envoy, settings).await?);
        }
    }
    Ok(sidecars)
}

async fn sum_of_counters(sidecars: &BTreeMap<String, Sidecar>) -> Result<BTreeMap<String, u64>> {
    let mut counters = BTreeMap::new();
    for sidecar in sidecars.values() {
        for (name, value) in sidecar.envoy.counters().await? {
            *counters.entry(name).or_insert(0) += value;
        }
    }
    Ok(counters)
}
