//! Interaction with the rest of the chain: routes, rewrites, Envoy's local replies, a second panveil, logs before the
//! end of a stream.

use std::io::Read;

use anyhow::{Context, Result, ensure};
use flate2::read::GzDecoder;
use libtest_mimic::Trial;
use panveil_integration::case::{Framing, Message, Request};
use panveil_integration::client::Client;
use panveil_integration::envoy::{CONNECTION_MANAGER, Envoy};
use panveil_integration::observation::{canonical, values};
use panveil_integration::sidecar::{Build, Sidecar};
use panveil_integration::silence::unharmed;
use panveil_integration::test_cards::{CARD, MASKED};
use serde_json::json;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::trial::trials;

pub fn trials(build: &Build) -> Vec<Trial> {
    trials!(build, "chains", {
        "routes" => routes,
        "rules_on_routes" => rules_on_routes,
        "a_rewritten_path" => rewrite,
        "an_answer_of_envoys_own" => direct_response,
        "a_compressor_before_it" => compressor,
        "a_body_that_envoy_refuses" => too_large,
        "a_refusal_of_its_own" => refusal,
        "two_in_one_chain" => two_in_one_chain,
        "one_watches" => one_watches,
        "a_namespace_left_out" => a_namespace_left_out,
        "logs_before_the_end" => early_logs,
    })
}

/// Masking the query keeps the route. Masking the path makes Envoy select the route again, for the masked path.
async fn routes(build: Build) -> Result<()> {
    let mut settings = build.settings("{}");
    let answer = |status: u16| json!({"status": status});
    settings.differ(json!([{
        "op": "replace",
        "path": format!("{CONNECTION_MANAGER}/route_config/virtual_hosts/0/routes"),
        "value": [
            {"match": {"safe_regex": {"regex": "/pay/[0-9]{16}"}}, "direct_response": answer(210)},
            {"match": {"path": "/pay", "query_parameters": [{"name": "card", "present_match": true}]},
             "direct_response": answer(211)},
            {"match": {"prefix": "/pay/"}, "direct_response": answer(212)},
            {"match": {"prefix": "/"}, "direct_response": answer(213)},
        ],
    }]))?;
    let mut sidecar = Sidecar::start(&build.envoy, settings).await?;
    let client = Client::http1(sidecar.envoy.listener);
    let asked = [
        (format!("/pay?card={CARD}"), 211, "/pay?card=****************"),
        (format!("/pay/{CARD}"), 212, "/pay/****************"),
        (format!("/pay/{CARD}/refund?again={CARD}"), 212, "/pay/****************/refund?again=****************"),
        ("/pay/1234567890123456".to_owned(), 210, "/pay/1234567890123456"),
        (format!("/other?card={CARD}"), 213, "/other?card=****************"),
    ];
    for (number, (path, status, logged)) in asked.into_iter().enumerate() {
        let response = client.get(&path).await?;
        let line = sidecar.envoy.last_logged(number + 1).await?;
        ensure!(response.status == status && line["path"] == logged, "{} {line:?}", response.summary());
    }
    unharmed(&mut sidecar.envoy, CARD, 1).await?;
    Ok(())
}

