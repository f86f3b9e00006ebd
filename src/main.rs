//! The `panveil` command: the filter's own core over files and pipes, without Envoy.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
