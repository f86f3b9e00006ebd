//! Live events. Each must arrive before the upstream sends the next, for every cut.

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use eventsource_stream::Eventsource;
use futures_util::StreamExt;
use libtest_mimic::Trial;
use panveil_integration::case::Protocol;
use panveil_integration::client::GAP;
use panveil_integration::envoy::Difference;
use panveil_integration::peers::live::{Answer, Live, get};
use panveil_integration::peers::{Python, Script};
use panveil_integration::sidecar::Build;
use serde_json::{Value, json};

use super::{CARD, MASKED, in_front_of, unharmed, with_python};
use crate::trial::{Test, trial};

const EVENTS: &str = "text/event-stream";
const LINES: &str = "application/x-ndjson";
const PROTOCOLS: [Protocol; 4] = [Protocol::Http1, Protocol::Http2, Protocol::Http1ToHttp2, Protocol::Http2ToHttp1];

pub fn trials(build: &Build) -> Vec<Trial> {
    let mut trials = vec![
        with_python(build, "live::events::python::http1", |build, python| {
            Box::pin(python_reads(build, python, EVENTS, false))
        }),
        with_python(build, "live::events::python::http2", |build, python| {
            Box::pin(python_reads(build, python, EVENTS, true))
        }),
        with_python(build, "live::lines::python::http1", |build, python| {
            Box::pin(python_reads(build, python, LINES, false))
        }),
        with_python(build, "live::lines::python::http2", |build, python| {
            Box::pin(python_reads(build, python, LINES, true))
        }),
    ];
    for (name, test) in [
        ("events", (|build, protocol| Box::pin(events(build, protocol))) as fn(Build, Protocol) -> Test),
        ("lines", |build, protocol| Box::pin(lines(build, protocol))),
        ("blocked", |build, protocol| Box::pin(blocked(build, protocol))),
    ] {
        for protocol in PROTOCOLS {
            let build = build.clone();
            let name = format!("protocols::live::{name}::{}", protocol.name());
            trials.push(trial(name, move || test(build, protocol)));
        }
    }
    trials
}

/// Event with a card number as text and as a number. Ends like the start of a card number.
fn news(number: usize, card: &str, as_number: u64) -> Value {
    json!({"number": number, "card": card, "account": {"card_number": as_number}, "part": "4111 11"})
}

/// A masked number keeps the positions of its digits.
fn check(number: usize, text: &str) -> Result<()> {
    let got: Value = serde_json::from_str(text).with_context(|| format!("no JSON: {text}"))?;
    let masked = got["account"]["card_number"].as_u64().context("no number")?;
    ensure!(masked != 4_111_111_111_111_111 && got == news(number, MASKED, masked), "{got}");
    Ok(())
}

fn sent(number: usize) -> String {
    news(number, CARD, 4_111_111_111_111_111).to_string()
}

/// Sends it in one piece, or cut at this byte.
async fn send(answer: &mut Answer, text: &str, cut: usize) -> Result<()> {
    let (head, tail) = text.as_bytes().split_at(cut);
    for piece in [head, tail] {
        if !piece.is_empty() {
            answer.send_data(Bytes::copy_from_slice(piece)).await?;
            tokio::time::sleep(GAP).await;
        }
    }
    Ok(())
}

async fn events(build: Build, protocol: Protocol) -> Result<()> {
    let mut live = Live::start(EVENTS).await?;
    let mut envoy = in_front_of(&build, live.address, protocol.service_http2(), "{}").await?;
    let mut events = Box::pin(get(envoy.listener, protocol.client_http2()).await?.eventsource());
    let mut answer = live.answer().await?;
    for (ending, kind) in [("\n", "charge"), ("\r\n", "refund")] {
        let length = format!("event: {kind}{ending}data: {}{ending}{ending}", sent(0)).len();
        for number in 0..length {
            let data = sent(number);
            let event = format!("event: {kind}{ending}data: {data}{ending}{ending}");
            send(&mut answer, &event, number).await?;
            let event = events.next().await.context("no event")??;
            ensure!(event.event == kind, "{event:?}");
            check(number, &event.data)?;
        }
    }
    drop(answer);
    ensure!(events.next().await.is_none(), "an event of nothing");
    unharmed(&mut envoy, 1).await?;
    Ok(())
}

async fn lines(build: Build, protocol: Protocol) -> Result<()> {
    let mut live = Live::start(LINES).await?;
    let mut envoy = in_front_of(&build, live.address, protocol.service_http2(), "{}").await?;
    let mut pieces = get(envoy.listener, protocol.client_http2()).await?;
    let mut answer = live.answer().await?;
    for number in 0..sent(0).len() {
        send(&mut answer, &format!("{}\n", sent(number)), number).await?;
        let mut line = Vec::new();
        while line.last() != Some(&b'\n') {
            line.extend(pieces.next().await.context("no line")??);
        }
        check(number, &String::from_utf8(line)?)?;
    }
    drop(answer);
    while let Some(piece) = pieces.next().await {
        ensure!(piece?.is_empty(), "a line of nothing");
    }
    unharmed(&mut envoy, 1).await?;
    Ok(())
}

/// The events before the card number have arrived. Nothing of the event with it arrives, and the stream is reset.
async fn blocked(build: Build, protocol: Protocol) -> Result<()> {
    let mut live = Live::start(EVENTS).await?;
    let mut envoy = in_front_of(&build, live.address, protocol.service_http2(), r#"{"response":"block"}"#).await?;
    let mut events = Box::pin(get(envoy.listener, protocol.client_http2()).await?.eventsource());
    let mut answer = live.answer().await?;
    for number in 0..3 {
        send(&mut answer, &format!("data: {number}\n\n"), number).await?;
        ensure!(events.next().await.context("no event")??.data == number.to_string());
    }
    send(&mut answer, &format!("data: card {CARD}\n\n"), 20).await?;
    let end = events.next().await;
    // The reader of this client stops at the end of the body.
    let mistakable = protocol.client_http2() && envoy.version().await?.has(Difference::ResetsSayNoError);
    ensure!(matches!(end, Some(Err(_))) || (mistakable && end.is_none()), "{end:?}");
    let line = unharmed(&mut envoy, 1).await?.remove(0);
    ensure!(line["panveil_action"] == "blocked" && line["details"] == "panveil_blocked", "{line:?}");
    Ok(())
}

/// httpx and httpx-sse.
async fn python_reads(build: Build, python: Python, content_type: &'static str, http2: bool) -> Result<()> {
    let mut live = Live::start(content_type).await?;
    let mut envoy = in_front_of(&build, live.address, http2, "{}").await?;
    let (url, version) = (format!("http://{}/", envoy.listener), if http2 { "http2" } else { "http1" });
    let mut script: Script = python.start("live_client", &[&url, version])?;
    let mut answer = live.answer().await?;
    for number in 0..50 {
        let (data, cut) = (sent(number), number);
        let text = if content_type == EVENTS { format!("data: {data}\n\n") } else { format!("{data}\n") };
        send(&mut answer, &text, cut).await?;
        check(number, &script.told("got").await?)?;
    }
    drop(answer);
    script.end().await?;
    unharmed(&mut envoy, 1).await?;
    Ok(())
}
