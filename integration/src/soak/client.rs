//! Client of the soak test: one stream after the other over a connection, which it renews now and then.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::body::CARDS;
use super::plan::{Course, Plan, first_half, path};
use super::stream::{End, Outgoing, incoming, outgoing};

/// Time limit for a stream, also on a busy machine.
const LONGEST_EXCHANGE: Duration = Duration::from_secs(60);
/// Pause of a slow peer.
const PAUSE: Duration = Duration::from_millis(20);
/// Time before a client aborts.
const PATIENCE: Duration = Duration::from_millis(10);
/// Streams over one connection.
const EXCHANGES: u32 = 100;

/// Client of one proxy.
pub struct Client {
    address: SocketAddr,
    http2: bool,
    connection: Option<Connection>,
}

struct Connection {
    sender: Sender,
    exchanges: u32,
    driver: JoinHandle<()>,
}

enum Sender {
    Http1(http1::SendRequest<Outgoing>),
    Http2(http2::SendRequest<Outgoing>),
}

impl Client {
    pub fn new(address: SocketAddr, http2: bool) -> Self {
        Self { address, http2, connection: None }
    }

    /// Runs one stream and compares the response with its plan.
    ///
    /// # Errors
    ///
    /// When it differs.
    pub async fn run(&mut self, plan: &Plan) -> Result<()> {
        let mut connection = match self.connection.take() {
            Some(connection) if connection.exchanges < EXCHANGES => connection,
            _ => Connection::open(self.address, self.http2).await?,
        };
        let outcome = timeout(LONGEST_EXCHANGE, exchange(&mut connection.sender, plan, self.http2)).await;
        connection.exchanges += 1;
        outcome.context("the exchange does not end")??;
        // Over HTTP/1.1 a client can only abort the connection.
        if plan.is_whole() {
            self.connection = Some(connection);
        }
        Ok(())
    }
}

impl Connection {
    async fn open(address: SocketAddr, http2: bool) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let stream = TokioIo::new(stream);
        // The end of a connection is visible in its exchanges.
        let (sender, driver) = if http2 {
            let (sender, connection) = http2::handshake(TokioExecutor::new(), stream).await?;
            (Sender::Http2(sender), tokio::spawn(async { drop(connection.await) }))
        } else {
            let (sender, connection) = http1::handshake(stream).await?;
            (Sender::Http1(sender), tokio::spawn(async { drop(connection.await) }))
        };
        Ok(Self { sender, exchanges: 0, driver })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Sender {
    async fn send(&mut self, request: Request<Outgoing>) -> hyper::Result<Response<Incoming>> {
        match self {
            Self::Http1(sender) => {
                sender.ready().await?;
                sender.send_request(request).await
            }
            Self::Http2(sender) => {
                sender.ready().await?;
                sender.send_request(request).await
            }
        }
    }
}

async fn exchange(sender: &mut Sender, plan: &Plan, http2: bool) -> Result<()> {
    let request = request(plan, http2)?;
    let response = match plan.course {
        Course::ClientStopsSending => {
            let _ = timeout(PATIENCE, sender.send(request)).await;
            return Ok(());
        }
        _ => sender.send(request).await.context("no response")?,
    };
    if plan.course == Course::NoAnswer {
        ensure!(response.status().is_server_error(), "{} although the service went away", response.status());
        return Ok(());
    }
    ensure!(response.status() == http::StatusCode::OK, "{}", response.status());
    if plan.course == Course::ClientStopsReading {
        sleep(PATIENCE).await;
        return Ok(());
    }
    let pause = if plan.course == Course::SlowReader { PAUSE } else { Duration::ZERO };
    let whole = incoming((response.version(), response.into_body()), &plan.response.masked, plan, pause).await?;
    ensure!(whole || !plan.is_whole(), "the response was cut");
    Ok(())
}

fn request(plan: &Plan, http2: bool) -> Result<Request<Outgoing>> {
    let pause = if plan.course == Course::SlowWriter { PAUSE } else { Duration::ZERO };
    let (pieces, end) = match plan.course {
        Course::ClientStopsSending => (first_half(&plan.request.pieces), End::Break),
        _ if plan.with_trailers => (plan.request.pieces.as_slice(), End::Trailers),
        _ => (plan.request.pieces.as_slice(), End::Body),
    };
    let card = CARDS[1].0;
    let query = if plan.card_in_head { format!("?card={card}") } else { String::new() };
    let path = format!("{}{query}", path(plan.number));
    let uri = if http2 { format!("http://service.example{path}") } else { path };
    let mut request = Request::post(uri).header("content-type", "text/plain");
    request = request.header("x-client", if http2 { "http2" } else { "http1" });
    if !http2 {
        request = request.header("host", "service.example");
    }
    if plan.card_in_head {
        request = request.header("x-card", card);
    }
    if plan.with_length {
        request = request.header("content-length", plan.request.len());
    }
    Ok(request.body(outgoing(pieces, pause, end))?)
}
