//! Memory limit of a VM under two hundred endless compressed bodies, of each content encoding, in both directions, with
//! normal traffic at the same time.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::channel::Sender;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Channel, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use libtest_mimic::Trial;
use panveil::stream::{Decoder, MemoryBudget};
use panveil_integration::envoy::{Envoy, Filter, Settings};
use panveil_integration::sidecar::Build;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

use super::encoders::{self, Pieces};
use crate::trial::trial;

/// Number of endless bodies.
const ATTACKS: usize = 200;
const OF_A_CONNECTION: usize = 50;
/// Maximum increase of Envoy's peak memory compared with a filter that does nothing.
const ALLOWANCE: u64 = 128 << 20;
/// Number of normal streams without a received piece after which all pieces have arrived.
const QUIET: usize = 5;
/// Interval between two pieces of all bodies, so that their decoded bytes do not wait in Envoy for a slow receiver.
const GAP: Duration = Duration::from_millis(12);

const CARD: &str = "{\"card\":\"4111111111111111\",\"amount\":41}";
const MASKED: &str = "{\"card\":\"411111******1111\",\"amount\":41}";

#[derive(Clone, Copy)]
enum Side {
    Requests,
    Responses,
}

struct Attack {
    coding: &'static str,
    pieces: fn() -> Result<Pieces>,
    /// Minimum memory for each body without a limit.
    takes: usize,
}

const MADE: [(&str, Attack); 4] = [
    ("br", Attack { coding: "br", pieces: || Ok(encoders::br()), takes: 20 << 20 }),
    ("zstd", Attack { coding: "zstd", pieces: || Ok(encoders::zstd()), takes: 10 << 20 }),
    ("gzip", Attack { coding: "gzip", pieces: encoders::gzip, takes: 40 << 10 }),
    ("three_layers", Attack { coding: "zstd, br, gzip", pieces: encoders::three_layers, takes: 18 << 20 }),
];

pub fn trials(build: &Build) -> Vec<Trial> {
    let mut trials = Vec::new();
    for (name, attack) in &MADE {
        for (side, told) in [(Side::Requests, "requests"), (Side::Responses, "responses")] {
            let build = build.clone();
            trials.push(trial(format!("memory::half_open::{name}::{told}"), move || compare(build, attack, side)));
        }
    }
    trials
}

/// Memory that the decoder uses for the body without a limit.
fn takes(attack: &Attack) -> Result<usize> {
    let budget = MemoryBudget::new(1 << 30);
    let decoder = Decoder::of(attack.coding.as_bytes(), 100, &budget);
    let mut decoder = decoder.ok().flatten().context("an unknown coding")?;
    for piece in (attack.pieces)()? {
        if let Err(flaw) = decoder.push(&piece, &mut Vec::new()) {
            bail!("{}: {flaw:?}", attack.coding);
        }
    }
    ensure!(!decoder.is_complete(), "{} ends", attack.coding);
    Ok(budget.used())
}

async fn compare(build: Build, attack: &'static Attack, side: Side) -> Result<()> {
    let taken = takes(attack)?;
    ensure!(taken >= attack.takes, "{} takes but {taken} bytes", attack.coding);
    let no_op = peak(&build, Filter::NoOp, attack, side).await.context("a filter that does nothing")?;
    let panveil = Filter::Panveil { module: build.module.clone(), policy: "{}".to_owned() };
    let panveil = peak(&build, panveil, attack, side).await.context("panveil")?;
    let told = format!("panveil: {} MiB, a filter that does nothing: {} MiB", panveil >> 20, no_op >> 20);
    ensure!(panveil <= no_op + ALLOWANCE, "too much for {ATTACKS} bodies that never end. {told}");
    Ok(())
}

/// Peak memory of Envoy while the attack continues and normal streams are served.
async fn peak(build: &Build, filter: Filter, attack: &Attack, side: Side) -> Result<u64> {
    let is_panveil = matches!(filter, Filter::Panveil { .. });
    let pieces: Vec<Bytes> = (attack.pieces)()?.into_iter().map(Bytes::from).collect();
    let gap = if is_panveil { GAP } else { Duration::from_millis(1) };
    let pace = Pace::new(gap.into());
    let service = Service::start(attack.coding, pieces.clone(), Arc::clone(&pace)).await?;
    let settings = Settings { service_http2: true, ..Settings::new(filter, service.address) };
    let envoy = Envoy::start(&build.envoy, &settings).await?;
    // Allocates the base memory of the VM.
    innocent(&envoy, is_panveil).await.context("before the attack")?;
    let mut connections = Vec::new();
    let mut attacks = JoinSet::new();
    for number in 0..ATTACKS {
        if number % OF_A_CONNECTION == 0 {
            innocent(&envoy, is_panveil).await.with_context(|| format!("after {number} attacks"))?;
            connections.push(connect(envoy.listener).await?);
        }
        let connection = connections.last().context("connected")?.clone();
        let body = match side {
            Side::Requests => Some((attack.coding, pieces.clone())),
            Side::Responses => None,
        };
        attacks.spawn(hold(connection, body, Arc::clone(&pace)));
    }
    // Until every sender has sent all of its pieces.
    let mut quiet = 0;
    while quiet < QUIET {
        quiet = if pace.try_lock().is_ok() { quiet + 1 } else { 0 };
        innocent(&envoy, is_panveil).await.context("during the attack")?;
    }
    let peak = envoy.memory()?.peak;
    drop(attacks);
    drop(connections);
    innocent(&envoy, is_panveil).await.context("after the attack")?;
    let log = envoy.log();
    for trace in ["memory allocation", "Function: proxy_on", "wasm vm crash", "panicked"] {
        ensure!(!log.contains(trace), "Envoy's log: {trace}");
    }
    Ok(peak)
}

