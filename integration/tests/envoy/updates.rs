//! Policy updates of a running Envoy, delivered as a file (ECDS) like by a control plane. An invalid policy is rejected
//! and the previous one stays active. A valid one takes effect between two streams.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use panveil::policy::Policy;
use panveil_integration::case::{Framing, Message, Request};
use panveil_integration::client::Client;
use panveil_integration::envoy::{Discovery, Envoy};
use panveil_integration::observation::ReceivedResponse;
use panveil_integration::policies::{Policies, SECRET};
use panveil_integration::sidecar::{Build, Sidecar};
use panveil_integration::silence::leaks;
use panveil_integration::test_cards::{CARD, MASKED};
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::trial::trials;
use crate::wait::{eventually, stat, stat_reaches};

const BAD: &str = r#"{"request":"msak"}"#;
const SEED: u64 = 7;
const DRAWN: u16 = 24;
/// Interval at which the filter reports its active mode.
const TICK: Duration = Duration::from_secs(1);
/// Pieces of a body that is long enough for an update in its middle.
const PIECES: usize = 200;

pub fn trials(build: &Build) -> Vec<Trial> {
    trials!(build, "updates", {
        "a_bad_policy_is_refused" => bad,
        "one_policy_is_in_force_and_it_whole" => drawn,
        "a_bad_first_policy_lets_nothing_through" => bad_first,
        "a_stream_keeps_its_policy" => stream,
        "no_count_is_lost" => counts,
        "only_the_mode_in_force_is_told" => mode,
    })
}

