//! Wasm VM crashes under each failure policy: the rejected requests, their duration, and the requests that pass.
//!
//! `docs/failure.md` describes the tested behaviour for operators.

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use panveil_integration::case::{Framing, Message, Request, Response};
use panveil_integration::client::Client;
use panveil_integration::envoy::{Envoy, PLUGIN, Settings};
use panveil_integration::observation::ReceivedResponse;
use panveil_integration::sidecar::{Build, Sidecar};
use panveil_integration::silence::leaks;
use panveil_integration::test_cards::{CARD, MASKED};
use panveil_integration::upstream::Script;
use serde_json::{Map, Value, json};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::trapping::Trapping;
use crate::trial::{named, trial};
use crate::wait::{STEP, eventually, stat, stat_reaches};

/// Path without any special behaviour.
const ECHO: &str = "/echo";

/// Number of pieces of a body that is in transit during the crash: longer than any other stream of a test.
const PIECES: usize = 2000;
/// Number of requests that must all have the same result.
const ATTEMPTS: usize = 5;
/// Number of new connections that reach both of two workers.
const CONNECTIONS: usize = 64;

/// Every entry point that a stream can reach.
const CALLBACKS: [&str; 12] = [
    "proxy_on_context_create",
    "proxy_on_memory_allocate",
    "proxy_on_request_headers",
    "proxy_on_request_body",
    "proxy_on_request_trailers",
    "proxy_on_response_headers",
    "proxy_on_response_body",
    "proxy_on_response_trailers",
    "proxy_on_log",
    "proxy_on_done",
    "proxy_on_delete",
    "proxy_on_tick",
];

/// Those that loading the filter reaches.
const LOADING: [&str; 2] = ["proxy_on_context_create", "proxy_on_memory_allocate"];

/// Result of the requests after the crash.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Afterwards {
    /// Always rejected.
    Refused,
    /// Rejected until the filter is reloaded, then inspected.
    Recovered,
    /// Always passed as without a filter.
    Bypassed,
}

const POLICIES: [(&str, Option<&str>, Afterwards); 4] = [
    ("fail_closed", Some("FAIL_CLOSED"), Afterwards::Refused),
    ("unset", None, Afterwards::Refused),
    ("fail_reload", Some("FAIL_RELOAD"), Afterwards::Recovered),
    ("fail_open", Some("FAIL_OPEN"), Afterwards::Bypassed),
];

pub fn trials(build: &Build) -> Vec<Trial> {
    let mut trials = Vec::new();
    for (name, policy, afterwards) in POLICIES {
        let build_ = build.clone();
        trials.push(trial(format!("traps::one_worker::{name}"), move || one_worker(build_, policy, afterwards)));
        if afterwards != Afterwards::Recovered {
            let build = build.clone();
            trials.push(trial(format!("traps::two_workers::{name}"), move || two_workers(build, policy, afterwards)));
        }
    }
    let with = |name, test| named(build, "traps", name, test);
    trials.push(with("again_and_again", |build| Box::pin(again_and_again(build))));
    trials.push(with("before_the_backoff_is_over", |build| Box::pin(before_the_backoff_is_over(build))));
    for callback in CALLBACKS {
        let build = build.clone();
        trials.push(trial(format!("traps::anywhere::{callback}"), move || anywhere(build, callback)));
    }
    trials.push(with("while_a_response_streams", |build| Box::pin(while_a_response_streams(build))));
    trials
}

