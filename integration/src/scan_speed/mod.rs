//! Speed of the detector, natively and as Wasm in V8, compared with regex-automata.
//!
//! The program in `integration/scan-speed/` measures. This module controls it turn by turn, and writes the results to a
//! page.

pub mod report;
pub mod rounds;
mod runner;

pub use runner::{Place, Runner, v8_version};
