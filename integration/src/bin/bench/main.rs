//! `make bench`: cost of panveil, compared with Envoy without it and with other filters, as tables, charts and
//! `docs/performance.md`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use panveil_integration::bench::rounds::{Outcome, Plan};
use panveil_integration::bench::scenario::Scenario;
use panveil_integration::bench::variant::Builds;
use panveil_integration::bench::{Sample, events, footprint, report, rounds, workers};
use panveil_integration::measurement::Options;
use panveil_integration::page;
use panveil_integration::sidecar::Build;
use panveil_integration::termination::{exit_code, until_signal};

/// Measure the cost of panveil, compared with Envoy without it and with other filters.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Arguments {
    /// The filter: panveil.wasm.
    #[arg(long, value_name = "PATH")]
    wasm: PathBuf,
    /// The naive filter for comparison: naive.wasm.
    #[arg(long, value_name = "PATH")]
    naive: PathBuf,
    /// The no-op filter for comparison: noop.wasm.
    #[arg(long, value_name = "PATH")]
    noop: PathBuf,
    /// The Envoy binary.
    #[arg(long, value_name = "PATH")]
    envoy: PathBuf,
    #[command(flatten)]
    measurement: Options,
    /// Measure only these scenarios; skip start, open streams, further workers and events.
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', conflicts_with = "docs")]
    scenario: Vec<String>,
    /// Also write the results into performance.md and its charts in this folder.
    #[arg(long, value_name = "FOLDER")]
    docs: Option<PathBuf>,
}

/// All measurements.
struct Results {
    plan: Plan,
    outcomes: Vec<Outcome>,
    footprints: Vec<footprint::Footprint>,
    workers: Vec<workers::Workers>,
    events: Vec<(&'static str, Vec<(&'static str, Sample)>)>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    exit_code("bench", until_signal(run(Arguments::parse())).await.map(|()| true))
}

async fn run(arguments: Arguments) -> Result<()> {
    let scenarios = chosen(&arguments.scenario)?;
    if let Some(folder) = &arguments.docs {
        ensure!(page_in(folder).exists(), "{} does not exist", page_in(folder).display());
    }
    let plan = arguments.measurement.plan(Duration::from_millis(300), Duration::from_millis(100));
    let panveil = Build { envoy: arguments.envoy, module: arguments.wasm };
    let builds = Builds { panveil, naive: arguments.naive, noop: arguments.noop };
    let mut results =
        Results { plan, outcomes: Vec::new(), footprints: Vec::new(), workers: Vec::new(), events: Vec::new() };
    for scenario in scenarios {
        let bar = bar(plan.rounds, scenario.name)?;
        let outcome = rounds::run(&builds, scenario, plan, || bar.inc(1)).await;
        bar.finish_and_clear();
        let outcome = outcome?;
        println!("{}: {}\n\n{}\n", outcome.scenario.name, outcome.scenario.about, report::scenario(&outcome));
        for failure in report::failures(&outcome) {
            println!("{failure}\n");
        }
        results.outcomes.push(outcome);
    }
    if arguments.scenario.is_empty() {
        rest(&builds, arguments.measurement.quick, &mut results).await?;
    }
    arguments.docs.as_ref().map_or(Ok(()), |folder| write(&results, folder))
}

/// Measurements besides the scenarios.
async fn rest(builds: &Builds, quick: bool, results: &mut Results) -> Result<()> {
    let (starts, count) = if quick { (1, 500) } else { (5, 5000) };
    let starting = bar(starts, "start")?;
    let footprints = footprint::run(builds, starts, || starting.inc(1)).await;
    starting.finish_and_clear();
    results.footprints = footprints.context("start")?;
    println!("Start, and open streams\n\n{}\n", report::footprints(&results.footprints));
    let starting = bar(starts, "workers")?;
    let workers = workers::run(builds, starts, || starting.inc(1)).await;
    starting.finish_and_clear();
    results.workers = workers.context("workers")?;
    println!("Further workers\n\n{}\n", report::workers(&results.workers));
    for (name, http2) in [("HTTP/1.1", false), ("HTTP/2", true)] {
        let sending = bar(count, "events")?;
        let lanes = events::run(&builds.panveil, http2, count, || sending.inc(1)).await;
        sending.finish_and_clear();
        let lanes = lanes.context("events")?;
        println!("A server-sent event from service to client over {name}\n\n{}\n", report::events(&lanes));
        results.events.push((name, lanes));
    }
    Ok(())
}

fn chosen(names: &[String]) -> Result<Vec<Scenario>> {
    let mut all = Scenario::all();
    for name in names {
        let known = all.iter().map(|scenario| scenario.name).collect::<Vec<_>>().join(", ");
        ensure!(all.iter().any(|scenario| scenario.name == name), "no scenario {name:?}; there are {known}");
    }
    all.retain(|scenario| names.is_empty() || names.iter().any(|name| name == scenario.name));
    Ok(all)
}

/// Progress bar, hidden unless standard error is a terminal.
fn bar(count: usize, name: &'static str) -> Result<ProgressBar> {
    let bar = ProgressBar::new(count as u64).with_message(name);
    bar.set_style(ProgressStyle::with_template("{msg:10} {bar:24} {pos} of {len}, {eta} left")?);
    Ok(bar)
}

fn page_in(folder: &Path) -> PathBuf {
    folder.join("performance.md")
}

fn write(results: &Results, folder: &Path) -> Result<()> {
    let Results { plan, outcomes, footprints, workers, events } = results;
    let written = report::markdown(*plan, outcomes, footprints, workers, events);
    page::rewrite(&page_in(folder), "make bench", &written)?;
    let charts = [("cpu", report::cpu_chart(&results.outcomes)), ("memory", report::memory_chart(&results.outcomes))];
    for (name, chart) in charts {
        let path = folder.join(format!("performance-{name}.svg"));
        fs::write(&path, chart).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
