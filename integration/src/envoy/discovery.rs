//! How does a running Envoy get another policy? From a file that it watches, as extension config discovery (ECDS) has it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use json_patch::Patch;
use serde_json::{Value, json};
use tempfile::TempDir;

/// The name of the filter in the file.
pub(super) const NAME: &str = "panveil";
pub(super) const WASM: &str = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";

/// A file with the filter's configuration. It goes away with this.
#[derive(Debug)]
pub struct Discovery {
    folder: TempDir,
    /// The filter's configuration, but for the policy.
    config: Value,
    version: u64,
}

impl Discovery {
    /// With this module and policy in the configuration that an operator copies.
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

    /// The file that Envoy watches.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("filter.json")
    }

    /// What differs from the shipped filter in what is offered from now on: operations of a JSON patch (RFC 6902).
    ///
    /// # Errors
    ///
    /// When they are none, or do not fit.
    pub fn differ(&mut self, operations: Value) -> Result<()> {
        let patch: Patch = serde_json::from_value(operations).context("no JSON patch")?;
        json_patch::patch(&mut self.config, &patch).context("the patch does not fit the shipped filter")
    }

    /// Puts another policy in its place, in one move: a half-written file is never seen.
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
