//! Prometheus that scrapes every sidecar of the mesh, for counters and alerts.

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
/// History for an alert on the first card number in a day: end and start before now, and step, in seconds.
const HISTORY: (u64, u64, usize) = (16 * 60, 24 * 3600, 600);

/// Running Prometheus with the shipped rules.
#[derive(Debug)]
pub struct Watch(Prometheus);

/// Findings by namespace, direction and action.
pub type Findings = BTreeMap<(String, String, String), u64>;

/// Streams by the security of the connection and the direction of the listener.
pub type CardStreams = BTreeMap<(String, String), u64>;

impl Watch {
    /// Starts Prometheus, and waits until it has scraped all of these proxies.
    ///
    /// # Errors
    ///
    /// When it does not start or scrape.
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

    /// Listening address.
    pub fn address(&self) -> SocketAddr {
        self.0.address()
    }

    /// Number of scraped sidecars. Waits for `wanted` until a time limit.
    pub async fn scraped(&self, wanted: usize) -> Result<usize> {
        Ok(self.until(r#"up{job="envoy"} == 1"#, |samples| samples.len() == wanted).await?.len())
    }

    /// Findings so far. Waits for `wanted` until a time limit.
    pub async fn findings(&self, wanted: &Findings) -> Result<Findings> {
        let expression = "sum by (namespace, direction, action) (panveil_findings_total)";
        Ok(counts(&self.until(expression, |samples| counts(samples) == *wanted).await?))
    }

    /// Streams with account data on the client's connection, by its security and the listener. Waits for `wanted` until a time
    /// limit.
    pub async fn card_streams(&self, wanted: &CardStreams) -> Result<CardStreams> {
        let expression = "sum by (tls, listener) (panveil_card_streams_total)";
        Ok(card_streams(&self.until(expression, |samples| card_streams(samples) == *wanted).await?))
    }

    /// Waits until the rules have evaluated findings with this action.
    pub async fn evaluated(&self, action: &str) -> Result<()> {
        let expression = format!(r#"panveil:findings:new15m{{action="{action}"}}"#);
        let seen = self.until(&expression, |samples| !samples.is_empty()).await?;
        ensure!(!seen.is_empty(), "Prometheus never sees a card that was {action}");
        // Alerts on a recorded series are evaluated directly after it, and all alerts one second later.
        sleep(EVALUATION).await;
        Ok(())
    }

    /// Firing alerts. Waits for `wanted` until a time limit.
    pub async fn firing(&self, wanted: &BTreeSet<String>) -> Result<BTreeSet<String>> {
        let expression = r#"ALERTS{alertstate="firing"}"#;
        Ok(alerts(&self.until(expression, |samples| alerts(samples) == *wanted).await?))
    }

    /// Samples of an expression. Waits for `enough` until a time limit.
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

fn card_streams(samples: &[Value]) -> CardStreams {
    let count = |sample: &Value| {
        Some(((label(sample, "tls"), label(sample, "listener")), sample["value"][1].as_str()?.parse().ok()?))
    };
    samples.iter().filter_map(count).collect()
}

/// Alerts in the format `PanveilCardsRefused in payments (request)`
fn alerts(samples: &[Value]) -> BTreeSet<String> {
    let name = |sample: &Value| {
        let [alert, namespace, direction] = ["alertname", "namespace", "direction"].map(|name| label(sample, name));
        format!("{alert} in {namespace} ({direction})")
    };
    samples.iter().map(name).collect()
}

/// Metrics of the last day as OpenMetrics: card numbers go only to the payment API. An alert on the first card number
/// elsewhere can fire without a day of real traffic.
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
