//! Upstream of the soak test: derives the plan of each request, compares the request, and sends the response.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;

use super::body::CARDS;
use super::faults::Faults;
use super::plan::{Course, Plan, first_half, number};
use super::stream::{End, Outgoing, incoming, outgoing};
use crate::listening::Listening;

/// Upstream on 127.0.0.1.
#[derive(Debug)]
pub struct Service {
    pub address: SocketAddr,
    _listening: Listening,
}

#[derive(Clone)]
struct Post {
    seed: u64,
    http2: bool,
    faults: Arc<Faults>,
}

impl Service {
    /// Starts an upstream with the plans of this seed. `http2` says that the proxy speaks HTTP/2 to it.
    pub async fn start(seed: u64, http2: bool, faults: Arc<Faults>) -> Result<Self> {
        let post = Post { seed, http2, faults };
        let listening = Listening::start(0, move |stream| connection(stream, post.clone())).await?;
        Ok(Self { address: listening.address, _listening: listening })
    }
}

async fn connection(stream: TcpStream, post: Post) {
    let _ = stream.set_nodelay(true);
    let serve = service_fn(move |request| serve(request, post.clone()));
    let mut server = auto::Builder::new(TokioExecutor::new());
    // Half of the courses end in a reset, which is expected here and not an attack.
    server.http2().max_pending_accept_reset_streams(None).max_local_error_reset_streams(None);
    // Aborted connections are part of the test. The client checks the results of their requests.
    let _ = server.serve_connection(TokioIo::new(stream), serve).await;
}

async fn serve(request: Request<Incoming>, post: Post) -> Result<Response<Outgoing>> {
    let plan = plan_of(&request, &post)?;
    let whole = match receive(request, &plan).await {
        Ok(whole) => whole,
        Err(error) => {
            post.faults.add(plan.number, &format!("at the service: {error:#}"));
            bail!("faulty");
        }
    };
    ensure!(whole && plan.course != Course::NoAnswer, "no answer");
    let (pieces, end) = match plan.course {
        Course::ServiceStops => (first_half(&plan.response.pieces), End::Break),
        _ if plan.with_trailers => (plan.response.pieces.as_slice(), End::Trailers),
        _ => (plan.response.pieces.as_slice(), End::Body),
    };
    let mut response = Response::new(outgoing(pieces, Duration::ZERO, end));
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("text/plain"));
    if plan.with_length {
        response.headers_mut().insert("content-length", plan.response.len().into());
    }
    Ok(response)
}

fn plan_of(request: &Request<Incoming>, post: &Post) -> Result<Plan> {
    let http2 = post.http2 && request.headers().get("x-client").is_some_and(|client| client == "http2");
    let number = number(request.uri().path()).context("no number")?;
    Ok(Plan::draw(post.seed, number, http2))
}

/// Whether the request arrived completely.
async fn receive(request: Request<Incoming>, plan: &Plan) -> Result<bool> {
    let (card, masked) = CARDS[1];
    let query = request.uri().query().unwrap_or_default();
    let header = request.headers().get("x-card").and_then(|value| value.to_str().ok()).unwrap_or_default();
    ensure!(!query.contains(card) && !header.contains(card), "a card in the head");
    let has_head = query == format!("card={masked}") && header == masked;
    ensure!(plan.card_in_head == has_head, "another head than expected");
    let whole = incoming((request.version(), request.into_body()), &plan.request.masked, plan, Duration::ZERO).await?;
    ensure!(whole || plan.course != Course::Whole, "the request was cut");
    Ok(whole)
}
