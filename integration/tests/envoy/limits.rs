//! Envoy's buffer limits: small buffers, full ones, and chunks of every size.
//!
//! A card number crosses every cut, so that a part of each chunk must wait for the next. Over the limit Envoy rejects a
//! request and resets a response, and crashes for a response that grows over the limit.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use panveil_integration::case::{Framing, Message, Protocol, Request, Response};
use panveil_integration::client::Client;
use panveil_integration::envoy::CONNECTION_MANAGER;
use panveil_integration::observation::{ReceivedRequest, ReceivedResponse};
use panveil_integration::sidecar::{Build, Sidecar};
use panveil_integration::test_cards;
use panveil_integration::upstream::Script;
use serde_json::{Map, Value, json};
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::trial::trial;

const CARD: &[u8] = test_cards::CARD.as_bytes();
const MASKED: &[u8] = test_cards::MASKED.as_bytes();
/// Digits of a card number in front of the cut.
const BEFORE: usize = 9;
const PROTOCOLS: [Protocol; 4] = [Protocol::Http1, Protocol::Http2, Protocol::Http1ToHttp2, Protocol::Http2ToHttp1];
const CLUSTER_HTTP2: &str = "/static_resources/clusters/0/typed_extension_protocol_options/\
                             envoy.extensions.upstreams.http.v3.HttpProtocolOptions/explicit_http_config/\
                             http2_protocol_options";

/// Buffer limit of edge proxies and Envoy Gateway.
const SMALL_BUFFER: u32 = 32 << 10;
/// Initial window of HTTP/2, which edge proxies keep. Also the limit of a paused body in Envoy.
const SMALL_WINDOW: u32 = 65_535;

/// Bytes that a paused client accepts, and the duration of its pause.
const WINDOW: usize = 65_535;
const SLOW: Duration = Duration::from_millis(400);

/// Body by the lengths of its pieces, and the limits.
#[derive(Clone, Copy)]
struct Course {
    name: &'static str,
    pieces: &'static [usize],
    buffer_limit: Option<u32>,
    window: Option<u32>,
}

const COURSES: [Course; 5] = [
    Course {
        name: "almost_full",
        pieces: &[32_000, 3_000, 700, 32_768, 68, 32_000, 3_000],
        buffer_limit: Some(SMALL_BUFFER),
        window: None,
    },
    Course { name: "two_large_reads", pieces: &[600_000, 600_000], buffer_limit: None, window: None },
    Course {
        name: "every_size",
        pieces: &[0, 1, 40, 16_384, 1, 32_768, 0, 49_152, 1 << 20, 1, 0],
        buffer_limit: None,
        window: None,
    },
    Course { name: "small_frames", pieces: &[16_384; 24], buffer_limit: Some(SMALL_BUFFER), window: None },
    Course { name: "small_windows", pieces: &[16_384; 24], buffer_limit: None, window: Some(SMALL_WINDOW) },
];

/// Body in pieces, and its masked form.
struct Body {
    pieces: Vec<Vec<u8>>,
    masked: Vec<u8>,
}

pub fn trials(build: &Build) -> Vec<Trial> {
    let mut trials = Vec::new();
    for course in COURSES {
        for protocol in PROTOCOLS {
            // Windows exist only in HTTP/2.
            if course.window.is_some() && protocol == Protocol::Http1 {
                continue;
            }
            for (framing, kind) in [(Framing::Length, "length"), (Framing::Chunked, "chunked")] {
                let build = build.clone();
                let name = format!("limits::{}::{}::{kind}", course.name, protocol.name());
                trials.push(trial(name, move || both_ways(build, course, protocol, framing)));
            }
        }
    }
    for (name, window) in [("usual", None), ("small", Some(SMALL_WINDOW))] {
        let build = build.clone();
        trials.push(trial(format!("limits::slow_http2_client::{name}_windows"), move || slow_client(build, window)));
    }
    for protocol in [Protocol::Http2, Protocol::Http1ToHttp2, Protocol::Http2ToHttp1] {
        let build = build.clone();
        let name = format!("limits::trailers_after_a_long_body::{}", protocol.name());
        trials.push(trial(name, move || trailers(build, protocol)));
    }
    trials
}

async fn both_ways(build: Build, course: Course, protocol: Protocol, framing: Framing) -> Result<()> {
    let body = Body::cut_inside_cards(course.pieces);
    let message = Message { framing, ..body.message() };
    let mut sidecar = start(&build, course, protocol).await?;
    let (received, response, line) = exchange(&mut sidecar, protocol, message).await?;
    let received =
        received.first().with_context(|| format!("the service got no whole request: {}", line["details"]))?;
    body.check("request", &received.body)?;
    body.check("response", &response.body).with_context(|| line["details"].to_string())?;
    ensure!(response.status == 200 && response.complete, "{}", response.summary());
    quiet(&sidecar.envoy.log())
}

/// An undecided end of a body that is too large to wait, followed by trailers: it is complete, or the log has the
/// reason.
async fn trailers(build: Build, protocol: Protocol) -> Result<()> {
    let mut body = Body::cut_inside_cards(&[16_384; 24]);
    for end in [&mut body.masked, body.pieces.last_mut().context("no piece")?] {
        end.extend_from_slice(b"total 4111 11");
    }
    let message =
        Message { framing: Framing::Chunked, trailers: vec![("x-checksum".into(), "abc".into())], ..body.message() };
    let course = Course { name: "", pieces: &[], buffer_limit: None, window: None };
    let mut sidecar = start(&build, course, protocol).await?;
    // Without forwarding of an HTTP/1.1 client's trailers the filter sees none.
    let (received, response, line) = exchange(&mut sidecar, protocol, message).await?;
    let over_tail = line["details"] == "panveil_trailers_over_tail";
    match received.first() {
        Some(received) => body.check("request", &received.body)?,
        None => ensure!(over_tail, "the request is lost: {line:?}"),
    }
    if response.complete && response.status == 200 {
        body.check("response", &response.body)?;
    } else {
        ensure!(over_tail, "the response is lost: {line:?}");
    }
    // With HTTP/2 on both sides the end can wait in Envoy, whatever the length of the body.
    ensure!(!over_tail || protocol == Protocol::Http1ToHttp2, "{line:?}");
    quiet(&sidecar.envoy.log())
}

