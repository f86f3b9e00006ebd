//! Bodies of the soak test in transit, and their comparison.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Version};
use http_body_util::{BodyExt, Channel};
use hyper::body::{Body as _, Incoming};
use tokio::time::sleep;

use super::plan::Plan;

/// Body in pieces, which may be aborted.
pub type Outgoing = Channel<Bytes, Broken>;

/// Intentional abort by the sender.
#[derive(Debug)]
pub struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("broken off")
    }
}

impl std::error::Error for Broken {}

/// End of a sent body.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum End {
    Body,
    Trailers,
    /// Aborts before the end.
    Break,
}

const TRAILER: (&str, &str) = ("x-after", "the body");

/// Sends pieces, with a pause before each.
pub fn outgoing(pieces: &[Bytes], pause: Duration, end: End) -> Outgoing {
    let (mut sender, body) = Channel::new(1);
    let pieces = pieces.to_vec();
    tokio::spawn(async move {
        for piece in pieces {
            sleep(pause).await;
            if sender.send_data(piece).await.is_err() {
                return;
            }
        }
        match end {
            End::Body => {}
            End::Trailers => {
                let (name, value) = TRAILER;
                let trailers = HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_static(value))]);
                let _ = sender.send_trailers(trailers).await;
            }
            End::Break => sender.abort(Broken),
        }
    });
    body
}

/// Receives a body and compares it. Returns whether it is complete.
///
/// # Errors
///
/// When a byte differs, or a truncated body ends normally.
pub async fn incoming(
    (version, mut body): (Version, Incoming),
    wanted: &[u8],
    plan: &Plan,
    pause: Duration,
) -> Result<bool> {
    let mut received = 0;
    let mut trailers = None;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return Ok(false) };
        match frame.into_data() {
            Ok(data) => {
                let next = wanted.get(received..received + data.len());
                ensure!(next == Some(data.as_ref()), "other bytes than expected after {received} of {}", wanted.len());
                received += data.len();
            }
            Err(frame) => trailers = frame.into_trailers().ok(),
        }
        sleep(pause).await;
    }
    // A reset may look like the end of the body.
    if version == Version::HTTP_2 && !body.is_end_stream() {
        return Ok(false);
    }
    ensure!(received == wanted.len(), "a good end after {received} of {} bytes", wanted.len());
    if plan.with_trailers {
        let trailers = trailers.context("no trailers")?;
        ensure!(trailers.get(TRAILER.0).is_some_and(|value| value == TRAILER.1), "other trailers: {trailers:?}");
    }
    Ok(true)
}
