//! Bytes that panveil holds back, next to filters that continue a stream on their own or add trailers to it, and behind upstreams
//! that end a body by closing the connection.
//!
//! All filters of a chain share one body buffer per direction. A neighbour that continues takes along what panveil paused, and
//! one that adds trailers leaves no room for what panveil holds in its own memory.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;
use libtest_mimic::Trial;
use panveil_integration::case::{Framing, Message, Request, Response};
use panveil_integration::client::Client;
use panveil_integration::envoy::{CONNECTION_MANAGER, Envoy};
use panveil_integration::sidecar::{Build, Sidecar};
use panveil_integration::silence::unharmed;
use panveil_integration::upstream::Script;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::trial::named;

const CARD: &str = "5425233430109903";
const MASKED: &str = "542523******9903";
/// The neighbour continues in the middle of it.
const GAP: Duration = Duration::from_millis(200);
const DELAY: &str = "0.1s";

pub fn trials(build: &Build) -> Vec<Trial> {
    let with = |name, test| named(build, "held_back", name, test);
    vec![
        with("a_delay_behind_continues_between_two_chunks", |build| Box::pin(delay(build))),
        with("a_delay_behind_and_trailers", |build| Box::pin(delay_and_trailers(build))),
        with("a_call_in_front_continues_between_two_chunks", |build| Box::pin(lua(build))),
        with("members_of_gzip_in_chunks_of_their_own", |build| Box::pin(members(build))),
        with("a_decompressor_in_front_adds_trailers_to_requests", |build| Box::pin(decompressed_requests(build))),
        with("a_decompressor_in_front_adds_trailers_to_responses", |build| Box::pin(decompressed_response(build))),
        with("the_end_of_a_response_that_is_stopped_is_not_lost_in_silence", |build| {
            Box::pin(decompressed_response_that_is_stopped(build))
        }),
        with("a_large_read_behind_a_small_one", |build| Box::pin(close_delimited(build))),
    ]
}

/// Policies under which a card number must not arrive.
const POLICIES: [&str; 3] =
    ["{}", r#"{"request":"block","response":"block"}"#, r#"{"uninspectable":"block","mask":{"keep":"none"}}"#];

fn message(pieces: &[&[u8]], headers: &[(&str, &str)]) -> Message {
    let headers = [("content-type", "text/plain")].iter().chain(headers);
    Message {
        headers: headers.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        pieces: pieces.iter().map(|piece| piece.to_vec()).collect(),
        framing: Framing::Chunked,
        trailers: vec![],
    }
}

fn post(message: Message) -> Request {
    Request { method: "POST".into(), path: "/".into(), message }
}

/// Length of the longest sequence of the card's digits in `body`.
fn readable(body: &[u8]) -> usize {
    let text = String::from_utf8_lossy(body);
    (1..=CARD.len()).filter(|length| text.contains(&CARD[CARD.len() - length..])).max().unwrap_or(0)
}

/// The delay filter pauses the request's headers and the body behind them, and continues by itself.
async fn delay(build: Build) -> Result<()> {
    for policy in POLICIES {
        let mut sidecar = behind_delay(&build, policy).await?;
        for cut in [1, 4, 12, 15] {
            let (head, tail) = CARD.split_at(cut);
            let request = post(message(&[format!("card {head}").as_bytes(), format!("{tail} ok").as_bytes()], &[]));
            let client = Client { gap: GAP, ..Client::http2(sidecar.envoy.listener) };
            client.send(&request).await?.context("no response")?;
            let (received, cut_off) = sidecar.upstream.take().await?;
            for request in received.iter().chain(&cut_off) {
                ensure!(readable(&request.body) <= 4, "{policy}: cut at {cut}: {request:?}");
            }
            if policy == "{}" {
                let body = &received.first().context("no request")?.body;
                ensure!(body == format!("card {MASKED} ok").as_bytes(), "cut at {cut}: {received:?}");
            }
        }
        // A body without a card number arrives as it was sent.
        let request = post(message(&[b"total: 12", b"34 items"], &[]));
        Client { gap: GAP, ..Client::http2(sidecar.envoy.listener) }.send(&request).await?;
        let (received, _) = sidecar.upstream.take().await?;
        ensure!(received.first().is_some_and(|request| request.body == b"total: 1234 items"), "{received:?}");
        unharmed(&mut sidecar.envoy, CARD, 5).await?;
    }
    Ok(())
}

/// Trailers behind held-back bytes, after the neighbour has continued: they arrive complete, or the log has the reason.
async fn delay_and_trailers(build: Build) -> Result<()> {
    let mut sidecar = behind_delay(&build, "{}").await?;
    for (number, gap) in [Duration::from_millis(5), GAP].into_iter().enumerate() {
        let mut message = message(&[b"total: 12"], &[]);
        message.trailers = vec![("x-checksum".into(), "abc".into())];
        let client = Client { gap, ..Client::http2(sidecar.envoy.listener) };
        client.send(&post(message)).await?.context("no response")?;
        let line = unharmed(&mut sidecar.envoy, CARD, number + 1).await?;
        let (received, _) = sidecar.upstream.take().await?;
        match received.first() {
            Some(received) => ensure!(received.body == b"total: 12", "{received:?}"),
            None => ensure!(line["details"] == "panveil_trailers_over_tail", "{line:?}"),
        }
    }
    Ok(())
}

async fn behind_delay(build: &Build, policy: &str) -> Result<Sidecar> {
    let mut settings = build.settings(policy);
    settings.service_http2 = true;
    settings.differ(json!([{
        "op": "add",
        "path": format!("{CONNECTION_MANAGER}/http_filters/1"),
        "value": {"name": "fault", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault",
            "delay": {"fixed_delay": DELAY, "percentage": {"numerator": 100}},
        }},
    }]))?;
    Sidecar::start(&build.envoy, settings).await
}