/// The request that crashes, concurrent ones on the same worker, and later ones.
async fn one_worker(build: Build, policy: Option<&str>, afterwards: Afterwards) -> Result<()> {
    let trapping = Trapping::in_place_of("proxy_on_request_trailers", &build.module)?;
    let mut sidecar = Sidecar::start(&build.envoy, settings(&trapping, policy)?).await?;
    sidecar.upstream.script(Script::Answer(Response { status: 200, message: long_body() }));
    let uploading = in_flight(&sidecar.envoy, "POST", long_body());
    let downloading = in_flight(&sidecar.envoy, "GET", Message::default());
    stat_reaches(&sidecar.envoy, "http.inbound.downstream_rq_active", 2).await?;

    let trapped = trap(&sidecar.envoy).await?;
    ensure!(trapped.status == 503, "the request itself: {}", trapped.summary());
    for (what, beside) in [("upload", uploading), ("download", downloading)] {
        let response = beside.await??;
        let refused = response.as_ref().is_none_or(|response| response.status == 503 || !response.complete);
        ensure!(refused, "the {what} beside it went on");
        ensure!(response.is_none_or(|response| !holds_card(&response.body)), "the {what} beside it leaked");
    }
    let (received, cut_off) = sidecar.upstream.take().await?;
    let at_service = received.iter().chain(&cut_off);
    ensure!(!at_service.into_iter().any(|request| holds_card(&request.body)), "a card reached the service");

    sidecar.upstream.script(Script::Echo);
    let client = Client::http1(sidecar.envoy.listener);
    let asked = match afterwards {
        Afterwards::Refused => {
            for _ in 0..ATTEMPTS {
                let response = client.send(&with_a_card()).await?.context("no response")?;
                ensure!(response.status == 503, "afterwards: {}", response.summary());
                sleep(STEP).await;
            }
            ATTEMPTS
        }
        Afterwards::Recovered => {
            let asked = recovered(&client).await?;
            ensure!(stat(&sidecar.envoy, "vm_reload_success").await? > 0, "it was not loaded again");
            asked
        }
        Afterwards::Bypassed => {
            for _ in 0..ATTEMPTS {
                let response = client.send(&with_a_card()).await?.context("no response")?;
                let bare = response.status == 200 && holds_card(&response.body);
                ensure!(bare, "afterwards: {}", response.summary());
            }
            ATTEMPTS
        }
    };
    // The one that crashed, the two beside it, and the later ones.
    let lines = sidecar.envoy.access_log(3 + asked).await?;
    silent(&mut sidecar.envoy).await?;
    ensure!(lines.iter().any(|line| line["details"] == "wasm_fail_stream"), "no log line names the trap: {lines:?}");
    // Basis of an alert: the log has no path any more.
    let last = lines.last().context("no line")?;
    ensure!(last["path"].is_null() != (afterwards == Afterwards::Recovered), "{last:?}");
    let log = sidecar.envoy.log();
    ensure!(log.contains("proxy_on_request_trailers"), "Envoy's log does not say where: {log}");
    Ok(())
}

/// Only the worker with the crash is affected. The system selects the worker of a connection.
async fn two_workers(build: Build, policy: Option<&str>, afterwards: Afterwards) -> Result<()> {
    let trapping = Trapping::in_place_of("proxy_on_request_trailers", &build.module)?;
    let mut settings = settings(&trapping, policy)?;
    settings.concurrency = 2;
    let mut sidecar = Sidecar::start(&build.envoy, settings).await?;
    ensure!(trap(&sidecar.envoy).await?.status == 503);
    let (mut masked, mut otherwise) = (0, 0);
    for _ in 0..CONNECTIONS {
        let response = Client::http1(sidecar.envoy.listener).send(&with_a_card()).await?.context("no response")?;
        match (response.status, afterwards) {
            (200, _) if response.body == MASKED.as_bytes() => masked += 1,
            (503, Afterwards::Refused) => otherwise += 1,
            (200, Afterwards::Bypassed) if holds_card(&response.body) => otherwise += 1,
            _ => anyhow::bail!("{}", response.summary()),
        }
    }
    ensure!(masked > 0 && otherwise > 0, "{masked} masked, {otherwise} not");
    silent(&mut sidecar.envoy).await?;
    Ok(())
}

