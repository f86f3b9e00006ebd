//! The shipped access log: its columns for a request without findings, and trace ids.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use panveil_integration::access_log::{COLUMNS, KEYS};
use panveil_integration::case::{Message, Request};
use panveil_integration::client::Client;
use panveil_integration::collector::Collector;
use panveil_integration::envoy::{CONNECTION_MANAGER, Difference};
use panveil_integration::sidecar::{Build, Sidecar};
use panveil_integration::test_cards::CARD;
use serde_json::{Map, Value, json};

use crate::trial::trials;
use crate::wait::eventually;

const STRUCT: &str = "type.googleapis.com/google.protobuf.Struct";
const TRACE_ID: &str = "0af7651916cd43dd8448eb211c80319c";

pub fn trials(build: &Build) -> Vec<Trial> {
    trials!(build, "access_log", {
        "a_clean_line_has_the_request_and_no_null" => clean,
        "keys_are_those_of_the_policy" => default_keys,
        "trace_ids_are_those_of_the_spans" => traces,
        "the_record_is_an_object_if_the_format_says_so" => objects,
    })
}

async fn clean(build: Build) -> Result<()> {
    let mut settings = build.settings(&shipped());
    settings.differ(json!([{
        "op": "add",
        "path": "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/route_config/virtual_hosts/0/routes/0/name",
        "value": "everything",
    }]))?;
    let sidecar = Sidecar::start(&build.envoy, settings).await?;
    let line = send(&sidecar, &[("user-agent", "shop/1.0"), ("x-request-id", "a-1")], 1).await?;
    let upstream = sidecar.upstream.address.to_string();
    for (column, value) in [
        ("method", "GET"),
        ("path", "/orders?page=2"),
        ("authority", "shop.example"),
        ("request_id", "a-1"),
        ("client", "127.0.0.1"),
        ("user_agent", "shop/1.0"),
        ("route", "everything"),
        ("upstream_cluster", "service"),
        ("upstream_host", &upstream),
    ] {
        ensure!(line[column] == value, "{column}: {line:?}");
    }
    let raw = std::fs::read_to_string(sidecar.envoy.access_logs().0)?;
    let raw: Map<String, Value> = serde_json::from_str(raw.lines().next().context("no line")?)?;
    let named: BTreeSet<&str> = raw.keys().map(String::as_str).collect();
    if sidecar.envoy.version().await?.has(Difference::KeepsNulls) {
        ensure!(named == BTreeSet::from(COLUMNS), "{raw:?}");
    } else {
        let has_value = |column: &&str| *column != "trace_id" && !column.starts_with("panveil_");
        ensure!(named == COLUMNS.into_iter().filter(has_value).collect(), "{raw:?}");
    }
    Ok(())
}

async fn default_keys(build: Build) -> Result<()> {
    for (policy, known) in [
        ("{}", ["method", "path"].as_slice()),
        (r#"{"audit":{"keys":[]}}"#, &[]),
        (r#"{"audit":{"keys":["user_agent"]}}"#, &["user_agent"]),
    ] {
        let sidecar = Sidecar::start(&build.envoy, build.settings(policy)).await?;
        let line = send(&sidecar, &[("user-agent", "shop/1.0"), ("traceparent", &parent())], 1).await?;
        for column in ["method", "path", "authority", "request_id", "trace_id", "client", "user_agent"] {
            ensure!(line[column].is_null() != known.contains(&column), "{policy}: {column}: {line:?}");
        }
    }
    Ok(())
}

/// Envoy begins a trace, or continues that of the client. The collector has the same ids as the log.
async fn traces(build: Build) -> Result<()> {
    let collector = Collector::start().await?;
    let mut settings = build.settings(&shipped());
    settings.differ(collector.tracing())?;
    let sidecar = Sidecar::start(&build.envoy, settings).await?;
    let begun = send(&sidecar, &[], 1).await?;
    let continued = send(&sidecar, &[("traceparent", &parent())], 2).await?;
    ensure!(continued["trace_id"] == TRACE_ID, "{continued:?}");
    for line in [begun, continued] {
        let id = line["trace_id"].as_str().with_context(|| format!("no trace id: {line:?}"))?;
        ensure!(id.len() == TRACE_ID.len(), "{id}");
        let bytes = (0..id.len()).step_by(2).map(|at| Ok(u8::from_str_radix(&id[at..at + 2], 16)?));
        let bytes = bytes.collect::<Result<Vec<u8>>>()?;
        // Envoy exports spans every five seconds.
        eventually(format!("the collector has no span with {id}"), async || {
            Ok(collector.spans().windows(bytes.len()).any(|window| window == bytes).then_some(()))
        })
        .await?;
    }
    Ok(())
}

/// The formats are those of `docs/logs-and-metrics.md`.
async fn objects(build: Build) -> Result<()> {
    let mut settings =
        build.settings(r#"{"audit":{"keys":["method","path","record","record_object"],"truncated":true}}"#);
    let format = format!("{CONNECTION_MANAGER}/access_log/0/typed_config/log_format");
    let cel = "type.googleapis.com/envoy.extensions.formatter.cel.v3.Cel";
    settings.differ(json!([
        {"op": "add", "path": format!("{format}/formatters"), "value": [
            {"name": "envoy.formatter.cel", "typed_config": {"@type": cel}},
        ]},
        {"op": "add", "path": format!("{format}/json_format/object"),
         "value": "%TYPED_CEL(filter_state['wasm.panveil.record_object'])%"},
        {"op": "add", "path": format!("{format}/json_format/message"),
         "value": "%FILTER_STATE(wasm.panveil.record_object:TYPED)%"},
    ]))?;
    let sidecar = Sidecar::start(&build.envoy, settings).await?;
    let note = format!("{CARD}, {CARD}");
    for (count, headers) in
        [[("x-note", note.as_str())], [("x-\u{e4}", CARD)], [("cookie", note.as_str())]].iter().enumerate()
    {
        Client::http1(sidecar.envoy.listener).send(&request(headers)).await?.context("no response")?;
        let line = sidecar.envoy.last_logged(count + 1).await?;
        let Some(record) = line["panveil_record"].as_str() else { continue };
        let record: Value = serde_json::from_str(record)?;
        ensure!(line["object"] == record, "{line:?}");
        ensure!(line["message"]["value"] == record && line["message"]["@type"] == STRUCT, "{line:?}");
    }
    let line = sidecar.envoy.last_logged(3).await?;
    ensure!(line["object"]["findings"][0]["count"] == 2, "{line:?}");
    let clean = send(&sidecar, &[], 4).await?;
    ensure!(clean.get("object").is_none_or(Value::is_null), "{clean:?}");
    Ok(())
}

/// Policy with the keys of the shipped policies. It does not log streams without findings as clean.
fn shipped() -> String {
    json!({"audit": {"keys": KEYS}}).to_string()
}

fn parent() -> String {
    format!("00-{TRACE_ID}-b7ad6b7169203331-01")
}

/// Sends a request, and returns the last of `count` lines.
async fn send(sidecar: &Sidecar, headers: &[(&str, &str)], count: usize) -> Result<Map<String, Value>> {
    Client::http1(sidecar.envoy.listener).send(&request(headers)).await?.context("no response")?;
    sidecar.envoy.last_logged(count).await
}

fn request(headers: &[(&str, &str)]) -> Request {
    let mut headers: Vec<(String, String)> =
        headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    headers.push(("host".to_owned(), "shop.example".to_owned()));
    Request {
        method: "GET".to_owned(),
        path: "/orders?page=2".to_owned(),
        message: Message { headers, ..Message::default() },
    }
}
