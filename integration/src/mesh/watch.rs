//! What does an operator see of the mesh? Its counters and alerts, in a Prometheus that scrapes every sidecar.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::{Result, ensure};
use serde_json::Value;
use tokio::time::sleep;

use super::Proxy;
use crate::prometheus::{Prometheus, Target};

const PAUSE: Duration = Duration::from_millis(500);
const MOST_ROUNDS: usize = 120;
/// Rules are evaluated once a second.
const EVALUATION: Duration = Duration::from_millis(1500);
/// What an alert on the first card in a day looks back at, from its end to its beginning, in seconds.
const HISTORY: (u64, u64, usize) = (16 * 60, 24 * 3600, 600);

/// A running Prometheus with the shipped rules.
#[derive(Debug)]
pub struct Watch(Prometheus);

/// Findings by namespace, direction and action.
pub type Findings = BTreeMap<(String, String, String), u64>;

impl Watch {
    /// Starts it, and waits until it has read the metrics of all of these.
    ///
    /// # Errors
    ///
    /// When it does not.
    pub async fn start(binaries: &Path, proxies: &[&Proxy]) -> Result<Self> {
        let target = |proxy: &&Proxy| Target {
            admin: proxy.envoy.admin,
            labels: vec![("namespace", proxy.workload.namespace), ("pod", proxy.workload.name)],
        };
        let targets: Vec<Target> = proxies.iter().map(target).collect();
        let watch = Self(Prometheus::start_with_history(binaries, &targets, &history()?).await?);
        let scraped = watch.until("panveil_config_info == 1", |samples| samples.len() == proxies.len()).await?;
        ensure!(scraped.len() == proxies.len(), "Prometheus reads {} of {} sidecars", scraped.len(), proxies.len());
        Ok(watch)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.0.address()
    }

    /// How many sidecars are read, once that is `wanted`, or else when it does not become that.
    pub async fn scraped(&self, wanted: usize) -> Result<usize> {
        Ok(self.until(r#"up{job="envoy"} == 1"#, |samples| samples.len() == wanted).await?.len())
    }

    /// All that was found so far, once it is as much as `wanted`, or else when it does not become that.
    pub async fn findings(&self, wanted: &Findings) -> Result<Findings> {
        let expression = "sum by (namespace, direction, action) (panveil_findings_total)";
        Ok(counts(&self.until(expression, |samples| counts(samples) == *wanted).await?))
    }

    /// Once the rules have seen findings with this action.
    pub async fn evaluated(&self, action: &str) -> Result<()> {
        let expression = format!(r#"panveil:findings:new15m{{action="{action}"}}"#);
        let seen = self.until(&expression, |samples| !samples.is_empty()).await?;
        ensure!(!seen.is_empty(), "Prometheus never sees a card that was {action}");
        // The alerts that look at it are evaluated right behind it, and all of them a second later.
        sleep(EVALUATION).await;
        Ok(())
    }

    /// The alerts that fire, once they are `wanted`, or else when they do not become that.
    pub async fn firing(&self, wanted: &BTreeSet<String>) -> Result<BTreeSet<String>> {
        let expression = r#"ALERTS{alertstate="firing"}"#;
        Ok(alerts(&self.until(expression, |samples| alerts(samples) == *wanted).await?))
    }

    /// The samples of an expression, once `enough`, or else the last ones.
    async fn until(&self, expression: &str, enough: impl Fn(&[Value]) -> bool) -> Result<Vec<Value>> {
        let mut samples = Vec::new();
        for _ in 0..MOST_ROUNDS {
            samples = self.0.query(expression).await?;
            if enough(&samples) {
                break;
            }
            sleep(PAUSE).await;
        }
        Ok(samples)
    }
}

fn label(sample: &Value, name: &str) -> String {
    sample["metric"][name].as_str().unwrap_or_default().to_owned()
}

fn counts(samples: &[Value]) -> Findings {
    let count = |sample: &Value| {
        let key = (label(sample, "namespace"), label(sample, "direction"), label(sample, "action"));
        Some((key, sample["value"][1].as_str()?.parse().ok()?))
    };
    samples.iter().filter_map(count).collect()
}

/// `PanveilCardsRefused in payments (request)`
fn alerts(samples: &[Value]) -> BTreeSet<String> {
    let name = |sample: &Value| {
        let [alert, namespace, direction] = ["alertname", "namespace", "direction"].map(|name| label(sample, name));
        format!("{alert} in {namespace} ({direction})")
    };
    samples.iter().map(name).collect()
}

/// A day of a mesh in which cards go to the payment API and nowhere else, so that an alert on the first card elsewhere need not
/// wait for one. As OpenMetrics.
fn history() -> Result<String> {
    let (end, begin, step) = HISTORY;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
    let series = [
        r#"panveil_config_info{namespace="payments",job="envoy",mode="enforce"}"#,
        r#"panveil_config_info{namespace="shop",job="envoy",mode="enforce"}"#,
        r#"panveil:findings:new15m{namespace="payments",job="envoy",direction="request",place="body",brand="visa",action="allowed"}"#,
    ];
    let mut text = String::new();
    for series in series {
        for ago in (end..begin).rev().step_by(step) {
            let _ = writeln!(text, "{series} 1 {}", now.saturating_sub(ago));
        }
    }
    text.push_str("# EOF\n");
    Ok(text)
}
