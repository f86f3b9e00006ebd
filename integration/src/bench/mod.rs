//! Cost of panveil, compared with the same Envoy without it and with baseline filters.
//!
//! Each measurement runs all of its variants in turns, repeatedly, in one run, so that other load on the machine
//! affects all of them. Only ratios are comparable between runs.

pub mod cost;
pub mod events;
pub mod footprint;
mod lane;
mod load;
pub mod open_streams;
pub mod report;
pub mod rounds;
pub mod scenario;
mod service;
mod text;
pub mod variant;
pub mod workers;

pub use lane::Figures;

pub use crate::sample::Sample;

/// Microseconds per second.
const MICROS: f64 = 1e6;
