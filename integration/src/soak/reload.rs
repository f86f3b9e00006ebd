//! What happens to the policy meanwhile? It changes again and again, to others that mask alike, and now and then to one that
//! must be refused.

use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::sleep;

use crate::envoy::{Discovery, Envoy};

/// They leave the same of every message.
pub const GOOD: [&str; 4] = [
    "{}",
    r#"{"limits":{"paused_bytes":32768}}"#,
    r#"{"audit":{"clean":true}}"#,
    r#"{"request":"mask","response":"mask"}"#,
];
const BAD: [&str; 3] = [r#"{"request":"msak"}"#, "{", r#"{"mask":{"keep":"all"}}"#];
/// Every so many is a bad one.
const BAD_EVERY: usize = 5;

const STEP: Duration = Duration::from_millis(20);
const LONGEST_UPDATE: Duration = Duration::from_secs(20);

/// How often the policy changed, and how often it was refused.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reloads {
    pub taken: u64,
    pub refused: u64,
}

impl Reloads {
    /// Offers the next policy, and waits until every Envoy has taken or refused it.
    ///
    /// # Errors
    ///
    /// When one does neither, or the wrong.
    pub async fn next(&mut self, discovery: &mut Discovery, envoys: &[&Envoy]) -> Result<()> {
        let number = (self.taken + self.refused + 1) as usize;
        if number % BAD_EVERY == 0 {
            discovery.offer(BAD[number / BAD_EVERY % BAD.len()])?;
            self.refused += 1;
        } else {
            discovery.offer(GOOD[number % GOOD.len()])?;
            self.taken += 1;
        }
        for envoy in envoys {
            self.settle(envoy).await?;
        }
        Ok(())
    }

    async fn settle(&self, envoy: &Envoy) -> Result<()> {
        let mut waited = Duration::ZERO;
        loop {
            let stats = envoy.stats("extension_config_discovery").await?;
            let sum =
                |end: &str| stats.iter().filter(|(name, _)| name.ends_with(end)).map(|(_, value)| value).sum::<u64>();
            // The first one came before any request.
            let seen = (sum(".config_reload"), sum(".config_fail"));
            if seen == (self.taken + 1, self.refused) {
                return Ok(());
            }
            if waited > LONGEST_UPDATE {
                bail!("policies: {seen:?} taken and refused instead of {} and {}", self.taken + 1, self.refused);
            }
            sleep(STEP).await;
            waited += STEP;
        }
    }
}
