//! Real Prometheus that scrapes a proxy and evaluates the shipped alerts.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::client::Client;
use crate::process::Process;

const STEP: Duration = Duration::from_millis(50);
const LONGEST_START: Duration = Duration::from_secs(60);
/// Shipped alerts.
pub const RULES: &str = include_str!("../../envoy-config/prometheus/rules.yaml");

/// Running Prometheus with the shipped rules.
#[derive(Debug)]
pub struct Prometheus {
    address: SocketAddr,
    folder: TempDir,
    process: Process,
}

/// Scrape target.
#[derive(Clone, Debug)]
pub struct Target {
    /// Admin interface of an Envoy.
    pub admin: SocketAddr,
    /// Labels of service discovery.
    pub labels: Vec<(&'static str, &'static str)>,
}

impl Prometheus {
    /// Folder with the binary in `PROMETHEUS`, if the variable is set.
    #[must_use]
    pub fn from_environment() -> Option<PathBuf> {
        std::env::var_os("PROMETHEUS").map(PathBuf::from)
    }

    /// Starts the binary in `binaries`, which scrapes these targets every second.
    ///
    /// # Errors
    ///
    /// When it does not get ready.
    pub async fn start(binaries: &Path, targets: &[Target]) -> Result<Self> {
        Self::begin(binaries, targets, None).await
    }

    /// Starts Prometheus with these earlier samples, as OpenMetrics.
    ///
    /// # Errors
    ///
    /// When they cannot be read, or it does not get ready.
    pub async fn start_with_history(binaries: &Path, targets: &[Target], history: &str) -> Result<Self> {
        Self::begin(binaries, targets, Some(history)).await
    }

    async fn begin(binaries: &Path, targets: &[Target], history: Option<&str>) -> Result<Self> {
        let folder = TempDir::with_prefix("panveil-prometheus-")?;
        let address = free_port()?;
        if let Some(history) = history {
            backfill(binaries, folder.path(), history)?;
        }
        fs::write(folder.path().join("rules.yaml"), RULES)?;
        fs::write(folder.path().join("prometheus.yaml"), config(targets).to_string())?;
        let log = File::create(folder.path().join("log"))?;
        let child = Command::new(binaries.join("prometheus"))
            .current_dir(folder.path())
            .arg("--config.file=prometheus.yaml")
            .arg("--storage.tsdb.path=data")
            .arg(format!("--web.listen-address={address}"))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .map_err(|error| anyhow!("cannot run Prometheus in {}: {error}", binaries.display()))?;
        let mut prometheus = Self { address, folder, process: Process(child) };
        let mut waited = Duration::ZERO;
        while !prometheus.is_ready().await {
            if let Some(status) = prometheus.process.0.try_wait()? {
                bail!("Prometheus did not start ({status}): {}", prometheus.last_word());
            }
            ensure!(waited < LONGEST_START, "Prometheus is not ready in time: {}", prometheus.last_word());
            sleep(STEP).await;
            waited += STEP;
        }
        Ok(prometheus)
    }

    /// Listening address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Current result of a query: samples with their labels. It may be empty.
    ///
    /// # Errors
    ///
    /// When the query is not valid.
    pub async fn query(&self, expression: &str) -> Result<Vec<Value>> {
        let escaped: String = expression.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let answer =
            self.ask(&format!("/api/v1/query?query={escaped}")).await.with_context(|| expression.to_owned())?;
        answer["result"].as_array().cloned().with_context(|| format!("{expression}: no samples"))
    }

    /// Names of the firing alerts.
    ///
    /// # Errors
    ///
    /// When it does not respond.
    pub async fn firing(&self) -> Result<Vec<String>> {
        let answer = self.ask("/api/v1/alerts").await?;
        let alerts = answer["alerts"].as_array().context("no alerts")?;
        let firing = alerts.iter().filter(|alert| alert["state"] == "firing");
        Ok(firing.filter_map(|alert| alert["labels"]["alertname"].as_str().map(str::to_owned)).collect())
    }

    /// Errors of the evaluated rules, by name.
    ///
    /// # Errors
    ///
    /// When it does not respond.
    pub async fn rule_errors(&self) -> Result<Vec<String>> {
        let answer = self.ask("/api/v1/rules").await?;
        let groups = answer["groups"].as_array().context("no groups")?;
        let rules = groups.iter().flat_map(|group| group["rules"].as_array().into_iter().flatten());
        let wrong = rules.filter(|rule| rule["health"] == "err");
        Ok(wrong.map(|rule| format!("{}: {}", rule["name"], rule["lastError"])).collect())
    }

    async fn ask(&self, path: &str) -> Result<Value> {
        let response = Client::http1(self.address).get(path).await?;
        let answer: Value = serde_json::from_slice(&response.body).context("Prometheus")?;
        ensure!(answer["status"] == "success", "Prometheus: {}", answer["error"]);
        Ok(answer["data"].clone())
    }

    async fn is_ready(&self) -> bool {
        Client::http1(self.address).get("/-/ready").await.is_ok_and(|ready| ready.status == 200)
    }

    fn last_word(&self) -> String {
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        log.lines().last().unwrap_or("it wrote nothing").to_owned()
    }
}

/// Writes earlier samples to the data folder of Prometheus.
fn backfill(binaries: &Path, folder: &Path, history: &str) -> Result<()> {
    fs::write(folder.join("history"), history)?;
    let done = Command::new(binaries.join("promtool"))
        .current_dir(folder)
        .args(["tsdb", "create-blocks-from", "openmetrics", "history", "data"])
        .output()
        .map_err(|error| anyhow!("cannot run promtool in {}: {error}", binaries.display()))?;
    ensure!(done.status.success(), "promtool: {}", String::from_utf8_lossy(&done.stderr).trim());
    Ok(())
}

/// Free port. Prometheus does not report a port that it picked.
fn free_port() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

fn config(targets: &[Target]) -> Value {
    let targets: Vec<Value> = targets
        .iter()
        .map(|target| {
            let labels: serde_json::Map<String, Value> =
                target.labels.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
            json!({"targets": [target.admin.to_string()], "labels": labels})
        })
        .collect();
    json!({
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules.yaml"],
        "scrape_configs": [{"job_name": "envoy", "metrics_path": "/stats/prometheus", "static_configs": targets}],
    })
}
