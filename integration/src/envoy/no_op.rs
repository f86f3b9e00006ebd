//! Minimal Wasm filter: exports every callback of a stream, without any effect.

use anyhow::{Context, Result};

const TEXT: &str = include_str!("no_op.wat");

/// Module of the no-op filter.
///
/// # Errors
///
/// When its text is no valid module.
pub fn no_op() -> Result<Vec<u8>> {
    wat::parse_str(TEXT).context("no_op.wat")
}
