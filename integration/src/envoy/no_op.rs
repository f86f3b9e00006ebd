//! What is the least that a wasm filter can be? Every callback on the way of a message, and nothing done in it.

use anyhow::{Context, Result};

const TEXT: &str = include_str!("no_op.wat");

/// The module of a filter that does nothing.
///
/// # Errors
///
/// When its text is no module.
pub fn no_op() -> Result<Vec<u8>> {
    wat::parse_str(TEXT).context("no_op.wat")
}
