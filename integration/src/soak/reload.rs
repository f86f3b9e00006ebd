//! Policy changes of the soak test: valid policies with the same masking, and now and then an invalid one.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::time::sleep;

use crate::envoy::{Discovery, Envoy};

/// Policies with the same masking.
pub const GOOD: [&str; 4] = [
    "{}",
    r#"{"limits":{"paused_bytes":32768}}"#,
    r#"{"audit":{"clean":true}}"#,
    r#"{"request":"mask","response":"mask"}"#,
];
const BAD: [&str; 3] = [r#"{"request":"msak"}"#, "{", r#"{"mask":{"keep":"all"}}"#];
/// Number of updates for each invalid one.
const BAD_EVERY: usize = 5;

const STEP: Duration = Duration::from_millis(20);
const LONGEST_UPDATE: Duration = Duration::from_secs(20);

/// Number of accepted and rejected policies.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reloads {
    pub taken: u64,
    pub refused: u64,
}

impl Reloads {
    /// Offers the next policy, and waits until every Envoy has accepted or rejected it.
    ///
    /// # Errors
    ///
    /// When one does neither, or rejects a valid policy.
    pub async fn next(&mut self, discovery: &mut Discovery, envoys: &[&Envoy]) -> Result<()> {
        let number = (self.taken + self.refused + 1) as usize;
        let good = !number.is_multiple_of(BAD_EVERY);
        let policy = if good { GOOD[number % GOOD.len()] } else { BAD[number / BAD_EVERY % BAD.len()] };
        let mut before = Vec::new();
        for envoy in envoys {
            before.push(Updates::of(envoy).await?);
        }
        discovery.offer(policy)?;
        *(if good { &mut self.taken } else { &mut self.refused }) += 1;
        for (envoy, before) in envoys.iter().zip(before) {
            before.wait_for(good, envoy).await.with_context(|| format!("policy {policy}"))?;
        }
        Ok(())
    }
}

/// Update counters of an Envoy. It may report one file change twice, and accept the policy twice.
#[derive(Clone, Copy, Debug)]
struct Updates {
    taken: u64,
    refused: u64,
}

impl Updates {
    async fn of(envoy: &Envoy) -> Result<Self> {
        let stats = envoy.stats("extension_config_discovery").await?;
        let sum = |end: &str| stats.iter().filter(|(name, _)| name.ends_with(end)).map(|(_, value)| value).sum();
        Ok(Self { taken: sum(".config_reload"), refused: sum(".config_fail") })
    }

    /// Waits for one more acceptance if the policy is `good`, otherwise for one more rejection.
    async fn wait_for(self, good: bool, envoy: &Envoy) -> Result<()> {
        let mut waited = Duration::ZERO;
        loop {
            let now = Self::of(envoy).await?;
            ensure!(!good || now.refused == self.refused, "a good policy was refused");
            let done = if good { now.taken > self.taken } else { now.refused > self.refused };
            if done {
                return Ok(());
            }
            ensure!(waited < LONGEST_UPDATE, "neither taken nor refused in time: {now:?} after {self:?}");
            sleep(STEP).await;
            waited += STEP;
        }
    }
}
