//! `make bench-scan`: speed of the detector, natively and as Wasm in V8, as tables, a chart and
//! `docs/scanner-speed.md`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use panveil_integration::measurement::Options;
use panveil_integration::page;
use panveil_integration::scan_speed::rounds::{Outcome, Plan};
use panveil_integration::scan_speed::{Place, Runner, report, rounds, v8_version};
use panveil_integration::termination::exit_code;
use panveil_scan_speed::input::Input;

/// Measure the speed of the detector.
#[derive(Debug, Parser)]
#[command(name = "bench-scan")]
struct Arguments {
    /// The measuring program: scan-speed.
    #[arg(long, value_name = "PATH")]
    native: PathBuf,
    /// The measuring program as wasm: scan-speed.wasm.
    #[arg(long, value_name = "PATH")]
    wasm: PathBuf,
    /// The script that runs the wasm: run.mjs.
    #[arg(long, value_name = "PATH")]
    script: PathBuf,
    /// The Node.js binary, for V8.
    #[arg(long, value_name = "PATH", default_value = "node")]
    node: PathBuf,
    #[command(flatten)]
    measurement: Options,
    /// Also write the results into scanner-speed.md and scanner-speed.svg in this folder.
    #[arg(long, value_name = "FOLDER")]
    docs: Option<PathBuf>,
}

fn main() -> ExitCode {
    exit_code("bench-scan", run(&Arguments::parse()).map(|()| true))
}

fn run(arguments: &Arguments) -> Result<()> {
    if let Some(folder) = &arguments.docs {
        ensure!(page_in(folder).exists(), "{} does not exist", page_in(folder).display());
    }
    let plan = arguments.measurement.plan(Duration::from_millis(20), Duration::from_millis(5));
    let mut runners = vec![Runner::native(&arguments.native)?];
    let v8 = v8_version(&arguments.node)?;
    if v8.is_some() {
        runners.push(Runner::v8(&arguments.node, &arguments.script, &arguments.wasm)?);
    } else {
        println!(
            "bench-scan: no {} here, so nothing is measured in V8; install Node.js 20 or newer (apt-get install nodejs)\n",
            arguments.node.display()
        );
    }
    let outcomes = measure(&mut runners, plan)?;
    if v8.is_some() {
        println!("As wasm in V8, GB/s\n\n{}\n", report::table(&outcomes, Place::V8));
    }
    println!("Natively, GB/s\n\n{}", report::table(&outcomes, Place::Native));
    match (&arguments.docs, &v8) {
        (Some(folder), Some(v8)) => write(&outcomes, plan, v8, folder),
        (Some(folder), None) => {
            println!("\nbench-scan: {} stays as it is, without V8", page_in(folder).display());
            Ok(())
        }
        (None, _) => Ok(()),
    }
}

fn measure(runners: &mut [Runner], plan: Plan) -> Result<Vec<Outcome>> {
    let inputs = Input::all();
    // Hidden unless standard error is a terminal.
    let bar = ProgressBar::new(inputs.len() as u64);
    bar.set_style(ProgressStyle::with_template("{bar:24} {pos} of {len} inputs, {eta} left")?);
    let mut outcomes = Vec::new();
    for (index, input) in inputs.into_iter().enumerate() {
        outcomes.push(rounds::run(runners, index, input, plan)?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(outcomes)
}

fn page_in(folder: &Path) -> PathBuf {
    folder.join("scanner-speed.md")
}

fn write(outcomes: &[Outcome], plan: Plan, v8: &str, folder: &Path) -> Result<()> {
    page::rewrite(&page_in(folder), "make bench-scan", &report::markdown(plan, outcomes, v8))?;
    let path = folder.join("scanner-speed.svg");
    fs::write(&path, report::chart(outcomes)).with_context(|| format!("cannot write {}", path.display()))
}
