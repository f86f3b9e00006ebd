//! Fuzz target: the invariants of a stream hold for every text.

#![no_main]

#[path = "../../tests/fuzz/chunks.rs"]
mod chunks;
#[path = "../../tests/fuzz/scanner.rs"]
mod scanner;

libfuzzer_sys::fuzz_target!(|input: &[u8]| scanner::check(input));
