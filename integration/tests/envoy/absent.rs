//! Missing modules: as a file and on an unreachable web server, at the start and as an update.
//!
//! `docs/failure.md` describes the tested behaviour for operators, including the case in which card numbers pass.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use panveil_integration::case::{Framing, Message, Request, Response};
use panveil_integration::client::Client;
use panveil_integration::envoy::{Discovery, Envoy, PLUGIN};
use panveil_integration::observation::ReceivedResponse;
use panveil_integration::sidecar::{Build, Sidecar};
use panveil_integration::silence::leaks;
use panveil_integration::test_cards::{CARD, MASKED};
use panveil_integration::upstream::{Script, Upstream};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::time::sleep;

use crate::trial::trials;
use crate::wait::{eventually, stat_reaches};

const GONE: &str = "/nowhere/panveil.wasm";
/// Closed port.
const NOBODY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9);
/// Cluster of the web server.
const CLUSTER: &str = "modules";
const STEP: Duration = Duration::from_millis(50);
const MOST_STEPS: usize = 400;
/// Number of requests that must all have the same result.
const ATTEMPTS: usize = 5;

pub fn trials(build: &Build) -> Vec<Trial> {
    trials!(build, "absent", {
        "a_file_at_the_start" => file_at_the_start,
        "a_file_as_an_update" => file_as_an_update,
        "a_file_as_the_first" => file_as_the_first,
        "a_server_at_the_start" => server_at_the_start,
        "a_server_at_the_start_that_may_be_refused" => refusable_start,
        "a_server_with_another_module" => another_module,
        "a_server_as_an_update" => server_as_an_update,
        "a_server_as_an_update_that_may_be_refused" => refusable,
    })
}

async fn file_at_the_start(build: Build) -> Result<()> {
    let mut settings = build.settings("{}");
    settings.service = NOBODY;
    settings.differ(source(PLUGIN, json!({"local": {"filename": GONE}})))?;
    let started = Envoy::start(&build.envoy, &settings).await;
    let Err(error) = started else { anyhow::bail!("Envoy started") };
    let error = format!("{error:#}");
    let named = error.contains(GONE) && error.contains("exit status: 1") && error.lines().count() == 1;
    ensure!(named, "{error}");
    Ok(())
}

