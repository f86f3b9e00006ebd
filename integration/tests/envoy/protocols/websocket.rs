//! Websockets with tungstenite at both ends, over HTTP/1.1 and HTTP/2.

use anyhow::{Context, Result, ensure};
use futures_util::{SinkExt, StreamExt};
use libtest_mimic::Trial;
use panveil_integration::envoy::Envoy;
use panveil_integration::peers::sockets::{
    CloseFrame, End, Message, SAID, SAY, SAY_IN_PIECES, Service, in_pieces, over_http1, over_http2,
};
use panveil_integration::sidecar::Build;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;

use super::{CARD, MASKED, in_front_of, named, unharmed};
use crate::trial::{Test, trial};

/// Extension that every browser offers. An upstream that accepted it would send messages that panveil cannot inspect.
const DEFLATE: &str = "permessage-deflate; client_max_window_bits";
const MASKED_SAID: &str = "it is 4111 11** **** 1111.";
const MEBIBYTE: usize = 1 << 20;
/// Close status "policy violation".
const POLICY: u16 = 1008;

pub fn trials(build: &Build) -> Vec<Trial> {
    let mut trials = vec![
        named(build, "websocket::blocked::request", |build| Box::pin(blocked_request(build))),
        named(build, "websocket::blocked::answer", |build| Box::pin(blocked_answer(build))),
        named(build, "websocket::blocked::within_a_frame", |build| Box::pin(blocked_within_a_frame(build))),
        named(build, "websocket::the_client_leaves", |build| Box::pin(the_client_leaves(build))),
    ];
    for (name, test) in [
        ("messages", (|build, http2| Box::pin(messages(build, http2))) as fn(Build, bool) -> Test),
        ("none_waits_for_the_next", |build, http2| Box::pin(ping_pong(build, http2))),
        ("in_frames", |build, http2| Box::pin(in_frames(build, http2))),
        ("big_messages", |build, http2| Box::pin(big_messages(build, http2))),
    ] {
        for (protocol, http2) in [("http1", false), ("http2", true)] {
            let build = build.clone();
            trials.push(trial(format!("protocols::websocket::{name}::{protocol}"), move || test(build, http2)));
        }
    }
    trials
}

/// Client end of a websocket, over either protocol.
type Socket = WebSocketStream<Box<dyn Connection>>;

trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

async fn start(build: &Build, policy: &str) -> Result<(Service, Envoy)> {
    let service = Service::start().await?;
    let envoy = in_front_of(build, service.address, false, policy).await?;
    Ok((service, envoy))
}

async fn open(envoy: &Envoy, http2: bool) -> Result<Socket> {
    use tokio_tungstenite::tungstenite::protocol::Role::Client;
    let connection: Box<dyn Connection> = if http2 {
        Box::new(over_http2(envoy.listener, DEFLATE).await?.into_inner())
    } else {
        Box::new(over_http1(envoy.listener, DEFLATE).await?.into_inner())
    };
    Ok(WebSocketStream::from_raw_socket(connection, Client, None).await)
}

/// Next message other than ping and pong.
async fn next(socket: &mut Socket) -> Result<Message> {
    loop {
        let message = socket.next().await.context("the websocket ended")??;
        if !matches!(message, Message::Ping(_) | Message::Pong(_)) {
            return Ok(message);
        }
    }
}

async fn said(socket: &mut Socket, message: Message) -> Result<Message> {
    socket.send(message).await?;
    next(socket).await
}

/// Closes the websocket, and checks that the other side agrees.
async fn close(mut socket: Socket) -> Result<()> {
    let farewell = CloseFrame { code: 1000.into(), reason: "done".into() };
    socket.close(Some(farewell.clone())).await?;
    ensure!(next(&mut socket).await? == Message::Close(Some(farewell)), "no farewell");
    Ok(())
}

