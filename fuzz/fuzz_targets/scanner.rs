//! Do the laws of a stream hold for every text that coverage leads to?

#![no_main]

#[path = "../../tests/fuzz/chunks.rs"]
mod chunks;
#[path = "../../tests/fuzz/scanner.rs"]
mod scanner;

libfuzzer_sys::fuzz_target!(|input: &[u8]| scanner::check(input));