/// Rules select by the name of the route, the port and the client's address. With `use_remote_address` the address is not taken from a
/// header.
async fn rules_on_routes(build: Build) -> Result<()> {
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let rules = json!({"request": "skip", "rules": [
        {"name": "address", "match": {"remote_ip": ["192.0.2.0/24"]}, "action": "block"},
        {"name": "pay", "match": {"route": ["pay*"], "port": [port]}, "action": "mask"},
        {"name": "admin", "match": {"route": ["admin"], "port": [port], "remote_ip": ["127.0.0.1"]}, "action": "block"},
    ]});
    let mut settings = build.settings(&rules.to_string());
    settings.listener_port = port;
    settings.differ(json!([
        {"op": "add", "path": format!("{CONNECTION_MANAGER}/use_remote_address"), "value": true},
        {"op": "replace", "path": format!("{CONNECTION_MANAGER}/route_config/virtual_hosts/0/routes"), "value": [
            {"name": "pay-v1", "match": {"prefix": "/pay"}, "direct_response": {"status": 210}},
            {"name": "admin", "match": {"prefix": "/admin"}, "direct_response": {"status": 211}},
            {"match": {"prefix": "/"}, "direct_response": {"status": 212}},
        ]},
    ]))?;
    let mut sidecar = Sidecar::start(&build.envoy, settings).await?;
    let client = Client::http1(sidecar.envoy.listener);
    let asked = [("/pay", 210, json!("masked")), ("/admin", 403, json!("blocked")), ("/other", 212, json!(null))];
    for (number, (path, status, action)) in asked.into_iter().enumerate() {
        let headers = [("x-card", CARD), ("x-forwarded-for", "192.0.2.7")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let message = Message { headers, pieces: Vec::new(), framing: Framing::None, trailers: Vec::new() };
        let request = Request { method: "GET".to_owned(), path: path.to_owned(), message };
        let response = client.send(&request).await?.context("no response")?;
        let line = sidecar.envoy.last_logged(number + 1).await?;
        ensure!(
            response.status == status && line["panveil_action"] == action,
            "{path}: {} {line:?}",
            response.summary()
        );
    }
    unharmed(&mut sidecar.envoy, CARD, 1).await?;
    Ok(())
}

/// Envoy sends the original path to the upstream in a header. That one is masked too.
async fn rewrite(build: Build) -> Result<()> {
    let mut settings = build.settings("{}");
    let route = format!("{CONNECTION_MANAGER}/route_config/virtual_hosts/0/routes/0");
    settings.differ(json!([
        {"op": "replace", "path": format!("{route}/match/prefix"), "value": "/shop/"},
        {"op": "add", "path": format!("{route}/route/prefix_rewrite"), "value": "/"},
    ]))?;
    let mut sidecar = Sidecar::start(&build.envoy, settings).await?;
    Client::http1(sidecar.envoy.listener).get(&format!("/shop/pay?card={CARD}")).await?;
    let (received, _) = sidecar.upstream.take().await?;
    let received = received.first().context("the service got no request")?;
    ensure!(received.path == format!("/pay?card={MASKED}"), "{received:?}");
    let original = values(&received.headers, "x-envoy-original-path");
    ensure!(original == [format!("/shop/pay?card={MASKED}")], "{received:?}");
    unharmed(&mut sidecar.envoy, CARD, 1).await?;
    Ok(())
}

/// A direct response passes the filters, and is inspected.
async fn direct_response(build: Build) -> Result<()> {
    let mut settings = build.settings("{}");
    settings.differ(json!([{
        "op": "replace",
        "path": format!("{CONNECTION_MANAGER}/route_config/virtual_hosts/0/routes/0"),
        "value": {
            "match": {"prefix": "/"},
            "direct_response": {"status": 200, "body": {"inline_string": format!("call with {CARD} at hand")}},
        },
    }]))?;
    let mut sidecar = Sidecar::start(&build.envoy, settings).await?;
    for client in [Client::http1(sidecar.envoy.listener), Client::http2(sidecar.envoy.listener)] {
        let response = client.get("/").await?;
        ensure!(response.body == format!("call with {MASKED} at hand").as_bytes(), "{}", response.summary());
    }
    ensure!(sidecar.envoy.is_alive()?, "Envoy died: {}", sidecar.envoy.log());
    Ok(())
}

/// The client gets a masked response with the requested compression, although panveil asked the upstream not to
/// compress.
async fn compressor(build: Build) -> Result<()> {
    let mut settings = build.settings("{}");
    settings.differ(json!([{
        "op": "add",
        "path": format!("{CONNECTION_MANAGER}/http_filters/0"),
        "value": {
            "name": "compressor",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.compressor.v3.Compressor",
                "compressor_library": {
                    "name": "gzip",
                    "typed_config": {"@type": "type.googleapis.com/envoy.extensions.compression.gzip.compressor.v3.Gzip"},
                },
            },
        },
    }]))?;
    let mut sidecar = Sidecar::start(&build.envoy, settings).await?;
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let message = Message {
        headers: vec![header("host", "any"), header("content-type", "text/plain"), header("accept-encoding", "gzip")],
        pieces: vec![format!("call with {CARD} at hand, as often as it takes to compress").into()],
        framing: Framing::Length,
        trailers: vec![],
    };
    let request = Request { method: "POST".into(), path: "/".into(), message };
    let response = Client::http1(sidecar.envoy.listener).send(&request).await?.context("no response")?;
    ensure!(values(&response.headers, "content-encoding") == ["gzip"], "{}", response.summary());
    let mut text = String::new();
    GzDecoder::new(response.body.as_slice()).read_to_string(&mut text)?;
    ensure!(text.starts_with(&format!("call with {MASKED} at hand")), "{text}");
    unharmed(&mut sidecar.envoy, CARD, 1).await?;
    Ok(())
}

