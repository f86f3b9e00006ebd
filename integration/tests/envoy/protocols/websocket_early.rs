//! Inspection of a websocket from its first byte on: data in front of the response, and between messages.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use futures_util::future::poll_fn;
use futures_util::{SinkExt, StreamExt};
use http::{Method, Request};
use libtest_mimic::Trial;
use panveil_integration::envoy::Envoy;
use panveil_integration::listening::Listening;
use panveil_integration::peers::sockets::{CloseFrame, End, Message, Service, over_http1};
use panveil_integration::sidecar::Build;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::{CARD, MASKED, in_front_of, named, unharmed};

const LONGEST_STEP: Duration = Duration::from_secs(10);
/// Time for the bytes sent before to pass Envoy.
const PAUSE: Duration = Duration::from_millis(150);

pub fn trials(build: &Build) -> Vec<Trial> {
    vec![
        named(build, "websocket_early::frames", |build| Box::pin(frames(build, "{}"))),
        named(build, "websocket_early::frames_where_all_must_be_read", |build| {
            Box::pin(frames(build, r#"{"uninspectable":"block"}"#))
        }),
        named(build, "websocket_early::frames_over_http2", |build| Box::pin(frames_over_http2(build))),
        named(build, "websocket_early::half_a_number_never_waits", |build| Box::pin(half_a_number(build))),
        named(build, "websocket_early::blocked", |build| Box::pin(blocked(build))),
        named(build, "websocket_early::no_frame", |build| Box::pin(no_frame(build))),
        named(build, "websocket_early::a_service_without_websockets", |build| Box::pin(without_websockets(build))),
        named(build, "websocket_early::pings_and_farewells", |build| Box::pin(pings_and_farewells(build))),
        named(build, "websocket_early::frames_of_no_kind", |build| Box::pin(frames_of_no_kind(build))),
    ]
}

/// Upstream that responds late, and reads the data before its response. Without `agrees` it reads a plain body.
struct Slow {
    address: SocketAddr,
    received: Arc<Mutex<Vec<u8>>>,
    _listening: Listening,
}

impl Slow {
    async fn start(agrees: bool) -> Result<Self> {
        let received = Arc::new(Mutex::new(Vec::new()));
        let remembering = Arc::clone(&received);
        let listening = Listening::start(0, move |stream| {
            let received = Arc::clone(&remembering);
            async move {
                let _ = if agrees { echo(stream, received).await } else { answer(stream, received).await };
            }
        })
        .await?;
        Ok(Self { address: listening.address, received, _listening: listening })
    }

    /// Texts of all received messages, concatenated.
    fn received(&self) -> String {
        let received = self.received.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&received).into_owned()
    }
}

fn remember(received: &Mutex<Vec<u8>>, bytes: &[u8]) {
    received.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
}

/// Reads the headers of a request or a response, and not a byte more.
async fn head(stream: &mut TcpStream) -> Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(timeout(LONGEST_STEP, stream.read_u8()).await??);
    }
    Ok(String::from_utf8(head)?)
}

async fn echo(mut stream: TcpStream, received: Arc<Mutex<Vec<u8>>>) -> Result<()> {
    head(&mut stream).await?;
    sleep(PAUSE).await;
    stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n").await?;
    let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
    while let Some(message) = socket.next().await {
        let message = message?;
        if !message.is_close() {
            remember(&received, &message.clone().into_data());
            socket.send(message).await?;
        }
    }
    Ok(())
}

async fn answer(mut stream: TcpStream, received: Arc<Mutex<Vec<u8>>>) -> Result<()> {
    let head = head(&mut stream).await?;
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).context("no length")?;
    let mut rest: usize = length.trim().parse()?;
    while rest > 0 {
        let mut piece = vec![0; rest];
        let count = stream.read(&mut piece).await?;
        ensure!(count > 0, "the body ends early");
        remember(&received, &piece[..count]);
        rest -= count;
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await?;
    sleep(LONGEST_STEP).await;
    Ok(())
}

/// Frame of a client.
fn frame(first: u8, said: &[u8]) -> Vec<u8> {
    let key = [0x37, 0xfa, 0x21, 0x3d];
    let length = u8::try_from(said.len()).unwrap_or(125).min(125);
    let scrambled = said.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key);
    [first, 0x80 | length].into_iter().chain(key).chain(scrambled).collect()
}

/// Requests a websocket, and sends these bytes immediately behind the request.
async fn ask(envoy: &Envoy, fields: &str, early: &[u8]) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(envoy.listener).await?;
    stream.set_nodelay(true)?;
    let request = format!(
        "GET /socket HTTP/1.1\r\nhost: service\r\nconnection: upgrade\r\nupgrade: websocket\r\n{fields}\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(&[request.as_bytes(), early].concat()).await?;
    Ok(stream)
}

async fn next(socket: &mut WebSocketStream<TcpStream>) -> Result<Message> {
    Ok(timeout(LONGEST_STEP, socket.next()).await.context("nothing came")?.context("the websocket ended")??)
}

