//! `make size`: size of the module by crate and function, as tables and `docs/size.md`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use panveil_integration::page;
use panveil_integration::size::{Module, markdown, text};
use panveil_integration::termination::exit_code;

/// Show the size of the module by crate and function.
#[derive(Debug, Parser)]
#[command(name = "size")]
struct Arguments {
    /// The shipped module: panveil.wasm.
    #[arg(long, value_name = "PATH")]
    wasm: PathBuf,
    /// The same module with function names: names.wasm.
    #[arg(long, value_name = "PATH")]
    names: PathBuf,
    /// Also write the results into size.md in this folder.
    #[arg(long, value_name = "FOLDER")]
    docs: Option<PathBuf>,
}

/// Maximum difference in code size between the two: names change the order of functions, and so the length of calls.
const MOST_DIFFERENCE: f64 = 0.01;

fn main() -> ExitCode {
    exit_code("size", run(&Arguments::parse()).map(|()| true))
}

fn run(arguments: &Arguments) -> Result<()> {
    let (shipped, named) = (read(&arguments.wasm)?, read(&arguments.names)?);
    let difference = shipped.code.abs_diff(named.code) as f64 / shipped.code as f64;
    ensure!(
        difference <= MOST_DIFFERENCE,
        "{} is of another state than {}; run: make size",
        arguments.names.display(),
        arguments.wasm.display()
    );
    println!("{}", text(&shipped, &named));
    let Some(folder) = &arguments.docs else { return Ok(()) };
    let path = folder.join("size.md");
    page::rewrite(&path, "make size", &markdown(&shipped, &named))
}

fn read(path: &Path) -> Result<Module> {
    let wasm = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Module::read(&wasm).with_context(|| path.display().to_string())
}
