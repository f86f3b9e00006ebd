//! Alerts: failures of a real proxy, and the expression of each alert in a real Prometheus.
//! `envoy-config/prometheus/rules_test.yaml` tests durations and recovery.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use panveil_integration::case::{Framing, Message, Request};
use panveil_integration::client::Client;
use panveil_integration::envoy::{Discovery, Filter, PLUGIN, Settings};
use panveil_integration::istio::{Chain, Plugin, Release};
use panveil_integration::prometheus::{Prometheus, RULES, Target};
use panveil_integration::sidecar::{Build, Sidecar};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::trapping::Trapping;
use crate::trial::{Test, trial};

const WASM_PLUGIN: &str = include_str!("../../../envoy-config/istio/base/wasmplugin.yaml");
const PAUSE: Duration = Duration::from_millis(300);
const MOST_ROUNDS: usize = 200;

pub fn trials(build: &Build) -> Vec<Trial> {
    type Case = fn(Build, PathBuf) -> Test;
    let cases: [(&str, Case); 8] = [
        ("a_trap_that_refuses", |build, binaries| Box::pin(trapped(build, binaries, "FAIL_CLOSED", 503))),
        ("a_trap_that_lets_through", |build, binaries| Box::pin(trapped(build, binaries, "FAIL_OPEN", 200))),
        ("a_trap_and_a_recovery", |build, binaries| Box::pin(recovered(build, binaries))),
        ("a_module_that_is_not_fetched", |build, binaries| Box::pin(not_fetched(build, binaries))),
        ("a_module_that_envoy_has_not_fetched", |build, binaries| Box::pin(not_yet_fetched(build, binaries))),
        ("memory_that_is_used_up", |build, binaries| Box::pin(used_up(build, binaries))),
        ("a_policy_with_a_mistake", |build, binaries| Box::pin(refused(build, binaries))),
        ("a_listener_that_is_rejected", |build, binaries| Box::pin(listener_rejected(build, binaries))),
    ];
    let binaries = Prometheus::from_environment();
    let trials = cases.into_iter().map(|(name, case)| {
        let (build, binaries, missing) = (build.clone(), binaries.clone(), binaries.is_none());
        let test = move || async move { case(build, binaries.context("PROMETHEUS is not set")?).await };
        trial(format!("alerts::{name}"), test).with_ignored_flag(missing)
    });
    trials.collect()
}

/// Expression of this alert.
fn expression(alert: &str) -> Result<String> {
    let rules: Value = serde_saphyr::from_str(RULES)?;
    let mut all = rules["groups"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|group| group["rules"].as_array().into_iter().flatten());
    let rule = all.find(|rule| rule["alert"] == alert).with_context(|| format!("no alert {alert}"))?;
    Ok(rule["expr"].as_str().context("no expression")?.to_owned())
}

async fn watch(binaries: &Path, sidecar: &Sidecar) -> Result<Prometheus> {
    let target = Target { admin: sidecar.envoy.admin, labels: vec![("namespace", "shop"), ("pod", "web-1")] };
    Prometheus::start(binaries, &[target]).await
}

/// Sends requests until this expression has a sample.
async fn until(prometheus: &Prometheus, expression: &str, client: &Client, status: u16) -> Result<()> {
    for _ in 0..MOST_ROUNDS {
        let response = client.get("/").await?;
        ensure!(response.status == status, "{}", response.summary());
        if !prometheus.query(expression).await?.is_empty() {
            return Ok(());
        }
        sleep(PAUSE).await;
    }
    anyhow::bail!("it never holds: {expression}")
}

/// `settings` with this failure policy and a module that crashes.
fn trapping(build: &Build, policy: &str) -> Result<(Trapping, Settings)> {
    let module = Trapping::in_place_of("proxy_on_request_headers", &build.module)?;
    let mut settings = build.settings("{}");
    settings.filter = module.under("{}");
    settings.differ(json!([{"op": "replace", "path": format!("{PLUGIN}/failure_policy"), "value": policy}]))?;
    Ok((module, settings))
}

