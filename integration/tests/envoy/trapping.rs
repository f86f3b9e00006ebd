//! How does a filter look that traps? As panveil does, but for one callback.
//!
//! panveil itself must have no way to trap, so the built module is rewritten: all of it works as it was built, and the
//! callback traps at its first instruction.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use panveil_integration::envoy::Filter;
use tempfile::TempDir;
use walrus::Module;

/// A module on disk that traps, gone when dropped.
pub struct Trapping {
    folder: TempDir,
}

impl Trapping {
    /// The module with a trap in place of the entry point `callback`.
    pub fn in_place_of(callback: &str, module: &Path) -> Result<Self> {
        let mut rewritten = Module::from_file(module)?;
        let function = rewritten.exports.get_func(callback)?;
        rewritten.replace_exported_func(function, |(body, _)| {
            body.unreachable();
        })?;
        let trapping = Self { folder: TempDir::with_prefix("panveil-trapping-")? };
        rewritten.emit_wasm_file(trapping.path())?;
        let (before, after) = (std::fs::metadata(module)?.len(), std::fs::metadata(trapping.path())?.len());
        ensure!(after > before / 2, "{after} bytes are left of {before}: not the same filter any more");
        Ok(trapping)
    }

    /// Where it is.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("trapping.wasm")
    }

    /// panveil with the trap, under this policy.
    pub fn under(&self, policy: &str) -> Filter {
        Filter::Panveil { module: self.path(), policy: policy.to_owned() }
    }
}