/// Before the response: one byte of a frame, some, all, and two frames. Later frames are inspected too.
async fn frames(build: Build, policy: &str) -> Result<()> {
    let early = frame(0x81, format!("card {CARD}").as_bytes());
    let masked = Message::text(format!("card {MASKED}"));
    for cut in [1, 2, 7, 20, early.len()] {
        let service = Slow::start(true).await?;
        let mut envoy = in_front_of(&build, service.address, false, policy).await?;
        let mut stream = ask(&envoy, "", &early[..cut]).await?;
        let answered = head(&mut stream).await?;
        ensure!(answered.starts_with("HTTP/1.1 101"), "{cut}: {answered}");
        stream.write_all(&early[cut..]).await?;
        let mut socket = WebSocketStream::from_raw_socket(stream, Role::Client, None).await;
        ensure!(next(&mut socket).await? == masked, "the early frame, cut at {cut}");
        socket.send(Message::text(format!("card {CARD}"))).await?;
        ensure!(next(&mut socket).await? == masked, "the frame behind it, cut at {cut}");
        ensure!(!service.received().contains(CARD), "the service received a card, cut at {cut}");
        socket.close(None).await?;
        while socket.next().await.is_some_and(|message| message.is_ok()) {}
        drop(socket);
        let line = unharmed(&mut envoy, 1).await?.remove(0);
        // One finding in each direction: the echo is masked already.
        ensure!(line["panveil_found"] == "2" && line["panveil_action"] == "masked", "{cut}: {line:?}");
        ensure!(line.get("panveil_uninspected").is_none_or(serde_json::Value::is_null), "{cut}: {line:?}");
    }
    Ok(())
}

/// Envoy converts the CONNECT to an upgrade.
async fn frames_over_http2(build: Build) -> Result<()> {
    let service = Slow::start(true).await?;
    let mut envoy = in_front_of(&build, service.address, false, "{}").await?;
    let stream = TcpStream::connect(envoy.listener).await?;
    let (client, mut connection) = h2::client::handshake(stream).await?;
    let mut client = client;
    let allowed = poll_fn(|context| match std::future::Future::poll(std::pin::Pin::new(&mut connection), context) {
        std::task::Poll::Ready(_) => std::task::Poll::Ready(false),
        std::task::Poll::Pending if client.is_extended_connect_protocol_enabled() => std::task::Poll::Ready(true),
        std::task::Poll::Pending => std::task::Poll::Pending,
    });
    ensure!(timeout(LONGEST_STEP, allowed).await.context("no settings")?, "the proxy ended the connection");
    tokio::spawn(connection);
    let request = Request::builder()
        .method(Method::CONNECT)
        .uri("http://service/socket")
        .extension(h2::ext::Protocol::from_static("websocket"))
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .body(())?;
    let (response, mut sending) = client.send_request(request, false)?;
    let card = frame(0x81, CARD.as_bytes());
    sending.send_data(Bytes::from(card.clone()), false)?;
    let response = timeout(LONGEST_STEP, response).await.context("no answer")??;
    ensure!(response.status() == 200, "{response:?}");
    sending.send_data(Bytes::from(card), false)?;
    let mut receiving = response.into_body();
    let mut received = Vec::new();
    while received.len() < 2 * (2 + CARD.len()) {
        let data = timeout(LONGEST_STEP, receiving.data()).await.context("nothing came")?.context("it ended")??;
        receiving.flow_control().release_capacity(data.len())?;
        received.extend_from_slice(&data);
    }
    let echoed = [&[0x81, 16][..], MASKED.as_bytes()].concat();
    ensure!(received == echoed.repeat(2), "{:?}", String::from_utf8_lossy(&received));
    ensure!(service.received() == MASKED.repeat(2), "{}", service.received());
    sending.send_data(Bytes::new(), true)?;
    drop((sending, receiving, client));
    let line = unharmed(&mut envoy, 1).await?.remove(0);
    ensure!(line["panveil_found"] == "2", "{line:?}");
    Ok(())
}

/// A complete frame is forwarded, whatever its end looks like.
async fn half_a_number(build: Build) -> Result<()> {
    let service = Slow::start(true).await?;
    let mut envoy = in_front_of(&build, service.address, false, "{}").await?;
    // With a zero masking key, so that the forwarded bytes end in digits: the strictest test. Clients must not do this.
    for early in [frame(0x81, b"amount 4111 11"), [&[0x81, 0x80 | 14, 0, 0, 0, 0][..], b"amount 4111 11"].concat()] {
        let mut stream = ask(&envoy, "", &early).await?;
        ensure!(head(&mut stream).await?.starts_with("HTTP/1.1 101"));
        let mut socket = WebSocketStream::from_raw_socket(stream, Role::Client, None).await;
        ensure!(next(&mut socket).await? == Message::text("amount 4111 11"));
        socket.close(None).await?;
        while socket.next().await.is_some_and(|message| message.is_ok()) {}
    }
    unharmed(&mut envoy, 2).await?;
    Ok(())
}

