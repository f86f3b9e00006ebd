//! Fields of manifests, checked against the schemas in `integration/schemas`.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::files::{document, documents, manifests, root};
use crate::trial;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("shape::every_manifest_has_the_fields_of_its_kind", every_manifest),
        trial("shape::what_is_wrong_is_refused", what_is_wrong_is_refused),
    ]
}

/// Schemas by kind. Files without a kind use their file name.
const SCHEMAS: [(&str, &str); 12] = [
    ("WasmPlugin", include_str!("../../schemas/WasmPlugin.json")),
    ("TrafficExtension", include_str!("../../schemas/TrafficExtension.json")),
    ("Telemetry", include_str!("../../schemas/Telemetry.json")),
    ("ServiceEntry", include_str!("../../schemas/ServiceEntry.json")),
    ("Gateway", include_str!("../../schemas/Gateway.json")),
    ("DestinationRule", include_str!("../../schemas/DestinationRule.json")),
    ("VirtualService", include_str!("../../schemas/VirtualService.json")),
    ("EnvoyExtensionPolicy", include_str!("../../schemas/EnvoyExtensionPolicy.json")),
    ("EnvoyProxy", include_str!("../../schemas/EnvoyProxy.json")),
    ("Kustomization", include_str!("../../schemas/Kustomization.json")),
    ("Component", include_str!("../../schemas/Component.json")),
    ("mesh-config", include_str!("../../schemas/mesh-config.json")),
];

/// Checks the fields of `manifest` against the schema of its kind.
pub fn check(kind: &str, manifest: &Value) -> Result<()> {
    let (_, schema) =
        SCHEMAS.iter().find(|(name, _)| *name == kind).with_context(|| format!("no schema for {kind}"))?;
    let validator = jsonschema::validator_for(&serde_json::from_str(schema)?).context("no schema")?;
    let errors: Vec<String> =
        validator.iter_errors(manifest).map(|error| format!("{}: {error}", error.instance_path())).collect();
    if errors.is_empty() { Ok(()) } else { bail!("{kind}: {}", errors.join("; ")) }
}

fn kind(path: &Path, manifest: &Value) -> Result<String> {
    if let Some(kind) = manifest["kind"].as_str() {
        return Ok(kind.to_owned());
    }
    let name = path.file_stem().context("no name")?;
    Ok(name.to_string_lossy().into_owned())
}

fn every_manifest() -> Result<()> {
    for path in manifests()? {
        for manifest in documents(&path)? {
            check(&kind(&path, &manifest)?, &manifest).with_context(|| path.display().to_string())?;
        }
    }
    Ok(())
}

fn what_is_wrong_is_refused() -> Result<()> {
    let plugin = document(&root().join("istio/base/wasmplugin.yaml"))?;
    let extension = document(&root().join("istio/traffic-extension/base/trafficextension.yaml"))?;
    let telemetry = document(&root().join("istio/telemetry/telemetry.yaml"))?;
    let extension_policy = document(&root().join("envoy-gateway/base/envoyextensionpolicy.yaml"))?;
    let proxy = document(&root().join("envoy-gateway/proxy/envoyproxy.yaml"))?;
    let third_party = documents(&root().join("istio/egress/third-party.yaml"))?;
    let [entry, tls, routes] = third_party.as_slice() else { bail!("{} documents", third_party.len()) };
    let mistakes = [
        ("a misspelt field", &plugin, json!({"spec": {"failstrategy": "FAIL_RELOAD"}})),
        ("an unknown phase", &plugin, json!({"spec": {"phase": "AUTHENTICATION"}})),
        ("a phase of the other kind", &plugin, json!({"spec": {"phase": "UNSPECIFIED"}})),
        ("a short digest", &plugin, json!({"spec": {"sha256": "abc"}})),
        ("a digest that is a number", &plugin, json!({"spec": {"sha256": 0}})),
        ("no url", &plugin, json!({"spec": {"url": null}})),
        ("a url without a scheme", &plugin, json!({"spec": {"url": "registry.example/panveil:0.1.0"}})),
        ("an unknown mode", &plugin, json!({"spec": {"match": [{"mode": "INBOUND"}]}})),
        (
            "two kinds of targets",
            &plugin,
            json!({"spec": {
                "selector": {"matchLabels": {"a": "b"}}, "targetRefs": [{"kind": "Service", "name": "a"}],
            }}),
        ),
        ("a target without a name", &plugin, json!({"spec": {"targetRefs": [{"kind": "Service"}]}})),
        (
            "a value for a variable of the host's",
            &plugin,
            json!({"spec": {
                "vmConfig": {"env": [{"name": "A", "valueFrom": "HOST", "value": "b"}]},
            }}),
        ),
        ("another version", &plugin, json!({"apiVersion": "extensions.istio.io/v1"})),
        ("a field in the other kind's place", &extension, json!({"spec": {"failStrategy": "FAIL_RELOAD"}})),
        ("no wasm", &extension, json!({"spec": {"wasm": null}})),
        ("no target", &extension_policy, json!({"spec": {"targetRefs": null}})),
        (
            "a target of another group",
            &extension_policy,
            json!({"spec": {"targetRefs": [{"kind": "Gateway", "name": "a"}]}}),
        ),
        ("code without its source", &extension_policy, json!({"spec": {"wasm": [{"code": {"type": "HTTP"}}]}})),
        (
            "a failure strategy of Istio's",
            &extension_policy,
            json!({"spec": {"wasm": [{"failStrategy": "FAIL_RELOAD"}]}}),
        ),
        ("an unknown filter", &proxy, json!({"spec": {"filterOrder": [{"name": "panveil", "before": "lua"}]}})),
        ("a log without a sink", &proxy, json!({"spec": {"telemetry": {"accessLog": {"settings": [{}]}}}})),
        ("an unknown resolution", entry, json!({"spec": {"resolution": "STRICT_DNS"}})),
        ("a port without a number", entry, json!({"spec": {"ports": [{"name": "http"}]}})),
        ("an unknown mode of TLS", tls, json!({"spec": {"trafficPolicy": {"tls": {"mode": "TLS"}}}})),
        ("a misspelt port", tls, json!({"spec": {"trafficPolicy": {"portLevelSetting": []}}})),
        ("a route without its list", routes, json!({"spec": {"http": [{"route": {"destination": {"host": "a"}}}]}})),
        ("a provider without a name", &telemetry, json!({"spec": {"accessLogging": [{"providers": [{}]}]}})),
    ];
    for (mistake, right, wrong) in mistakes {
        let kind = right["kind"].as_str().context("no kind")?;
        check(kind, right).context("unchanged")?;
        let mut changed = right.clone();
        json_patch::merge(&mut changed, &wrong);
        ensure!(check(kind, &changed).is_err(), "{kind}: {mistake} is accepted");
    }
    Ok(())
}
