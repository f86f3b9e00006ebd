//! Streams that end early: whichever end aborts, Envoy keeps running, the next stream works, and no digit is
//! logged.

use std::net::SocketAddr;

use anyhow::{Context, Result, anyhow, ensure};
use libtest_mimic::Trial;
use panveil_integration::client::Client;
use panveil_integration::envoy::Envoy;
use panveil_integration::sidecar::{Build, Sidecar};
use panveil_integration::silence::unharmed;
use panveil_integration::test_cards::CARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::trial::trials;
use crate::wait::{stat_is, stat_reaches};

pub fn trials(build: &Build) -> Vec<Trial> {
    trials!(build, "endings", {
        "the_client_goes_away" => the_client_goes_away,
        "the_service_goes_away" => the_service_goes_away,
        "there_is_no_service" => there_is_no_service,
        "the_connection_ends_the_body" => the_connection_ends_the_body,
        "http1_trailers" => http1_trailers,
        "http1_trailers_over_a_tail" => http1_trailers_over_a_tail,
    })
}

/// Abort in the middle of a number.
async fn the_client_goes_away(build: Build) -> Result<()> {
    let mut sidecar = Sidecar::start(&build.envoy, build.settings("{}")).await?;
    for framing in ["content-length: 100", "transfer-encoding: chunked"] {
        let mut client = TcpStream::connect(sidecar.envoy.listener).await?;
        let head = format!("POST /x HTTP/1.1\r\nhost: a\r\n{framing}\r\n\r\n10\r\ncard 41111111111");
        client.write_all(head.as_bytes()).await?;
        stat_is(&sidecar.envoy, "http.inbound.downstream_rq_active", 1).await?;
        drop(client);
        stat_is(&sidecar.envoy, "http.inbound.downstream_rq_active", 0).await?;
    }
    ensure!(Client::http1(sidecar.envoy.listener).get("/after").await?.status == 200);
    unharmed(&mut sidecar.envoy, CARD, 3).await?;
    let lines = sidecar.envoy.access_log(3).await?;
    ensure!(lines.iter().all(|line| line["path"].is_string()), "a stream bypassed panveil: {lines:?}");
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

/// Result of a GET for which the upstream sends these bytes, and closes the connection once Envoy has received them.
async fn behind(
    build: &Build,
    answer: String,
) -> Result<(Envoy, Option<panveil_integration::observation::ReceivedResponse>)> {
    let mut settings = build.settings("{}");
    let length = u64::try_from(answer.len())?;
    let (close, closing) = oneshot::channel();
    settings.service = answering_once(answer, closing).await?;
    let envoy = Envoy::start(&build.envoy, &settings).await?;
    let client = Client::http1(envoy.listener);
    let response = client.send_bytes(
        b"GET / HTTP/1.1
host: a

",
    );
    let ending = async {
        stat_reaches(&envoy, "cluster.service.upstream_cx_rx_bytes_total", length).await?;
        close.send(()).map_err(|()| anyhow!("the upstream has ended"))
    };
    let (response, ()) = tokio::try_join!(response, ending)?;
    Ok((envoy, response))
}

/// Upstream that sends `answer` to one request, and closes the connection on the signal `closing`.
async fn answering_once(answer: String, closing: oneshot::Receiver<()>) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await?;
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).await?;
        stream.write_all(answer.as_bytes()).await?;
        let _ = closing.await;
        anyhow::Ok(())
    });
    Ok(address)
}
