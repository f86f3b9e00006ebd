//! Streams that end while bytes are held back, in the filter or in Envoy, aborted by either end. No later callback may
//! fail because of them.

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use libtest_mimic::Trial;
use panveil_integration::case::{Framing, Message, Request};
use panveil_integration::client::Client;
use panveil_integration::envoy::{Difference, Envoy};
use panveil_integration::sidecar::{Build, Sidecar};
use panveil_integration::silence::leaks;
use panveil_integration::test_cards::{CARD, MASKED};
use tokio::net::TcpStream;

use crate::trial::trials;
use crate::wait::{eventually, stat_is};

/// Gauge of active streams.
const ACTIVE: &str = "http.inbound.downstream_rq_active";
const STREAMS: usize = 20;

pub fn trials(build: &Build) -> Vec<Trial> {
    trials!(build, "resets", {
        "streams_that_wait" => streams_that_wait,
        "a_refused_request_does_not_look_whole" => refused,
        "envoy_quits" => envoy_quits,
    })
}

/// Many streams of one connection, each in the middle of a number, reset one after the other; then the connection
/// itself.
async fn streams_that_wait(build: Build) -> Result<()> {
    for service_http2 in [false, true] {
        let mut settings = build.settings("{}");
        settings.service_http2 = service_http2;
        let mut sidecar = Sidecar::start(&build.envoy, settings).await?;
        let (mut client, connection) = h2::client::handshake(TcpStream::connect(sidecar.envoy.listener).await?).await?;
        let connection = tokio::spawn(connection);
        let mut open = Vec::new();
        for number in 0..2 * STREAMS {
            open.push(half_a_card(&mut client, number % 2 == 0).await?);
        }
        stat_is(&sidecar.envoy, ACTIVE, 2 * STREAMS as u64).await?;
        for (_, body) in open.iter_mut().take(STREAMS) {
            body.send_reset(h2::Reason::CANCEL);
        }
        stat_is(&sidecar.envoy, ACTIVE, STREAMS as u64).await?;
        connection.abort();
        drop(open);
        stat_is(&sidecar.envoy, ACTIVE, 0).await?;
        masks(&sidecar).await?;
        unharmed(&mut sidecar.envoy, 2 * STREAMS + 1).await?;
    }
    Ok(())
}

/// An upstream must not take a part of a request for the whole. Over HTTP/2 older Envoys do not report this to every
/// upstream.
async fn refused(build: Build) -> Result<()> {
    for service_http2 in [false, true] {
        let mut settings = build.settings(r#"{"request":"block"}"#);
        settings.service_http2 = service_http2;
        let mut sidecar = Sidecar::start(&build.envoy, settings).await?;
        let message = Message {
            headers: vec![("content-type".into(), "text/plain".into())],
            pieces: vec!["the beginning\n".into(), CARD.into(), "\nthe end".into()],
            framing: Framing::Chunked,
            trailers: vec![],
        };
        let request = Request { method: "POST".into(), path: "/list".into(), message };
        let response = Client::http2(sidecar.envoy.listener).send(&request).await?.context("no response")?;
        ensure!(response.status == 403, "{}", response.summary());
        let (received, cut_off) = sidecar.upstream.take().await?;
        ensure!(received.is_empty() && cut_off.len() == 1, "{received:?} {cut_off:?}");
        let mistakable = service_http2 && sidecar.envoy.version().await?.has(Difference::ResetsSayNoError);
        ensure!(sidecar.upstream.mistakable() == usize::from(mistakable), "{}", sidecar.upstream.mistakable());
        unharmed(&mut sidecar.envoy, 1).await?;
    }
    Ok(())
}

/// Envoy exits with open streams and with counts that the filter has not reported yet.
async fn envoy_quits(build: Build) -> Result<()> {
    let mut sidecar = Sidecar::start(&build.envoy, build.settings("{}")).await?;
    masks(&sidecar).await?;
    let (mut client, connection) = h2::client::handshake(TcpStream::connect(sidecar.envoy.listener).await?).await?;
    tokio::spawn(connection);
    let _open = [half_a_card(&mut client, true).await?, half_a_card(&mut client, false).await?];
    stat_is(&sidecar.envoy, ACTIVE, 2).await?;
    let quit = Request { method: "POST".into(), path: "/quitquitquit".into(), message: Default::default() };
    Client::http1(sidecar.envoy.admin).send(&quit).await?.context("no answer")?;
    eventually("Envoy does not quit", async || Ok((!sidecar.envoy.is_alive()?).then_some(()))).await?;
    let log = sidecar.envoy.log();
    let fault = log.lines().find(|line| line.contains("Caught") || line.contains("Function: "));
    ensure!(fault.is_none() && log.contains("exiting"), "{fault:?}: {log}");
    Ok(())
}

type Open = (h2::client::ResponseFuture, h2::SendStream<Bytes>);

/// Body that stops inside a number. The number waits in the filter if the body has a length, otherwise in Envoy.
async fn half_a_card(client: &mut h2::client::SendRequest<Bytes>, length: bool) -> Result<Open> {
    let mut request = http::Request::post("http://service.example/half").header("content-type", "text/plain");
    if length {
        request = request.header("content-length", "100");
    }
    *client = client.clone().ready().await?;
    let (response, mut body) = client.send_request(request.body(())?, false)?;
    let (head, _) = CARD.split_at(11);
    body.send_data(Bytes::from(format!("card {head}")), false)?;
    Ok((response, body))
}

async fn masks(sidecar: &Sidecar) -> Result<()> {
    let response = Client::http1(sidecar.envoy.listener).get(&format!("/?card={CARD}")).await?;
    ensure!(response.status == 200, "{}", response.summary());
    let (received, _) = sidecar.upstream.take().await?;
    ensure!(received.iter().any(|request| request.path.contains(MASKED)), "{received:?}");
    Ok(())
}

async fn unharmed(envoy: &mut Envoy, count: usize) -> Result<()> {
    ensure!(envoy.is_alive()?, "Envoy died: {}", envoy.log());
    let lines = envoy.access_log(count).await?;
    ensure!(!lines.iter().any(|line| line["details"] == "wasm_fail_stream"), "it trapped: {}", envoy.log());
    let leaks = leaks(envoy, &[CARD.to_owned()], &[]).await?;
    ensure!(leaks.is_empty(), "{}", leaks.join("\n"));
    Ok(())
}
