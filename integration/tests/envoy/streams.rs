//! Long bodies: ten megabytes in pieces, with card numbers cut at every offset inside the number.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use panveil_integration::case::{Framing, Message, Protocol, Request, Response};
use panveil_integration::client::Client;
use panveil_integration::observation::{ReceivedRequest, ReceivedResponse};
use panveil_integration::sidecar::{Build, Sidecar};
use panveil_integration::test_cards;
use panveil_integration::upstream::Script;

use crate::trial::trial;

const CARD: &[u8] = test_cards::CARD.as_bytes();
const MASKED: &[u8] = test_cards::MASKED.as_bytes();
/// Numbers that repeatedly look like the start of a card number.
const FILLER: &[u8] =
    b"{\"id\":20260817123456789012,\"ts\":1748503543012,\"part\":\"4111 11\",\"amount\":0.4111111111111111}\n";
const MEBIBYTE: usize = 1 << 20;
/// Buffer limit of edge proxies and Envoy Gateway, which limits filters that pause bodies.
const SMALL_BUFFER: u32 = 32 << 10;

/// Pause of a slow client, during which the proxy buffers the response until one chunk has about 1 MiB.
const SLOW: Duration = Duration::from_secs(2);

/// Body and its masked form.
struct Stream {
    pieces: Vec<Vec<u8>>,
    masked: Vec<u8>,
    cards: usize,
}

/// Transfer of a body.
#[derive(Clone, Copy)]
struct Course {
    name: &'static str,
    length: usize,
    distance: usize,
    buffer_limit: Option<u32>,
    reads_after: Duration,
}

const COURSES: [Course; 4] = [
    Course {
        name: "ten_mebibytes",
        length: 10 * MEBIBYTE,
        distance: 64 << 10,
        buffer_limit: None,
        reads_after: Duration::ZERO,
    },
    Course {
        name: "small_buffers",
        length: MEBIBYTE,
        distance: 100_000,
        buffer_limit: Some(SMALL_BUFFER),
        reads_after: Duration::ZERO,
    },
    Course { name: "slow_client", length: 10 * MEBIBYTE, distance: 64 << 10, buffer_limit: None, reads_after: SLOW },
    Course {
        name: "small_buffers_slow_client",
        length: 10 * MEBIBYTE,
        distance: 64 << 10,
        buffer_limit: Some(SMALL_BUFFER),
        reads_after: SLOW,
    },
];

pub fn trials(build: &Build) -> Vec<Trial> {
    let mut trials = Vec::new();
    for course in COURSES {
        for protocol in [Protocol::Http1, Protocol::Http2, Protocol::Http1ToHttp2, Protocol::Http2ToHttp1] {
            // Only the HTTP/1.1 client can be slow.
            if protocol.client_http2() && !course.reads_after.is_zero() {
                continue;
            }
            for (framing, kind) in [(Framing::Length, "length"), (Framing::Chunked, "chunked")] {
                let build = build.clone();
                let name = format!("streams::{}::{}::{kind}", course.name, protocol.name());
                trials.push(trial(name, move || both_ways(build, protocol, framing, course)));
            }
        }
    }
    trials
}

async fn both_ways(build: Build, protocol: Protocol, framing: Framing, course: Course) -> Result<()> {
    let stream = Stream::new(course.length, course.distance);
    let message = Message {
        headers: vec![("content-type".into(), "application/x-ndjson".into())],
        pieces: stream.pieces.clone(),
        framing,
        trailers: vec![],
    };
    let mut settings = build.settings("{}");
    settings.service_http2 = protocol.service_http2();
    settings.buffer_limit = course.buffer_limit;
    let mut sidecar = Sidecar::start(&build.envoy, settings).await?;
    sidecar.upstream.script(Script::Answer(Response { status: 200, message: message.clone() }));
    let client = Client { reads_after: course.reads_after, ..Client::new(sidecar.envoy.listener, protocol) };
    let request = Request { method: "POST".into(), path: "/".into(), message };
    let response = client.send(&request).await?.context("no response")?;
    ensure!(sidecar.envoy.is_alive()?, "Envoy died: {}", sidecar.envoy.log());
    let line = sidecar.envoy.access_log(1).await?.remove(0);
    let (received, _) = sidecar.upstream.take().await?;
    let received =
        received.first().with_context(|| format!("the service got no whole request: {}", line["details"]))?;
    stream.check(received, &response).with_context(|| line["details"].to_string())?;
    let found = line["panveil_found"].as_str().unwrap_or_default();
    ensure!(found == (2 * stream.cards).to_string(), "found {found} cards instead of {}", 2 * stream.cards);
    Ok(())
}

impl Stream {
    /// `length` bytes with a card number about every `distance`. Each is cut once, at an offset one further than in the
    /// last.
    fn new(length: usize, distance: usize) -> Self {
        let mut stream = Self { pieces: Vec::new(), masked: Vec::new(), cards: 0 };
        let mut piece = Vec::new();
        while stream.masked.len() < length {
            let start = piece.len();
            while piece.len() < start + distance {
                piece.extend_from_slice(FILLER);
            }
            piece.extend_from_slice(b"card ");
            stream.masked.extend_from_slice(&piece[start..]);
            let (head, tail) = CARD.split_at(stream.cards % (CARD.len() + 1));
            piece.extend_from_slice(head);
            stream.pieces.push(std::mem::take(&mut piece));
            piece.extend_from_slice(tail);
            piece.push(b'\n');
            stream.masked.extend_from_slice(MASKED);
            stream.masked.push(b'\n');
            stream.cards += 1;
        }
        stream.pieces.push(piece);
        stream
    }

    fn check(&self, received: &ReceivedRequest, response: &ReceivedResponse) -> Result<()> {
        for (what, body) in [("request", &received.body), ("response", &response.body)] {
            let same = self.masked.iter().zip(body).take_while(|(wanted, got)| wanted == got).count();
            ensure!(
                *body == self.masked,
                "{what}: {} of {} bytes, same up to byte {same}",
                body.len(),
                self.masked.len()
            );
        }
        ensure!(response.status == 200 && response.complete, "response: {}, cut off", response.status);
        Ok(())
    }
}
