//! OpenTelemetry collector that stores all spans as received.
//!
//! [`Collector::tracing`] is the configuration of an Envoy that sends them.

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
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::envoy::CONNECTION_MANAGER;
use crate::listening::Listening;

/// Collector on 127.0.0.1.
#[derive(Debug)]
pub struct Collector {
    /// Address, for OTLP over HTTP.
    pub address: SocketAddr,
    spans: Arc<Mutex<Vec<u8>>>,
    _listening: Listening,
}

impl Collector {
    /// Starts on a free port.
    ///
    /// # Errors
    ///
    /// When it cannot listen.
    pub async fn start() -> Result<Self> {
        let spans = Arc::default();
        let keeping = Arc::clone(&spans);
        let listening = Listening::start(0, move |stream| connection(stream, Arc::clone(&keeping))).await?;
        Ok(Self { address: listening.address, spans, _listening: listening })
    }

    /// All received spans as protobuf, which contains strings literally.
    #[must_use]
    pub fn spans(&self) -> Vec<u8> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Patch of a configuration: samples each request, and sends its spans here.
    #[must_use]
    pub fn tracing(&self) -> Value {
        json!([
            {"op": "add", "path": "/static_resources/clusters/-", "value": {
                "name": "collector", "type": "STATIC", "connect_timeout": "1s", "load_assignment": {
                    "cluster_name": "collector",
                    "endpoints": [{"lb_endpoints": [{"endpoint": {"address": {"socket_address": {
                        "address": self.address.ip().to_string(), "port_value": self.address.port(),
                    }}}}]}],
                },
            }},
            {"op": "add", "path": format!("{CONNECTION_MANAGER}/tracing"), "value": {
                "random_sampling": {"value": 100},
                "provider": {"name": "envoy.tracers.opentelemetry", "typed_config": {
                    "@type": "type.googleapis.com/envoy.config.trace.v3.OpenTelemetryConfig",
                    "service_name": "sidecar",
                    "http_service": {"http_uri": {
                        "uri": "http://collector/v1/traces", "cluster": "collector", "timeout": "1s",
                    }},
                }},
            }},
        ])
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
