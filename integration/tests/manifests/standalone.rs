//! Agreement of the files for standalone Envoy.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use panveil_integration::access_log::KEYS;
use serde_json::{Map, Value, json};

use crate::files::{all, document, root};
use crate::trial;

const MANAGER: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";

pub fn trials() -> Vec<Trial> {
    vec![
        trial("standalone::one_access_log_and_one_set_of_labels", one_access_log_and_one_set_of_labels),
        trial("standalone::no_port_is_open_to_others_and_none_is_used_twice", ports),
        trial("standalone::a_trap_opens_no_door", a_trap_opens_no_door),
        trial("standalone::the_log_over_otlp_has_the_same_columns", otlp_columns),
        trial("standalone::policies_set_the_keys_of_the_access_log", policies_set_the_keys_of_the_access_log),
    ]
}

/// Shipped configuration of a complete Envoy.
pub fn sidecar() -> Result<Value> {
    document(&root().join("standalone/sidecar.yaml"))
}

/// Columns of the shipped access log, with their operators.
fn columns() -> Result<Map<String, Value>> {
    let sidecar = sidecar()?;
    let format = sidecar.pointer(&format!("{MANAGER}/access_log/0/typed_config/log_format/json_format"));
    format.and_then(Value::as_object).cloned().context("no format")
}

/// All complete configurations, by name.
fn bootstraps() -> Result<Vec<(String, Value)>> {
    let mut bootstraps = Vec::new();
    for path in all(&root().join("standalone"), "yaml")? {
        let config = document(&path)?;
        if config["static_resources"].is_object() {
            bootstraps.push((path.file_name().context("no name")?.to_string_lossy().into_owned(), config));
        }
    }
    ensure!(bootstraps.len() == 4, "{} files", bootstraps.len());
    Ok(bootstraps)
}

fn one_access_log_and_one_set_of_labels() -> Result<()> {
    let sidecar = sidecar()?;
    let log = |config: &Value| config.pointer(&format!("{MANAGER}/access_log")).cloned();
    ensure!(log(&sidecar).is_some(), "no access log");
    for (name, config) in bootstraps()? {
        ensure!(log(&config) == log(&sidecar), "{name}: another access log");
        ensure!(config["stats_config"] == sidecar["stats_config"], "{name}: other labels");
    }
    Ok(())
}

fn ports() -> Result<()> {
    let mut used = Vec::new();
    for (name, config) in bootstraps()? {
        for place in ["/admin/address/socket_address", "/static_resources/listeners/0/address/socket_address"] {
            let address = config.pointer(place).context("no address")?;
            ensure!(address["address"] == "127.0.0.1", "{name}: {address}");
            ensure!(!used.contains(&address["port_value"]), "{name}: {address} is used twice");
            used.push(address["port_value"].clone());
        }
    }
    Ok(())
}

fn otlp_columns() -> Result<()> {
    let columns = columns()?;
    let otlp = document(&root().join("standalone/access-log-otlp.yaml"))?;
    let attributes = &otlp["access_log"][0]["typed_config"]["attributes"]["values"];
    let attributes = attributes.as_array().context("no attributes")?;
    for attribute in attributes {
        let (name, value) = (attribute["key"].as_str().context("no key")?, &attribute["value"]["string_value"]);
        ensure!(columns.get(name) == Some(value), "{attribute}");
    }
    // The record has a time of its own.
    ensure!(attributes.len() + 1 == columns.len(), "{} attributes", attributes.len());
    Ok(())
}

/// Checks that a shipped policy sets the keys of filter state that the shipped access log prints, and no others.
pub fn check_keys(policy: &Value) -> Result<()> {
    let columns = columns()?;
    let operators = columns.values().filter_map(Value::as_str);
    let key = |operator: &str| {
        Some(operator.strip_prefix("%FILTER_STATE(wasm.panveil.")?.strip_suffix(":PLAIN)%")?.to_owned())
    };
    let printed: BTreeSet<String> = operators.filter_map(key).collect();
    let keys = policy["audit"]["keys"].as_array().context("no audit.keys")?;
    let set: BTreeSet<String> = keys.iter().filter_map(|key| key.as_str().map(str::to_owned)).collect();
    ensure!(set == printed && keys.len() == set.len(), "{set:?} and {printed:?}");
    Ok(())
}

fn policies_set_the_keys_of_the_access_log() -> Result<()> {
    check_keys(&json!({"audit": {"keys": KEYS}})).context("KEYS of the tests")?;
    for (name, policy) in policies()? {
        check_keys(&policy).context(name)?;
    }
    Ok(())
}

fn a_trap_opens_no_door() -> Result<()> {
    for (name, plugin) in plugins()? {
        ensure!(plugin["failure_policy"] == "FAIL_RELOAD", "{name}: {}", plugin["failure_policy"]);
    }
    for (name, policy) in policies()? {
        crate::istio::policy(&policy).context(name)?;
    }
    Ok(())
}

/// Policies of all configurations, by name.
fn policies() -> Result<Vec<(String, Value)>> {
    let policy = |(name, plugin): (String, Value)| {
        let text = plugin["configuration"]["value"].as_str().context("no policy")?;
        Ok((name, serde_json::from_str(text)?))
    };
    plugins()?.into_iter().map(policy).collect()
}

/// Settings of panveil in all configurations, by name.
fn plugins() -> Result<Vec<(String, Value)>> {
    let config = format!("{MANAGER}/http_filters/0/typed_config/config");
    let discovered = document(&root().join("standalone/discovery/panveil.yaml"))?;
    let mut plugins = vec![("discovery".to_owned(), discovered["resources"][0]["typed_config"]["config"].clone())];
    for (name, bootstrap) in bootstraps()? {
        plugins.extend(bootstrap.pointer(&config).map(|plugin| (name, plugin.clone())));
    }
    ensure!(plugins.len() == 4, "{} plugins", plugins.len());
    Ok(plugins)
}