async fn trapped(build: Build, binaries: PathBuf, policy: &str, status: u16) -> Result<()> {
    let (_module, settings) = trapping(&build, policy)?;
    let sidecar = Sidecar::start(&build.envoy, settings).await?;
    let client = Client::http1(sidecar.envoy.listener);
    // The request that crashes is rejected, whatever follows.
    client.get("/").await?;
    let prometheus = watch(&binaries, &sidecar).await?;
    until(&prometheus, &expression("PanveilNotInspecting")?, &client, status).await
}

async fn recovered(build: Build, binaries: PathBuf) -> Result<()> {
    let (_module, settings) = trapping(&build, "FAIL_RELOAD")?;
    let sidecar = Sidecar::start(&build.envoy, settings).await?;
    let client = Client::http1(sidecar.envoy.listener);
    let prometheus = watch(&binaries, &sidecar).await?;
    until(&prometheus, &expression("PanveilTrapped")?, &client, 503).await?;
    // The other alert needs minutes. This checks that Envoy counts its metric.
    let waits = r#"{__name__=~"envoy_wasm_.*panveil.*_vm_reload_backoff"} > 0"#;
    ensure!(expression("PanveilRefusing")?.contains("_vm_reload_(backoff|failure)"), "it asks for something else");
    until(&prometheus, waits, &client, 503).await
}

/// Compressed bodies that exceed the memory limit.
async fn used_up(build: Build, binaries: PathBuf) -> Result<()> {
    /// Zstandard frame with a window of 8 MiB, and a repeated block of 128 KiB.
    const FRAME: [u8; 6] = [0x28, 0xB5, 0x2F, 0xFD, 0, 13 << 3];
    const BLOCK: [u8; 4] = [2, 0, 16, b'a'];
    let body = [&FRAME[..], &BLOCK.repeat(64)].concat();
    let message = Message {
        headers: vec![("content-type".into(), "text/plain".into()), ("content-encoding".into(), "zstd".into())],
        pieces: vec![body],
        framing: Framing::Length,
        ..Message::default()
    };
    let request = Request { method: "POST".into(), path: "/".into(), message };
    let policy = r#"{"limits":{"memory_bytes":8388608,"inflate_ratio":1000000}}"#;
    let sidecar = Sidecar::start(&build.envoy, build.settings(policy)).await?;
    let client = Client::http1(sidecar.envoy.listener);
    let prometheus = watch(&binaries, &sidecar).await?;
    let expression = expression("PanveilMemoryExhausted")?;
    for _ in 0..MOST_ROUNDS {
        let response = client.send(&request).await?.context("no response")?;
        ensure!(response.status == 403, "{}", response.summary());
        if !prometheus.query(&expression).await?.is_empty() {
            return Ok(());
        }
        sleep(PAUSE).await;
    }
    anyhow::bail!("it never holds: {expression}")
}

/// panveil at first, then the replacement that Istio's agent delivers when it cannot fetch the module.
async fn not_fetched(build: Build, binaries: PathBuf) -> Result<()> {
    let mut manifest: Value = serde_saphyr::from_str(WASM_PLUGIN)?;
    manifest["metadata"]["namespace"] = json!("shop");
    let chain = Chain::new("shop", vec![Plugin::of(&manifest, Release::From1_30, &build.module)?])?;
    let mut settings = Settings::new(Filter::Shipped, ([127, 0, 0, 1], 0).into());
    settings.differ(chain.operations())?;
    settings.differ(json!([{"op": "add", "path": "/node", "value": {"id": "sidecar", "cluster": "service"}}]))?;
    let sidecar = Sidecar::start(&build.envoy, settings).await?;
    let client = Client::http1(sidecar.envoy.listener);
    let prometheus = watch(&binaries, &sidecar).await?;
    until(&prometheus, "panveil_config_info == 1", &client, 200).await?;
    ensure!(prometheus.query(&expression("PanveilMissing")?).await?.is_empty(), "it is missed while it is there");
    chain.not_fetched()?;
    for _ in 0..MOST_ROUNDS {
        if client.get("/").await?.status == 403 {
            break;
        }
        sleep(PAUSE).await;
    }
    until(&prometheus, &expression("PanveilMissing")?, &client, 403).await
}

