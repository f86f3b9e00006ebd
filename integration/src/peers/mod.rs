//! Third-party clients and upstreams for the protocols that panveil reads, in Rust and in Python.

pub mod charges;
pub mod live;
mod python;
pub mod sockets;

pub use python::{Python, Script};
