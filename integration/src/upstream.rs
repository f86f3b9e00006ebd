//! HTTP upstream that stores its requests and sends scripted responses.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Channel, Empty, Full};
use hyper::body::{Body as _, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::case::{Framing, Response};
use crate::client::GAP;
use crate::fields::{fields, pairs};
use crate::listening::Listening;
use crate::observation::ReceivedRequest;

/// Time limit for an open request after the end of its stream.
const LONGEST_SETTLING: Duration = Duration::from_secs(10);

/// HTTP server on 127.0.0.1 for HTTP/1.1, and for HTTP/2 with prior knowledge.
#[derive(Debug)]
pub struct Upstream {
    /// Listening address.
    pub address: SocketAddr,
    memory: Arc<Memory>,
    _listening: Listening,
}

/// Response to a complete request.
#[derive(Clone, Debug)]
pub enum Script {
    /// The body and the content type of the request.
    Echo,
    /// This response, piece by piece.
    Answer(Response),
    /// A response for each path, for concurrent streams.
    ByPath(Arc<BTreeMap<String, Response>>),
}

#[derive(Debug)]
struct Memory {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    script: Script,
    received: Vec<ReceivedRequest>,
    cut_off: Vec<ReceivedRequest>,
    mistakable: usize,
    open: usize,
}

impl Upstream {
    /// Listens on this port, or on a free one for 0.
    ///
    /// # Errors
    ///
    /// When the port is in use.
    pub async fn start(port: u16, script: Script) -> Result<Self> {
        let state = State { script, received: Vec::new(), cut_off: Vec::new(), mistakable: 0, open: 0 };
        let memory = Arc::new(Memory { state: Mutex::new(state) });
        let remembering = Arc::clone(&memory);
        let listening = Listening::start(port, move |stream| connection(stream, Arc::clone(&remembering))).await?;
        Ok(Self { address: listening.address, memory, _listening: listening })
    }

    /// Sets the response for the next requests.
    pub fn script(&self, script: Script) {
        self.memory.lock().script = script;
    }

    /// Removes and returns the complete requests, and the aborted ones, once none is open.
    ///
    /// # Errors
    ///
    /// When a request stays open.
    pub async fn take(&self) -> Result<(Vec<ReceivedRequest>, Vec<ReceivedRequest>)> {
        let step = Duration::from_millis(5);
        let mut waited = Duration::ZERO;
        while self.memory.lock().open > 0 {
            ensure!(waited < LONGEST_SETTLING, "a request at the service is neither whole nor cut off");
            sleep(step).await;
            waited += step;
        }
        let mut state = self.memory.lock();
        Ok((std::mem::take(&mut state.received), std::mem::take(&mut state.cut_off)))
    }

    /// Number of aborted requests that look complete to an upstream that reads only to the end of the body.
    #[must_use]
    pub fn mistakable(&self) -> usize {
        self.memory.lock().mistakable
    }
}

impl Memory {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn connection(stream: TcpStream, memory: Arc<Memory>) {
    let _ = stream.set_nodelay(true);
    let serve = service_fn(move |request| serve(request, Arc::clone(&memory)));
    // Some cases abort the connection. The stored data has the result of its request.
    let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), serve).await;
}

type Body = BoxBody<Bytes, Infallible>;

async fn serve(request: http::Request<Incoming>, memory: Arc<Memory>) -> Result<http::Response<Body>, Infallible> {
    let mut arrival = Arrival::open(&request, memory);
    arrival.read(request.into_body()).await;
    let script = arrival.memory.lock().script.clone();
    let answer = match script {
        Script::Echo => echo(&arrival.request),
        Script::Answer(response) => answer(&response),
        Script::ByPath(responses) => responses
            .get(&arrival.request.path)
            .with_context(|| format!("no answer for {}", arrival.request.path))
            .and_then(answer),
    };
    drop(arrival);
    Ok(answer.unwrap_or_else(|error| {
        let mut response = http::Response::new(Full::from(format!("{error:#}")).boxed());
        *response.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
        response
    }))
}

/// Incoming request. Stored when dropped, also after an abort of the connection.
struct Arrival {
    memory: Arc<Memory>,
    request: ReceivedRequest,
    http2: bool,
    whole: bool,
}

impl Arrival {
    fn open(request: &http::Request<Incoming>, memory: Arc<Memory>) -> Self {
        memory.lock().open += 1;
        let path = request.uri().path_and_query().map_or("", http::uri::PathAndQuery::as_str);
        let mut headers = pairs(request.headers());
        if let Some(authority) = request.uri().authority().filter(|_| !request.headers().contains_key("host")) {
            headers.push(("host".to_owned(), authority.to_string()));
        }
        let http2 = request.version() == http::Version::HTTP_2;
        let request = ReceivedRequest {
            method: request.method().to_string(),
            path: path.to_owned(),
            headers,
            ..ReceivedRequest::default()
        };
        Self { memory, request, http2, whole: false }
    }

    async fn read(&mut self, mut body: Incoming) {
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else { return };
            match frame.into_data() {
                Ok(data) => self.request.body.extend_from_slice(&data),
                Err(frame) => self.request.trailers = frame.trailers_ref().map(pairs).unwrap_or_default(),
            }
        }
        // A reset may look like the end of the body. This upstream checks again, and counts the requests that others
        // would take for complete.
        self.whole = !self.http2 || body.is_end_stream();
        if !self.whole {
            self.memory.lock().mistakable += 1;
        }
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        let request = std::mem::take(&mut self.request);
        let mut state = self.memory.lock();
        state.open = state.open.saturating_sub(1);
        if self.whole { state.received.push(request) } else { state.cut_off.push(request) }
    }
}

fn echo(request: &ReceivedRequest) -> Result<http::Response<Body>> {
    let mut response = http::Response::new(Full::from(request.body.clone()).boxed());
    if let Some((_, value)) = request.headers.iter().find(|(name, _)| name == "content-type") {
        response.headers_mut().insert("content-type", value.parse()?);
    }
    Ok(response)
}

fn answer(script: &Response) -> Result<http::Response<Body>> {
    let message = &script.message;
    let body = if message.framing == Framing::None { Empty::new().boxed() } else { in_pieces(script)? };
    let mut response = http::Response::builder().status(script.status).body(body)?;
    *response.headers_mut() = fields(message.headers.iter())?;
    if message.framing == Framing::Length && !response.headers().contains_key("content-length") {
        response.headers_mut().insert("content-length", message.body().len().into());
    }
    Ok(response)
}

fn in_pieces(script: &Response) -> Result<Body> {
    let (mut sender, body) = Channel::<Bytes, Infallible>::new(1);
    let pieces = script.message.pieces.clone();
    let trailers = fields(script.message.trailers.iter())?;
    tokio::spawn(async move {
        for piece in pieces {
            sleep(GAP).await;
            if sender.send_data(Bytes::from(piece)).await.is_err() {
                return;
            }
        }
        if !trailers.is_empty() {
            sleep(GAP).await;
            let _ = sender.send_trailers(trailers).await;
        }
    });
    Ok(body.boxed())
}
