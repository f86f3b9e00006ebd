//! What do the proxies of an Istio mesh get of a plugin? The filters that istiod and its agent write from manifests, as their
//! source says: names, order, delivery, configuration. It is no code of theirs, and knows what panveil's manifests use.

use std::cmp::Reverse;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::envoy::CONNECTION_MANAGER;

const WASM: &str = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";
/// What the agent puts in a module's place when it cannot be fetched.
const RBAC: &str = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC";

/// Which Istio translates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// Up to 1.29: a `WasmPlugin` has a filter of its own kind.
    UpTo1_29,
    /// From 1.30 on: every plugin becomes a `TrafficExtension`.
    From1_30,
}

/// A plugin as a proxy gets it.
#[derive(Clone, Debug)]
pub struct Plugin {
    /// Of the filter in the chain, and of what is discovered for it.
    pub name: String,
    /// The filter's configuration.
    pub config: Value,
    place: (usize, Reverse<i64>),
}

/// The plugins of a chain, in files that a proxy watches. They go away with this.
#[derive(Debug)]
pub struct Chain {
    folder: TempDir,
    names: Vec<String>,
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

impl Plugin {
    /// What this release makes of a `WasmPlugin` or `TrafficExtension`, with the module that its agent fetched.
    ///
    /// # Errors
    ///
    /// When the manifest is neither, or lacks what a plugin needs.
    pub fn of(manifest: &Value, release: Release, module: &Path) -> Result<Self> {
        let text = |value: &Value, what: &str| value.as_str().map(str::to_owned).with_context(|| format!("no {what}"));
        let spec = &manifest["spec"];
        let metadata = &manifest["metadata"];
        let own = format!("{}.{}", text(&metadata["namespace"], "namespace")?, text(&metadata["name"], "name")?);
        let (kind, plugin_name, wasm) = match (text(&manifest["kind"], "kind")?.as_str(), release) {
            ("WasmPlugin", Release::UpTo1_29) => ("wasmplugin", own, spec),
            ("WasmPlugin", Release::From1_30) => {
                ("trafficextension", format!("{own}~istio-translated-wasmplugin"), spec)
            }
            ("TrafficExtension", Release::From1_30) => ("trafficextension", own, &spec["wasm"]),
            (kind, release) => bail!("{release:?} knows no {kind}"),
        };
        let failure_policy = match text(&wasm["failStrategy"], "failStrategy")?.as_str() {
            "FAIL_CLOSE" => "FAIL_CLOSED".to_owned(),
            other => other.to_owned(),
        };
        let mut vm =
            json!({"runtime": "envoy.wasm.runtime.v8", "code": {"local": {"filename": module.to_string_lossy()}}});
        let variables = wasm["vmConfig"]["env"].as_array().into_iter().flatten();
        let from_host: Vec<&Value> =
            variables.filter(|one| one["valueFrom"] == "HOST").map(|one| &one["name"]).collect();
        if !from_host.is_empty() {
            vm["environment_variables"] = json!({"host_env_keys": from_host});
        }
        let config = json!({"@type": WASM, "config": {
            "name": plugin_name,
            "root_id": wasm["pluginName"],
            "failure_policy": failure_policy,
            "vm_config": vm,
            "configuration": {
                "@type": "type.googleapis.com/google.protobuf.StringValue",
                "value": wasm["pluginConfig"].to_string(),
            },
        }});
        let phase = text(&spec["phase"], "phase")?;
        let phase = ["AUTHN", "AUTHZ", "STATS"].iter().position(|known| *known == phase).unwrap_or(usize::MAX);
        let priority = spec["priority"].as_i64().unwrap_or(i64::MIN);
        Ok(Self {
            name: format!("extensions.istio.io/{kind}/{plugin_name}"),
            config,
            place: (phase, Reverse(priority)),
        })
    }
}

impl Chain {
    /// These plugins in the order in which a request passes them: by phase, then the higher priority first.
    ///
    /// # Errors
    ///
    /// When their files cannot be written.
    pub fn new(mut plugins: Vec<Plugin>) -> Result<Self> {
        plugins.sort_by_key(|plugin| plugin.place);
        let folder = TempDir::with_prefix("panveil-istio-")?;
        let names = plugins.iter().map(|plugin| plugin.name.clone()).collect();
        let chain = Self { folder, names };
        for (index, plugin) in plugins.into_iter().enumerate() {
            chain.deliver(index, "1", &plugin.config)?;
        }
        Ok(chain)
    }

    /// Delivers in place of each what the agent does when it cannot get the module: a filter that refuses everything.
    ///
    /// # Errors
    ///
    /// When the files cannot be written.
    pub fn not_fetched(&self) -> Result<()> {
        let everything = json!({"permissions": [{"any": true}], "principals": [{"any": true}]});
        let config = json!({"@type": RBAC, "rules": {"action": "DENY", "policies": {"wasm-default-deny": everything}}});
        (0..self.names.len()).try_for_each(|index| self.deliver(index, "2", &config))
    }

    fn file(&self, index: usize) -> PathBuf {
        self.folder.path().join(format!("{index}.json"))
    }

    /// In one move: a half-written file is never seen.
    fn deliver(&self, index: usize, version: &str, config: &Value) -> Result<()> {
        let response = json!({"version_info": version, "resources": [{
            "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
            "name": self.names.get(index),
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
        for (index, name) in self.names.iter().enumerate().rev() {
            let path = self.file(index);
            operations.push(json!({"op": "add", "path": filters, "value": {"name": name, "config_discovery": {
                "config_source": {"path_config_source": {"path": path}, "resource_api_version": "V3", "initial_fetch_timeout": "0s"},
                "type_urls": [WASM, RBAC],
            }}}));
        }
        json!(operations)
    }
}

/// What makes the shipped sidecar that of a workload in this namespace: its name, and the labels and choice of metrics that
/// Istio writes from these values of its chart. Operations for [`differ`](crate::envoy::Settings::differ).
///
/// # Errors
///
/// When the values do not say what is needed.
pub fn sidecar_in(namespace: &str, workload: &str, mesh_config: &Value) -> Result<Value> {
    let defaults = &mesh_config["meshConfig"]["defaultConfig"];
    let tags = defaults["extraStatTags"].as_array().context("no extraStatTags")?;
    let tag = |name: &Value| {
        let name = name.as_str().unwrap_or_default();
        json!({"tag_name": name, "regex": format!(r"({name}=\.=(.*?);\.;)")})
    };
    let asked = defaults["proxyStatsMatcher"]["inclusionPrefixes"].as_array().context("no inclusionPrefixes")?;
    // Those that Istio's readiness and telemetry need anyway.
    let needed = ["cluster_manager", "listener_manager", "server", "cluster.xds-grpc", "wasm"].map(Value::from);
    let patterns: Vec<Value> = needed.iter().chain(asked).map(|prefix| json!({"prefix": prefix})).collect();
    let node = json!({
        "id": format!("sidecar~127.0.0.1~{workload}-1.{namespace}~{namespace}.svc.cluster.local"),
        "cluster": format!("{workload}.{namespace}"),
        "metadata": {
            "NAME": format!("{workload}-1"),
            "NAMESPACE": namespace,
            "WORKLOAD_NAME": workload,
            "SERVICE_ACCOUNT": workload,
            "LABELS": {"app": workload},
        },
    });
    Ok(json!([
        {"op": "add", "path": "/node", "value": node},
        {"op": "replace", "path": "/stats_config", "value": {
            "stats_tags": tags.iter().map(tag).collect::<Vec<_>>(),
            "stats_matcher": {"inclusion_list": {"patterns": patterns}},
        }},
    ]))
}
