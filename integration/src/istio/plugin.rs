//! Translation of one manifest: the filter that istiod writes, and the changes of its agent.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value, json};

use super::{RBAC, WASM};

/// Prefix of the variables that istiod writes for its agent.
const INTERNAL: &str = "ISTIO_META_";

/// Release of Istio, by its translation of plugins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// Up to 1.29: a `WasmPlugin` becomes a filter of its own kind.
    UpTo1_29,
    /// From 1.30 on: every plugin becomes a `TrafficExtension`.
    From1_30,
}

/// Plugin as delivered to a proxy.
#[derive(Clone, Debug)]
pub struct Plugin {
    /// Name of the filter in the chain, and of its discovered configuration.
    pub name: String,
    /// Configuration of the filter.
    pub config: Value,
    pub(super) rank: Rank,
    fails_open: bool,
}

/// Sort key of a plugin in a chain.
#[derive(Clone, Debug)]
pub(super) struct Rank {
    pub phase: usize,
    pub priority: i32,
    pub namespace: String,
    /// Creation time in the format of Kubernetes, in UTC, so that texts sort like times. Empty in a manifest that was
    /// not applied.
    pub created: String,
    pub name: String,
}

impl Plugin {
    /// Translates a `WasmPlugin` or `TrafficExtension` like this release does for the inbound side of a sidecar, with
    /// the module that its agent fetched.
    ///
    /// # Errors
    ///
    /// When the manifest is of another kind, lacks a required field, has a value that the API server rejects, or is not
    /// for the inbound side of every sidecar.
    pub fn of(manifest: &Value, release: Release, module: &Path) -> Result<Self> {
        let text = |value: &Value, what: &str| value.as_str().map(str::to_owned).with_context(|| format!("no {what}"));
        let spec = &manifest["spec"];
        let metadata = &manifest["metadata"];
        let (namespace, name) = (text(&metadata["namespace"], "namespace")?, text(&metadata["name"], "name")?);
        let own = format!("{namespace}.{name}");
        let (kind, plugin_name, wasm) = match (text(&manifest["kind"], "kind")?.as_str(), release) {
            ("WasmPlugin", Release::UpTo1_29) => ("wasmplugin", own, spec),
            ("WasmPlugin", Release::From1_30) => {
                ("trafficextension", format!("{own}~istio-translated-wasmplugin"), spec)
            }
            ("TrafficExtension", Release::From1_30) => ("trafficextension", own, &spec["wasm"]),
            (kind, release) => bail!("{release:?} knows no {kind}"),
        };
        is_inbound(spec, wasm).with_context(|| plugin_name.clone())?;
        let failure_policy = match optional(wasm, "failStrategy")? {
            None | Some("FAIL_CLOSE") => "FAIL_CLOSED",
            Some(known @ ("FAIL_OPEN" | "FAIL_RELOAD")) => known,
            Some(other) => bail!("{plugin_name}: failStrategy: unknown value {other}"),
        };
        let mut vm =
            json!({"runtime": "envoy.wasm.runtime.v8", "code": {"local": {"filename": module.to_string_lossy()}}});
        let version = metadata["resourceVersion"].as_str().unwrap_or("1");
        if let Some(variables) = environment(wasm, version)? {
            vm["environment_variables"] = variables;
        }
        let config = json!({"@type": WASM, "config": {
            "name": plugin_name,
            "root_id": wasm["pluginName"].as_str().unwrap_or_default(),
            "failure_policy": failure_policy,
            "vm_config": vm,
            "configuration": configuration(&wasm["pluginConfig"]),
        }});
        let phase = match optional(spec, "phase")? {
            Some("AUTHN") => 0,
            Some("AUTHZ") => 1,
            Some("STATS") => 2,
            None | Some("UNSPECIFIED_PHASE" | "UNSPECIFIED") => 3,
            Some(other) => bail!("{plugin_name}: phase: unknown value {other}"),
        };
        let priority = match &spec["priority"] {
            Value::Null => i32::MIN,
            priority => {
                priority.as_i64().and_then(|number| i32::try_from(number).ok()).context("priority: no int32")?
            }
        };
        let created = metadata["creationTimestamp"].as_str().unwrap_or_default().to_owned();
        Ok(Self {
            name: format!("extensions.istio.io/{kind}/{plugin_name}"),
            config,
            rank: Rank { phase, priority, namespace, created, name },
            fails_open: failure_policy == "FAIL_OPEN",
        })
    }

    /// The plugin as delivered if the agent cannot fetch the module.
    #[must_use]
    pub fn not_fetched(mut self) -> Self {
        self.config = self.fallback();
        self
    }

