//! Test clients: real connections that send a message in exactly the given pieces.
//!
//! The client flushes each piece separately, followed by a short pause, so that each reaches the proxy as a chunk of
//! its own.

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

/// Time limit for a stream, also on a busy machine.
const LONGEST_EXCHANGE: Duration = Duration::from_secs(60);

/// Pause after a piece: long enough to separate the chunks, and short enough to cut a body at every offset.
pub const GAP: Duration = Duration::from_millis(5);

/// Client for single requests.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    /// Address of the proxy.
    pub address: SocketAddr,
    /// Whether to use HTTP/2 with prior knowledge instead of HTTP/1.1.
    pub http2: bool,
    /// Pause after each piece of the body.
    pub gap: Duration,
    /// Time before an HTTP/1.1 client starts to read, to fill all buffers on the way.
    pub reads_after: Duration,
}

impl Client {
    /// Client that speaks the client protocol of `protocol`.
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

    /// Sends a request over a new connection. `None` when the connection ended without a response.
    ///
    /// # Errors
    ///
    /// When the connection is refused, the response is not HTTP, or the time limit is exceeded.
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

    /// Sends arbitrary bytes over a new HTTP/1.1 connection, and reads one response.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn send_bytes(&self, bytes: &[u8]) -> Result<Option<ReceivedResponse>> {
        let exchange = http1::send_bytes(self.address, bytes);
        timeout(LONGEST_EXCHANGE, exchange).await.context("no end of the response")?
    }

    /// Sends arbitrary fields, pseudo-headers included, over a new HTTP/2 connection, and then this body. Returns the
    /// body of the response. `None` when the stream or the connection was reset.
    ///
    /// # Errors
    ///
    /// When the connection is refused, or the time limit is exceeded.
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