/// Request with an endless body, or one for an endless response. Returns when it is blocked.
async fn hold(
    mut client: SendRequest<BoxBody<Bytes, Infallible>>,
    body: Option<(&'static str, Vec<Bytes>)>,
    pace: Pace,
) -> Result<()> {
    client.ready().await?;
    let Some((coding, pieces)) = body else {
        let request = Request::get("http://service.example/attack").body(Full::default().boxed())?;
        let mut response = client.send_request(request).await?.into_body();
        while let Some(frame) = response.frame().await {
            frame?;
        }
        return Ok(());
    };
    let (mut sender, body) = Channel::<Bytes, Infallible>::new(1);
    let request = Request::post("http://service.example/hold")
        .header("content-encoding", coding)
        .header("content-type", "application/json")
        .body(body.boxed())?;
    let answer = tokio::spawn(async move { client.send_request(request).await.map(|_| ()) });
    for piece in pieces {
        let gap = pace.lock().await;
        if sender.send_data(piece).await.is_err() {
            return Ok(());
        }
        sleep(*gap).await;
    }
    Ok(answer.await??)
}

/// Streams without and with compression, each with a card number in both directions.
async fn innocent(envoy: &Envoy, is_panveil: bool) -> Result<()> {
    let expected = if is_panveil { MASKED } else { CARD };
    for (path, coding, body) in [
        ("/echo", None, CARD.as_bytes().to_vec()),
        ("/echo", Some("gzip"), encoders::whole_gzip(CARD.as_bytes())?),
        ("/gzip", None, Vec::new()),
    ] {
        let mut client = connect(envoy.listener).await?;
        client.ready().await?;
        let mut request =
            Request::post(format!("http://service.example{path}")).header("content-type", "application/json");
        if let Some(coding) = coding {
            request = request.header("content-encoding", coding);
        }
        let response = client.send_request(request.body(Full::from(body).boxed())?).await?;
        let status = response.status();
        let is_encoded = response.headers().contains_key("content-encoding");
        let bytes = response.into_body().collect().await.with_context(|| format!("{path} {coding:?}"))?.to_bytes();
        ensure!(status == StatusCode::OK, "{path} {coding:?}: {status} {}", String::from_utf8_lossy(&bytes));
        // The filter that does nothing leaves it compressed.
        if is_panveil || !is_encoded {
            let text = String::from_utf8_lossy(&bytes);
            ensure!(text == expected, "{path} {coding:?}: {text}");
        }
    }
    Ok(())
}

async fn connect(address: SocketAddr) -> Result<SendRequest<BoxBody<Bytes, Infallible>>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Upstream that never responds to `/hold`, never ends its response to `/attack`, and echoes other requests.
struct Service {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

/// Lock for the next piece. It is fair: the longest waiting sender is next.
type Pace = Arc<tokio::sync::Mutex<Duration>>;

/// Bodies that are kept open.
type Open = Arc<Mutex<Vec<Sender<Bytes, Infallible>>>>;

impl Service {
    async fn start(coding: &'static str, pieces: Vec<Bytes>, pace: Pace) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let open = Open::default();
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (pieces, pace, open) = (pieces.clone(), Arc::clone(&pace), Arc::clone(&open));
                tokio::spawn(async move {
                    let serve = service_fn(move |request| {
                        answer(request, coding, pieces.clone(), Arc::clone(&pace), Arc::clone(&open))
                    });
                    let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                    // The client reports connection errors.
                    let _ = server.serve_connection(TokioIo::new(stream), serve).await;
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

async fn answer(
    request: Request<Incoming>,
    coding: &'static str,
    pieces: Vec<Bytes>,
    pace: Pace,
    open: Open,
) -> Result<Response<BoxBody<Bytes, Infallible>>> {
    let json = Response::builder().header("content-type", "application/json");
    match request.uri().path() {
        "/attack" => {
            let (mut sender, body) = Channel::<Bytes, Infallible>::new(1);
            tokio::spawn(async move {
                for piece in pieces {
                    let gap = pace.lock().await;
                    if sender.send_data(piece).await.is_err() {
                        return;
                    }
                    sleep(*gap).await;
                }
                if let Ok(mut open) = open.lock() {
                    open.push(sender);
                }
            });
            Ok(json.header("content-encoding", coding).body(body.boxed())?)
        }
        "/hold" => {
            let mut body = request.into_body();
            while let Some(frame) = body.frame().await {
                frame?;
            }
            bail!("it ended");
        }
        "/gzip" => {
            let body = Full::from(encoders::whole_gzip(CARD.as_bytes())?);
            Ok(json.header("content-encoding", "gzip").body(body.boxed())?)
        }
        _ => {
            let coding = request.headers().get("content-encoding").cloned();
            let body = request.into_body().collect().await?.to_bytes();
            let json = match coding {
                Some(coding) => json.header("content-encoding", coding),
                None => json,
            };
            Ok(json.body(Full::from(body).boxed())?)
        }
    }
}
