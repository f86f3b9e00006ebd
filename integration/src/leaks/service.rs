//! Upstream of the leak test: derives the plan of each request, and sends its response.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Channel, Empty};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::plan::{Course, Plan, number};
use super::socket;
use crate::case;
use crate::fields::fields;
use crate::listening::Listening;

/// Plan of the stream with a number.
pub type Draw = Arc<dyn Fn(u64) -> Plan + Send + Sync>;

type Body = BoxBody<Bytes, Infallible>;

/// Timeout for a silent websocket client.
const LONGEST_SILENCE: Duration = Duration::from_secs(10);

/// Upstream on 127.0.0.1.
pub struct Service {
    pub address: SocketAddr,
    _listening: Listening,
}

impl Service {
    /// Starts an upstream that responds as these plans say.
    pub async fn start(draw: Draw) -> Result<Self> {
        let listening = Listening::start(0, move |stream| connection(stream, Arc::clone(&draw))).await?;
        Ok(Self { address: listening.address, _listening: listening })
    }
}

async fn connection(stream: TcpStream, draw: Draw) {
    let _ = stream.set_nodelay(true);
    let serve = service_fn(move |request| serve(request, Arc::clone(&draw)));
    let mut server = auto::Builder::new(TokioExecutor::new());
    // Resets without a response are expected here, not an attack.
    server.http2().max_pending_accept_reset_streams(None).max_local_error_reset_streams(None);
    let _ = server.serve_connection_with_upgrades(TokioIo::new(stream), serve).await;
}

async fn serve(mut request: Request<Incoming>, draw: Draw) -> Result<Response<Body>> {
    let number = number(request.uri().path()).context("no number")?;
    let plan = draw(number);
    match plan.course {
        Course::Reset => bail!("no answer"),
        Course::WebSocket if request.headers().contains_key("upgrade") => {
            let upgrade = hyper::upgrade::on(&mut request);
            let text = plan.response.message.body();
            tokio::spawn(async move {
                if let Ok(upgraded) = upgrade.await {
                    let mut stream = TokioIo::new(upgraded);
                    let _ = stream.write_all(&socket::text(&text, None)).await;
                    let _ = timeout(LONGEST_SILENCE, stream.read_to_end(&mut Vec::new())).await;
                }
            });
            let mut response = Response::new(Empty::new().boxed());
            *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
            *response.headers_mut() = fields(socket::OPENED.map(|(name, value)| (name.into(), value.into())).iter())?;
            Ok(response)
        }
        _ => {
            // The request may be truncated when the response is early.
            let mut body = request.into_body();
            while let Some(Ok(_)) = body.frame().await {}
            answer(&plan.response)
        }
    }
}

fn answer(planned: &case::Response) -> Result<Response<Body>> {
    let message = &planned.message;
    let (mut sender, body) = Channel::<Bytes, Infallible>::new(1);
    let mut response = Response::builder().status(planned.status).body(body.boxed())?;
    *response.headers_mut() = fields(message.headers.iter())?;
    if message.framing == case::Framing::Length {
        response.headers_mut().insert("content-length", message.body().len().into());
    }
    let (pieces, trailers) = (message.pieces.clone(), fields(message.trailers.iter())?);
    tokio::spawn(async move {
        for piece in pieces {
            if sender.send_data(piece.into()).await.is_err() {
                return;
            }
        }
        if !trailers.is_empty() {
            let _ = sender.send_trailers(trailers).await;
        }
    });
    Ok(response)
}
