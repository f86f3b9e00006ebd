//! Fuzz target: the invariants of a stream hold for every kind of body.

#![no_main]

#[path = "../../tests/fuzz/carriers.rs"]
mod carriers;
#[path = "../../tests/fuzz/chunks.rs"]
mod chunks;

libfuzzer_sys::fuzz_target!(|input: &[u8]| carriers::check(input));
