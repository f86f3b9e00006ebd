//! Streams that end early: whichever end aborts, Envoy keeps running, the next stream works, and no digit is
//! logged.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use panveil_integration::client::Client;
use panveil_integration::envoy::Envoy;
use panveil_integration::sidecar::{Build, Sidecar};
use panveil_integration::silence::unharmed;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::trial::named;

const CARD: &str = "4111111111111111";
/// Time for the proxy to read everything that was sent before.
const PAUSE: Duration = Duration::from_millis(50);

pub fn trials(build: &Build) -> Vec<Trial> {
    let with = |name, test| named(build, "endings", name, test);
    vec![
        with("the_client_goes_away", |build| Box::pin(the_client_goes_away(build))),
        with("the_service_goes_away", |build| Box::pin(the_service_goes_away(build))),
        with("there_is_no_service", |build| Box::pin(there_is_no_service(build))),
        with("the_connection_ends_the_body", |build| Box::pin(the_connection_ends_the_body(build))),
        with("http1_trailers", |build| Box::pin(http1_trailers(build))),
        with("http1_trailers_over_a_tail", |build| Box::pin(http1_trailers_over_a_tail(build))),
    ]
}

/// Abort in the middle of a number.
async fn the_client_goes_away(build: Build) -> Result<()> {
    let mut sidecar = Sidecar::start(&build.envoy, build.settings("{}")).await?;
    for framing in ["content-length: 100", "transfer-encoding: chunked"] {
        let mut client = TcpStream::connect(sidecar.envoy.listener).await?;
        let head = format!("POST /x HTTP/1.1\r\nhost: a\r\n{framing}\r\n\r\n10\r\ncard 41111111111");
        client.write_all(head.as_bytes()).await?;
        tokio::time::sleep(PAUSE).await;
    }
    ensure!(Client::http1(sidecar.envoy.listener).get("/after").await?.status == 200);
    unharmed(&mut sidecar.envoy, CARD, 3).await?;
    Ok(())
}

/// Abort in the middle of a number, with a length and with chunks.
async fn the_service_goes_away(build: Build) -> Result<()> {
    for head in
        ["content-length: 100\r\n\r\ncard 41111111111", "transfer-encoding: chunked\r\n\r\n10\r\ncard 41111111111"]
    {
        let (mut envoy, response) = behind(&build, format!("HTTP/1.1 200 OK\r\n{head}")).await?;
        let response = response.context("no response")?;
        ensure!(!response.complete, "{}", response.summary());
        unharmed(&mut envoy, CARD, 1).await?;
    }
    Ok(())
}

/// Envoy's local reply passes the filter too, without a finding.
async fn there_is_no_service(build: Build) -> Result<()> {
    let free = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
    let mut settings = build.settings("{}");
    settings.service = free;
    let mut envoy = Envoy::start(&build.envoy, &settings).await?;
    let response = Client::http1(envoy.listener).get(&format!("/pay?card={CARD}")).await?;
    ensure!(response.status == 503, "{}", response.summary());
    let line = unharmed(&mut envoy, CARD, 1).await?;
    ensure!(line["panveil_found"] == "1" && line["path"] == "/pay?card=****************", "{line:?}");
    Ok(())
}

/// HTTP/1.0 style: without length and chunks, the end of the connection ends the body.
async fn the_connection_ends_the_body(build: Build) -> Result<()> {
    for (body, wanted) in
        [(format!("card {CARD}"), "card 411111******1111"), ("total 4111 11".to_owned(), "total 4111 11")]
    {
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\n{body}");
        let (mut envoy, response) = behind(&build, answer).await?;
        let response = response.context("no response")?;
        ensure!(response.complete && response.body == wanted.as_bytes(), "{}", response.summary());
        unharmed(&mut envoy, CARD, 1).await?;
    }
    Ok(())
}

/// Off by default in Envoy. When they are on, a card number in them is masked like any other.
async fn http1_trailers(build: Build) -> Result<()> {
    let mut settings = build.settings("{}");
    settings.http1_trailers = true;
    let mut sidecar = Sidecar::start(&build.envoy, settings).await?;
    let request = format!(
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-card: {CARD}\r\n\r\n"
    );
    let response =
        Client::http1(sidecar.envoy.listener).send_bytes(request.as_bytes()).await?.context("no response")?;
    ensure!(response.status == 200 && response.body == b"hello", "{}", response.summary());
    let (received, _) = sidecar.upstream.take().await?;
    let trailers = &received.first().context("the service got no whole request")?.trailers;
    ensure!(*trailers == [("x-card".to_owned(), "411111******1111".to_owned())], "{trailers:?}");
    unharmed(&mut sidecar.envoy, CARD, 1).await?;
    Ok(())
}

/// Documented limit: when the host accepts no more bytes, the stream is reset rather than bytes lost, and the log has
/// the reason.
async fn http1_trailers_over_a_tail(build: Build) -> Result<()> {
    let mut settings = build.settings("{}");
    settings.http1_trailers = true;
    let mut sidecar = Sidecar::start(&build.envoy, settings).await?;
    let request = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n7\r\ncard 41\r\n0\r\nx-a: b\r\n\r\n";
    let response =
        Client::http1(sidecar.envoy.listener).send_bytes(request.as_bytes()).await?.context("no response")?;
    let line = unharmed(&mut sidecar.envoy, CARD, 1).await?;
    let (received, _) = sidecar.upstream.take().await?;
    if response.status == 200 {
        ensure!(received.first().is_some_and(|request| request.body == b"card 41"), "bytes were lost: {received:?}");
    } else {
        ensure!(line["details"] == "panveil_trailers_over_tail" && received.is_empty(), "{line:?} {received:?}");
    }
    Ok(())
}

/// Result of a GET for which the upstream sends these bytes and then closes the connection.
async fn behind(
    build: &Build,
    answer: String,
) -> Result<(Envoy, Option<panveil_integration::observation::ReceivedResponse>)> {
    let mut settings = build.settings("{}");
    settings.service = answering_once(answer).await?;
    let envoy = Envoy::start(&build.envoy, &settings).await?;
    let request = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";
    let response = Client::http1(envoy.listener).send_bytes(request).await?;
    Ok((envoy, response))
}

async fn answering_once(answer: String) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await?;
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).await?;
        stream.write_all(answer.as_bytes()).await?;
        tokio::time::sleep(PAUSE).await;
        anyhow::Ok(())
    });
    Ok(address)
}
