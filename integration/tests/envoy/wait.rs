//! Waits with a time limit.

use std::fmt::Display;
use std::time::Duration;

use anyhow::{Result, bail};
use panveil_integration::envoy::Envoy;
use tokio::time::{Instant, sleep};

/// Interval between two attempts.
pub const STEP: Duration = Duration::from_millis(20);
/// Time limit, also on a busy machine.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// First value of `attempt`. Fails with `failure` when there is none within the time limit.
pub async fn eventually<T>(failure: impl Display, mut attempt: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    let start = Instant::now();
    loop {
        if let Some(value) = attempt().await? {
            return Ok(value);
        }
        if start.elapsed() > LONGEST_WAIT {
            bail!("{failure}");
        }
        sleep(STEP).await;
    }
}

/// Waits until the sum of the counters and gauges whose names have this ending reaches a value.
pub async fn stat_reaches(envoy: &Envoy, name: &str, value: u64) -> Result<()> {
    let failure = format!("{name} does not reach {value}");
    eventually(failure, async || Ok((stat(envoy, name).await? >= value).then_some(()))).await
}

/// Waits until the sum of the counters and gauges whose names have this ending is a value.
pub async fn stat_is(envoy: &Envoy, name: &str, value: u64) -> Result<()> {
    let failure = format!("{name} is never {value}");
    eventually(failure, async || Ok((stat(envoy, name).await? == value).then_some(()))).await
}

/// Sum of the counters and gauges whose names have this ending.
pub async fn stat(envoy: &Envoy, name: &str) -> Result<u64> {
    let page = envoy.page("/stats").await?;
    let named = page.lines().filter_map(|line| line.split_once(": ")).filter(|(stat, _)| stat.ends_with(name));
    Ok(named.filter_map(|(_, value)| value.parse::<u64>().ok()).sum())
}
