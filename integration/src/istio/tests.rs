//! Tests of the model of Istio's control plane.

use std::path::Path;

use serde_json::{Value, json};

use super::{Chain, Plugin, Release, sidecar_in};

const BASE: &str = include_str!("../../../envoy-config/istio/base/wasmplugin.yaml");
const EXTENSION: &str = include_str!("../../../envoy-config/istio/traffic-extension/base/trafficextension.yaml");
const MESH_CONFIG: &str = include_str!("../../../envoy-config/istio/telemetry/mesh-config.yaml");

/// Base in this namespace, with these fields of its `spec` changed. `null` removes a field.
fn base(namespace: &str, changes: &Value) -> Value {
    changed(BASE, namespace, changes)
}

fn changed(text: &str, namespace: &str, changes: &Value) -> Value {
    let mut manifest: Value = serde_saphyr::from_str(text).unwrap();
    manifest["metadata"]["namespace"] = json!(namespace);
    for (field, value) in changes.as_object().unwrap() {
        let spec = manifest["spec"].as_object_mut().unwrap();
        if value.is_null() {
            spec.remove(field);
        } else {
            spec.insert(field.clone(), value.clone());
        }
    }
    manifest
}

fn plugin(manifest: &Value) -> anyhow::Result<Plugin> {
    Plugin::of(manifest, Release::From1_30, Path::new("/module.wasm"))
}

/// Configuration of the base with these changes.
fn config(changes: &Value) -> Value {
    plugin(&base("shop", changes)).unwrap().config["config"].clone()
}

fn complaint(changes: &Value) -> String {
    format!("{:#}", plugin(&base("shop", changes)).unwrap_err())
}

/// Names of the plugins in a chain of the namespace `shop`.
fn order(manifests: &[Value]) -> Vec<String> {
    let plugins = manifests.iter().map(|manifest| plugin(manifest).unwrap()).collect();
    let chain = Chain::new("shop", plugins).unwrap();
    let short = |plugin: &Plugin| {
        let name = plugin.name.trim_start_matches("extensions.istio.io/trafficextension/");
        name.trim_end_matches("~istio-translated-wasmplugin").to_owned()
    };
    chain.plugins.iter().map(short).collect()
}

fn named(name: &str, namespace: &str, changes: &Value, created: &str) -> Value {
    let mut manifest = base(namespace, changes);
    manifest["metadata"]["name"] = json!(name);
    manifest["metadata"]["creationTimestamp"] = json!(created);
    manifest
}

#[test]
fn without_a_module_everything_is_refused_by_rules_without_a_policy() {
    let fallback = plugin(&base("shop", &json!({}))).unwrap().fallback();
    assert_eq!(fallback["rules"], json!({}));
    assert_eq!(fallback["rules_stat_prefix"], "wasm-default-deny");
}

#[test]
fn without_a_module_fail_open_lets_everything_pass() {
    let fallback = plugin(&base("shop", &json!({"failStrategy": "FAIL_OPEN"}))).unwrap().fallback();
    assert!(fallback["rules"].is_null());
    assert_eq!(fallback["rules_stat_prefix"], "wasm-default-allow");
}

#[test]
fn the_agent_strips_its_variables_from_a_module_that_it_fetches() {
    assert!(config(&json!({}))["vm_config"]["environment_variables"].is_null());
    assert!(config(&json!({"imagePullSecret": "panveil-registry"}))["vm_config"]["environment_variables"].is_null());
}

#[test]
fn variables_of_the_plugin_stay() {
    let env = json!([{"name": "KEY", "valueFrom": "HOST"}, {"name": "SHOWN", "value": "1"}]);
    let config = config(&json!({"vmConfig": {"env": env}}));
    assert_eq!(
        config["vm_config"]["environment_variables"],
        json!({"host_env_keys": ["KEY"], "key_values": {"SHOWN": "1"}})
    );
}

#[test]
fn a_module_in_a_file_keeps_the_variables_of_the_control_plane() {
    let mut manifest = base("shop", &json!({"url": "file:///etc/panveil/panveil.wasm"}));
    manifest["metadata"]["resourceVersion"] = json!("4711");
    let config = plugin(&manifest).unwrap().config;
    assert_eq!(
        config["config"]["vm_config"]["environment_variables"],
        json!({"key_values": {
            "ISTIO_META_WASM_IMAGE_PULL_POLICY": "IfNotPresent",
            "ISTIO_META_WASM_PLUGIN_RESOURCE_VERSION": "4711",
        }})
    );
}