/// Sidecar with a discovered filter, and Prometheus after it has scraped the metrics of the filter.
async fn discovered(build: &Build, binaries: &Path) -> Result<(Discovery, Sidecar, Prometheus)> {
    let (discovery, settings) = build.discovered("{}")?;
    let sidecar = Sidecar::start(&build.envoy, settings).await?;
    let prometheus = watch(binaries, &sidecar).await?;
    until(&prometheus, "panveil_config_info == 1", &Client::http1(sidecar.envoy.listener), 200).await?;
    Ok((discovery, sidecar, prometheus))
}

async fn refused(build: Build, binaries: PathBuf) -> Result<()> {
    let (mut discovery, sidecar, prometheus) = discovered(&build, &binaries).await?;
    let client = Client::http1(sidecar.envoy.listener);
    let shipped = expression("PanveilPolicyRefused")?;
    ensure!(prometheus.query(&shipped).await?.is_empty(), "it is told before there is anything to tell");
    discovery.offer(r#"{"request":"msak"}"#)?;
    until(&prometheus, &shipped, &client, 200).await?;
    // The previous filter is still active.
    for alert in ["PanveilMissing", "PanveilNotInspecting"] {
        ensure!(prometheus.query(&expression(alert)?).await?.is_empty(), "{alert}");
    }
    Ok(())
}

/// Update from a web server: Envoy lets requests pass without a filter that it has not fetched yet.
async fn not_yet_fetched(build: Build, binaries: PathBuf) -> Result<()> {
    let (mut discovery, sidecar, prometheus) = discovered(&build, &binaries).await?;
    let client = Client::http1(sidecar.envoy.listener);
    let remote =
        json!({"http_uri": {"uri": "http://a/", "cluster": "service", "timeout": "1s"}, "sha256": "0".repeat(64)});
    discovery.differ(json!([{"op": "replace", "path": "/config/vm_config/code", "value": {"remote": remote}}]))?;
    discovery.offer("{}")?;
    until(&prometheus, &expression("PanveilMissing")?, &client, 200).await
}

/// Proxy that runs without panveil, because it rejects a listener whose access log cannot be opened.
async fn listener_rejected(build: Build, binaries: PathBuf) -> Result<()> {
    let log = json!({"name": "file", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
        "path": "/nowhere/log",
    }});
    let manager = json!({"name": "envoy.filters.network.http_connection_manager", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "second",
        "route_config": {},
        "access_log": [log],
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
        }}],
    }});
    let listener = json!({
        "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
        "name": "second",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
        "filter_chains": [{"filters": [manager]}],
    });
    let folder = TempDir::with_prefix("panveil-listeners-")?;
    let file = folder.path().join("listeners.json");
    fs::write(&file, json!({"version_info": "1", "resources": [listener]}).to_string())?;
    let source = json!({"resource_api_version": "V3", "path_config_source": {"path": file}});
    let mut settings = build.settings("{}");
    settings.filter = Filter::None;
    settings.differ(json!([
        {"op": "add", "path": "/node", "value": {"id": "sidecar", "cluster": "service"}},
        {"op": "add", "path": "/dynamic_resources", "value": {"lds_config": source}},
    ]))?;
    let sidecar = Sidecar::start(&build.envoy, settings).await?;
    let prometheus = watch(&binaries, &sidecar).await?;
    let client = Client::http1(sidecar.envoy.listener);
    until(&prometheus, &expression("PanveilListenerRejected")?, &client, 200).await
}
