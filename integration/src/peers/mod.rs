//! Who else speaks the protocols that panveil reads? Clients and services on other people's code, in Rust and in Python.

pub mod charges;
pub mod live;
mod python;
pub mod sockets;

pub use python::{Python, Script};
