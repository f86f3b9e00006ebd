//! Unusual streams: interim and early responses, other upgrades, and clients that abort.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use futures_util::StreamExt;
use h2::Reason;
use h2::client::SendRequest;
use libtest_mimic::Trial;
use panveil_integration::client::{Client, GAP};
use panveil_integration::envoy::Envoy;
use panveil_integration::peers::live::{Live, get};
use panveil_integration::sidecar::{Build, Sidecar};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::trial::trials;

use super::{CARD, MASKED, in_front_of, unharmed};

/// Protocol that panveil cannot inspect.
const CHAT: &str = "chat";

pub fn trials(build: &Build) -> Vec<Trial> {
    trials!(build, "protocols::turns", {
        "an_interim_answer" => interim_answer,
        "an_answer_before_the_request_has_ended" => early_answer,
        "another_upgrade_is_refused" => refused_upgrade,
        "another_upgrade_passes_unread" => other_upgrade,
        "another_upgrade_is_blocked" => blocked_upgrade,
        "the_client_resets_its_upload" => reset_upload,
        "the_client_resets_its_download" => reset_download,
    })
}

/// Early hints. Whatever the proxy does with them, the client gets no card number.
async fn interim_answer(build: Build) -> Result<()> {
    let early = format!("HTTP/1.1 103 Early Hints\r\nlink: </{CARD}.css>; rel=preload\r\n\r\n");
    let service = answering(format!("{early}HTTP/1.1 200 OK\r\ncontent-length: 21\r\n\r\ncard {CARD}")).await?;
    let mut envoy = in_front_of(&build, service, false, "{}").await?;
    let mut client = TcpStream::connect(envoy.listener).await?;
    client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await?;
    let mut received = Vec::new();
    client.read_to_end(&mut received).await?;
    let received = String::from_utf8_lossy(&received);
    ensure!(received.ends_with(&format!("\r\n\r\ncard {MASKED}")) && !received.contains(CARD), "{received}");
    unharmed(&mut envoy, 1).await?;
    Ok(())
}

/// The upstream responds to the headers, while the body has an incomplete number.
async fn early_answer(build: Build) -> Result<()> {
    let service = answering(format!("HTTP/1.1 413 Too Large\r\ncontent-length: 21\r\n\r\ncard {CARD}")).await?;
    let mut envoy = in_front_of(&build, service, false, "{}").await?;
    let request = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\ncard 41111111111";
    let response = Client::http1(envoy.listener).send_bytes(request).await?.context("no response")?;
    let wanted = format!("card {MASKED}");
    ensure!(response.status == 413 && response.body == wanted.as_bytes(), "{}", response.summary());

    let (response, mut body) = post(&mut connect(envoy.listener).await?)?;
    body.send_data(Bytes::from_static(b"card 41111111111"), false)?;
    let response = response.await?;
    ensure!(response.status() == 413, "{response:?}");
    let mut received = Vec::new();
    let mut body = response.into_body();
    while let Some(piece) = body.data().await {
        received.extend(piece?);
    }
    ensure!(received == wanted.as_bytes(), "{}", String::from_utf8_lossy(&received));
    unharmed(&mut envoy, 2).await?;
    Ok(())
}

/// The shipped configuration permits websockets only.
async fn refused_upgrade(build: Build) -> Result<()> {
    let mut envoy = in_front_of(&build, chatting().await?, false, "{}").await?;
    let (_, answer) = upgraded(&envoy).await?;
    ensure!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    unharmed(&mut envoy, 1).await?;
    Ok(())
}

/// With another permitted protocol the log says that the connection was not inspected.
async fn other_upgrade(build: Build) -> Result<()> {
    let mut envoy = allowing_chats(&build, "{}").await?;
    let (mut client, answer) = upgraded(&envoy).await?;
    ensure!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    client.write_all(CARD.as_bytes()).await?;
    let mut received = [0; CARD.len()];
    client.read_exact(&mut received).await?;
    ensure!(received == CARD.as_bytes());
    drop(client);
    let line = unharmed(&mut envoy, 1).await?.remove(0);
    ensure!(line["panveil_action"] == "uninspected", "{line:?}");
    ensure!(line["panveil_record"].to_string().contains("upgrade"), "{line:?}");
    Ok(())
}

