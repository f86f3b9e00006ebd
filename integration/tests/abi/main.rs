//! Test tier with panveil's real proxy-wasm entry points, built natively. The test is the host.

mod cases;
mod configuration;
mod faults;
mod host;
mod lifecycle;
mod symbols;
mod trial;
mod vm;

use std::path::Path;
use std::process::ExitCode;

use libtest_mimic::Arguments;
use panveil_integration::proxy::runs;

fn main() -> ExitCode {
    if let Some(ending) = lifecycle::ending_to_try() {
        return ending();
    }
    let arguments = Arguments::from_args();
    let (runs, summary) = match runs(&Path::new(env!("CARGO_MANIFEST_DIR")).join("cases")) {
        Ok(runs) => runs,
        Err(error) => {
            eprintln!("error: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    eprintln!("native ABI: {summary}");
    let mut trials = cases::trials(&runs);
    trials.extend(faults::trials(&runs));
    trials.extend(configuration::trials());
    trials.extend(lifecycle::trials());
    libtest_mimic::run(&arguments, trials).exit_code()
}
