//! Schemas that shipped files name for editors.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::files::{all, document, root};
use crate::trial;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("schemas::files_are_valid_by_the_schema_they_name", files_are_valid_by_the_schema_they_name),
        trial("schemas::an_invalid_policy_in_a_manifest_is_found", an_invalid_policy_in_a_manifest_is_found),
    ]
}

/// Beginning of the line that names a schema.
const LINE: &str = "# yaml-language-server: $schema=";

fn schema(path: &Path) -> Result<jsonschema::Validator> {
    let schema: Value = serde_json::from_str(&fs::read_to_string(path).with_context(|| path.display().to_string())?)?;
    ensure!(schema["$id"].is_string(), "{}: no $id", path.display());
    jsonschema::validator_for(&schema).context("no schema")
}

fn files_are_valid_by_the_schema_they_name() -> Result<()> {
    let mut count = 0;
    for path in all(&root(), "yaml")? {
        let text = fs::read_to_string(&path)?;
        let named = text.lines().next().and_then(|line| line.strip_prefix(LINE));
        let needs_one = path.ends_with("wasmplugin.yaml")
            || path.ends_with("trafficextension.yaml")
            || path.ends_with("envoyextensionpolicy.yaml")
            || path.to_string_lossy().ends_with("policy-test.yaml")
            || path.parent().is_some_and(|folder| folder.ends_with("policies"));
        ensure!(named.is_some() == needs_one, "{}: {named:?}", path.display());
        let Some(named) = named else { continue };
        let schema = schema(&path.parent().context("no folder")?.join(named))?;
        if let Err(error) = schema.validate(&document(&path)?) {
            anyhow::bail!("{}: {error}", path.display());
        }
        count += 1;
    }
    ensure!(count > 15, "{count} files");
    Ok(())
}

fn an_invalid_policy_in_a_manifest_is_found() -> Result<()> {
    let plugin = schema(&root().join("schemas/plugin.schema.json"))?;
    let cases = schema(&root().join("schemas/policy-test.schema.json"))?;
    let manifest = |kind: &str, spec: Value| json!({"apiVersion": "a/v1", "kind": kind, "metadata": {}, "spec": spec});
    let gateway =
        |config: Value| json!({"wasm": [{"name": "waf", "config": 5}, {"name": "panveil", "config": config}]});
    for (mode, is_valid) in [("monitor", true), ("monitr", false)] {
        let config = json!({"mode": mode});
        for manifest in [
            manifest("WasmPlugin", json!({"url": "x", "pluginConfig": config})),
            manifest("TrafficExtension", json!({"wasm": {"pluginConfig": config}})),
            manifest("EnvoyExtensionPolicy", gateway(config.clone())),
        ] {
            ensure!(plugin.is_valid(&manifest) == is_valid, "{manifest}");
        }
        let case = json!({"name": "a", "request": {}, "expect": {"action": "clean"}});
        ensure!(cases.is_valid(&json!({"policy": config, "cases": [case]})) == is_valid);
    }
    for manifest in [
        manifest("WasmPlugin", json!({"url": "x"})),
        manifest("TrafficExtension", json!({"pluginConfig": {}})),
        manifest("EnvoyExtensionPolicy", json!({"wasm": [{"name": "panveil"}]})),
    ] {
        ensure!(!plugin.is_valid(&manifest), "{manifest}");
    }
    for wrong in [
        json!({"cases": []}),
        json!({"cases": [{"name": "a", "request": {}, "expect": {"action": "mask"}}]}),
        json!({"cases": [{"name": "a", "request": {"verb": "GET"}, "expect": {"action": "clean"}}]}),
    ] {
        ensure!(!cases.is_valid(&wrong), "{wrong}");
    }
    Ok(())
}