/// Repeated crashes and reloads, with a backoff that ends before the next request.
async fn again_and_again(build: Build) -> Result<()> {
    let trapping = Trapping::in_place_of("proxy_on_request_trailers", &build.module)?;
    let mut settings = settings(&trapping, Some("FAIL_RELOAD"))?;
    backoff(&mut settings, "0.01s")?;
    let mut sidecar = Sidecar::start(&build.envoy, settings).await?;
    let client = Client::http1(sidecar.envoy.listener);
    for times in 1..=3 {
        sleep(10 * STEP).await;
        ensure!(trap(&sidecar.envoy).await?.status == 503);
        let response = client.send(&with_a_card()).await?.context("no response")?;
        ensure!(response.status == 200 && response.body == MASKED.as_bytes(), "{}", response.summary());
        ensure!(stat(&sidecar.envoy, "vm_reload_success").await? == times);
    }
    ensure!(stat(&sidecar.envoy, "vm_reload_backoff").await? == 0);
    silent(&mut sidecar.envoy).await?;
    Ok(())
}

/// The backoff counts from the load of the filter, not from the crash. Until its end requests are rejected.
async fn before_the_backoff_is_over(build: Build) -> Result<()> {
    let trapping = Trapping::in_place_of("proxy_on_request_trailers", &build.module)?;
    let mut settings = settings(&trapping, Some("FAIL_RELOAD"))?;
    backoff(&mut settings, "600s")?;
    let mut sidecar = Sidecar::start(&build.envoy, settings).await?;
    ensure!(trap(&sidecar.envoy).await?.status == 503);
    for _ in 0..ATTEMPTS {
        let response = Client::http1(sidecar.envoy.listener).send(&with_a_card()).await?.context("no response")?;
        ensure!(response.status == 503, "{}", response.summary());
    }
    ensure!(stat(&sidecar.envoy, "vm_reload_backoff").await? >= ATTEMPTS as u64);
    ensure!(stat(&sidecar.envoy, "vm_reload_success").await? == 0);
    let (received, cut_off) = sidecar.upstream.take().await?;
    ensure!(received.is_empty(), "the service was asked: {received:?}");
    ensure!(!cut_off.iter().any(|request| holds_card(&request.body)), "a card reached the service");
    silent(&mut sidecar.envoy).await?;
    Ok(())
}

/// A crash in any callback lets no card number pass, in this stream or later ones.
async fn anywhere(build: Build, callback: &str) -> Result<()> {
    let trapping = Trapping::in_place_of(callback, &build.module)?;
    let mut settings = settings(&trapping, Some("FAIL_RELOAD"))?;
    settings.service_http2 = true;
    backoff(&mut settings, "0.01s")?;
    // Envoy detects a crash during loading at the start, and does not start with it.
    let started = Sidecar::start(&build.envoy, settings).await;
    if LOADING.contains(&callback) {
        ensure!(started.is_err(), "Envoy started");
        return Ok(());
    }
    let mut sidecar = started?;
    let mut exchange = with_a_card();
    exchange.message.trailers.push(("x-end".into(), CARD.into()));
    sidecar.upstream.script(Script::Answer(Response { status: 200, message: exchange.message.clone() }));
    for client in [Client::http2(sidecar.envoy.listener), Client::http1(sidecar.envoy.listener)] {
        for _ in 0..ATTEMPTS {
            if let Some(response) = client.send(&exchange).await? {
                let fields = response.headers.iter().chain(&response.trailers);
                let bare = fields.into_iter().any(|(_, value)| value.contains(CARD)) || holds_card(&response.body);
                ensure!(!bare, "a card reached the client");
            }
            // Time for ticks and reloads.
            sleep(15 * STEP).await;
        }
    }
    let (received, cut_off) = sidecar.upstream.take().await?;
    for request in received.iter().chain(&cut_off) {
        let fields = request.headers.iter().chain(&request.trailers);
        let bare = fields.into_iter().any(|(_, value)| value.contains(CARD)) || holds_card(&request.body);
        ensure!(!bare, "a card reached the service");
    }
    silent(&mut sidecar.envoy).await?;
    let log = sidecar.envoy.log();
    ensure!(log.contains(callback), "it did not trap: {log}");
    Ok(())
}

