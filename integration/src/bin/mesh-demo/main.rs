//! `make mesh-demo`: panveil in a mesh of three services with their sidecars and a Prometheus, on one page.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use panveil_integration::mesh::{Evidence, Mesh, Parts, invitation, opening, verdict};
use panveil_integration::peers::Python;
use panveil_integration::sidecar::Build;
use panveil_integration::terminal::Style;
use panveil_integration::termination::{demonstrate, exit_code};

/// Demonstrate panveil between the services of a mesh, all on 127.0.0.1.
#[derive(Debug, Parser)]
#[command(name = "mesh-demo")]
struct Arguments {
    /// The filter: panveil.wasm.
    #[arg(long, value_name = "PATH")]
    wasm: PathBuf,
    /// The Envoy binary.
    #[arg(long, value_name = "PATH")]
    envoy: PathBuf,
    /// The kustomize binary.
    #[arg(long, value_name = "PATH")]
    kustomize: PathBuf,
    /// The folder with prometheus and promtool.
    #[arg(long, value_name = "PATH")]
    prometheus: PathBuf,
    /// The command, for audits and the report.
    #[arg(long, value_name = "PATH")]
    panveil: PathBuf,
    /// The folder for the report.
    #[arg(long, value_name = "PATH")]
    report: PathBuf,
    /// Keep the mesh running, for manual requests.
    #[arg(long)]
    keep: bool,
}

const TICK: Duration = Duration::from_millis(100);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // In every case the work is dropped, and with it every process.
    exit_code("mesh-demo", demonstrate(arguments.keep, run(arguments)).await)
}

/// Prints every claim. False when one does not hold.
async fn run(arguments: Arguments) -> Result<bool> {
    let panveil = arguments.panveil.canonicalize().with_context(|| arguments.panveil.display().to_string())?;
    let parts = Parts {
        build: Build { envoy: arguments.envoy, module: arguments.wasm },
        python: Python::from_environment().context("PEERS_PYTHON is not set; `make mesh-demo` provides it")?,
        kustomize: arguments.kustomize,
        prometheus: Some(arguments.prometheus),
        evidence: Some(Evidence { panveil, folder: arguments.report.clone() }),
        policy: None,
    };
    let style = Style::of_stdout();
    // Hidden unless standard error is a terminal.
    let bar = ProgressBar::new_spinner().with_style(ProgressStyle::with_template("{spinner} {elapsed} {msg}")?);
    bar.enable_steady_tick(TICK);
    let mut mesh = Mesh::start(&parts, |next| bar.set_message(format!("starting {next}"))).await?;
    bar.set_message("sending cards");
    bar.suspend(|| print!("{}", opening(style)));
    let claims = mesh.tell(|claim| bar.suspend(|| print!("{}", claim.shown(style)))).await?;
    bar.finish_and_clear();
    print!("{}", verdict(&claims, style));
    println!("Report: {}", arguments.report.join("report.html").display());
    let right = claims.iter().all(|claim| claim.holds());
    if arguments.keep {
        mesh.echo();
        print!("{}", invitation(&mesh, style));
        std::future::pending::<()>().await;
    }
    Ok(right)
}
