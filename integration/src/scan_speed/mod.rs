//! How fast does the detector read, natively and as wasm in V8, beside regex-automata?
//!
//! The program of `integration/scan-speed/` reads; here it is told what, turn by turn, and its answers become a page.

pub mod report;
pub mod rounds;
mod runner;

pub use runner::{Place, Runner, v8_version};
