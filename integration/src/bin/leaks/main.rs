//! `make leaks`: sends card numbers in every location and notation through a real Envoy, and searches every log, admin
//! page, span and local reply for them.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use panveil_integration::leaks::{self, Load, Mix};
use panveil_integration::peers::Python;
use panveil_integration::sidecar::Build;
use panveil_integration::termination::{exit_code, seed_from_time, until_signal};
use tokio::time::Instant;

/// Send card numbers in every location and notation through a real Envoy with panveil, and search all of its output for
/// them.
#[derive(Debug, Parser)]
#[command(name = "leaks")]
struct Arguments {
    /// The filter: panveil.wasm.
    #[arg(long, value_name = "PATH")]
    wasm: PathBuf,
    /// The Envoy binary.
    #[arg(long, value_name = "PATH")]
    envoy: PathBuf,
    /// Number of streams.
    #[arg(long, value_name = "COUNT", default_value_t = 50_000)]
    requests: u64,
    /// Number of concurrent streams.
    #[arg(long, value_name = "COUNT", default_value_t = 64)]
    concurrency: u64,
    /// Seed of an earlier run, to replay it. The default is a new one.
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Time limit of the run in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 1800)]
    longest: u64,
    /// Send only streams that panveil masks, with traces.
    #[arg(long)]
    masked: bool,
    /// Also print the outcomes of the streams.
    #[arg(long)]
    verbose: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let seed = arguments.seed.unwrap_or_else(seed_from_time);
    let outcome = until_signal(run(arguments, seed)).await;
    exit_code(format_args!("leaks: seed {seed}"), outcome.map(|()| true))
}

async fn run(arguments: Arguments, seed: u64) -> Result<()> {
    let build = Build { envoy: arguments.envoy, module: arguments.wasm };
    let load = Load {
        seed,
        exchanges: arguments.requests,
        at_once: arguments.concurrency,
        longest: Duration::from_secs(arguments.longest),
        mix: if arguments.masked { Mix::Masked } else { Mix::Everything },
        log_level: "info",
        planted: None,
        traps: false,
    };
    let python = Python::from_environment();
    ensure!(python.is_some(), "PEERS_PYTHON is not set; `make leaks` provides it");
    let start = Instant::now();
    // Hidden unless standard error is a terminal.
    let bar = ProgressBar::new(load.exchanges);
    bar.set_style(ProgressStyle::with_template("{bar:24} {pos} of {len} exchanges, {eta} left")?);
    let outcome = leaks::run(&build, &load, python.as_ref(), || bar.inc(1)).await;
    bar.finish_and_clear();
    let summary = outcome?;
    if arguments.verbose {
        println!("{:?}\n{:?}\n{:?}", summary.details, summary.seen, summary.findings);
    }
    if let Some(told) = summary.told() {
        bail!("{told}");
    }
    println!(
        "leaks: seed {seed}: {} exchanges with {} cards in {:.0} s: none in {} MiB that were written, {} lines of access logs among them",
        summary.exchanges,
        summary.cards,
        start.elapsed().as_secs_f64(),
        summary.bytes >> 20,
        summary.lines,
    );
    Ok(())
}