/// First filter of a chain, which is the last for a response: a script that calls another upstream.
fn call_in_front() -> Value {
    json!([{
        "op": "add",
        "path": format!("{CONNECTION_MANAGER}/http_filters/0"),
        "value": {"name": "lua", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
            "default_source_code": {"inline_string": "function envoy_on_response(handle)\n\
                handle:httpCall('service', {[':method'] = 'GET', [':path'] = '/ask', [':authority'] = 'a'}, nil, 5000)\n\
                end"},
        }},
    }])
}

/// A Lua script calls another upstream before it continues the response's headers.
async fn lua(build: Build) -> Result<()> {
    for policy in POLICIES {
        let mut settings = build.settings(policy);
        settings.service_http2 = true;
        settings.differ(call_in_front())?;
        let mut sidecar = Sidecar::start(&build.envoy, settings).await?;
        for cut in [1, 4, 12, 15] {
            let (head, tail) = CARD.split_at(cut);
            let text = format!("card {head}{tail} ok");
            let (first, rest) = text.as_bytes().split_at(5 + cut);
            let pieces: Vec<&[u8]> = [first].into_iter().chain(rest.chunks(1)).collect();
            let slow = message(&pieces, &[]);
            let answers = BTreeMap::from([
                ("/".to_owned(), Response { status: 200, message: slow }),
                ("/ask".to_owned(), Response { status: 200, message: message(&[b"yes"], &[]) }),
            ]);
            sidecar.upstream.script(Script::ByPath(Arc::new(answers)));
            let response = Client::http2(sidecar.envoy.listener).get("/").await?;
            ensure!(readable(&response.body) <= 4, "{policy}: cut at {cut}: {}", response.summary());
            if policy == "{}" {
                let is_masked = response.body.len() == text.len() && response.body.ends_with(b"3 ok");
                ensure!(is_masked, "cut at {cut}: {}", response.summary());
            }
        }
        sidecar.upstream.take().await?;
        ensure!(sidecar.envoy.is_alive()?, "Envoy died: {}", sidecar.envoy.log());
    }
    Ok(())
}

fn gzip(text: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text)?;
    Ok(encoder.finish()?)
}

