//! `make bench-cost`: growth of the cost of a request, and the cost of a fleet, as tables and `docs/cost.md`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use panveil_integration::bench::cost::{self, Cost, Growth, report};
use panveil_integration::bench::rounds::Plan;
use panveil_integration::measurement::Options;
use panveil_integration::page;
use panveil_integration::sidecar::Build;
use panveil_integration::termination::{exit_code, until_signal};

/// Measure how the cost of a request grows with its content and with the policy.
#[derive(Debug, Parser)]
#[command(name = "bench-cost")]
struct Arguments {
    /// The filter: panveil.wasm.
    #[arg(long, value_name = "PATH")]
    wasm: PathBuf,
    /// The Envoy binary.
    #[arg(long, value_name = "PATH")]
    envoy: PathBuf,
    #[command(flatten)]
    measurement: Options,
    /// Also write the results into cost.md in this folder.
    #[arg(long, value_name = "FOLDER")]
    docs: Option<PathBuf>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    exit_code("bench-cost", until_signal(run(Arguments::parse())).await.map(|()| true))
}

async fn run(arguments: Arguments) -> Result<()> {
    let page = arguments.docs.map(|folder| folder.join("cost.md"));
    if let Some(page) = &page {
        ensure!(page.exists(), "{} does not exist", page.display());
    }
    let plan = arguments.measurement.plan(Duration::from_millis(200), Duration::from_millis(100));
    let build = Build { envoy: arguments.envoy, module: arguments.wasm };
    let request = measure(&build, &Growth::request(), plan).await?.pop().context("nothing was measured")?;
    println!("{}\n\n{}", report::request(&request), report::fleet(&request));
    let mut grown = Vec::new();
    for growth in Growth::all() {
        let costs = measure(&build, &growth, plan).await?;
        println!("{}", report::growth(&growth, &costs));
        grown.push((growth, costs));
    }
    page.map_or(Ok(()), |page| page::rewrite(&page, "make bench-cost", &report::markdown(plan, &request, &grown)))
}

/// Measures one growing quantity, with a progress bar on a terminal.
async fn measure(build: &Build, growth: &Growth, plan: Plan) -> Result<Vec<Cost>> {
    let bar = ProgressBar::new(plan.rounds as u64).with_message(growth.heading);
    bar.set_style(ProgressStyle::with_template("{msg:26} {bar:24} {pos} of {len}, {eta} left")?);
    let costs = cost::run(build, growth, plan, || bar.inc(1)).await;
    bar.finish_and_clear();
    costs
}
