//! What does a client see? Real connections that send a message in exactly the pieces they are given.
//!
//! Each piece is flushed by itself and followed by a short pause, so that it reaches the proxy as a chunk of its own.

mod frames;
mod http1;
mod http2;
mod response;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::time::timeout;

use crate::case::{Message, Protocol, Request};
use crate::observation::ReceivedResponse;

/// No exchange of these tests takes longer, however busy the machine.
const LONGEST_EXCHANGE: Duration = Duration::from_secs(60);

/// Long enough for two pieces to arrive apart from each other, short enough to cut a body everywhere.
pub const GAP: Duration = Duration::from_millis(5);

/// How to send a request.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    /// Where to.
    pub address: SocketAddr,
    /// HTTP/2 with prior knowledge instead of HTTP/1.1.
    pub http2: bool,
    /// The pause after each piece of the body.
    pub gap: Duration,
    /// How long an HTTP/1.1 client waits before it reads, so that all buffers on the way fill up.
    pub reads_after: Duration,
}

impl Client {
    /// A client that speaks what the protocol says of clients.
    #[must_use]
    pub fn new(address: SocketAddr, protocol: Protocol) -> Self {
        if protocol.client_http2() { Self::http2(address) } else { Self::http1(address) }
    }

    /// An HTTP/1.1 client.
    #[must_use]
    pub fn http1(address: SocketAddr) -> Self {
        Self { address, http2: false, gap: GAP, reads_after: Duration::ZERO }
    }

    /// An HTTP/2 client.
    #[must_use]
    pub fn http2(address: SocketAddr) -> Self {
        Self { address, http2: true, gap: GAP, reads_after: Duration::ZERO }
    }

    /// Sends a request over a connection of its own. `None` when the connection ended without a response.
    ///
    /// # Errors
    ///
    /// When there is no connection, what comes back is not HTTP, or it takes too long.
    pub async fn send(&self, request: &Request) -> Result<Option<ReceivedResponse>> {
        let exchange = async {
            if self.http2 {
                http2::send(self.address, request, self.gap).await
            } else {
                http1::send(self, request).await
            }
        };
        timeout(LONGEST_EXCHANGE, exchange)
            .await
            .with_context(|| format!("{} {}: no end of the response", request.method, request.path))?
            .with_context(|| format!("{} {}", request.method, request.path))
    }

    /// Sends these bytes over an HTTP/1.1 connection of their own, whatever they are, and reads one response.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn send_bytes(&self, bytes: &[u8]) -> Result<Option<ReceivedResponse>> {
        let exchange = http1::send_bytes(self.address, bytes);
        timeout(LONGEST_EXCHANGE, exchange).await.context("no end of the response")?
    }

    /// Sends these fields, pseudo ones too, over an HTTP/2 connection of their own, whatever they are, and then this body.
    /// Gives the body of the answer; nothing when the stream or the connection was ended in its place.
    ///
    /// # Errors
    ///
    /// When there is no connection, or it takes too long.
    pub async fn send_fields(&self, fields: &[(&[u8], &[u8])], body: &[u8]) -> Result<Vec<u8>> {
        timeout(LONGEST_EXCHANGE, frames::send(self.address, fields, body)).await.context("no end of the response")?
    }

    /// Sends a GET.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), and when there is no response.
    pub async fn get(&self, path: &str) -> Result<ReceivedResponse> {
        let request = Request { method: "GET".to_owned(), path: path.to_owned(), message: Message::default() };
        self.send(&request).await?.with_context(|| format!("GET {path}: no response"))
    }
}