/// Text and binary messages in both directions, then a clean close.
async fn messages(build: Build, http2: bool) -> Result<()> {
    let (service, mut envoy) = start(&build, "{}").await?;
    let mut socket = open(&envoy, http2).await?;
    let text = |card| Message::text(format!(r#"{{"card":"{card}","at":20260817}}"#));
    let bytes = |card: &str| Message::binary([b"\xff\x00", card.as_bytes(), b"\xfe"].concat());
    ensure!(said(&mut socket, text(CARD)).await? == text(MASKED), "text");
    ensure!(said(&mut socket, bytes(CARD)).await? == bytes(MASKED), "bytes");
    ensure!(said(&mut socket, Message::text("")).await? == Message::text(""), "nothing");
    ensure!(said(&mut socket, Message::text(SAY)).await? == Message::text(MASKED_SAID), "{SAID}");
    close(socket).await?;
    ensure!(service.ends(1).await? == [End::Closed(Some(1000))]);
    ensure!(service.take() == [text(MASKED), bytes(MASKED), Message::text(""), Message::text(SAY)]);
    ensure!(service.extensions() == [None], "{:?}", service.extensions());
    let line = unharmed(&mut envoy, 1).await?.remove(0);
    ensure!(line["panveil_found"] == "3" && line["panveil_action"] == "masked", "{line:?}");
    Ok(())
}

/// A thousand messages, each with its response before the next is sent. Each ends like the start of a card number.
async fn ping_pong(build: Build, http2: bool) -> Result<()> {
    let (_service, mut envoy) = start(&build, "{}").await?;
    let mut socket = open(&envoy, http2).await?;
    for number in 0..1000 {
        let message = Message::text(format!("{number} 4111 11"));
        ensure!(said(&mut socket, message.clone()).await? == message, "message {number}");
    }
    close(socket).await?;
    unharmed(&mut envoy, 1).await?;
    Ok(())
}

/// A number across several frames, with pings between them, at every cut.
async fn in_frames(build: Build, http2: bool) -> Result<()> {
    let (service, mut envoy) = start(&build, "{}").await?;
    let mut socket = open(&envoy, http2).await?;
    let text = format!("card {CARD}");
    for len in 1..=text.len() {
        for frame in in_pieces(text.as_bytes(), len) {
            socket.send(frame).await?;
        }
        ensure!(next(&mut socket).await? == Message::text(format!("card {MASKED}")), "frames of {len}");
    }
    ensure!(said(&mut socket, Message::text(SAY_IN_PIECES)).await? == Message::text(MASKED_SAID), "{SAID}");
    close(socket).await?;
    ensure!(service.take().iter().all(|message| !message.to_string().contains(CARD)));
    unharmed(&mut envoy, 1).await?;
    Ok(())
}

/// Messages of four mebibytes, in one frame and in many.
async fn big_messages(build: Build, http2: bool) -> Result<()> {
    let (_service, mut envoy) = start(&build, "{}").await?;
    let mut socket = open(&envoy, http2).await?;
    let body = |card: &str| format!("{}{card} ", "nothing in here. ".repeat(1000)).repeat(4 * MEBIBYTE / 17_017);
    let (sent, wanted) = (body(CARD), Message::text(body(MASKED)));
    ensure!(said(&mut socket, Message::text(sent.clone())).await? == wanted, "one frame");
    for frame in in_pieces(sent.as_bytes(), 16_001) {
        socket.send(frame).await?;
    }
    ensure!(next(&mut socket).await? == wanted, "many frames");
    close(socket).await?;
    unharmed(&mut envoy, 1).await?;
    Ok(())
}

/// The upstream gets the reason, and passes it to the client.
async fn blocked_request(build: Build) -> Result<()> {
    let (service, mut envoy) = start(&build, r#"{"request":"block"}"#).await?;
    for (number, http2) in [false, true].into_iter().enumerate() {
        let mut socket = open(&envoy, http2).await?;
        let first = Message::text("first");
        ensure!(said(&mut socket, first.clone()).await? == first);
        let end = said(&mut socket, Message::text(CARD)).await?;
        ensure!(matches!(&end, Message::Close(Some(frame)) if frame.code == POLICY.into()), "{end:?}");
        ensure!(service.ends(number + 1).await?[number] == End::Closed(Some(POLICY)));
        ensure!(service.take() == [first], "the service received a card");
    }
    for line in unharmed(&mut envoy, 2).await? {
        ensure!(line["panveil_action"] == "blocked", "{line:?}");
    }
    Ok(())
}

/// The client gets the reason.
async fn blocked_answer(build: Build) -> Result<()> {
    let (_service, mut envoy) = start(&build, r#"{"response":"block"}"#).await?;
    for http2 in [false, true] {
        let mut socket = open(&envoy, http2).await?;
        let end = said(&mut socket, Message::text(SAY)).await?;
        ensure!(matches!(&end, Message::Close(Some(frame)) if frame.code == POLICY.into()), "{end:?}");
        drop(socket);
    }
    for line in unharmed(&mut envoy, 2).await? {
        ensure!(line["panveil_action"] == "blocked", "{line:?}");
    }
    Ok(())
}

/// Half of a frame has left: no close frame is possible, and both sides see the end of the connection.
async fn blocked_within_a_frame(build: Build) -> Result<()> {
    let (service, mut envoy) = start(&build, r#"{"request":"block"}"#).await?;
    for (number, http2) in [false, true].into_iter().enumerate() {
        let mut socket = open(&envoy, http2).await?;
        let long = format!("{}{CARD}", "nothing in here. ".repeat(1 << 18));
        let end = said(&mut socket, Message::text(long)).await;
        ensure!(end.is_err(), "{end:?}");
        ensure!(service.ends(number + 1).await?[number] == End::Broken);
        ensure!(service.take().is_empty(), "the service received a card");
    }
    for line in unharmed(&mut envoy, 2).await? {
        ensure!(line["panveil_action"] == "blocked", "{line:?}");
    }
    Ok(())
}

/// The client leaves without a close frame, in the middle of a number.
async fn the_client_leaves(build: Build) -> Result<()> {
    let (service, mut envoy) = start(&build, "{}").await?;
    for (number, http2) in [false, true].into_iter().enumerate() {
        let mut socket = open(&envoy, http2).await?;
        for frame in in_pieces(CARD.as_bytes(), 11).into_iter().take(1) {
            socket.send(frame).await?;
        }
        drop(socket);
        ensure!(service.ends(number + 1).await?[number] == End::Broken);
    }
    unharmed(&mut envoy, 2).await?;
    Ok(())
}