/// All gzip members are one text, even when each is in a chunk of its own and the number is in two of them.
async fn members(build: Build) -> Result<()> {
    for policy in POLICIES {
        let mut settings = build.settings(policy);
        settings.service_http2 = true;
        let mut sidecar = Sidecar::start(&build.envoy, settings).await?;
        for cut in [1, 8, 15] {
            let (head, tail) = CARD.split_at(cut);
            let members =
                [gzip(format!("card {head}").as_bytes())?, gzip(b"")?, gzip(format!("{tail} ok").as_bytes())?];
            let pieces: Vec<&[u8]> = members.iter().map(Vec::as_slice).collect();
            let message = message(&pieces, &[("content-encoding", "gzip")]);
            sidecar.upstream.script(Script::Answer(Response { status: 200, message: message.clone() }));
            let response = Client::http2(sidecar.envoy.listener).send(&post(message)).await?.context("no response")?;
            ensure!(readable(&response.body) <= 4, "{policy}: cut at {cut}: {}", response.summary());
            let (received, cut_off) = sidecar.upstream.take().await?;
            for request in received.iter().chain(&cut_off) {
                ensure!(readable(&request.body) <= 4, "{policy}: cut at {cut}: {request:?}");
            }
            if policy == "{}" {
                let body = &received.first().context("no request")?.body;
                ensure!(body == format!("card {MASKED} ok").as_bytes(), "{received:?}");
                ensure!(response.body == *body, "{}", response.summary());
            }
        }
        ensure!(sidecar.envoy.is_alive()?, "Envoy died: {}", sidecar.envoy.log());
    }
    Ok(())
}

fn decompressor(place: &str) -> Value {
    json!([{
        "op": "add",
        "path": format!("{CONNECTION_MANAGER}/http_filters/{place}"),
        "value": {"name": "decompressor", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.decompressor.v3.Decompressor",
            "decompressor_library": {"name": "gzip", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.compression.gzip.decompressor.v3.Gzip",
            }},
        }},
    }])
}

async fn decompressed_requests_under(build: &Build, policy: &str) -> Result<()> {
    let mut settings = build.settings(policy);
    settings.differ(decompressor("0"))?;
    let mut sidecar = Sidecar::start(&build.envoy, settings).await?;
    let mut count = 0;
    for text in ["amount=41", "total: 12", "4", "nothing to see"] {
        for client in [Client::http1(sidecar.envoy.listener), Client::http2(sidecar.envoy.listener)] {
            for framing in [Framing::Chunked, Framing::Length] {
                let message =
                    Message { framing, ..message(&[&gzip(text.as_bytes())?], &[("content-encoding", "gzip")]) };
                let response = client.send(&post(message)).await?.context("no response")?;
                count += 1;
                let line = unharmed(&mut sidecar.envoy, CARD, count).await?;
                let (received, _) = sidecar.upstream.take().await?;
                let whole = received.first().is_some_and(|request| request.body == text.as_bytes());
                ensure!(response.status == 200 && whole, "{policy} {text}: {} {line:?}", response.summary());
            }
        }
    }
    // A card number in such a request is detected.
    let message = message(&[&gzip(format!("card {CARD}").as_bytes())?], &[("content-encoding", "gzip")]);
    Client::http1(sidecar.envoy.listener).send(&post(message)).await?;
    let (received, cut_off) = sidecar.upstream.take().await?;
    for request in received.iter().chain(&cut_off) {
        ensure!(readable(&request.body) <= 4, "{policy}: {request:?}");
    }
    Ok(())
}

/// Envoy's decompressor adds unannounced trailers with its sizes.
async fn decompressed_requests(build: Build) -> Result<()> {
    for policy in POLICIES {
        decompressed_requests_under(&build, policy).await?;
    }
    Ok(())
}

