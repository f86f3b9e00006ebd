//! Modules that crash in one callback.
//!
//! panveil itself has no way to crash, so the built module is rewritten: the callback crashes at its first instruction,
//! and all other code stays.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use panveil_integration::envoy::Filter;
use tempfile::TempDir;
use walrus::Module;

/// Module file that crashes. Deleted when dropped.
pub struct Trapping {
    folder: TempDir,
}

impl Trapping {
    /// Module that crashes in place of the entry point `callback`.
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

    /// Path of the file.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("trapping.wasm")
    }

    /// The crashing module, under this policy.
    pub fn under(&self, policy: &str) -> Filter {
        Filter::Panveil { module: self.path(), policy: policy.to_owned() }
    }
}
