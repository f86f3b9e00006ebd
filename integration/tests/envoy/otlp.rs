//! The shipped access log over OTLP, at a collector of logs.

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use panveil_integration::access_log::KEYS;
use panveil_integration::case::{Framing, Message, Request};
use panveil_integration::client::Client;
use panveil_integration::envoy::CONNECTION_MANAGER;
use panveil_integration::log_collector::LogCollector;
use panveil_integration::sidecar::{Build, Sidecar};
use panveil_integration::test_cards::CARD;
use serde_json::{Map, Value, json};

use crate::trial::trials;
use crate::wait::eventually;

const SHIPPED: &str = include_str!("../../../envoy-config/standalone/access-log-otlp.yaml");

pub fn trials(build: &Build) -> Vec<Trial> {
    trials!(build, "otlp", {
        "the_collector_receives_the_columns_of_the_log" => columns,
    })
}

async fn columns(build: Build) -> Result<()> {
    let collector = LogCollector::start().await?;
    let mut settings = build.settings(&json!({"audit": {"clean": true, "keys": KEYS}}).to_string());
    settings.differ(logger(&collector)?)?;
    let sidecar = Sidecar::start(&build.envoy, settings).await?;
    let client = Client::http1(sidecar.envoy.listener);
    let requests = requests();
    for request in &requests {
        client.send(request).await?.context("no response")?;
    }
    // Envoy rejects a request without a host before panveil runs.
    client.send_bytes(format!("GET /{CARD} HTTP/1.1\r\nuser-agent: {CARD}\r\n\r\n").as_bytes()).await?;
    let lines = sidecar.envoy.access_log(requests.len() + 1).await?;
    // Envoy buffers records for a second.
    let received = eventually(format!("the collector does not receive {} records", lines.len()), async || {
        Ok(Some(collector.attributes()).filter(|records| records.len() >= lines.len()))
    })
    .await?;
    ensure!(received.len() == lines.len(), "{} records of {} lines", received.len(), lines.len());
    for line in &lines {
        ensure!(received.contains(&attributes(line)), "{line:?}\n{received:?}");
    }
    let actions: Vec<&Value> = lines.iter().map(|line| &line["panveil_action"]).collect();
    ensure!(actions == ["masked", "masked", "clean", "clean"], "{actions:?}");
    received.iter().try_for_each(no_digits)
}

/// Checks that no attribute has digits of the card.
fn no_digits(record: &Map<String, Value>) -> Result<()> {
    // Ports and UUIDs may have such digits by chance. Envoy replaces a missing request id by a UUID.
    let [id, host] = ["request_id", "upstream_host"].map(|name| record[name].as_str().unwrap_or_default());
    let random = [host, if is_uuid(id) { id } else { "" }];
    for (name, value) in record {
        let mut text = value.as_str().unwrap_or_default().to_owned();
        for random in random.iter().filter(|random| !random.is_empty()) {
            text = text.replace(random, " ");
        }
        // An IPv6 address has a colon after each four digits.
        ensure!(!text.replace(':', "").contains(&CARD[..5]), "{name}: digits of a card");
    }
    Ok(())
}

fn is_uuid(text: &str) -> bool {
    text.split('-').map(str::len).eq([8, 4, 4, 4, 12])
}

/// Patch that adds the shipped logger and cluster, with the address of the collector.
fn logger(collector: &LogCollector) -> Result<Value> {
    let shipped: Value = serde_saphyr::from_str(SHIPPED)?;
    let mut cluster = shipped["clusters"][0].clone();
    let address = "/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/socket_address/port_value";
    *cluster.pointer_mut(address).context("no address")? = collector.address.port().into();
    Ok(json!([
        {"op": "add", "path": format!("{CONNECTION_MANAGER}/access_log/-"), "value": shipped["access_log"][0]},
        {"op": "add", "path": "/static_resources/clusters/-", "value": cluster},
    ]))
}

/// Requests with card numbers in each column that a client chooses, and one without.
fn requests() -> [Request; 3] {
    let headers = [
        ("host", format!("{CARD}.shop.example")),
        ("user-agent", format!("shop/1.0 ({CARD})")),
        ("x-request-id", CARD.to_owned()),
        ("x-b3-traceid", format!("abcdefabcdefabcd{CARD}")),
        ("x-forwarded-for", "4111:1111:1111:1111::a".to_owned()),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value)).to_vec();
    let with = |path: &str, headers, body: &str| {
        let pieces = vec![body.as_bytes().to_vec()];
        let message = Message { headers, pieces, framing: Framing::Length, trailers: Vec::new() };
        Request { method: "POST".to_owned(), path: path.to_owned(), message }
    };
    let body = format!(r#"{{"card":"{CARD}"}}"#);
    [
        with(&format!("/pay?card={CARD}"), headers, ""),
        with("/charges", vec![("content-type".to_owned(), "application/json".to_owned())], &body),
        with("/orders", Vec::new(), "x"),
    ]
}

/// Attributes of the record for a line of the JSON log: its columns as texts, without the time.
fn attributes(line: &Map<String, Value>) -> Map<String, Value> {
    let attribute = |(name, value): (&String, &Value)| {
        let value = match value {
            Value::Number(number) => number.to_string().into(),
            Value::String(text) if text == "-" => Value::Null,
            other => other.clone(),
        };
        (name.clone(), value)
    };
    line.iter().filter(|(name, _)| *name != "time").map(attribute).collect()
}