/// The client gets a local reply as for any request, since there is no websocket yet.
async fn blocked(build: Build) -> Result<()> {
    let service = Slow::start(true).await?;
    let mut envoy = in_front_of(&build, service.address, false, r#"{"request":"block"}"#).await?;
    let mut stream = ask(&envoy, "", &frame(0x81, CARD.as_bytes())).await?;
    let answered = head(&mut stream).await?;
    ensure!(answered.starts_with("HTTP/1.1 403"), "{answered}");
    drop(stream);
    let line = unharmed(&mut envoy, 1).await?.remove(0);
    ensure!(line["panveil_action"] == "blocked", "{line:?}");
    ensure!(service.received().is_empty(), "the service received a message");
    Ok(())
}

/// Bytes that are no frame, before the websocket: reported, or the websocket is rejected.
async fn no_frame(build: Build) -> Result<()> {
    for (policy, status, action) in
        [("{}", "HTTP/1.1 101", "uninspected"), (r#"{"uninspectable":"block"}"#, "HTTP/1.1 502", "blocked")]
    {
        let service = Slow::start(true).await?;
        let mut envoy = in_front_of(&build, service.address, false, policy).await?;
        let mut stream = ask(&envoy, "", b"x").await?;
        let answered = head(&mut stream).await?;
        ensure!(answered.starts_with(status), "{policy}: {answered}");
        drop(stream);
        let line = unharmed(&mut envoy, 1).await?.remove(0);
        ensure!(line["panveil_action"] == action, "{policy}: {line:?}");
        ensure!(line["panveil_uninspected"] == "request:upgrade", "{policy}: {line:?}");
    }
    Ok(())
}

/// An upstream may ignore the upgrade and read a body. Envoy then keeps the response back, with and without panveil: it
/// waits for the end of the upgraded request.
async fn without_websockets(build: Build) -> Result<()> {
    let json = format!(r#"{{"card":"{CARD}"}}"#);
    // The first bytes parse as a frame header whose length exceeds this text.
    let framed = format!("\u{1}\u{7f} {CARD} and more of it");
    for body in [json, framed] {
        let service = Slow::start(false).await?;
        let mut envoy = in_front_of(&build, service.address, false, r#"{"uninspectable":"block"}"#).await?;
        let fields = format!("content-length: {}\r\n", body.len());
        let (first, second) = body.as_bytes().split_at(body.len() / 2);
        let mut stream = ask(&envoy, &fields, first).await?;
        sleep(PAUSE).await;
        stream.write_all(second).await?;
        sleep(PAUSE).await;
        let received = service.received();
        ensure!(body.replace(CARD, MASKED).starts_with(&received), "{received}");
        drop(stream);
        unharmed(&mut envoy, 1).await?;
    }
    Ok(())
}

/// Pings and close reasons are masked.
async fn pings_and_farewells(build: Build) -> Result<()> {
    let service = Service::start().await?;
    let mut envoy = in_front_of(&build, service.address, false, r#"{"response":"skip"}"#).await?;
    let mut socket = over_http1(envoy.listener, "x").await?;
    socket.send(Message::Ping(format!("card {CARD}").into())).await?;
    // The upstream echoes.
    ensure!(next(&mut socket).await? == Message::Pong(format!("card {MASKED}").into()), "a ping");
    let farewell = |card: &str| CloseFrame { code: 1000.into(), reason: format!("paid with {card}").into() };
    socket.close(Some(farewell(CARD))).await?;
    ensure!(next(&mut socket).await? == Message::Close(Some(farewell(MASKED))), "a farewell");
    ensure!(service.ends(1).await? == [End::Closed(Some(1000))]);
    drop(socket);
    let line = unharmed(&mut envoy, 1).await?.remove(0);
    ensure!(line["panveil_found"] == "2", "{line:?}");
    let mut envoy = in_front_of(&build, service.address, false, r#"{"request":"block"}"#).await?;
    let mut socket = over_http1(envoy.listener, "x").await?;
    socket.send(Message::Ping(CARD.into())).await?;
    ensure!(service.ends(2).await?[1] == End::Closed(Some(1008)));
    drop(socket);
    unharmed(&mut envoy, 1).await?;
    Ok(())
}

/// Reserved bits and opcodes, and a fragmented ping: reported, or the websocket is closed.
async fn frames_of_no_kind(build: Build) -> Result<()> {
    for (policy, action) in [("{}", "uninspected"), (r#"{"uninspectable":"block"}"#, "blocked")] {
        for first in [0xc1, 0xa1, 0x83, 0x8b, 0x09] {
            let service = Service::start().await?;
            let mut envoy = in_front_of(&build, service.address, false, policy).await?;
            let mut socket = over_http1(envoy.listener, "x").await?;
            socket.get_mut().write_all(&frame(first, CARD.as_bytes())).await?;
            let expected = if action == "blocked" { End::Closed(Some(1008)) } else { End::Broken };
            ensure!(service.ends(1).await? == [expected], "{first:x} {policy}");
            drop(socket);
            let line = unharmed(&mut envoy, 1).await?.remove(0);
            ensure!(line["panveil_action"] == action, "{first:x} {policy}: {line:?}");
            ensure!(line["panveil_uninspected"] == "request:encoding", "{first:x} {policy}: {line:?}");
        }
    }
    Ok(())
}