/// The headers have left, so the client detects the failure only by the incomplete body.
async fn while_a_response_streams(build: Build) -> Result<()> {
    let trapping = Trapping::in_place_of("proxy_on_response_body", &build.module)?;
    for policy in ["FAIL_CLOSED", "FAIL_RELOAD", "FAIL_OPEN"] {
        let mut sidecar = Sidecar::start(&build.envoy, settings(&trapping, Some(policy))?).await?;
        let response = Client::http1(sidecar.envoy.listener).send(&with_a_card()).await?;
        let cut = response.as_ref().is_none_or(|response| !response.complete && response.body.is_empty());
        ensure!(cut, "{policy}: {response:?}");
        let lines = silent(&mut sidecar.envoy).await?;
        ensure!(lines[0]["details"] == "wasm_fail_stream", "{policy}: {lines:?}");
    }
    Ok(())
}

/// Shipped configuration with the module that crashes and this policy.
fn settings(trapping: &Trapping, policy: Option<&str>) -> Result<Settings> {
    let mut settings = Settings::new(trapping.under("{}"), ([127, 0, 0, 1], 0).into());
    let path = format!("{PLUGIN}/failure_policy");
    settings.differ(match policy {
        Some(policy) => json!([{"op": "replace", "path": path, "value": policy}]),
        None => json!([{"op": "remove", "path": path}]),
    })?;
    Ok(settings)
}

fn backoff(settings: &mut Settings, base: &str) -> Result<()> {
    let path = format!("{PLUGIN}/reload_config");
    settings.differ(json!([{"op": "add", "path": path, "value": {"backoff": {"base_interval": base}}}]))
}

/// Sends a request that ends in trailers.
async fn trap(envoy: &Envoy) -> Result<ReceivedResponse> {
    let mut request = with_a_card();
    request.message.trailers.push(("x-trap".into(), CARD.into()));
    Client::http2(envoy.listener).send(&request).await?.context("the request that traps: no response")
}

fn with_a_card() -> Request {
    let message = Message {
        headers: vec![("content-type".into(), "text/plain".into()), ("x-card".into(), CARD.into())],
        pieces: vec![CARD.into()],
        framing: Framing::Chunked,
        trailers: vec![],
    };
    Request { method: "POST".into(), path: ECHO.into(), message }
}

/// Body with a card number in each of its pieces, cut in two.
fn long_body() -> Message {
    let (head, tail) = CARD.split_at(9);
    let pieces = (0..PIECES).map(|_| format!("{tail}\ncard {head}").into_bytes()).collect();
    let headers = vec![("content-type".into(), "text/plain".into())];
    Message { headers, pieces, framing: Framing::Chunked, trailers: vec![] }
}

fn in_flight(envoy: &Envoy, method: &str, message: Message) -> JoinHandle<Result<Option<ReceivedResponse>>> {
    let client = Client::http1(envoy.listener);
    let request = Request { method: method.into(), path: "/long".into(), message };
    tokio::spawn(async move { client.send(&request).await })
}

/// Waits until the filter is reloaded. Returns the number of rejected requests.
async fn recovered(client: &Client) -> Result<usize> {
    let mut asked = 0;
    eventually("the filter is not loaded again", async || {
        asked += 1;
        let response = client.send(&with_a_card()).await?.context("no response")?;
        if response.status == 200 {
            ensure!(response.body == MASKED.as_bytes(), "back, but not masking: {}", response.summary());
            return Ok(Some(asked));
        }
        ensure!(response.status == 503, "{}", response.summary());
        Ok(None)
    })
    .await
}

fn holds_card(body: &[u8]) -> bool {
    body.windows(CARD.len()).any(|window| window == CARD.as_bytes())
}

/// Checks that Envoy runs, and that no file and no page has a digit of the card number. Returns the access log.
async fn silent(envoy: &mut Envoy) -> Result<Vec<Map<String, Value>>> {
    ensure!(envoy.is_alive()?, "Envoy died: {}", envoy.log());
    let lines = envoy.access_log(1).await?;
    let leaks = leaks(envoy, &[CARD.to_owned()], &[]).await?;
    ensure!(leaks.is_empty(), "{}", leaks.join("\n"));
    Ok(lines)
}
