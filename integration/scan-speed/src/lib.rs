//! How fast does the detector read? The inputs, the contestants, and the search for inputs that are slow.
//!
//! The program of this crate measures one contestant on one input when it is told to. Built natively and as wasm it is the
//! same program, so that whoever drives both (`make bench-scan`) has them take turns. The usual libraries for benchmarks run
//! natively only, and one contestant after the other.

pub mod contestant;
pub mod input;
pub mod search;
pub mod turn;