#[test]
fn without_a_policy_the_configuration_is_an_any_without_a_type() {
    for none in [json!(null), json!({})] {
        assert_eq!(config(&json!({"pluginConfig": none}))["configuration"], json!({}));
    }
    let some = config(&json!({"pluginConfig": {"mode": "monitor"}}))["configuration"].clone();
    assert_eq!(some["value"], r#"{"mode":"monitor"}"#);
}

#[test]
fn fail_strategy_and_phase_have_defaults() {
    assert_eq!(config(&json!({"failStrategy": null}))["failure_policy"], "FAIL_CLOSED");
    assert_eq!(config(&json!({"failStrategy": "FAIL_CLOSE"}))["failure_policy"], "FAIL_CLOSED");
    let last = named("a", "shop", &json!({"phase": null}), "");
    let stats = named("b", "shop", &json!({"phase": "STATS", "priority": 1}), "");
    assert_eq!(order(&[last, stats]), ["shop.b", "shop.a"]);
}

#[test]
fn what_the_api_server_refuses_is_refused() {
    assert!(complaint(&json!({"phase": "FIRST"})).contains("phase: unknown value FIRST"));
    assert!(complaint(&json!({"failStrategy": "FAIL_SAFE"})).contains("failStrategy: unknown value FAIL_SAFE"));
    assert!(complaint(&json!({"match": [{"mode": "INBOUND"}]})).contains("mode: unknown value INBOUND"));
    assert!(complaint(&json!({"priority": 1_i64 << 40})).contains("priority"));
    assert!(complaint(&json!({"url": null})).contains("no url"));
}

#[test]
fn what_is_not_for_every_sidecars_inbound_side_is_refused() {
    let target = json!([{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "public"}]);
    assert!(complaint(&json!({"match": [{"mode": "CLIENT"}]})).contains("inbound side does not get"));
    assert!(complaint(&json!({"match": [{"mode": "SERVER", "ports": [{"number": 80}]}]})).contains("ports"));
    assert!(complaint(&json!({"selector": {"matchLabels": {"app": "web"}}})).contains("selector"));
    assert!(complaint(&json!({"targetRefs": target})).contains("targetRefs"));
    assert!(complaint(&json!({"type": "NETWORK"})).contains("NETWORK"));
    for all in [json!(null), json!([]), json!([{}]), json!([{"mode": "CLIENT"}, {"mode": "CLIENT_AND_SERVER"}])] {
        plugin(&base("shop", &json!({"match": all}))).unwrap();
    }
    let other = plugin(&base("blog", &json!({}))).unwrap();
    assert!(Chain::new("shop", vec![other]).is_err());
}

#[test]
fn ties_are_broken_by_namespace_then_age_then_name() {
    let root = named("panveil", "istio-system", &json!({}), "2026-01-01T00:00:00Z");
    let young = named("a", "shop", &json!({}), "2026-03-01T00:00:00Z");
    let old = named("z", "shop", &json!({}), "2026-02-01T00:00:00Z");
    let twin = named("y", "shop", &json!({}), "2026-02-01T00:00:00Z");
    let first = named("early", "istio-system", &json!({"priority": 1001}), "2026-04-01T00:00:00Z");
    assert_eq!(
        order(&[root, young, old, twin, first]),
        ["istio-system.early", "shop.y", "shop.z", "shop.a", "istio-system.panveil"]
    );
}

#[test]
fn both_kinds_become_the_same_but_for_their_names() {
    let [plugin, extension] = [BASE, EXTENSION].map(|text| {
        let mut plugin = plugin(&changed(text, "shop", &json!({}))).unwrap();
        plugin.config["config"]["name"].take();
        plugin.config
    });
    assert_eq!(plugin, extension);
}

#[test]
fn the_bootstrap_keeps_what_istio_keeps() {
    let operations = sidecar_in("shop", "web", &serde_saphyr::from_str(MESH_CONFIG).unwrap()).unwrap();
    let config = &operations[1]["value"];
    let tags: Vec<&str> =
        config["stats_tags"].as_array().unwrap().iter().map(|tag| tag["tag_name"].as_str().unwrap()).collect();
    assert_eq!((tags.len(), tags[0], tags[9], tags[26]), (27, "cluster_name", "direction", "authz_dry_run_result"));
    let patterns = config["stats_matcher"]["inclusion_list"]["patterns"].as_array().unwrap();
    for kept in [
        json!({"prefix": "reporter="}),
        json!({"prefix": "extension_config_discovery"}),
        json!({"prefix": "listener_manager"}),
        json!({"suffix": "rbac.denied"}),
        json!({"suffix": "shadow_allowed"}),
        json!({"safe_regex": {"regex": r"vhost\..*\.route\..*"}}),
        json!({"prefix": "component"}),
        json!({"prefix": "istio"}),
    ] {
        assert!(patterns.contains(&kept), "{kept}");
    }
}
