//! Speed measurement of the detector: the inputs, the engines, and the search for slow inputs.
//!
//! The program of this crate measures one engine on one input per command. It is built natively and as Wasm, so that
//! `make bench-scan` can alternate between both. The usual benchmark libraries run natively only, and one engine after
//! the other.

pub mod engine;
pub mod input;
pub mod search;
pub mod turn;
