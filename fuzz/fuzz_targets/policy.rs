//! Is every policy that coverage leads to taken or refused as it must be?

#![no_main]

#[path = "../../tests/fuzz/policy.rs"]
mod policy;

libfuzzer_sys::fuzz_target!(|input: &[u8]| policy::check(input));
