//! Agreement of the files for standalone Envoy.

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::Value;

use crate::files::{all, document, root};
use crate::trial;

const MANAGER: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";

pub fn trials() -> Vec<Trial> {
    vec![
        trial("standalone::one_access_log_and_one_set_of_labels", one_access_log_and_one_set_of_labels),
        trial("standalone::no_port_is_open_to_others_and_none_is_used_twice", ports),
        trial("standalone::a_trap_opens_no_door", a_trap_opens_no_door),
    ]
}

/// Shipped configuration of a complete Envoy.
pub fn sidecar() -> Result<Value> {
    document(&root().join("standalone/sidecar.yaml"))
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

fn a_trap_opens_no_door() -> Result<()> {
    let config = format!("{MANAGER}/http_filters/0/typed_config/config");
    let discovered = document(&root().join("standalone/discovery/panveil.yaml"))?;
    let mut plugins = vec![("discovery".to_owned(), discovered["resources"][0]["typed_config"]["config"].clone())];
    for (name, bootstrap) in bootstraps()? {
        plugins.extend(bootstrap.pointer(&config).map(|plugin| (name, plugin.clone())));
    }
    ensure!(plugins.len() == 4, "{} plugins", plugins.len());
    for (name, plugin) in plugins {
        ensure!(plugin["failure_policy"] == "FAIL_RELOAD", "{name}: {}", plugin["failure_policy"]);
        let policy: Value = serde_json::from_str(plugin["configuration"]["value"].as_str().context("no policy")?)?;
        crate::istio::policy(&policy).context(name)?;
    }
    Ok(())
}
