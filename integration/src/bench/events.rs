//! Latency of a server-sent event.
//!
//! Each filter has one open stream. The upstream sends an event, and the client reads all of it before the upstream
//! sends the next event through the next filter. The time in microseconds runs from before the send to after the read.

use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use futures_util::StreamExt;
use http_body_util::BodyDataStream;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout};

use super::Sample;
use crate::envoy::{Envoy, Filter, Settings};
use crate::peers::live::{Answer, Live, get};
use crate::sidecar::Build;

/// Time limit for an event.
const LONGEST: Duration = Duration::from_secs(5);
/// Events before the measurement, to settle connections, caches and the VM.
const WARM_UP: usize = 200;

/// Open event stream through one filter.
struct Lane {
    name: &'static str,
    answer: Answer,
    pieces: BodyDataStream<Incoming>,
    sample: Sample,
    _envoy: Envoy,
    _live: Live,
}

/// Sends `rounds` events through each filter. Returns the name and the measurements of each filter.
///
/// # Errors
///
/// When an event does not arrive, or arrives changed.
pub async fn run(
    build: &Build,
    http2: bool,
    rounds: usize,
    mut advance: impl FnMut(),
) -> Result<Vec<(&'static str, Sample)>> {
    let panveil = build.settings("{}").filter;
    let mut lanes = Vec::new();
    for (name, filter) in [("no filter", Filter::None), ("bare no-op", Filter::NoOp), ("panveil", panveil)] {
        lanes.push(Lane::open(build, name, filter, http2).await.context(name)?);
    }
    for round in 0..WARM_UP + rounds {
        for lane in &mut lanes {
            let micros = lane.carry(round).await.context(lane.name)?;
            if round >= WARM_UP {
                lane.sample.add(micros);
            }
        }
        advance();
    }
    Ok(lanes.into_iter().map(|lane| (lane.name, lane.sample)).collect())
}

impl Lane {
    async fn open(build: &Build, name: &'static str, filter: Filter, http2: bool) -> Result<Self> {
        let mut live = Live::start("text/event-stream").await?;
        let settings = Settings { service_http2: http2, ..Settings::new(filter, live.address) };
        let envoy = Envoy::start(&build.envoy, &settings).await?;
        let pieces = get(envoy.listener, http2).await?;
        let answer = live.answer().await?;
        Ok(Self { name, answer, pieces, sample: Sample::default(), _envoy: envoy, _live: live })
    }

    /// Sends one event and waits for all of it.
    async fn carry(&mut self, round: usize) -> Result<f64> {
        let event = format!("event: charge\ndata: {{\"number\":{round},\"amount\":1999,\"part\":\"4111 11\"}}\n\n");
        let start = Instant::now();
        self.answer.send_data(Bytes::from(event.clone())).await?;
        let mut arrived = Vec::new();
        while arrived.len() < event.len() {
            let piece = timeout(LONGEST, self.pieces.next()).await.context("the event did not arrive")?;
            arrived.extend(piece.context("the stream ended")??);
        }
        let micros = start.elapsed().as_secs_f64() * 1e6;
        anyhow::ensure!(arrived == event.as_bytes(), "another event than was sent");
        Ok(micros)
    }
}
