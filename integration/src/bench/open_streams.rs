//! Memory of open streams: a thousand requests, each half sent and ending in a possible partial card number.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use h2::SendStream;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::envoy::{Envoy, Memory, Settings};
use crate::sidecar::Sidecar;

/// Number of open streams.
pub const STREAMS: usize = 1000;
/// Streams on one HTTP/2 connection. The other half of the streams has an HTTP/1.1 connection each.
const STREAMS_OF_A_CONNECTION: usize = 100;
const UNDECIDED: &[u8] = b"a card: 4111 1111 11";

const STEP: Duration = Duration::from_millis(100);
const MOST_STEPS: usize = 100;
/// Polls without a received byte after which Envoy has read everything.
const QUIET_STEPS: usize = 5;

/// Memory growth of Envoy by the streams, in bytes.
#[derive(Debug)]
pub struct Growth {
    /// Resident memory of the process.
    pub resident: u64,
    /// Linear memories of its Wasm modules.
    pub wasm: u64,
}

/// Opens [`STREAMS`] streams through a new Envoy. The upstream is started here; its address in the settings is not
/// used.
///
/// # Errors
///
/// When Envoy rejects a stream.
pub async fn growth(envoy: &Path, mut settings: Settings) -> Result<Growth> {
    settings.service.set_port(0);
    let sidecar = Sidecar::start(envoy, settings).await?;
    // One-time allocations of the first streams do not count.
    drop(open(&sidecar.envoy, 2 * STREAMS_OF_A_CONNECTION).await?);
    settle(&sidecar.envoy, 0).await?;
    let before = sidecar.envoy.memory()?;
    let streams = open(&sidecar.envoy, STREAMS).await?;
    settle(&sidecar.envoy, STREAMS).await?;
    let after = sidecar.envoy.memory()?;
    drop(streams);
    let grown = |of: fn(&Memory) -> u64| of(&after).saturating_sub(of(&before));
    Ok(Growth { resident: grown(|memory| memory.resident), wasm: grown(|memory| memory.wasm) })
}

/// Open streams, which are reset when dropped.
struct Open {
    http1: Vec<TcpStream>,
    http2: Vec<SendStream<Bytes>>,
    connections: Vec<JoinHandle<()>>,
}

impl Drop for Open {
    fn drop(&mut self) {
        for connection in &self.connections {
            connection.abort();
        }
    }
}

async fn open(envoy: &Envoy, count: usize) -> Result<Open> {
    let mut open = Open { http1: Vec::new(), http2: Vec::new(), connections: Vec::new() };
    for _ in 0..count / 2 {
        let mut stream = TcpStream::connect(envoy.listener).await?;
        let size = UNDECIDED.len();
        stream
            .write_all(
                format!("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n{size:x}\r\n").as_bytes(),
            )
            .await?;
        stream.write_all(UNDECIDED).await?;
        stream.write_all(b"\r\n").await?;
        open.http1.push(stream);
    }
    for _ in 0..count / 2 / STREAMS_OF_A_CONNECTION {
        let stream = TcpStream::connect(envoy.listener).await?;
        let (mut client, connection) = h2::client::handshake(stream).await?;
        open.connections.push(tokio::spawn(async move {
            let _ = connection.await;
        }));
        for _ in 0..STREAMS_OF_A_CONNECTION {
            client = client.ready().await?;
            let request = http::Request::post("http://a/").body(())?;
            let (_, mut body) = client.send_request(request, false)?;
            body.send_data(Bytes::from_static(UNDECIDED), false)?;
            open.http2.push(body);
        }
    }
    Ok(open)
}

/// Waits until this number of requests is active and no more bytes arrive.
async fn settle(envoy: &Envoy, active: usize) -> Result<()> {
    let mut received = None;
    let mut quiet = 0;
    for _ in 0..MOST_STEPS {
        let stats = envoy.page("/stats?filter=http.inbound").await?;
        let stat = |name: &str| -> Result<u64> {
            let line = stats.lines().find_map(|line| line.strip_prefix(name)).context("no such stat")?;
            Ok(line.trim_start_matches(": ").parse()?)
        };
        let now = (stat("http.inbound.downstream_rq_active")?, stat("http.inbound.downstream_cx_rx_bytes_total")?);
        quiet = if now.0 == active as u64 && received == Some(now) { quiet + 1 } else { 0 };
        if quiet == QUIET_STEPS {
            return Ok(());
        }
        received = Some(now);
        sleep(STEP).await;
    }
    anyhow::bail!("{received:?} requests and bytes instead of {active} requests");
}
