//! Real Envoys: one process for each guard, on ports that the system picks, stopped when dropped.

mod config;
mod cpu;
mod discovery;
mod extra_listener;
mod failure;
mod memory;
mod no_op;
mod pages;
mod shipped;
mod version;

pub use config::{CONNECTION_MANAGER, Filter, PLUGIN, Settings};
pub use discovery::Discovery;
pub use extra_listener::{ClientCertificate, Credential, ExtraListener};
#[cfg(feature = "envoy")]
pub(crate) use extra_listener::{credential, socket};
pub use memory::Memory;
pub use no_op::no_op;
pub use pages::PAGES;
pub use shipped::Shipped;
pub use version::{Difference, Version};

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::{Map, Value};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::access_log::with_omitted;
use crate::client::Client;
use crate::process::Process;

const STEP: Duration = Duration::from_millis(3);
/// Time limit for the start. Most of it is compilation of the module, on a machine that may be building at the same
/// time.
const LONGEST_START: Duration = Duration::from_secs(60);
const LONGEST_LOG_DELAY: Duration = Duration::from_secs(10);

/// Running Envoy with the shipped sidecar configuration.
#[derive(Debug)]
pub struct Envoy {
    /// Address of the listener.
    pub listener: SocketAddr,
    /// Address of the admin interface.
    pub admin: SocketAddr,
    process: Process,
    run: Run,
}

/// Folder of one run, with the configuration and all output of Envoy.
#[derive(Debug)]
struct Run {
    folder: TempDir,
}

impl Envoy {
    /// Starts `binary` and waits until it accepts requests.
    ///
    /// # Errors
    ///
    /// When it exits or does not get ready. The error is one line with Envoy's own last error.
    pub async fn start(binary: &Path, settings: &Settings) -> Result<Self> {
        let run = Run { folder: TempDir::with_prefix("panveil-envoy-")? };
        fs::write(run.config(), settings.config(&run.access_log())?.to_string())?;
        let mut process = Process(run.spawn(binary, settings)?);
        let mut waited = Duration::ZERO;
        loop {
            if let Some(status) = process.0.try_wait()? {
                bail!("Envoy did not start ({status}): {}", failure::last_word(&run.log()));
            }
            if let Some((admin, listener)) = run.addresses(settings.shipped).await {
                return Ok(Self { listener, admin, process, run });
            }
            ensure!(waited < LONGEST_START, "Envoy is not ready in time: {}", failure::last_word(&run.log()));
            sleep(STEP).await;
            waited += STEP;
        }
    }

    /// Whether the process runs.
    ///
    /// # Errors
    ///
    /// When the system does not know the process.
    pub fn is_alive(&mut self) -> Result<bool> {
        Ok(self.process.0.try_wait()?.is_none())
    }

    /// Memory of the process.
    ///
    /// # Errors
    ///
    /// When the system does not know the process.
    pub fn memory(&self) -> Result<Memory> {
        Memory::of(self.process.0.id())
    }

    /// Total processor time of its threads.
    ///
    /// # Errors
    ///
    /// When the system does not know the process.
    pub fn cpu(&self) -> Result<Duration> {
        cpu::of(self.process.0.id())
    }

    /// Content of Envoy's own log.
    #[must_use]
    pub fn log(&self) -> String {
        self.run.log()
    }

    /// Last error in Envoy's log, in one line.
    #[must_use]
    pub fn last_word(&self) -> String {
        failure::last_word(&self.run.log()).to_owned()
    }

    /// Lines of the access log, once there are at least `count`.
    ///
    /// # Errors
    ///
    /// When there are fewer after the time limit, or a line is not a JSON object.
    pub async fn access_log(&self, count: usize) -> Result<Vec<Map<String, Value>>> {
        self.whole_lines(count).await?.lines().map(logged).collect()
    }

    /// Last of these lines.
    ///
    /// # Errors
    ///
    /// As [`access_log`](Self::access_log), and when there is none.
    pub async fn last_logged(&self, count: usize) -> Result<Map<String, Value>> {
        logged(self.whole_lines(count).await?.lines().next_back().context("access log: no line")?)
    }

