//! Does panveil stay well for a long time? `make soak`: mixed traffic through a real Envoy whose policy changes all the while.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use panveil_integration::ending::{exit_code, seed_of_now, unless_told_to_end};
use panveil_integration::sidecar::Build;
use panveil_integration::soak::{self, Load};
use tokio::time::Instant;

/// Send mixed traffic through a real Envoy with panveil, and hold every byte to what it must be.
#[derive(Debug, Parser)]
#[command(name = "soak")]
struct Arguments {
    /// The filter: panveil.wasm.
    #[arg(long, value_name = "PATH")]
    wasm: PathBuf,
    /// The Envoy binary.
    #[arg(long, value_name = "PATH")]
    envoy: PathBuf,
    /// How many exchanges.
    #[arg(long, value_name = "COUNT", default_value_t = 200_000)]
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
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let seed = arguments.seed.unwrap_or_else(seed_of_now);
    let outcome = unless_told_to_end(run(arguments, seed)).await;
    exit_code(format_args!("soak: seed {seed}"), outcome.map(|()| true))
}

async fn run(arguments: Arguments, seed: u64) -> Result<()> {
    let build = Build { envoy: arguments.envoy, module: arguments.wasm };
    let load = Load {
        seed,
        exchanges: arguments.requests,
        at_once: arguments.concurrency,
        longest: Duration::from_secs(arguments.longest),
    };
    let start = Instant::now();
    // Draws nothing when standard error is no terminal.
    let bar = ProgressBar::new(load.exchanges);
    bar.set_style(ProgressStyle::with_template("{bar:24} {pos} of {len} exchanges, {eta} left")?);
    let outcome = soak::run(&build, load, || bar.inc(1)).await;
    bar.finish_and_clear();
    let summary = outcome.context("not well")?;
    println!(
        "soak: seed {seed}: {} exchanges in {:.0} s, all as expected; {} policies taken and {} refused meanwhile; {} KiB of wasm memory",
        summary.exchanges,
        start.elapsed().as_secs_f64(),
        summary.taken,
        summary.refused,
        summary.wasm >> 10,
    );
    Ok(())
}
