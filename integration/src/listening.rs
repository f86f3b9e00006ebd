//! Listening socket on 127.0.0.1, served by a task until its owner is dropped.

use std::future::Future;
use std::net::SocketAddr;

use anyhow::{Context, Result};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Listening socket. Dropping it closes the socket; accepted connections continue.
#[derive(Debug)]
pub struct Listening {
    /// Listening address.
    pub address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Listening {
    /// Passes each connection to `serve`, on this port, or on a free one for 0.
    ///
    /// # Errors
    ///
    /// When the port is taken.
    pub async fn start<F>(port: u16, serve: impl Fn(TcpStream) -> F + Send + 'static) -> Result<Self>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind(("127.0.0.1", port))
            .await
            .with_context(|| format!("the service cannot listen on 127.0.0.1:{port}"))?;
        let address = listener.local_addr()?;
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream));
            }
        });
        Ok(Self { address, accepting })
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
