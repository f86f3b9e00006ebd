//! Policy updates for a running Envoy, in a file for extension config discovery (ECDS).

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use json_patch::Patch;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Name of the filter in the file.
pub(super) const NAME: &str = "panveil";
pub(super) const WASM: &str = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";

/// File with the filter's configuration. Deleted when dropped.
#[derive(Debug)]
pub struct Discovery {
    folder: TempDir,
    /// Configuration of the filter, without the policy.
    config: Value,
    version: u64,
}

impl Discovery {
    /// File with the shipped configuration, this module and this policy.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn new(module: &Path, policy: &str) -> Result<Self> {
        let config = super::config::shipped_filter(module)?;
        let mut discovery = Self { folder: TempDir::with_prefix("panveil-discovery-")?, config, version: 0 };
        discovery.offer(policy)?;
        Ok(discovery)
    }

    /// Path of the file that Envoy watches.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("filter.json")
    }

    /// Adds differences from the shipped filter for the next updates: operations of a JSON patch (RFC 6902).
    ///
    /// # Errors
    ///
    /// When they are not valid operations, or do not apply.
    pub fn differ(&mut self, operations: Value) -> Result<()> {
        let patch: Patch = serde_json::from_value(operations).context("no JSON patch")?;
        json_patch::patch(&mut self.config, &patch).context("the patch does not fit the shipped filter")
    }

    /// Replaces the policy atomically, so that Envoy never reads a partial file.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn offer(&mut self, policy: &str) -> Result<()> {
        self.version += 1;
        *self.config.pointer_mut("/config/configuration/value").context("no place for a policy")? = json!(policy);
        let response = json!({
            "version_info": self.version.to_string(),
            "resources": [{
                "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
                "name": NAME,
                "typed_config": self.config,
            }],
        });
        let new = self.folder.path().join("new.json");
        fs::write(&new, response.to_string())?;
        Ok(fs::rename(new, self.file())?)
    }
}
