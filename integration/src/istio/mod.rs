//! A stand-in for Istio's control plane: the filters that istiod and its agent make of manifests, as their source says. Names,
//! order, delivery, environment and configuration are those of Istio; it is no code of Istio's.
//!
//! It makes the inbound chain of a sidecar. A manifest that asks for something else (a gateway, a selector, ports) is an error:
//! such a plugin would be elsewhere in a mesh, or nowhere.

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

/// The namespace whose plugins are for the whole mesh.
const ROOT_NAMESPACE: &str = "istio-system";

/// The plugins of a chain, in files that a proxy watches. They go away with this.
#[derive(Debug)]
pub struct Chain {
    folder: TempDir,
    plugins: Vec<Plugin>,
}

/// The manifests that kustomize makes of a folder of `envoy-config/istio`, such as `overlays/mask`.
///
/// # Errors
///
/// When it cannot be run, or makes nothing of it.
pub fn render(kustomize: &Path, overlay: &str) -> Result<Vec<Value>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../envoy-config/istio").join(overlay);
    let done = Command::new(kustomize).arg("build").arg(&folder).output();
    let done = done.with_context(|| format!("kustomize at {}: cannot be run", kustomize.display()))?;
    ensure!(done.status.success(), "{overlay}: {}", String::from_utf8_lossy(&done.stderr).trim());
    Ok(serde_saphyr::from_multiple(std::str::from_utf8(&done.stdout)?)?)
}

impl Chain {
    /// The plugins of a sidecar in this namespace, in the order in which a request passes them: by phase, then the higher
    /// priority, then the own namespace before the root namespace, then the older one, then by name.
    ///
    /// # Errors
    ///
    /// When a plugin is of a third namespace, or the files cannot be written.
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

    /// Delivers in place of each plugin what the agent delivers when it cannot get the module: a filter that refuses every
    /// request, or one that passes every request if the plugin is `FAIL_OPEN`.
    ///
    /// # Errors
    ///
    /// When the files cannot be written.
    pub fn not_fetched(&self) -> Result<()> {
        let mut plugins = self.plugins.iter().enumerate();
        plugins.try_for_each(|(index, plugin)| self.deliver(index, "2", &plugin.fallback()))
    }

    fn file(&self, index: usize) -> PathBuf {
        self.folder.path().join(format!("{index}.json"))
    }

    /// Moves the file into its place, so that a half-written one is never read.
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

    /// What puts them in the place of the filter in the shipped sidecar: operations for [`differ`](crate::envoy::Settings::differ).
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

/// The key that plugins are sorted by in a sidecar of this namespace.
fn order<'a>(rank: &'a Rank, namespace: &str) -> (usize, Reverse<i32>, bool, &'a str, &'a str) {
    (rank.phase, Reverse(rank.priority), rank.namespace != namespace, &rank.created, &rank.name)
}