/// Status 413 from a filter behind panveil, after panveil has masked half of the body: one finding, one log entry.
async fn too_large(build: Build) -> Result<()> {
    let mut settings = build.settings("{}");
    settings.differ(json!([{
        "op": "add",
        "path": format!("{CONNECTION_MANAGER}/http_filters/1"),
        "value": {
            "name": "buffer",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer",
                "max_request_bytes": 1000,
            },
        },
    }]))?;
    let mut sidecar = Sidecar::start(&build.envoy, settings).await?;
    let request = post(&[format!("card {CARD} "), "x".repeat(2000), format!("card {CARD} ")]);
    let response = Client::http1(sidecar.envoy.listener).send(&request).await?.context("no response")?;
    ensure!(response.status == 413, "{}", response.summary());
    let line = unharmed(&mut sidecar.envoy, CARD, 1).await?;
    ensure!(line["details"] == "request_payload_too_large", "{line:?}");
    ensure!(line["panveil_action"] == "masked" && line["panveil_where"] == "body", "{line:?}");
    let found: u64 = line["panveil_found"].as_str().context("nothing found")?.parse()?;
    ensure!((1..=2).contains(&found), "{line:?}");
    counted(&sidecar.envoy, r#"panveil_messages_total{direction="request",outcome="masked"}"#, 1).await?;
    counted(&sidecar.envoy, r#"panveil_messages_total{direction="response",outcome="clean"}"#, 1).await
}

/// panveil's own local reply passes it again, without a second finding or count.
async fn refusal(build: Build) -> Result<()> {
    let settings = build.settings(&format!(r#"{{"request":"block","block":{{"body":"not {CARD}"}}}}"#));
    let mut sidecar = Sidecar::start(&build.envoy, settings).await?;
    for (number, client) in
        [Client::http1(sidecar.envoy.listener), Client::http2(sidecar.envoy.listener)].iter().enumerate()
    {
        let response = client.send(&post(&[CARD.to_owned()])).await?.context("no response")?;
        ensure!(response.status == 403, "{}", response.summary());
        let line = sidecar.envoy.last_logged(number + 1).await?;
        ensure!(line["details"] == "panveil_blocked" && line["panveil_found"] == "1", "{line:?}");
    }
    ensure!(sidecar.envoy.is_alive()?, "Envoy died: {}", sidecar.envoy.log());
    counted(&sidecar.envoy, r#"panveil_messages_total{direction="request",outcome="blocked"}"#, 2).await?;
    let findings = r#"panveil_findings_total{direction="request",place="body",brand="visa",action="blocked"}"#;
    counted(&sidecar.envoy, findings, 2).await
}

/// The second panveil leaves the stream to the first: each stream is inspected and counted once. The next request
/// of a connection is a new stream.
async fn two_in_one_chain(build: Build) -> Result<()> {
    let mut settings = build.settings("{}");
    let filters = format!("{CONNECTION_MANAGER}/http_filters");
    settings.differ(json!([{"op": "copy", "from": format!("{filters}/0"), "path": format!("{filters}/1")}]))?;
    let mut sidecar = Sidecar::start(&build.envoy, settings).await?;
    let (head, tail) = CARD.split_at(5);
    for client in [Client::http1(sidecar.envoy.listener), Client::http2(sidecar.envoy.listener)] {
        let request = post(&[format!("card {head}"), format!("{tail} ")]);
        let response = client.send(&request).await?.context("no response")?;
        ensure!(response.body == format!("card {MASKED} ").as_bytes(), "{}", response.summary());
    }
    let line = unharmed(&mut sidecar.envoy, CARD, 2).await?;
    ensure!(line["panveil_found"] == "1" && line["panveil_action"] == "masked", "{line:?}");
    let findings = r#"panveil_findings_total{direction="request",place="body",brand="visa",action="masked"}"#;
    counted(&sidecar.envoy, findings, 2).await?;
    counted(&sidecar.envoy, r#"panveil_messages_total{direction="request",outcome="masked"}"#, 2).await?;
    counted(&sidecar.envoy, r#"panveil_messages_total{direction="response",outcome="clean"}"#, 2).await?;
    sidecar.upstream.take().await?;

    let mut connection = TcpStream::connect(sidecar.envoy.listener).await?;
    let request = format!("GET / HTTP/1.1\r\nhost: service.example\r\nx-note: {CARD}\r\n");
    connection.write_all(format!("{request}\r\n{request}connection: close\r\n\r\n").as_bytes()).await?;
    connection.read_to_end(&mut Vec::new()).await?;
    let (received, _) = sidecar.upstream.take().await?;
    ensure!(received.len() == 2, "{received:?}");
    ensure!(received.iter().all(|request| values(&request.headers, "x-note") == [MASKED]), "{received:?}");
    unharmed(&mut sidecar.envoy, CARD, 4).await?;
    counted(&sidecar.envoy, r#"panveil_messages_total{direction="request",outcome="masked"}"#, 4).await
}

/// A panveil that acts inspects even if another one in monitor mode does too, whichever is first.
async fn one_watches(build: Build) -> Result<()> {
    let mut settings = build.settings(r#"{"mode":"monitor"}"#);
    let filters = format!("{CONNECTION_MANAGER}/http_filters");
    settings.differ(json!([
        {"op": "copy", "from": format!("{filters}/0"), "path": format!("{filters}/1")},
        {"op": "replace", "path": format!("{filters}/1/typed_config/config/configuration/value"), "value": "{}"},
    ]))?;
    let mut sidecar = Sidecar::start(&build.envoy, settings).await?;
    let response = Client::http1(sidecar.envoy.listener).send(&post(&[format!("card {CARD} ")])).await?;
    let response = response.context("no response")?;
    ensure!(response.body == format!("card {MASKED} ").as_bytes(), "{}", response.summary());
    unharmed(&mut sidecar.envoy, CARD, 1).await?;
    Ok(())
}

/// In an excluded namespace nothing is inspected, and no log key is set.
async fn a_namespace_left_out(build: Build) -> Result<()> {
    for (include, acts) in [("payments", true), ("shop", false)] {
        let mut settings = build.settings(&format!(r#"{{"namespaces":{{"include":["{include}"]}}}}"#));
        settings.differ(json!([
            {"op": "add", "path": "/node", "value": {"id": "a", "cluster": "b", "metadata": {"NAMESPACE": "payments"}}},
        ]))?;
        let mut sidecar = Sidecar::start(&build.envoy, settings).await?;
        let response = Client::http1(sidecar.envoy.listener).send(&post(&[format!("card {CARD} ")])).await?;
        let response = response.context("no response")?;
        let expected = if acts { MASKED } else { CARD };
        ensure!(response.body == format!("card {expected} ").as_bytes(), "{}", response.summary());
        let line = unharmed(&mut sidecar.envoy, CARD, 1).await?;
        ensure!(line["panveil_action"].is_null() != acts && line["path"].is_null() != acts, "{line:?}");
    }
    Ok(())
}

/// Log lines at the start of a stream, before the filter runs, and every second: none has a card number, and the
/// last one is complete.
async fn early_logs(build: Build) -> Result<()> {
    let mut settings = build.settings("{}");
    let options = json!({"flush_access_log_on_new_request": true, "access_log_flush_interval": "1s"});
    settings.differ(json!([
        {"op": "add", "path": format!("{CONNECTION_MANAGER}/access_log_options"), "value": options},
    ]))?;
    let mut sidecar = Sidecar::start(&build.envoy, settings).await?;
    let mut request = post(&[]);
    request.path = format!("/pay?card={CARD}");
    request.message.pieces = vec![format!("card {CARD} ").into(), "x".into(), format!("card {CARD} ").into()];
    let client = Client { gap: std::time::Duration::from_millis(800), ..Client::http1(sidecar.envoy.listener) };
    let response = client.send(&request).await?.context("no response")?;
    ensure!(response.body == format!("card {MASKED} xcard {MASKED} ").as_bytes(), "{}", response.summary());
    let mut line = unharmed(&mut sidecar.envoy, CARD, 3).await?;
    ensure!(sidecar.envoy.access_log(1).await?[0]["path"].is_null(), "only the filter provides a path to log");
    for count in 4..20 {
        if !line["details"].is_null() {
            break;
        }
        line = unharmed(&mut sidecar.envoy, CARD, count).await?;
    }
    ensure!(line["panveil_found"] == "3" && line["path"] == "/pay?card=****************", "{line:?}");
    counted(&sidecar.envoy, r#"panveil_messages_total{direction="request",outcome="masked"}"#, 1).await
}

fn post(pieces: &[String]) -> Request {
    let message = Message {
        headers: vec![("content-type".into(), "text/plain".into())],
        pieces: pieces.iter().map(|piece| piece.clone().into_bytes()).collect(),
        framing: Framing::Chunked,
        trailers: vec![],
    };
    Request { method: "POST".into(), path: "/".into(), message }
}

/// Checks that the counter reaches this value within some ticks, and stays there.
async fn counted(envoy: &Envoy, name: &str, value: u64) -> Result<()> {
    let mut counted = None;
    for _ in 0..60 {
        counted = envoy.counters().await?.get(&canonical(name)).copied();
        if counted.is_some_and(|counted| counted >= value) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    ensure!(counted == Some(value), "{name}: {counted:?} instead of {value}");
    Ok(())
}
