//! Test tier with a real Envoy and the built module: every case, and tests that need more than one stream.
//!
//! `PANVEIL_WASM` names the module, and `ENVOY` the binary. The make targets set both.

mod absent;
mod access_log;
mod alerts;
mod audit;
mod cases;
mod chains;
mod dashboard;
mod endings;
mod foreign;
mod harness;
mod held_back;
mod hostile;
mod hostile_peers;
mod identity;
mod injection;
mod istio;
mod leaks;
mod limits;
mod matrix;
mod memory;
mod mesh;
mod module;
mod neighbours;
mod otlp;
mod protocols;
mod quick_start;
mod resets;
mod rollouts;
mod soak;
mod standalone;
mod startup;
mod streams;
mod traffic;
mod trapping;
mod traps;
mod trial;
mod updates;
mod wait;

use std::process::ExitCode;

use libtest_mimic::Arguments;
use panveil_integration::sidecar::Build;

/// Concurrent tests. Each runs an Envoy, an upstream and a client of its own.
const AT_ONCE: usize = 2;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_ONCE);
    let build = match Build::from_environment() {
        Ok(build) => build,
        Err(error) => {
            eprintln!("error: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    let files = [
        harness::trials,
        cases::trials,
        streams::trials,
        endings::trials,
        startup::trials,
        absent::trials,
        access_log::trials,
        standalone::trials,
        quick_start::trials,
        traffic::trials,
        traps::trials,
        neighbours::trials,
        module::trials,
        injection::trials,
        istio::trials,
        leaks::trials,
        limits::trials,
        chains::trials,
        held_back::trials,
        alerts::trials,
        audit::trials,
        otlp::trials,
        dashboard::trials,
        hostile::trials,
        hostile_peers::trials,
        identity::trials,
        updates::trials,
        rollouts::trials,
        resets::trials,
        matrix::trials,
        memory::trials,
        mesh::trials,
        soak::trials,
        foreign::trials,
        protocols::trials,
    ];
    let trials = files.iter().flat_map(|trials| trials(&build)).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}
