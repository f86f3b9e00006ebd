//! What would an operator's Prometheus say? A real one that scrapes a proxy and evaluates the shipped alerts.

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
/// The shipped alerts.
pub const RULES: &str = include_str!("../../envoy-config/prometheus/rules.yaml");

/// A running Prometheus with the shipped rules.
#[derive(Debug)]
pub struct Prometheus {
    address: SocketAddr,
    folder: TempDir,
    process: Process,
}

/// What it scrapes.
#[derive(Clone, Debug)]
pub struct Target {
    /// The admin interface of an Envoy.
    pub admin: SocketAddr,
    /// What service discovery would say of it, by label.
    pub labels: Vec<(&'static str, &'static str)>,
}

impl Prometheus {
    /// The folder with the binary, from the environment: `PROMETHEUS`, if it is set.
    #[must_use]
    pub fn from_environment() -> Option<PathBuf> {
        std::env::var_os("PROMETHEUS").map(PathBuf::from)
    }

    /// Starts the binary in `binaries`, which then scrapes these every second.
    ///
    /// # Errors
    ///
    /// When it does not get ready.
    pub async fn start(binaries: &Path, targets: &[Target]) -> Result<Self> {
        Self::begin(binaries, targets, None).await
    }

    /// Starts it with these samples of earlier times, as OpenMetrics.
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

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it answers to a query now: samples with their labels. None is an answer, too.
    ///
    /// # Errors
    ///
    /// When it does not understand the query.
    pub async fn query(&self, expression: &str) -> Result<Vec<Value>> {
        let escaped: String = expression.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let answer =
            self.ask(&format!("/api/v1/query?query={escaped}")).await.with_context(|| expression.to_owned())?;
        answer["result"].as_array().cloned().with_context(|| format!("{expression}: no samples"))
    }

    /// The names of the alerts that fire.
    ///
    /// # Errors
    ///
    /// When it does not answer.
    pub async fn firing(&self) -> Result<Vec<String>> {
        let answer = self.ask("/api/v1/alerts").await?;
        let alerts = answer["alerts"].as_array().context("no alerts")?;
        let firing = alerts.iter().filter(|alert| alert["state"] == "firing");
        Ok(firing.filter_map(|alert| alert["labels"]["alertname"].as_str().map(str::to_owned)).collect())
    }

    /// What is wrong with the rules that it evaluates, by name.
    ///
    /// # Errors
    ///
    /// When it does not answer.
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

/// Puts samples of earlier times where Prometheus will look for its data.
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

/// A port that nobody uses. Prometheus does not tell which one it took.
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
