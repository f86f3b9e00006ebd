//! Interoperability of third-party clients and upstreams through panveil, with card numbers in all messages.

mod grpc;
mod grpc_python;
mod grpc_web;
mod live;
mod multipart;
mod turns;
mod websocket;
mod websocket_early;
mod websocket_python;

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use panveil_integration::envoy::Envoy;
use panveil_integration::peers::Python;
use panveil_integration::sidecar::Build;
use panveil_integration::silence::leaks;
use panveil_integration::test_cards::{CARD, MASKED};
use serde_json::{Map, Value};

use crate::trial::{self, Test, trial};

pub fn trials(build: &Build) -> Vec<Trial> {
    let files = [
        grpc::trials,
        grpc_python::trials,
        grpc_web::trials,
        live::trials,
        multipart::trials,
        turns::trials,
        websocket::trials,
        websocket_early::trials,
        websocket_python::trials,
    ];
    files.iter().flat_map(|trials| trials(build)).collect()
}

/// Test with this name.
fn named(build: &Build, name: &str, test: fn(Build) -> Test) -> Trial {
    trial::named(build, "protocols", name, test)
}

/// Test with a peer in Python. Ignored without a Python.
fn with_python(build: &Build, name: &str, test: fn(Build, Python) -> Test) -> Trial {
    let python = Python::from_environment();
    let (build, missing) = (build.clone(), python.is_none());
    let name = format!("protocols::{name}");
    trial(name, move || async move { test(build, python.context("PEERS_PYTHON is not set")?).await })
        .with_ignored_flag(missing)
}

/// Envoy with panveil under this policy, in front of this upstream.
async fn in_front_of(build: &Build, service: SocketAddr, http2: bool, policy: &str) -> Result<Envoy> {
    let mut settings = build.settings(policy);
    settings.service = service;
    settings.service_http2 = http2;
    Envoy::start(&build.envoy, &settings).await
}

/// Checks that Envoy runs, has logged `count` streams and no digit of a card number, and has no open stream.
/// Returns the log lines.
async fn unharmed(envoy: &mut Envoy, count: usize) -> Result<Vec<Map<String, Value>>> {
    let lines = envoy.access_log(count).await?;
    ensure!(envoy.is_alive()?, "Envoy died: {}", envoy.log());
    let leaks = leaks(envoy, &[CARD.to_owned()], &[]).await?;
    ensure!(leaks.is_empty(), "{}", leaks.join("\n"));
    for gauge in ["cluster.service.upstream_rq_active", "http.inbound.downstream_rq_active"] {
        let page = envoy.page(&format!("/stats?filter=^{}$", gauge.replace('.', "\\."))).await?;
        ensure!(page.trim() == format!("{gauge}: 0"), "{page}");
    }
    Ok(lines)
}
