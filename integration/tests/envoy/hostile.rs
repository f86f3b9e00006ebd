//! Slow bodies. Envoy does not interrupt a slow filter, so bodies designed to be slow must pass in time, with their
//! length unchanged.

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use panveil_integration::case::{Framing, Message, Protocol, Request};
use panveil_integration::client::Client;
use panveil_integration::sidecar::{Build, Sidecar};

use crate::trial::trial;

const LENGTH: usize = 1 << 20;

/// Name of a body, its description, and its repeated part.
const BODIES: [(&str, &str, &[u8]); 12] = [
    ("digits", "text/plain", b"4"),
    ("digits_and_spaces", "text/plain", b"4 "),
    ("almost_cards", "text/plain", b"4111111111111112 "),
    ("wide_joints", "text/plain", b"4  -  1 . 1  "),
    ("brackets", "application/json", b"[{\"card_number\":"),
    ("quotes", "application/json", b"\"\\\"\\\\"),
    ("escapes", "application/json", b"\\u0034\\u0031"),
    ("broken_escapes", "application/json", b"\\u003\\x3%3&#5"),
    ("percent", "application/x-www-form-urlencoded", b"%34%31%2"),
    ("entities", "text/html", b"&#52;&#x34;<b>"),
    ("tracks", "text/plain", b"%B4111111111111112^A/B^"),
    ("tokens", "application/json", b"eyJhbGciOiJ9."),
];

/// Policy with every detection feature.
const POLICY: &str =
    r#"{"detect":{"sensitivity":"strict","base64":true,"patterns":[{"name":"id","regex":"[A-Z]{2}[0-9]{6,10}"}]}}"#;

pub fn trials(build: &Build) -> Vec<Trial> {
    let of = |protocol: Protocol| {
        let build = build.clone();
        trial(format!("hostile::{}", protocol.name()), move || bodies(build, protocol))
    };
    [Protocol::Http1, Protocol::Http2].into_iter().map(of).collect()
}

async fn bodies(build: Build, protocol: Protocol) -> Result<()> {
    let mut settings = build.settings(POLICY);
    settings.service_http2 = protocol.service_http2();
    let mut sidecar = Sidecar::start(&build.envoy, settings).await?;
    for (name, content_type, piece) in BODIES {
        let body = piece.repeat(LENGTH / piece.len());
        let message = Message {
            headers: vec![("content-type".into(), content_type.into())],
            pieces: body.chunks(64 << 10).map(<[u8]>::to_vec).collect(),
            framing: Framing::Chunked,
            trailers: vec![],
        };
        let request = Request { method: "POST".into(), path: "/echo".into(), message };
        let response = Client::new(sidecar.envoy.listener, protocol).send(&request).await.context(name)?;
        let response = response.with_context(|| format!("{name}: no response"))?;
        ensure!(response.status == 200 && response.complete, "{name}: {}", response.summary());
        ensure!(response.body.len() == body.len(), "{name}: {} of {} bytes", response.body.len(), body.len());
        ensure!(sidecar.envoy.is_alive()?, "{name}: Envoy died: {}", sidecar.envoy.log());
    }
    let lines = sidecar.envoy.access_log(BODIES.len()).await?;
    ensure!(lines.iter().all(|line| line["details"] == "via_upstream"), "{lines:?}");
    Ok(())
}