async fn blocked_upgrade(build: Build) -> Result<()> {
    let mut envoy = allowing_chats(&build, r#"{"uninspectable":"block"}"#).await?;
    let (_, answer) = upgraded(&envoy).await?;
    ensure!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    let line = unharmed(&mut envoy, 1).await?.remove(0);
    ensure!(line["details"] == "panveil_uninspectable", "{line:?}");
    Ok(())
}

/// Abort in the middle of a number, over HTTP/2. The connection continues.
async fn reset_upload(build: Build) -> Result<()> {
    let mut sidecar = Sidecar::start(&build.envoy, build.settings("{}")).await?;
    let mut connection = connect(sidecar.envoy.listener).await?;
    for _ in 0..10 {
        let (response, mut body) = post(&mut connection)?;
        body.send_data(Bytes::from_static(b"card 41111111111"), false)?;
        tokio::time::sleep(GAP).await;
        body.send_reset(Reason::CANCEL);
        ensure!(response.await.is_err(), "an answer to nothing");
    }
    let (response, mut body) = post(&mut connection)?;
    body.send_data(Bytes::from(CARD), true)?;
    ensure!(response.await?.status() == 200);
    let (received, _) = sidecar.upstream.take().await?;
    ensure!(received.len() == 1 && received[0].body == MASKED.as_bytes(), "{received:?}");
    unharmed(&mut sidecar.envoy, 11).await?;
    Ok(())
}

/// Abort in the middle of a held-back number, over both protocols. The next stream works.
async fn reset_download(build: Build) -> Result<()> {
    for (client, service) in [(false, false), (true, true), (false, true), (true, false)] {
        let mut live = Live::start("text/plain").await?;
        let mut envoy = in_front_of(&build, live.address, service, "{}").await?;
        let body = get(envoy.listener, client).await?;
        let mut answer = live.answer().await?;
        answer.send_data(Bytes::from_static(b"card 41111111111")).await?;
        drop(body);
        unharmed(&mut envoy, 1).await?;
        let mut body = get(envoy.listener, client).await?;
        let mut answer = live.answer().await?;
        answer.send_data(Bytes::from(CARD)).await?;
        drop(answer);
        let mut received = Vec::new();
        while let Some(piece) = body.next().await {
            received.extend(piece?);
        }
        ensure!(received == MASKED.as_bytes(), "the next exchange fails");
        unharmed(&mut envoy, 2).await?;
    }
    Ok(())
}

/// HTTP/2 connection.
async fn connect(address: SocketAddr) -> Result<SendRequest<Bytes>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = h2::client::handshake(stream).await?;
    tokio::spawn(connection);
    Ok(sender.ready().await?)
}

fn post(sender: &mut SendRequest<Bytes>) -> Result<(h2::client::ResponseFuture, h2::SendStream<Bytes>)> {
    let request = http::Request::post("http://service/").header("content-type", "text/plain").body(())?;
    Ok(sender.send_request(request, false)?)
}

/// Opens a chat through Envoy, and reads the headers of the response.
async fn upgraded(envoy: &Envoy) -> Result<(TcpStream, String)> {
    let mut client = TcpStream::connect(envoy.listener).await?;
    let request = format!("GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: {CHAT}\r\n\r\n");
    client.write_all(request.as_bytes()).await?;
    let head = read_head(&mut client).await?;
    Ok((client, head))
}

async fn allowing_chats(build: &Build, policy: &str) -> Result<Envoy> {
    let mut settings = build.settings(policy);
    settings.service = chatting().await?;
    settings.upgrade = Some(CHAT);
    Envoy::start(&build.envoy, &settings).await
}

/// Echo upstream, after the upgrade to a chat.
async fn chatting() -> Result<SocketAddr> {
    let head = format!("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: {CHAT}\r\n\r\n");
    answering(head).await
}

/// Upstream that sends this response after a request's headers, and then echoes.
async fn answering(answer: String) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                read_head(&mut stream).await?;
                stream.write_all(answer.as_bytes()).await?;
                let (mut read, mut write) = stream.split();
                if answer.starts_with("HTTP/1.1 101 ") {
                    tokio::io::copy(&mut read, &mut write).await?;
                } else {
                    tokio::io::copy(&mut read, &mut tokio::io::sink()).await?;
                }
                anyhow::Ok(())
            });
        }
    });
    Ok(address)
}

/// Reads up to the empty line, and no further.
async fn read_head(stream: &mut TcpStream) -> Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.context("no whole head")?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}
