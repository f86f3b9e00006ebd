//! `make soak`: mixed traffic through a real Envoy for a long time, during policy changes.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use panveil_integration::sidecar::Build;
use panveil_integration::soak::{self, Load};
use panveil_integration::termination::{exit_code, seed_from_time, until_signal};
use tokio::time::Instant;

/// Send mixed traffic through a real Envoy with panveil, and compare every byte with the expected one.
#[derive(Debug, Parser)]
#[command(name = "soak")]
struct Arguments {
    /// The filter: panveil.wasm.
    #[arg(long, value_name = "PATH")]
    wasm: PathBuf,
    /// The Envoy binary.
    #[arg(long, value_name = "PATH")]
    envoy: PathBuf,
    /// Number of streams.
    #[arg(long, value_name = "COUNT", default_value_t = 200_000)]
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
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let seed = arguments.seed.unwrap_or_else(seed_from_time);
    let outcome = until_signal(run(arguments, seed)).await;
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
    // Hidden unless standard error is a terminal.
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