/// Envoy buffers the response and delivers it in one chunk when the client continues reading, while another chunk still
/// waits.
async fn slow_client(build: Build, window: Option<u32>) -> Result<()> {
    // A card number across every other frame, so that bytes wait repeatedly.
    let body = Body::cut_inside_cards(&[32_768; 64]);
    let course = Course { name: "", pieces: &[], buffer_limit: None, window };
    let mut sidecar = start(&build, course, Protocol::Http2).await?;
    let message = Message { framing: Framing::Chunked, ..body.message() };
    sidecar.upstream.script(Script::Answer(Response { status: 200, message }));
    let (mut client, connection) = h2::client::handshake(TcpStream::connect(sidecar.envoy.listener).await?).await?;
    let connection = tokio::spawn(connection);
    let request = http::Request::get("http://service.example/").body(())?;
    let (response, _) = client.send_request(request, true)?;
    let mut stream = response.await?.into_body();
    let mut received = Vec::new();
    while let Some(data) = stream.data().await {
        let data = data.with_context(|| format!("cut after {} bytes", received.len()))?;
        received.extend_from_slice(&data);
        if received.len() % (4 * WINDOW) < data.len() {
            sleep(SLOW).await;
        }
        stream.flow_control().release_capacity(data.len())?;
    }
    body.check("response", &received)?;
    connection.abort();
    ensure!(sidecar.envoy.is_alive()?, "Envoy died: {}", sidecar.envoy.log());
    quiet(&sidecar.envoy.log())
}

/// The same message in both directions: the complete request at the upstream, the response at the client, and the log
/// line.
async fn exchange(
    sidecar: &mut Sidecar,
    protocol: Protocol,
    message: Message,
) -> Result<(Vec<ReceivedRequest>, ReceivedResponse, Map<String, Value>)> {
    sidecar.upstream.script(Script::Answer(Response { status: 200, message: message.clone() }));
    let request = Request { method: "POST".into(), path: "/".into(), message };
    let response = Client::new(sidecar.envoy.listener, protocol).send(&request).await?.context("no response")?;
    ensure!(sidecar.envoy.is_alive()?, "Envoy died: {}", sidecar.envoy.log());
    let line = sidecar.envoy.access_log(1).await?.remove(0);
    let (received, _) = sidecar.upstream.take().await?;
    Ok((received, response, line))
}

async fn start(build: &Build, course: Course, protocol: Protocol) -> Result<Sidecar> {
    let mut settings = build.settings("{}");
    settings.service_http2 = protocol.service_http2();
    settings.buffer_limit = course.buffer_limit;
    if let Some(window) = course.window {
        let window = json!({"initial_stream_window_size": window});
        let path = format!("{CONNECTION_MANAGER}/http2_protocol_options");
        settings.differ(json!([{"op": "add", "path": path, "value": window}]))?;
        if protocol.service_http2() {
            settings.differ(json!([{"op": "replace", "path": CLUSTER_HTTP2, "value": window}]))?;
        }
    }
    Sidecar::start(&build.envoy, settings).await
}

/// Checks that Envoy rejected none of the filter's host calls.
fn quiet(log: &str) -> Result<()> {
    let grave = |line: &&str| line.contains("wasm log") && !line.contains("[info]");
    let complaints: Vec<&str> = log.lines().filter(grave).collect();
    ensure!(complaints.is_empty(), "{}", complaints.join("\n"));
    Ok(())
}

impl Body {
    /// Pieces of these lengths with a card number across each cut that has room for one.
    fn cut_inside_cards(lengths: &[usize]) -> Self {
        let mut text = b"lorem ipsum\n".repeat(lengths.iter().sum::<usize>() / 12 + 1);
        text.truncate(lengths.iter().sum());
        let mut masked = text.clone();
        let (mut cut, mut free) = (0, 0);
        for length in lengths {
            cut += length;
            let Some(start) = cut.checked_sub(BEFORE).filter(|start| *start > free) else { continue };
            let end = start + CARD.len();
            if end + 1 < text.len() {
                for (body, card) in [(&mut text, CARD), (&mut masked, MASKED)] {
                    body[start - 1] = b' ';
                    body[start..end].copy_from_slice(card);
                    body[end] = b' ';
                }
                free = end + 1;
            }
        }
        let mut rest = text.as_slice();
        let piece = |length: &usize| {
            let (piece, after) = rest.split_at(*length);
            rest = after;
            piece.to_vec()
        };
        Self { pieces: lengths.iter().map(piece).collect(), masked }
    }

    fn message(&self) -> Message {
        let headers = vec![("content-type".into(), "text/plain".into())];
        Message { headers, pieces: self.pieces.clone(), framing: Framing::None, trailers: vec![] }
    }

    fn check(&self, what: &str, body: &[u8]) -> Result<()> {
        let same = self.masked.iter().zip(body).take_while(|(wanted, got)| wanted == got).count();
        ensure!(body == self.masked, "{what}: {} of {} bytes, same up to {same}", body.len(), self.masked.len());
        Ok(())
    }
}