    /// Filter that the agent delivers when it cannot fetch the module. Rules without a policy deny all; no rules allow
    /// all.
    pub(super) fn fallback(&self) -> Value {
        if self.fails_open {
            json!({"@type": RBAC, "rules_stat_prefix": "wasm-default-allow"})
        } else {
            json!({"@type": RBAC, "rules": {}, "rules_stat_prefix": "wasm-default-deny"})
        }
    }
}

/// Text of this field, if there is one.
fn optional<'a>(object: &'a Value, field: &str) -> Result<Option<&'a str>> {
    match &object[field] {
        Value::Null => Ok(None),
        value => value.as_str().map(Some).with_context(|| format!("{field}: no text")),
    }
}

/// Checks that the plugin is for HTTP on the inbound side of every sidecar of its namespace. Other plugins are not
/// translated.
fn is_inbound(spec: &Value, wasm: &Value) -> Result<()> {
    let url = wasm["url"].as_str().unwrap_or_default();
    ensure!(!url.is_empty(), "no url");
    let kind = optional(wasm, "type")?.unwrap_or("HTTP");
    ensure!(matches!(kind, "HTTP" | "UNSPECIFIED_PLUGIN_TYPE"), "type: {kind} has no HTTP filter");
    for field in ["targetRef", "targetRefs"] {
        let targets = &spec[field];
        let none = targets.is_null() || targets.as_array().is_some_and(Vec::is_empty);
        ensure!(none, "{field}: a sidecar does not get this plugin");
    }
    let labels = spec["selector"]["matchLabels"].as_object();
    ensure!(labels.is_none_or(Map::is_empty), "selector: labels of workloads are not known here");
    let matches = spec["match"].as_array().map(Vec::as_slice).unwrap_or_default();
    ensure!(
        matches.iter().all(|one| one["ports"].as_array().is_none_or(Vec::is_empty)),
        "match: ports of listeners are not known here"
    );
    let mut inbound = matches.is_empty();
    for one in matches {
        match optional(one, "mode")?.unwrap_or("UNDEFINED") {
            "SERVER" | "CLIENT_AND_SERVER" | "UNDEFINED" => inbound = true,
            "CLIENT" => {}
            other => bail!("match: mode: unknown value {other}"),
        }
    }
    ensure!(inbound, "match: the inbound side does not get this plugin");
    Ok(())
}

/// Policy as text. Without fields it is an `Any` without a type.
fn configuration(config: &Value) -> Value {
    match config {
        Value::Object(fields) if !fields.is_empty() => json!({
            "@type": "type.googleapis.com/google.protobuf.StringValue",
            "value": config.to_string(),
        }),
        _ => json!({}),
    }
}

/// Environment of the VM. istiod adds variables for its agent. The agent removes them for a module that it fetches, but
/// not for a module in a file.
fn environment(wasm: &Value, resource_version: &str) -> Result<Option<Value>> {
    let mut values = Map::new();
    if optional(wasm, "imagePullSecret")?.is_some_and(|name| !name.is_empty()) {
        // Stands for the content of the Secret, which is unknown here.
        values.insert(format!("{INTERNAL}WASM_IMAGE_PULL_SECRET"), json!({"auths": {}}).to_string().into());
    }
    match optional(wasm, "imagePullPolicy")? {
        None | Some("UNSPECIFIED_POLICY") => {}
        Some(known @ ("IfNotPresent" | "Always")) => {
            values.insert(format!("{INTERNAL}WASM_IMAGE_PULL_POLICY"), known.into());
        }
        Some(other) => bail!("imagePullPolicy: unknown value {other}"),
    }
    values.insert(format!("{INTERNAL}WASM_PLUGIN_RESOURCE_VERSION"), resource_version.into());
    let mut from_host = Vec::new();
    for variable in wasm["vmConfig"]["env"].as_array().into_iter().flatten() {
        let name = variable["name"].as_str().context("vmConfig.env: no name")?;
        match optional(variable, "valueFrom")?.unwrap_or("INLINE") {
            "HOST" => from_host.push(name),
            "INLINE" => {
                values.insert(name.to_owned(), variable["value"].as_str().unwrap_or_default().into());
            }
            other => bail!("vmConfig.env: valueFrom: unknown value {other}"),
        }
    }
    let is_file = wasm["url"].as_str().is_some_and(|url| url.starts_with("file://"));
    if !is_file {
        values.retain(|name, _| !name.starts_with(INTERNAL));
    }
    let mut variables = Map::new();
    if !values.is_empty() {
        variables.insert("key_values".into(), values.into());
    }
    if !from_host.is_empty() {
        variables.insert("host_env_keys".into(), json!(from_host));
    }
    Ok((!variables.is_empty()).then_some(variables.into()))
}
