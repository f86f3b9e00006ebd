//! OpenTelemetry collector that stores all spans as received.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;

use crate::listening::Listening;

/// Collector on 127.0.0.1.
pub struct Collector {
    pub address: SocketAddr,
    spans: Arc<Mutex<Vec<u8>>>,
    _listening: Listening,
}

impl Collector {
    pub async fn start() -> Result<Self> {
        let spans = Arc::default();
        let keeping = Arc::clone(&spans);
        let listening = Listening::start(0, move |stream| connection(stream, Arc::clone(&keeping))).await?;
        Ok(Self { address: listening.address, spans, _listening: listening })
    }

    /// All received spans as protobuf, which contains strings literally.
    pub fn spans(&self) -> Vec<u8> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn connection(stream: TcpStream, spans: Arc<Mutex<Vec<u8>>>) {
    let keep = service_fn(move |request: Request<Incoming>| {
        let spans = Arc::clone(&spans);
        async move {
            if let Ok(body) = request.into_body().collect().await {
                spans.lock().unwrap_or_else(PoisonError::into_inner).extend(body.to_bytes());
            }
            Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
        }
    });
    let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), keep).await;
}
