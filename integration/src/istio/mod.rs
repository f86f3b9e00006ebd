//! Model of Istio's control plane: the filters that istiod and its agent derive from manifests, after their source.
//! Names, order, delivery, environment and configuration are those of Istio; the code is not.
//!
//! The model covers the inbound chain of a sidecar. A manifest for anything else (a gateway, a selector, ports) is an
//! error: such a plugin would be in another chain of a mesh, or in none.

mod bootstrap;
mod plugin;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

pub use self::bootstrap::sidecar_in;
use self::plugin::Rank;
pub use self::plugin::{Plugin, Release};
use crate::envoy::CONNECTION_MANAGER;

const WASM: &str = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";
const RBAC: &str = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC";

/// Namespace whose plugins apply to the whole mesh.
const ROOT_NAMESPACE: &str = "istio-system";

/// Plugins of a chain, in files that a proxy watches. The files are deleted when dropped.
#[derive(Debug)]
pub struct Chain {
    folder: TempDir,
    plugins: Vec<Plugin>,
}

/// Manifests that kustomize renders from a folder of `envoy-config/istio`, such as `overlays/mask`.
///
/// # Errors
///
/// When kustomize cannot be run, or fails.
pub fn render(kustomize: &Path, overlay: &str) -> Result<Vec<Value>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../envoy-config/istio").join(overlay);
    let done = Command::new(kustomize).arg("build").arg(&folder).output();
    let done = done.with_context(|| format!("kustomize at {}: cannot be run", kustomize.display()))?;
    ensure!(done.status.success(), "{overlay}: {}", String::from_utf8_lossy(&done.stderr).trim());
    Ok(serde_saphyr::from_multiple(std::str::from_utf8(&done.stdout)?)?)
}

impl Chain {
    /// Plugins of a sidecar in this namespace, in the order of a request: by phase, higher priority first, own
    /// namespace before the root namespace, older first, then by name.
    ///
    /// # Errors
    ///
    /// When a plugin is in a third namespace, or the files cannot be written.
    pub fn new(namespace: &str, mut plugins: Vec<Plugin>) -> Result<Self> {
        for plugin in &plugins {
            let of = &plugin.rank.namespace;
            ensure!(
                of == namespace || of == ROOT_NAMESPACE,
                "{}: the namespace {of} is neither the sidecar's ({namespace}) nor the root namespace",
                plugin.name
            );
        }
        plugins.sort_by(|one, other| order(&one.rank, namespace).cmp(&order(&other.rank, namespace)));
        let chain = Self { folder: TempDir::with_prefix("panveil-istio-")?, plugins };
        for (index, plugin) in chain.plugins.iter().enumerate() {
            chain.deliver(index, "1", &plugin.config)?;
        }
        Ok(chain)
    }

    /// Delivers the agent's replacement for a module that it cannot fetch: a filter that rejects every request, or one
    /// that passes every request for a plugin with `FAIL_OPEN`.
    ///
    /// # Errors
    ///
    /// When the files cannot be written.
    pub fn not_fetched(&self) -> Result<()> {
        let mut plugins = self.plugins.iter().enumerate();
        plugins.try_for_each(|(index, plugin)| self.deliver(index, "2", &plugin.fallback()))
    }

    /// Delivers these plugins in place of those with the same names, as another version.
    ///
    /// # Errors
    ///
    /// When the chain has no plugin of that name, or the files cannot be written.
    pub fn update(&self, version: &str, plugins: &[Plugin]) -> Result<()> {
        plugins.iter().try_for_each(|plugin| {
            let index = self.plugins.iter().position(|own| own.name == plugin.name);
            self.deliver(index.with_context(|| format!("no {} in the chain", plugin.name))?, version, &plugin.config)
        })
    }

    fn file(&self, index: usize) -> PathBuf {
        self.folder.path().join(format!("{index}.json"))
    }

    /// Replaces the file atomically, so that a proxy never reads a partial one.
    fn deliver(&self, index: usize, version: &str, config: &Value) -> Result<()> {
        let response = json!({"version_info": version, "resources": [{
            "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
            "name": self.plugins.get(index).map(|plugin| &plugin.name),
            "typed_config": config,
        }]});
        let new = self.folder.path().join("new.json");
        fs::write(&new, response.to_string())?;
        Ok(fs::rename(new, self.file(index))?)
    }

    /// Operations that put the plugins in place of the filter in the shipped sidecar, for
    /// [`differ`](crate::envoy::Settings::differ).
    #[must_use]
    pub fn operations(&self) -> Value {
        let filters = format!("{CONNECTION_MANAGER}/http_filters/0");
        let mut operations = vec![json!({"op": "remove", "path": filters})];
        for (index, plugin) in self.plugins.iter().enumerate().rev() {
            let path = self.file(index);
            operations.push(json!({"op": "add", "path": filters, "value": {"name": plugin.name, "config_discovery": {
                "config_source": {"path_config_source": {"path": path}, "resource_api_version": "V3", "initial_fetch_timeout": "0s"},
                "type_urls": [WASM, RBAC],
            }}}));
        }
        json!(operations)
    }
}

/// Sort key of plugins in a sidecar of this namespace.
fn order<'a>(rank: &'a Rank, namespace: &str) -> (usize, Reverse<i32>, bool, &'a str, &'a str) {
    (rank.phase, Reverse(rank.priority), rank.namespace != namespace, &rank.created, &rank.name)
}
