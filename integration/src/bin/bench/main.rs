//! `make bench`: what panveil costs, beside the same Envoy without it, as a table.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;
use indicatif::{ProgressBar, ProgressStyle};
use panveil_integration::bench::{Sample, events};
use panveil_integration::sidecar::Build;

/// Measure what panveil costs, beside the same Envoy without it.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Arguments {
    /// The filter: panveil.wasm.
    #[arg(long, value_name = "PATH")]
    wasm: PathBuf,
    /// The Envoy binary.
    #[arg(long, value_name = "PATH")]
    envoy: PathBuf,
    /// How many times each thing is measured.
    #[arg(long, value_name = "COUNT", default_value_t = 5000)]
    rounds: usize,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<()> {
    let build = Build { envoy: arguments.envoy, module: arguments.wasm };
    for (name, http2) in [("HTTP/1.1", false), ("HTTP/2", true)] {
        // Draws nothing when standard error is no terminal.
        let bar = ProgressBar::new(arguments.rounds as u64);
        bar.set_style(ProgressStyle::with_template("{bar:24} {pos} of {len} events, {eta} left")?);
        let lanes = events::run(&build, http2, arguments.rounds, || bar.inc(1)).await;
        bar.finish_and_clear();
        println!("A server-sent event from service to client over {name}, microseconds:\n");
        println!("{}\n", table(&lanes.context("events")?));
    }
    Ok(())
}

/// The first lane is what the others are compared with.
fn table(lanes: &[(&str, Sample)]) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header(["", "p50", "p99", "p50, ratio", "p99, ratio"]);
    let base = lanes.first().map(|(_, sample)| sample);
    for (name, sample) in lanes {
        let ratio = |share: f64| base.map_or(0.0, |base| sample.quantile(share) / base.quantile(share));
        table.add_row([
            (*name).to_owned(),
            format!("{:.0}", sample.median()),
            format!("{:.0}", sample.quantile(0.99)),
            format!("{:.3}", ratio(0.5)),
            format!("{:.3}", ratio(0.99)),
        ]);
    }
    table
}
