//! Bodies of the fuzz targets, run on seeds, on earlier findings and on some mutations of both.
//!
//! `make fuzz` runs the same bodies with coverage-guided fuzzing. Store its findings in `fuzz/regressions/`; they run
//! here.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a panic here is a failed test"
)]

mod carriers;
mod chunks;
mod input;
mod policy;
mod scanner;

use std::fs;

use input::Inputs;
use proptest::test_runner::{Config, RngSeed, TestError, TestRunner};

#[test]
fn the_scanner_keeps_its_laws() {
    check("scanner", scanner::check, 1000);
}

#[test]
fn bodies_of_every_kind_keep_their_laws() {
    check("carriers", carriers::check, 2000);
}

#[test]
fn a_policy_is_taken_or_refused() {
    check("policy", policy::check, 2000);
}

/// Runs `body` on every stored input, and on this many `mutations`.
fn check(target: &str, body: fn(&[u8]), mutations: u32) {
    let inputs = Inputs::of(target);
    for (path, input) in &inputs.kept {
        println!("input: {}", path.display());
        body(input);
    }
    // PROPTEST_RNG_SEED sets the seed; `.cargo/config.toml` has its default.
    let config = Config { cases: mutations, failure_persistence: None, ..Config::default() };
    let RngSeed::Fixed(seed) = config.rng_seed else { panic!("run it through cargo, or set PROPTEST_RNG_SEED") };
    println!("mutations of {target}: PROPTEST_RNG_SEED={seed}");
    let mut runner = TestRunner::new(config);
    let outcome = runner.run(&inputs.mutated(), |input| {
        body(&input);
        Ok(())
    });
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(reason, input)) => {
            let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{target}-failing-input"));
            fs::write(&path, &input).expect("the target folder is writable");
            panic!("{reason}\nThe smallest input is in {}; keep it in fuzz/regressions/{target}/", path.display());
        }
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}
