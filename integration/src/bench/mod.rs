//! What does panveil cost, beside the same Envoy without it?
//!
//! Each measurement runs all of its filters in turn, again and again in one run, so that whatever else the machine does
//! meets all of them. Only ratios are worth comparing with another run.

pub mod events;
mod sample;

pub use sample::Sample;
