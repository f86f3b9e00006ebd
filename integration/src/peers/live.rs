//! Streaming upstream whose response a test writes piece by piece, and clients that read it.

use std::convert::Infallible;
use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http_body_util::channel::Sender;
use http_body_util::{BodyDataStream, BodyExt, Channel, Empty};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use crate::listening::Listening;

/// Response body that the test writes.
pub type Answer = Sender<Bytes, Infallible>;

/// Upstream on a free port of 127.0.0.1, over HTTP/1.1 and HTTP/2.
#[derive(Debug)]
pub struct Live {
    /// Listening address.
    pub address: SocketAddr,
    answers: UnboundedReceiver<Answer>,
    _listening: Listening,
}

impl Live {
    /// Starts an upstream with this content type for all responses.
    ///
    /// # Errors
    ///
    /// When no port is free.
    pub async fn start(content_type: &'static str) -> Result<Self> {
        let (handing, answers) = mpsc::unbounded_channel();
        let listening = Listening::start(0, move |stream| {
            let _ = stream.set_nodelay(true);
            let handing: UnboundedSender<Answer> = handing.clone();
            let serve = service_fn(move |_: http::Request<Incoming>| {
                let (answer, body) = Channel::<Bytes, Infallible>::new(1);
                let _ = handing.send(answer);
                let response = http::Response::builder().header("content-type", content_type).body(body);
                async move { response }
            });
            async move {
                let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), serve).await;
            }
        })
        .await?;
        Ok(Self { address: listening.address, answers, _listening: listening })
    }

    /// Response body for the next request.
    ///
    /// # Errors
    ///
    /// When the upstream has stopped.
    pub async fn answer(&mut self) -> Result<Answer> {
        self.answers.recv().await.context("the service is gone")
    }
}

/// Response body at a client, piece by piece.
///
/// # Errors
///
/// When there is no response.
pub async fn get(address: SocketAddr, http2: bool) -> Result<BodyDataStream<Incoming>> {
    let client = Client::builder(TokioExecutor::new()).http2_only(http2).build_http::<Empty<Bytes>>();
    let response = client.get(format!("http://{address}/").parse()?).await?;
    ensure!(response.status() == 200, "{response:?}");
    Ok(response.into_body().into_data_stream())
}
