//! Long bodies that no peer buffers: generated, sent, received and compared block by block.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Channel};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Body of one repeated block.
#[derive(Clone)]
pub struct Load {
    pub block: Bytes,
    /// Expected block at the receiver. Same length.
    pub masked: Bytes,
    pub count: usize,
    /// Whether there is a `content-length`.
    pub with_length: bool,
}

/// Upstream that compares each request with its load, and responds with the same load.
pub struct Service {
    pub address: SocketAddr,
    accepting: JoinHandle<()>,
}

/// Status of the response to a request that differs.
const WRONG: u16 = 422;

impl Load {
    pub fn len(&self) -> usize {
        self.block.len() * self.count
    }

    fn body(&self) -> BoxBody<Bytes, Infallible> {
        let (mut sender, body) = Channel::<Bytes, Infallible>::new(1);
        let load = self.clone();
        tokio::spawn(async move {
            for _ in 0..load.count {
                if sender.send_data(load.block.clone()).await.is_err() {
                    return;
                }
            }
        });
        body.boxed()
    }

    fn headers(&self, headers: &mut http::HeaderMap) {
        headers.insert("content-type", http::HeaderValue::from_static("application/x-ndjson"));
        if self.with_length {
            headers.insert("content-length", self.len().into());
        }
    }

    /// Compares the received bytes.
    async fn receive(&self, mut body: Incoming) -> Result<()> {
        let mut received = 0;
        while let Some(frame) = body.frame().await {
            let frame = frame.with_context(|| format!("cut after {received} of {} bytes", self.len()))?;
            let Ok(data) = frame.into_data() else { continue };
            let mut rest = data.as_ref();
            while !rest.is_empty() {
                let wanted = &self.masked[received % self.masked.len()..];
                let count = wanted.len().min(rest.len());
                ensure!(wanted[..count] == rest[..count], "other bytes than expected after {received}");
                received += count;
                rest = &rest[count..];
            }
        }
        ensure!(received == self.len(), "{received} of {} bytes", self.len());
        Ok(())
    }
}

impl Service {
    pub async fn start(load: Load) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let load = Arc::new(load);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let load = Arc::clone(&load);
                tokio::spawn(async move {
                    let serve = service_fn(move |request: Request<Incoming>| {
                        let load = Arc::clone(&load);
                        async move { anyhow::Ok(answer(&load, request).await) }
                    });
                    // The client reports connection errors.
                    let _ =
                        auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), serve).await;
                });
            }
        });
        Ok(Self { address, accepting })
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn answer(load: &Load, request: Request<Incoming>) -> Response<BoxBody<Bytes, Infallible>> {
    match load.receive(request.into_body()).await {
        Ok(()) => {
            let mut response = Response::new(load.body());
            load.headers(response.headers_mut());
            response
        }
        Err(error) => {
            let body = http_body_util::Full::from(format!("{error:#}"));
            let mut response = Response::new(body.boxed());
            *response.status_mut() = http::StatusCode::from_u16(WRONG).unwrap_or_default();
            response
        }
    }
}

/// Sends the load to `address` and compares the response with it.
pub async fn carry(address: SocketAddr, http2: bool, load: &Load) -> Result<()> {
    let mut request =
        Request::post(format!("http://{address}/")).header("host", "service.example").body(load.body())?;
    load.headers(request.headers_mut());
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let stream = TokioIo::new(stream);
    let response = if http2 {
        let (mut client, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await?;
        tokio::spawn(connection);
        client.send_request(request).await?
    } else {
        *request.uri_mut() = "/".parse()?;
        let (mut client, connection) = hyper::client::conn::http1::handshake(stream).await?;
        tokio::spawn(connection);
        client.send_request(request).await?
    };
    if response.status() != http::StatusCode::OK {
        let (status, body) = (response.status(), response.into_body().collect().await?.to_bytes());
        bail!("request: {status} {}", String::from_utf8_lossy(&body));
    }
    load.receive(response.into_body()).await.context("response")
}