/// Complete, or reset with the documented response code details. Never without a log line, and never left open.
async fn decompressed_response(build: Build) -> Result<()> {
    for policy in POLICIES {
        for service_http2 in [false, true] {
            let mut settings = build.settings(policy);
            settings.service_http2 = service_http2;
            settings.differ(decompressor("1"))?;
            let mut sidecar = Sidecar::start(&build.envoy, settings).await?;
            let mut count = 0;
            for text in ["nothing to see", "amount=41", "total: 12"] {
                for framing in [Framing::Chunked, Framing::Length] {
                    let body = gzip(text.as_bytes())?;
                    let message = Message { framing, ..message(&[&body], &[("content-encoding", "gzip")]) };
                    sidecar.upstream.script(Script::Answer(Response { status: 200, message }));
                    for client in [Client::http1(sidecar.envoy.listener), Client::http2(sidecar.envoy.listener)] {
                        let response = client
                            .get("/")
                            .await
                            .with_context(|| format!("{policy} {service_http2} {text} {framing:?} {}", client.http2))?;
                        count += 1;
                        let line = unharmed(&mut sidecar.envoy, CARD, count).await?;
                        let is_whole = response.complete && response.body == text.as_bytes();
                        // Over HTTP/2 the trailers follow the last bytes immediately.
                        let is_told = service_http2 && line["details"] == "panveil_trailers_over_tail";
                        ensure!(is_whole || is_told, "{policy} {text} {framing:?}: {} {line:?}", response.summary());
                    }
                }
            }
        }
    }
    Ok(())
}

/// While a script pauses the response, the decompressor's trailers bypass the filter, and with them the end.
async fn decompressed_response_that_is_stopped(build: Build) -> Result<()> {
    for (policy, content_type) in [("{}", "text/plain"), (r#"{"mask":{"keep":"none"}}"#, "application/grpc-web-text")] {
        let mut settings = build.settings(policy);
        settings.service_http2 = true;
        settings.differ(decompressor("1"))?;
        settings.differ(call_in_front())?;
        let mut sidecar = Sidecar::start(&build.envoy, settings).await?;
        let coded = message(&[&gzip(b"total: 41")?], &[("content-encoding", "gzip"), ("content-type", content_type)]);
        let answers = BTreeMap::from([
            ("/".to_owned(), Response { status: 200, message: coded }),
            ("/ask".to_owned(), Response { status: 200, message: message(&[b"yes"], &[]) }),
        ]);
        sidecar.upstream.script(Script::ByPath(Arc::new(answers)));
        let response = Client::http2(sidecar.envoy.listener).get("/").await?;
        let line = unharmed(&mut sidecar.envoy, CARD, 1).await?;
        let is_told = line["panveil_uninspected"].as_str().is_some_and(|told| told.contains("response:incomplete"));
        let is_whole = response.body == b"total: 41";
        ensure!(response.status == 200 && is_told != is_whole, "{policy}: {} {line:?}", response.summary());
    }
    Ok(())
}

/// Response that ends with its connection, whose first small read ends in a possible partial card number.
async fn close_delimited(build: Build) -> Result<()> {
    let large = "no number in this line, as in most of them\n".repeat(70_000);
    for buffer_limit in [Some(16 << 10), Some(32 << 10), None] {
        for status in ["HTTP/1.1 200 OK\r\nconnection: close", "HTTP/1.0 200 OK\r\nConnection: close"] {
            for (first, shown) in
                [("card 54252334", "card 54252334"), ("card 5425233430109903", "card 542523******9903")]
            {
                let parts = [format!("{status}\r\ncontent-type: text/plain\r\n\r\n{first}"), format!(" {large}")];
                let mut settings = build.settings("{}");
                settings.service = answering(parts).await?;
                settings.buffer_limit = buffer_limit;
                let mut envoy = Envoy::start(&build.envoy, &settings).await?;
                let response = Client::http1(envoy.listener).get("/").await?;
                let expected = format!("{shown} {large}");
                let line = unharmed(&mut envoy, CARD, 1).await?;
                ensure!(
                    response.complete && response.body == expected.as_bytes(),
                    "{status} {buffer_limit:?}: {} of {} bytes, {line:?}",
                    response.body.len(),
                    expected.len()
                );
            }
        }
    }
    Ok(())
}

async fn answering(parts: [String; 2]) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await?;
        let _ = stream.read(&mut [0; 4096]).await?;
        for part in parts {
            stream.write_all(part.as_bytes()).await?;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        anyhow::Ok(())
    });
    Ok(address)
}
