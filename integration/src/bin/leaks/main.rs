//! Does anything that is written hold a card? `make leaks`: cards in every place and form through a real Envoy, and then a
//! look at every log, page, span and answer.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use panveil_integration::ending::{exit_code, seed_of_now, unless_told_to_end};
use panveil_integration::leaks::{self, Load, Mix};
use panveil_integration::peers::Python;
use panveil_integration::sidecar::Build;
use tokio::time::Instant;

/// Send cards in every place and form through a real Envoy with panveil, and look for them in all that is written.
#[derive(Debug, Parser)]
#[command(name = "leaks")]
struct Arguments {
    /// The filter: panveil.wasm.
    #[arg(long, value_name = "PATH")]
    wasm: PathBuf,
    /// The Envoy binary.
    #[arg(long, value_name = "PATH")]
    envoy: PathBuf,
    /// How many exchanges.
    #[arg(long, value_name = "COUNT", default_value_t = 50_000)]
    requests: u64,
    /// How many at once.
    #[arg(long, value_name = "COUNT", default_value_t = 64)]
    concurrency: u64,
    /// Replays the exchanges of an earlier run. Without it they are new ones.
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// How long all of it may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 1800)]
    longest: u64,
    /// Only what panveil masks, and with traces.
    #[arg(long)]
    masked: bool,
    /// Also say what became of the exchanges.
    #[arg(long)]
    verbose: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let seed = arguments.seed.unwrap_or_else(seed_of_now);
    let outcome = unless_told_to_end(run(arguments, seed)).await;
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
    // Draws nothing when standard error is no terminal.
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