async fn file_as_an_update(build: Build) -> Result<()> {
    let (mut discovery, mut sidecar) = start(&build, local(&build), NOBODY).await?;
    discovery.differ(source("/config", json!({"local": {"filename": GONE}})))?;
    discovery.offer(r#"{"request":"block"}"#)?;
    stat_reaches(&sidecar.envoy, ".config_fail", 1).await?;
    for _ in 0..ATTEMPTS {
        masked(&sidecar.envoy).await?;
    }
    ensure!(sidecar.envoy.log().contains(GONE), "the log does not say what is missing: {}", sidecar.envoy.log());
    unharmed(&mut sidecar.envoy).await
}

async fn file_as_the_first(build: Build) -> Result<()> {
    let (mut discovery, mut sidecar) = start(&build, json!({"local": {"filename": GONE}}), NOBODY).await?;
    always(&sidecar.envoy, 500).await?;
    discovery.differ(source("/config", local(&build)))?;
    discovery.offer("{}")?;
    until_status(&sidecar.envoy, 200).await?;
    masked(&sidecar.envoy).await?;
    unharmed(&mut sidecar.envoy).await
}

/// Envoy starts, rejects requests, and does not fetch again.
async fn server_at_the_start(build: Build) -> Result<()> {
    let server = free_address()?;
    let mut settings = build.settings("{}");
    settings.differ(source(PLUGIN, remote(server, &digest(&build)?)))?;
    settings.differ(cluster(server))?;
    let mut sidecar = Sidecar::start(&build.envoy, settings).await?;
    stat_reaches(&sidecar.envoy, "remote_load_fetch_failures", 1).await?;
    always(&sidecar.envoy, 503).await?;
    let _server = serving(&build, server).await?;
    always(&sidecar.envoy, 503).await?;
    let lines = sidecar.envoy.access_log(2 * ATTEMPTS).await?;
    ensure!(lines.iter().all(|line| line["details"] == "wasm_fail_stream" && line["path"].is_null()), "{lines:?}");
    unharmed(&mut sidecar.envoy).await
}

/// Applies even when the server has the module: at the start Envoy never has it yet.
async fn refusable_start(build: Build) -> Result<()> {
    let server = free_address()?;
    let _server = serving(&build, server).await?;
    let mut settings = build.settings("{}");
    settings.service = NOBODY;
    settings.differ(source(PLUGIN, remote(server, &digest(&build)?)))?;
    settings.differ(refusable_at(PLUGIN))?;
    settings.differ(cluster(server))?;
    ensure!(Envoy::start(&build.envoy, &settings).await.is_err(), "Envoy started");
    Ok(())
}

/// The module does not match the digest.
async fn another_module(build: Build) -> Result<()> {
    let server = free_address()?;
    let _server = serving(&build, server).await?;
    for (digest, status) in [(digest(&build)?, 200), ("0".repeat(64), 503)] {
        let mut settings = build.settings("{}");
        settings.differ(source(PLUGIN, remote(server, &digest)))?;
        settings.differ(cluster(server))?;
        let mut sidecar = Sidecar::start(&build.envoy, settings).await?;
        until_status(&sidecar.envoy, status).await?;
        always(&sidecar.envoy, status).await?;
        unharmed(&mut sidecar.envoy).await?;
    }
    Ok(())
}

/// Envoy accepts the new configuration before it has the module, and **lets requests pass without the filter**. This is
/// Envoy's behaviour for every filter. The test verifies its documentation.
async fn server_as_an_update(build: Build) -> Result<()> {
    let (mut discovery, mut sidecar) = start(&build, local(&build), NOBODY).await?;
    discovery.differ(source("/config", remote(NOBODY, &digest(&build)?)))?;
    discovery.offer("{}")?;
    stat_reaches(&sidecar.envoy, ".config_reload", 2).await?;
    let mut asked = 0;
    // The workers follow a moment later.
    while post(&sidecar.envoy).await?.body != CARD.as_bytes() {
        ensure!(asked < MOST_STEPS, "Envoy has become better");
        asked += 1;
        sleep(STEP).await;
    }
    for _ in 0..ATTEMPTS {
        let response = post(&sidecar.envoy).await?;
        ensure!(response.status == 200 && response.body == CARD.as_bytes(), "{}", response.summary());
    }
    let lines = sidecar.envoy.access_log(asked + 1 + ATTEMPTS).await?;
    let last = lines.iter().rev().take(ATTEMPTS);
    ensure!(last.into_iter().all(|line| line["details"] == "via_upstream" && line["path"].is_null()), "{lines:?}");
    let told = sidecar.envoy.counters().await?;
    ensure!(
        !told.keys().any(|name| name.starts_with("panveil_config_info")),
        "it is told as if it were there: {told:?}"
    );
    unharmed(&mut sidecar.envoy).await
}

/// With `nack_on_code_cache_miss` the previous filter stays active until the module is available, and the next update
/// takes effect.
async fn refusable(build: Build) -> Result<()> {
    let server = free_address()?;
    let (mut discovery, mut sidecar) = start(&build, local(&build), server).await?;
    discovery.differ(source("/config", remote(server, &digest(&build)?)))?;
    discovery.differ(refusable_at("/config"))?;
    discovery.offer(r#"{"request":"block"}"#)?;
    stat_reaches(&sidecar.envoy, ".config_fail", 1).await?;
    for _ in 0..ATTEMPTS {
        masked(&sidecar.envoy).await?;
    }
    let _server = serving(&build, server).await?;
    // Envoy does not repeat a failed fetch for ten seconds, and the update after the successful fetch finds the module.
    for round in 0..MOST_STEPS {
        let status = post(&sidecar.envoy).await?.status;
        if status == 403 {
            return unharmed(&mut sidecar.envoy).await;
        }
        ensure!(status == 200, "{status}");
        discovery.offer(&format!(r#"{{"request":"block","detect":{{"ignore_keys":["round_{round}"]}}}}"#))?;
        sleep(10 * STEP).await;
    }
    anyhow::bail!("it is never fetched: {}", sidecar.envoy.log())
}

/// Operations that replace the file of the module with this source.
fn source(plugin: &str, code: Value) -> Value {
    json!([{"op": "replace", "path": format!("{plugin}/vm_config/code"), "value": code}])
}

/// Operation that makes Envoy reject a configuration while its module is missing.
fn refusable_at(plugin: &str) -> Value {
    json!([{"op": "add", "path": format!("{plugin}/vm_config/nack_on_code_cache_miss"), "value": true}])
}

fn local(build: &Build) -> Value {
    json!({"local": {"filename": build.module}})
}

fn remote(server: SocketAddr, digest: &str) -> Value {
    let uri = json!({"uri": format!("http://{server}/panveil.wasm"), "cluster": CLUSTER, "timeout": "10s"});
    json!({"remote": {"http_uri": uri, "sha256": digest}})
}

fn cluster(server: SocketAddr) -> Value {
    let address = json!({"socket_address": {"address": server.ip(), "port_value": server.port()}});
    let endpoints = json!([{"lb_endpoints": [{"endpoint": {"address": address}}]}]);
    let cluster = json!({
        "name": CLUSTER, "type": "STATIC", "load_assignment": {"cluster_name": CLUSTER, "endpoints": endpoints},
    });
    json!([{"op": "add", "path": "/static_resources/clusters/-", "value": cluster}])
}

/// Envoy with a discovered filter, a module from this source, and a cluster for the web server.
async fn start(build: &Build, code: Value, server: SocketAddr) -> Result<(Discovery, Sidecar)> {
    let (mut discovery, mut settings) = build.discovered("{}")?;
    discovery.differ(source("/config", code))?;
    discovery.offer("{}")?;
    settings.differ(cluster(server))?;
    Ok((discovery, Sidecar::start(&build.envoy, settings).await?))
}

/// Web server with the module, at this address.
async fn serving(build: &Build, address: SocketAddr) -> Result<Upstream> {
    let pieces = vec![std::fs::read(&build.module)?];
    let message = Message { headers: vec![], pieces, framing: Framing::Length, trailers: vec![] };
    Upstream::start(address.port(), Script::Answer(Response { status: 200, message })).await
}

/// Address of a closed port.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

fn digest(build: &Build) -> Result<String> {
    let digest = Sha256::digest(std::fs::read(&build.module)?);
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

async fn post(envoy: &Envoy) -> Result<ReceivedResponse> {
    let message = Message {
        headers: vec![("content-type".into(), "text/plain".into())],
        pieces: vec![CARD.into()],
        framing: Framing::Length,
        trailers: vec![],
    };
    let request = Request { method: "POST".into(), path: "/echo".into(), message };
    Client::http1(envoy.listener).send(&request).await?.context("no response")
}

async fn masked(envoy: &Envoy) -> Result<()> {
    let response = post(envoy).await?;
    ensure!(response.status == 200 && response.body == MASKED.as_bytes(), "{}", response.summary());
    Ok(())
}

async fn always(envoy: &Envoy, status: u16) -> Result<()> {
    for _ in 0..ATTEMPTS {
        let response = post(envoy).await?;
        ensure!(response.status == status, "{}", response.summary());
        ensure!(response.body != CARD.as_bytes(), "the card came back");
        sleep(STEP).await;
    }
    Ok(())
}

async fn until_status(envoy: &Envoy, status: u16) -> Result<()> {
    let failure = format!("no {status}");
    eventually(failure, async || Ok((post(envoy).await?.status == status).then_some(()))).await
}

/// Checks that Envoy runs, and that no log and no admin page has a digit of the card number.
async fn unharmed(envoy: &mut Envoy) -> Result<()> {
    envoy.access_log(ATTEMPTS).await?;
    ensure!(envoy.is_alive()?, "Envoy died: {}", envoy.log());
    let leaks = leaks(envoy, &[CARD.to_owned()], &[]).await?;
    ensure!(leaks.is_empty(), "{}", leaks.join("\n"));
    Ok(())
}
