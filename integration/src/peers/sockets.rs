//! Websocket peers on tungstenite: an upstream that echoes and stores messages, and clients.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use futures_util::{FutureExt, SinkExt, StreamExt};
use http::{Method, Request, StatusCode};
use http_body_util::Empty;
use hyper::client::conn::http2;
use hyper::ext::Protocol;
use hyper::upgrade::Upgraded;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::server::{Request as Opening, Response as Answer};
pub use tokio_tungstenite::tungstenite::protocol::CloseFrame;
pub use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
pub use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async, client_async};

use crate::listening::Listening;

const EXTENSIONS: &str = "sec-websocket-extensions";
/// Request for [`SAID`] that any client may send to the upstream.
pub const SAY: &str = "say the number";
/// Request for [`SAID`] in several frames with a ping in between.
pub const SAY_IN_PIECES: &str = "say the number in pieces";
/// Message of the upstream for [`SAY`] and [`SAY_IN_PIECES`].
pub const SAID: &str = "it is 4111 1111 1111 1111.";
/// Time limit for a step.
const LONGEST_STEP: Duration = Duration::from_secs(10);
const STEP: Duration = Duration::from_millis(5);

/// Echo upstream on a free port of 127.0.0.1.
#[derive(Debug)]
pub struct Service {
    /// Listening address.
    pub address: SocketAddr,
    memory: Arc<Mutex<Memory>>,
    _listening: Listening,
}

/// Stored data of the upstream.
#[derive(Debug, Default)]
struct Memory {
    messages: Vec<Message>,
    extensions: Vec<Option<String>>,
    ends: Vec<End>,
}

/// End of a websocket at the upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Close frame with this status.
    Closed(Option<u16>),
    /// End of the connection without a close frame.
    Broken,
}

impl Service {
    /// Starts it.
    ///
    /// # Errors
    ///
    /// When no port is free.
    pub async fn start() -> Result<Self> {
        let memory = Arc::new(Mutex::new(Memory::default()));
        let remembering = Arc::clone(&memory);
        let listening = Listening::start(0, move |stream| serve(stream, Arc::clone(&remembering))).await?;
        Ok(Self { address: listening.address, memory, _listening: listening })
    }

    /// Removes and returns the received messages.
    #[must_use]
    pub fn take(&self) -> Vec<Message> {
        std::mem::take(&mut self.memory.lock().unwrap_or_else(PoisonError::into_inner).messages)
    }

    /// Extensions that each client offered.
    #[must_use]
    pub fn extensions(&self) -> Vec<Option<String>> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).extensions.clone()
    }

    /// Ends of the websockets, once there are this many.
    ///
    /// # Errors
    ///
    /// When one stays open.
    pub async fn ends(&self, count: usize) -> Result<Vec<End>> {
        let mut waited = Duration::ZERO;
        loop {
            let ends = self.memory.lock().unwrap_or_else(PoisonError::into_inner).ends.clone();
            if ends.len() >= count {
                return Ok(ends);
            }
            ensure!(waited < LONGEST_STEP, "a websocket stays open at the service: {ends:?}");
            sleep(STEP).await;
            waited += STEP;
        }
    }
}

async fn serve(stream: TcpStream, memory: Arc<Mutex<Memory>>) {
    let lock = || memory.lock().unwrap_or_else(PoisonError::into_inner);
    // The error type is tungstenite's. This callback returns no error.
    #[allow(clippy::result_large_err)]
    let remember = |opening: &Opening, answer: Answer| {
        let offered = opening.headers().get(EXTENSIONS).map(|value| String::from_utf8_lossy(value.as_bytes()).into());
        lock().extensions.push(offered);
        Ok(answer)
    };
    let Ok(mut socket) = accept_hdr_async(stream, remember).await else { return };
    let mut end = End::Broken;
    while let Some(Ok(message)) = socket.next().await {
        let answers = match &message {
            Message::Text(text) if text.as_str() == SAY => vec![Message::text(SAID)],
            Message::Text(text) if text.as_str() == SAY_IN_PIECES => in_pieces(SAID.as_bytes(), 7),
            Message::Text(_) | Message::Binary(_) => vec![message.clone()],
            Message::Close(frame) => {
                end = End::Closed(frame.as_ref().map(|frame| frame.code.into()));
                continue;
            }
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => continue,
        };
        lock().messages.push(message);
        for answer in answers {
            if socket.send(answer).await.is_err() {
                break;
            }
        }
    }
    lock().ends.push(end);
}

/// Message in frames of this length, with a ping after each but the last.
#[must_use]
pub fn in_pieces(message: &[u8], len: usize) -> Vec<Message> {
    let count = message.chunks(len).count();
    let mut frames = Vec::new();
    for (index, piece) in message.chunks(len).enumerate() {
        let (kind, is_last) = (if index == 0 { Data::Text } else { Data::Continue }, index + 1 == count);
        frames.push(Message::Frame(Frame::message(piece.to_vec(), OpCode::Data(kind), is_last)));
        if !is_last {
            frames.push(Message::Ping(Bytes::from_static(b"still there?")));
        }
    }
    frames
}

/// Client over an HTTP/1.1 upgrade. Offers these extensions without supporting them.
///
/// # Errors
///
/// When the upgrade fails.
pub async fn over_http1(address: SocketAddr, extensions: &'static str) -> Result<WebSocketStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut request = format!("ws://{address}/socket").into_client_request()?;
    request.headers_mut().insert(EXTENSIONS, extensions.parse()?);
    let (socket, answer) = client_async(request, stream).await?;
    ensure!(!answer.headers().contains_key(EXTENSIONS), "{answer:?}");
    Ok(socket)
}

/// Client over an HTTP/2 CONNECT (RFC 8441).
///
/// # Errors
///
/// When the CONNECT fails.
pub async fn over_http2(address: SocketAddr, extensions: &'static str) -> Result<WebSocketStream<TokioIo<Upgraded>>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut sender, mut connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
    let allowed = poll_fn(|context| match connection.poll_unpin(context) {
        Poll::Ready(_) => Poll::Ready(false),
        Poll::Pending if connection.is_extended_connect_protocol_enabled() => Poll::Ready(true),
        Poll::Pending => Poll::Pending,
    });
    ensure!(timeout(LONGEST_STEP, allowed).await.context("no settings")?, "the proxy ended the connection");
    tokio::spawn(connection);
    let request = Request::builder()
        .method(Method::CONNECT)
        .uri(format!("http://{address}/socket"))
        .extension(Protocol::from_static("websocket"))
        .header("sec-websocket-version", "13")
        // HTTP/2 needs no key, but Envoy does not add one for an HTTP/1.1 upstream.
        .header("sec-websocket-key", generate_key())
        .header(EXTENSIONS, extensions)
        .body(Empty::<Bytes>::new())?;
    let answer = sender.send_request(request).await?;
    ensure!(answer.status() == StatusCode::OK && !answer.headers().contains_key(EXTENSIONS), "{answer:?}");
    let upgraded = hyper::upgrade::on(answer).await.context("no upgrade")?;
    Ok(WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Client, Some(WebSocketConfig::default())).await)
}
