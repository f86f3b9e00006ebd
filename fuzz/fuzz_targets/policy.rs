//! Fuzz target: every policy is accepted or rejected as specified.

#![no_main]

#[path = "../../tests/fuzz/policy.rs"]
mod policy;

libfuzzer_sys::fuzz_target!(|input: &[u8]| policy::check(input));
