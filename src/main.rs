//! The `panveil` command: the filter's own core over files, pipes and captured traffic, without Envoy.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
