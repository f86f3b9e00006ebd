//! Schemas of files that contain a policy: manifests with a plugin, and cases.

use super::json::{DIALECT, id};
use crate::playback::TlsArg;
use crate::test::case_file::{CASE, EXPECT, FILE, PEER, REQUEST, RESPONSE};
use panveil::policy::Outcome;
use serde_json::{Map, Value, json};

/// Schema of a resource with a plugin of panveil. Only the policy within is described: other fields are those of Istio and Envoy
/// Gateway.
pub fn plugin(policy: &Value) -> Value {
    let config = |name: &str| json!({ "properties": { name: { "$ref": "#/$defs/policy" } }, "required": [name] });
    let wasm = json!({ "properties": { "wasm": config("pluginConfig") }, "required": ["wasm"] });
    // A resource of Envoy Gateway may have other plugins too.
    let is_panveil = json!({ "properties": { "name": { "pattern": "panveil" } }, "required": ["name"] });
    let item = json!({ "if": is_panveil, "then": config("config") });
    let list = json!({ "properties": { "wasm": { "type": "array", "items": item } }, "required": ["wasm"] });
    let of_kind = |kind: &str, spec: Value| {
        let is_kind = json!({ "properties": { "kind": { "const": kind } } });
        json!({ "if": is_kind, "then": { "properties": { "spec": spec } } })
    };
    json!({
        "$schema": DIALECT,
        "$id": id("plugin"),
        "title": "resource with a panveil plugin",
        "description": "WasmPlugin or TrafficExtension of Istio, or EnvoyExtensionPolicy of Envoy Gateway, with a policy.",
        "type": "object",
        "properties": {
            "kind": { "enum": ["WasmPlugin", "TrafficExtension", "EnvoyExtensionPolicy"] },
            "spec": { "type": "object" },
        },
        "required": ["kind", "spec"],
        "allOf": [
            of_kind("WasmPlugin", config("pluginConfig")),
            of_kind("TrafficExtension", wasm),
            of_kind("EnvoyExtensionPolicy", list),
        ],
        "$defs": { "policy": embedded(policy) },
    })
}

/// Schema of a file with cases.
pub fn cases(policy: &Value) -> Value {
    let text = || json!({ "type": "string" });
    let texts = || json!({ "type": "object", "additionalProperties": text() });
    let status = || json!({ "type": "integer", "minimum": 200, "maximum": 599 });
    let identity = || json!({ "type": "string", "pattern": "^spiffe://" });
    let actions: Vec<&str> = Outcome::ALL.iter().map(|outcome| outcome.as_str()).collect();
    let request = object(&REQUEST, [text(), text(), text(), texts(), text()], &[]);
    let response = object(&RESPONSE, [status(), texts(), text()], &[]);
    let port = json!({ "type": "integer", "minimum": 1, "maximum": 65535 });
    let tls: Vec<String> = TlsArg::words().into_iter().map(|(word, _)| word).collect();
    let peer = object(&PEER, [json!({ "enum": tls }), identity(), identity(), text(), port, text(), text()], &[]);
    let rule = json!({ "anyOf": [text(), { "type": "array", "items": text() }] });
    let expect = object(&EXPECT, [json!({ "enum": actions }), rule, status(), text(), texts(), text()], &["action"]);
    let case = object(&CASE, [text(), text(), request, response, peer, expect], &["name", "request", "expect"]);
    let policy_field = json!({ "anyOf": [text(), { "$ref": "#/$defs/policy" }] });
    let file = object(&FILE, [policy_field, json!({ "type": "array", "items": case, "minItems": 1 })], &["cases"]);
    let mut schema = json!({
        "$schema": DIALECT,
        "$id": id("policy-test"),
        "title": "panveil test cases",
        "description": "Cases that test a policy with panveil test.",
        "$defs": { "policy": embedded(policy) },
    });
    if let (Value::Object(schema), Value::Object(file)) = (&mut schema, file) {
        schema.extend(file);
    }
    schema
}

/// Object with these fields, no others.
fn object<const N: usize>(names: &[&str; N], values: [Value; N], required: &[&str]) -> Value {
    let fields = names.iter().zip(values).map(|(name, value)| ((*name).to_owned(), value));
    let mut schema = json!({
        "type": "object",
        "properties": fields.collect::<Map<String, Value>>(),
        "additionalProperties": false,
    });
    if let (Value::Object(schema), false) = (&mut schema, required.is_empty()) {
        schema.insert("required".to_owned(), json!(required));
    }
    schema
}

/// Schema of a policy as a part of another schema.
fn embedded(policy: &Value) -> Value {
    let mut policy = policy.clone();
    if let Value::Object(fields) = &mut policy {
        fields.retain(|name, _| name != "$schema" && name != "$id");
    }
    policy
}
