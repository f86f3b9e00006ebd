//! Card fingerprints in the log, under a key that only the environment of the VM contains. Without a valid key the
//! filter does not start.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use panveil_integration::case::{Framing, Message, Request};
use panveil_integration::client::Client;
use panveil_integration::envoy::{Envoy, PLUGIN, Settings};
use panveil_integration::sidecar::{Build, Sidecar};
use panveil_integration::silence::leaks;
use serde_json::{Value, json};

use crate::trial::trials;

const POLICY: &str = r#"{"audit":{"fingerprint":true}}"#;
const KEY: &str = "PANVEIL_HMAC_KEY";
const CARDS: [&str; 2] = ["4111111111111111", "378282246310005"];
/// Keys with the fingerprints of the cards, from `printf CARD | openssl dgst -sha256 -hmac KEY -binary | base64`, in
/// URL-safe form (`-` and `_`) without padding.
const KEYS: [(&str, [&str; 2]); 2] = [
    (
        "00112233445566778899aabbccddeeff",
        ["fRAywt11O34vkVrQ6JLYn3TiiY9Wnf9WHmoueKqFETI", "Z50h-r3XpLHxvF1t17Fy-OzuaybKovNd_uMp32B5_iU"],
    ),
    (
        "Qm9yZWQtY2FyZHMtYXJlLW5vLWNhcmRz",
        ["D1AljLMOHlYI8wyTr5YM_GPuYe5ZENKnu3YAPSl77Io", "NAOieRGYpe4LpiZjWvEMomB5yoF6TQB5merXnM6_DgM"],
    ),
];

pub fn trials(build: &Build) -> Vec<Trial> {
    trials!(build, "audit", {
        "a_card_is_known_by_its_fingerprint" => fingerprints,
        "the_key_of_envoy_s_process_stands_in_no_configuration" => host_key,
        "a_fingerprint_needs_a_good_key" => bad_keys,
    })
}

async fn fingerprints(build: Build) -> Result<()> {
    let mut ids = BTreeSet::new();
    for (key, expected) in KEYS {
        let sidecar = Sidecar::start(&build.envoy, keyed(&build, Some(key))?).await?;
        let mut count = 0;
        let client = Client::http1(sidecar.envoy.listener);
        for spelling in ["4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111", "%34111111111111111"] {
            let told = tell(&sidecar, &client, &mut count, &format!("a {spelling} b")).await?;
            ensure!(told["panveil_fingerprints"] == expected[0], "{spelling}: {told}");
            let record: Value = serde_json::from_str(told["panveil_record"].as_str().context("no record")?)?;
            ensure!(record["findings"][0]["fingerprints"] == json!([expected[0]]), "{record}");
            ids.insert(record["fingerprint_key"].as_str().context("no name of the key")?.to_owned());
        }
        let told = tell(&sidecar, &client, &mut count, &format!("{} {} {}", CARDS[0], CARDS[1], CARDS[0])).await?;
        let both = expected.join(",");
        ensure!(told["panveil_fingerprints"] == both, "{told}");
        let leaks = leaks(&sidecar.envoy, &CARDS.map(str::to_owned), &[]).await?;
        ensure!(leaks.is_empty(), "{leaks:?}");
    }
    ensure!(ids.len() == KEYS.len(), "which key it was is not told: {ids:?}");
    Ok(())
}

async fn host_key(build: Build) -> Result<()> {
    let (key, expected) = KEYS[0];
    let mut settings = build.settings(POLICY);
    settings.environment.push((KEY.into(), key.into()));
    differ(&mut settings, json!({"host_env_keys": [KEY]}))?;
    let sidecar = Sidecar::start(&build.envoy, settings).await?;
    let told = tell(&sidecar, &Client::http1(sidecar.envoy.listener), &mut 0, CARDS[0]).await?;
    ensure!(told["panveil_fingerprints"] == expected[0], "{told}");
    let leaks = leaks(&sidecar.envoy, &[], &[key.to_owned()]).await?;
    ensure!(leaks.is_empty(), "{leaks:?}");
    Ok(())
}

async fn bad_keys(build: Build) -> Result<()> {
    for (key, flaw) in [(None, "is not set"), (Some("changeme"), "is shorter than 128 bits")] {
        let Err(error) = Envoy::start(&build.envoy, &keyed(&build, key)?).await else {
            anyhow::bail!("Envoy started, though the key {flaw}");
        };
        let error = format!("{error:#}");
        ensure!(error.lines().count() == 1, "more than one line: {error}");
        ensure!(error.contains(&format!("PANVEIL_HMAC_KEY of the filter's VM {flaw}")), "{error}");
        ensure!(key.is_none_or(|key| !error.contains(key)), "the key is told: {error}");
    }
    Ok(())
}

fn keyed(build: &Build, key: Option<&str>) -> Result<Settings> {
    let mut settings = build.settings(POLICY);
    if let Some(key) = key {
        differ(&mut settings, json!({"key_values": {KEY: key}}))?;
    }
    Ok(settings)
}

fn differ(settings: &mut Settings, environment: Value) -> Result<()> {
    let path = format!("{PLUGIN}/vm_config/environment_variables");
    settings.differ(json!([{"op": "add", "path": path, "value": environment}]))
}

/// Log record of a request with this body.
async fn tell(sidecar: &Sidecar, client: &Client, told: &mut usize, body: &str) -> Result<Value> {
    let message = Message { headers: vec![], pieces: vec![body.into()], framing: Framing::Length, trailers: vec![] };
    client.send(&Request { method: "POST".into(), path: "/".into(), message }).await?.context("no response")?;
    *told += 1;
    let mut lines = sidecar.envoy.access_log(*told).await?;
    lines.pop().map(Value::Object).context("no line in the access log")
}
