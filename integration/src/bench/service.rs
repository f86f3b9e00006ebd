//! Upstream of the benchmark: compares each request with the expected one, and keeps nothing.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;

use super::scenario::Scenario;
use crate::listening::Listening;

/// Status of the response to a request that arrived changed.
const WRONG: http::StatusCode = http::StatusCode::UNPROCESSABLE_ENTITY;

/// Upstream on a free port of 127.0.0.1, over HTTP/1.1 and HTTP/2. It stops when dropped.
#[derive(Debug)]
pub struct Service {
    /// Listening address.
    pub address: SocketAddr,
    _listening: Listening,
}

impl Service {
    /// Starts it.
    ///
    /// # Errors
    ///
    /// When no port is free.
    pub async fn start(scenario: Arc<Scenario>) -> Result<Self> {
        let listening = Listening::start(0, move |stream| connection(stream, Arc::clone(&scenario))).await?;
        Ok(Self { address: listening.address, _listening: listening })
    }
}

async fn connection(stream: TcpStream, scenario: Arc<Scenario>) {
    let _ = stream.set_nodelay(true);
    let serve = service_fn(move |request| serve(request, Arc::clone(&scenario)));
    // The client reports connection errors.
    let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), serve).await;
}

type Body = BoxBody<Bytes, Infallible>;

async fn serve(request: http::Request<Incoming>, scenario: Arc<Scenario>) -> hyper::Result<http::Response<Body>> {
    let arrived = request.into_body().collect().await?.to_bytes();
    let mut response = http::Response::new(body(&scenario));
    if arrived != scenario.request {
        *response.status_mut() = WRONG;
    }
    let fields = [
        ("content-type", scenario.content_type),
        ("cache-control", "private, max-age=0, must-revalidate"),
        ("etag", "\"a3f5b1c2\""),
        ("server", "orders"),
        ("vary", "accept-encoding"),
    ];
    for (name, value) in fields {
        response.headers_mut().insert(name, http::HeaderValue::from_static(value));
    }
    Ok(response)
}

fn body(scenario: &Scenario) -> Body {
    if scenario.with_length {
        return Full::new(scenario.response.clone()).boxed();
    }
    let blocks = std::iter::repeat_n(scenario.response.clone(), scenario.repeated).map(Frame::data);
    let trailers = (!scenario.trailers.is_empty()).then(|| Frame::trailers(scenario.trailers.clone()));
    StreamBody::new(stream::iter(blocks.chain(trailers).map(Ok))).boxed()
}