    async fn whole_lines(&self, count: usize) -> Result<String> {
        let mut waited = Duration::ZERO;
        loop {
            let mut text = fs::read_to_string(self.run.access_log()).unwrap_or_default();
            text.truncate(text.rfind('\n').map_or(0, |end| end + 1));
            let lines = text.bytes().filter(|byte| *byte == b'\n').count();
            if lines >= count {
                return Ok(text);
            }
            ensure!(waited < LONGEST_LOG_DELAY, "access log: {lines} lines instead of {count}");
            sleep(STEP).await;
            waited += STEP;
        }
    }

    /// Files of the access log in JSON and in text format, if there is one.
    #[must_use]
    pub fn access_logs(&self) -> (PathBuf, PathBuf) {
        let json = self.run.access_log();
        let text = json.with_file_name(config::TEXT_LOG_FILE);
        (json, text)
    }

    /// Page of the admin interface.
    ///
    /// # Errors
    ///
    /// When the status is not 200.
    pub async fn page(&self, path: &str) -> Result<String> {
        pages::get(self.admin, path).await
    }

    /// Version of Envoy.
    ///
    /// # Errors
    ///
    /// When the page cannot be read.
    pub async fn version(&self) -> Result<Version> {
        Version::of(&self.page("/server_info").await?)
    }

    /// Addresses of the listeners, by name.
    ///
    /// # Errors
    ///
    /// When the page cannot be read.
    pub async fn listeners(&self) -> Result<BTreeMap<String, SocketAddr>> {
        pages::listeners(&self.page("/listeners?format=json").await?)
    }

    /// Envoy's own counters and gauges with `part` in their names.
    ///
    /// # Errors
    ///
    /// When the page cannot be read.
    pub async fn stats(&self, part: &str) -> Result<BTreeMap<String, u64>> {
        Ok(pages::stats(&self.page(&format!("/stats?filter={part}")).await?))
    }

    /// panveil's counters in Prometheus format, by canonical name.
    ///
    /// # Errors
    ///
    /// When the page cannot be read.
    pub async fn counters(&self) -> Result<BTreeMap<String, u64>> {
        Ok(pages::panveil_counters(&self.page("/stats/prometheus?filter=panveil").await?))
    }

    /// Every file that this Envoy has written.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read.
    pub fn written(&self) -> Result<Vec<(PathBuf, Vec<u8>)>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(self.run.folder.path())? {
            let path = entry?.path();
            // The configuration is input, not output.
            if path != self.run.config() {
                files.push((path.clone(), fs::read(path)?));
            }
        }
        Ok(files)
    }
}

fn logged(line: &str) -> Result<Map<String, Value>> {
    serde_json::from_str(line).map(with_omitted).with_context(|| format!("access log: {line}"))
}

impl Run {
    fn config(&self) -> PathBuf {
        self.folder.path().join("envoy.json")
    }

    fn access_log(&self) -> PathBuf {
        self.folder.path().join("access.log")
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("envoy.log")
    }

    fn admin_file(&self) -> PathBuf {
        self.folder.path().join("admin-address")
    }

    fn log(&self) -> String {
        fs::read(self.log_file()).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    fn spawn(&self, binary: &Path, settings: &Settings) -> Result<Child> {
        let log = File::create(self.log_file())?;
        Command::new(binary)
            .arg("--config-path")
            .arg(self.config())
            .arg("--admin-address-path")
            .arg(self.admin_file())
            .arg("--use-dynamic-base-id")
            .args(["--file-flush-interval-msec", "5"])
            .args(["--concurrency", &settings.concurrency.to_string()])
            .args(["--log-level", &settings.log_level])
            .envs(settings.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .map_err(|error| anyhow!("cannot run Envoy at {}: {error}", binary.display()))
    }

    /// Addresses of the admin interface and the listener, once Envoy is ready.
    async fn addresses(&self, shipped: Shipped) -> Option<(SocketAddr, SocketAddr)> {
        let admin = fs::read_to_string(self.admin_file()).ok()?.trim().parse().ok()?;
        Client::http1(admin).get("/ready").await.ok().filter(|ready| ready.status == 200)?;
        let listeners = pages::listeners(&pages::get(admin, "/listeners?format=json").await.ok()?).ok()?;
        Some((admin, *listeners.get(shipped.listener())?))
    }
}