async fn bad(build: Build) -> Result<()> {
    let (mut discovery, mut sidecar) = start(&build, "{}").await?;
    let client = Client::http1(sidecar.envoy.listener);
    ensure!(masked(&post(&client).await?), "before");
    let accepted_at = stat(&sidecar.envoy, ".panveil.update_time").await?;
    discovery.offer(BAD)?;
    stat_reaches(&sidecar.envoy, ".config_fail", 1).await?;
    for _ in 0..3 {
        ensure!(masked(&post(&client).await?), "after a bad policy");
    }
    rejection_is_shown(&sidecar.envoy, accepted_at).await?;
    discovery.offer(r#"{"request":"block"}"#)?;
    until_status(&client, 403).await?;
    ensure!(sidecar.envoy.log().contains("policy: request: "), "no complaint: {}", sidecar.envoy.log());
    unharmed(&mut sidecar.envoy).await
}

/// The facts about Envoy's pages from which `panveil status` infers a rejection.
async fn rejection_is_shown(envoy: &Envoy, accepted_at: u64) -> Result<()> {
    let page: Value = serde_json::from_str(&envoy.page("/config_dump").await?)?;
    let policy =
        page["configs"].as_array().into_iter().flatten().find_map(|part| {
            part.pointer("/ecds_filters/0/ecds_filter/typed_config/config/configuration/value")?.as_str()
        });
    ensure!(policy == Some(BAD), "the page shows {policy:?} instead of the rejected policy");
    let shown = [("update_success", 1), ("update_rejected", 1), ("config_reload", 2), ("update_time", accepted_at)];
    for (name, value) in shown {
        let found = stat(envoy, &format!(".panveil.{name}")).await?;
        ensure!(found == value, "{name} is {found} instead of {value}");
    }
    Ok(())
}

/// Generated policies, every other one invalid. The status of local replies shows that the last valid one is active.
async fn drawn(build: Build) -> Result<()> {
    let mut policies = Policies::new(SEED);
    let (mut discovery, mut sidecar) = start(&build, r#"{"request":"block"}"#).await?;
    let client = Client::http1(sidecar.envoy.listener);
    let (mut in_force, mut reloads, mut failures) = (403, 1, 0);
    stat_reaches(&sidecar.envoy, ".config_reload", reloads).await?;
    for status in 410..410 + DRAWN {
        let mut policy = policies.fitting();
        let fields = policy.as_object_mut().context("a policy is an object")?;
        // Keeps only fields that do not change the outcome of the request.
        fields.retain(|name, _| ["uninspectable", "limits", "mask"].contains(&name.as_str()));
        fields.insert("request".into(), "block".into());
        fields.insert("block".into(), serde_json::json!({"request_status": status}));
        let broken = policies.broken_from(policy.clone());
        if Policy::parse(broken.as_bytes()).is_err() {
            discovery.offer(&broken)?;
            failures += 1;
            stat_reaches(&sidecar.envoy, ".config_fail", failures).await?;
            ensure!(post(&client).await?.status == in_force, "seed {SEED}, after {broken}");
        }
        discovery.offer(&policy.to_string())?;
        reloads += 1;
        stat_reaches(&sidecar.envoy, ".config_reload", reloads).await?;
        until_status(&client, status).await?;
        in_force = status;
    }
    ensure!(failures > u64::from(DRAWN) / 2, "only {failures} of {DRAWN} broken policies were refused");
    ensure!(!sidecar.envoy.log().contains(SECRET), "a value of a policy is in the log");
    unharmed(&mut sidecar.envoy).await
}

async fn bad_first(build: Build) -> Result<()> {
    let (mut discovery, mut sidecar) = start(&build, BAD).await?;
    let client = Client::http1(sidecar.envoy.listener);
    let response = post(&client).await?;
    ensure!(response.status == 500, "{}", response.summary());
    let (received, cut_off) = sidecar.upstream.take().await?;
    ensure!(received.is_empty() && cut_off.is_empty(), "the service was asked: {received:?} {cut_off:?}");
    discovery.offer("{}")?;
    until_status(&client, 200).await?;
    ensure!(masked(&post(&client).await?), "after a good policy");
    unharmed(&mut sidecar.envoy).await
}

/// A stream ends under the policy of its start, in the same VM as the next one.
async fn stream(build: Build) -> Result<()> {
    let (mut discovery, mut sidecar) = start(&build, "{}").await?;
    let client = Client::http1(sidecar.envoy.listener);
    let (head, tail) = CARD.split_at(7);
    let mut long = request(&format!("card {head}"));
    long.message.pieces.extend((0..PIECES).map(|_| format!("{tail}\ncard {head}").into_bytes()));
    long.message.pieces.push(format!("{tail}\n").into());
    let wanted = format!("card {MASKED}\n").repeat(PIECES + 1);
    let streaming = tokio::spawn(async move { client.send(&long).await });
    stat_reaches(&sidecar.envoy, "http.inbound.downstream_rq_active", 1).await?;
    discovery.offer(r#"{"request":"block"}"#)?;
    until_status(&client, 403).await?;
    ensure!(!streaming.is_finished(), "the stream was over before the policy changed");
    let response = streaming.await??.context("no response")?;
    ensure!(response.status == 200 && response.body == wanted.as_bytes(), "{}", response.summary());
    unharmed(&mut sidecar.envoy).await
}

/// Counts of clean traffic are reported once a second, and the policy may change before that.
async fn counts(build: Build) -> Result<()> {
    const EXCHANGES: u64 = 8;
    let (mut discovery, mut sidecar) = start(&build, "{}").await?;
    let client = Client::http1(sidecar.envoy.listener);
    let policies = ["{}", r#"{"response":"block"}"#];
    let loaded = |times| stat_reaches(&sidecar.envoy, ".config_reload", times);
    loaded(1).await?;
    for times in 0..EXCHANGES {
        ensure!(client.get("/").await?.status == 200);
        discovery.offer(policies[usize::try_from(times + 1)? % 2])?;
        loaded(times + 2).await?;
    }
    let name = r#"panveil_messages_total{direction="request",outcome="clean"}"#;
    let name = panveil_integration::observation::canonical(name);
    let counted = async || sidecar.envoy.counters().await.map(|counters| counters.get(&name).copied().unwrap_or(0));
    let failure = format!("fewer than {EXCHANGES} messages are counted");
    eventually(failure, async || Ok((counted().await? >= EXCHANGES).then_some(()))).await?;
    ensure!(counted().await? == EXCHANGES, "more than {EXCHANGES} messages are counted");
    unharmed(&mut sidecar.envoy).await
}

/// Two workers share the gauge of each mode, and an active stream keeps the gauge of its start.
async fn mode(build: Build) -> Result<()> {
    let (mut discovery, mut settings) = build.discovered("{}")?;
    settings.concurrency = 2;
    let mut sidecar = Sidecar::start(&build.envoy, settings).await?;
    let client = Client::http1(sidecar.envoy.listener);
    told(&sidecar.envoy, &["enforce"]).await?;
    discovery.offer(r#"{"mode":"monitor"}"#)?;
    told(&sidecar.envoy, &["monitor"]).await?;
    // A removed filter does not report again.
    sleep(2 * TICK).await;
    told(&sidecar.envoy, &["monitor"]).await?;
    ensure!(client.get("/").await?.status == 200);

    discovery.offer("{}")?;
    told(&sidecar.envoy, &["enforce"]).await?;
    let mut stream = TcpStream::connect(sidecar.envoy.listener).await?;
    stream.write_all(b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n").await?;
    stat_reaches(&sidecar.envoy, "http.inbound.downstream_rq_active", 1).await?;
    discovery.offer(r#"{"mode":"monitor"}"#)?;
    told(&sidecar.envoy, &["enforce", "monitor"]).await?;
    sleep(2 * TICK).await;
    told(&sidecar.envoy, &["enforce", "monitor"]).await?;
    stream.write_all(b"0\r\n\r\n").await?;
    told(&sidecar.envoy, &["monitor"]).await?;
    unharmed(&mut sidecar.envoy).await
}

/// Waits until exactly these modes are reported as active.
async fn told(envoy: &Envoy, modes: &[&str]) -> Result<()> {
    eventually(format!("{modes:?} are never the active modes"), async || {
        let counters = envoy.counters().await?;
        let gauges = counters.iter().filter(|(name, value)| name.starts_with("panveil_config_info{") && **value == 1);
        let seen: Vec<&str> = gauges.filter_map(|(name, _)| name.split('"').nth(1)).collect();
        Ok((seen == modes).then_some(()))
    })
    .await
}

/// Envoy with a discovered filter and this policy.
async fn start(build: &Build, policy: &str) -> Result<(Discovery, Sidecar)> {
    let (discovery, settings) = build.discovered(policy)?;
    Ok((discovery, Sidecar::start(&build.envoy, settings).await?))
}

fn request(body: &str) -> Request {
    let message = Message {
        headers: vec![("content-type".into(), "text/plain".into())],
        pieces: vec![body.into()],
        framing: Framing::Chunked,
        trailers: vec![],
    };
    Request { method: "POST".into(), path: "/echo".into(), message }
}

async fn post(client: &Client) -> Result<ReceivedResponse> {
    client.send(&request(CARD)).await?.context("no response")
}

fn masked(response: &ReceivedResponse) -> bool {
    response.status == 200 && response.body == MASKED.as_bytes()
}

async fn until_status(client: &Client, status: u16) -> Result<()> {
    let failure = format!("no {status}");
    eventually(failure, async || Ok((post(client).await?.status == status).then_some(()))).await
}

async fn unharmed(envoy: &mut Envoy) -> Result<()> {
    ensure!(envoy.is_alive()?, "Envoy died: {}", envoy.log());
    let lines: Vec<Value> = envoy.access_log(1).await?.into_iter().map(Value::Object).collect();
    ensure!(!lines.iter().any(|line| line["details"] == "wasm_fail_stream"), "it trapped: {}", envoy.log());
    let leaks = leaks(envoy, &[CARD.to_owned()], &[]).await?;
    ensure!(leaks.is_empty(), "{}", leaks.join("\n"));
    Ok(())
}
