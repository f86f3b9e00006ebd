//! What does panveil cost, beside the same Envoy without it?
//!
//! Each measurement runs all of its filters in turn, again and again in one run, so that whatever else the machine does
//! meets all of them. Only ratios are worth comparing with another run.

pub mod contestant;
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
pub mod workers;

pub use lane::Figures;

pub use crate::sample::Sample;

/// Microseconds of a second.
const MICROS: f64 = 1e6;
