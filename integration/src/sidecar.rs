//! Real sidecar for a case: a client, Envoy with panveil, and an upstream, with one stream at a time.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};
use tokio::time::sleep;

use crate::case::{Case, Cut, Protocol};
use crate::client::Client;
use crate::envoy::{Discovery, Envoy, Filter, Settings};
use crate::observation::{Observation, check};
use crate::upstream::{Script, Upstream};

/// Maximum delay of a counter. The filter updates some counters once a second.
const LONGEST_COUNTER_DELAY: Duration = Duration::from_secs(5);

/// Built filter and Envoy.
#[derive(Clone, Debug)]
pub struct Build {
    /// Envoy binary.
    pub envoy: PathBuf,
    /// Wasm module.
    pub module: PathBuf,
}

/// Upstream and the Envoy in front of it.
#[derive(Debug)]
pub struct Sidecar {
    /// Envoy.
    pub envoy: Envoy,
    /// Upstream.
    pub upstream: Upstream,
    exchanges: usize,
}

impl Build {
    /// From the environment: `PANVEIL_WASM` and `ENVOY`.
    ///
    /// # Errors
    ///
    /// When a variable is not set or names no file. The error names the make target that provides it.
    pub fn from_environment() -> Result<Self> {
        let file = |name: &str| {
            let path = std::env::var_os(name).map(PathBuf::from);
            let path = path.with_context(|| format!("{name} is not set; `make test` provides it"))?;
            // Tests run in the package's folder, people in the repository's.
            let path = if path.exists() { path } else { Path::new("..").join(path) };
            if path.is_file() {
                Ok(path)
            } else {
                bail!("{name}={}: no such file; `make test` provides it", path.display())
            }
        };
        Ok(Self { envoy: file("ENVOY")?, module: file("PANVEIL_WASM")? })
    }

    /// Shipped configuration with this policy. [`Sidecar::start`] sets the address of the upstream.
    #[must_use]
    pub fn settings(&self, policy: &str) -> Settings {
        let filter = Filter::Panveil { module: self.module.clone(), policy: policy.to_owned() };
        Settings::new(filter, ([127, 0, 0, 1], 0).into())
    }

    /// Shipped configuration with the filter in a file, whose policy can be replaced.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn discovered(&self, policy: &str) -> Result<(Discovery, Settings)> {
        let discovery = Discovery::new(&self.module, policy)?;
        let settings = Settings { filter: Filter::Discovered(discovery.file()), ..self.settings(policy) };
        Ok((discovery, settings))
    }
}

impl Sidecar {
    /// Starts an upstream on a free port and an Envoy in front of it.
    ///
    /// # Errors
    ///
    /// When either does not start.
    pub async fn start(envoy: &Path, mut settings: Settings) -> Result<Self> {
        let upstream = Upstream::start(settings.service.port(), Script::Echo).await?;
        settings.service = upstream.address;
        let envoy = Envoy::start(envoy, &settings).await?;
        Ok(Self { envoy, upstream, exchanges: 0 })
    }

    /// Starts the sidecar for a case over this protocol.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub async fn for_case(build: &Build, case: &Case, protocol: Protocol) -> Result<Self> {
        let mut settings = build.settings(&case.policy);
        settings.service_http2 = protocol.service_http2();
        Self::start(&build.envoy, settings).await
    }

    /// Number of streams so far.
    #[must_use]
    pub fn exchanges(&self) -> usize {
        self.exchanges
    }

    /// Runs one stream of a case, and returns its observation.
    ///
    /// # Errors
    ///
    /// When there was no stream.
    pub async fn run(&mut self, case: &Case, protocol: Protocol, cut: Cut) -> Result<Observation> {
        let case = case.cut(cut);
        let before = self.envoy.counters().await?;
        self.upstream.script(Script::Answer(case.response.clone()));
        let client = Client::new(self.envoy.listener, protocol);
        let response = client.send(&case.request).await?;
        self.exchanges += 1;
        let line = self.envoy.last_logged(self.exchanges).await?;
        let (mut received, mut cut_off) = self.upstream.take().await?;
        if received.len() > 1 {
            bail!("the service received {} requests instead of one", received.len());
        }
        let mut seen = Observation {
            received: received.pop(),
            cut_off: cut_off.pop(),
            response,
            log: log_metadata(&line),
            counters: BTreeMap::new(),
        };
        self.count(&case, &before, &mut seen).await?;
        if !self.envoy.is_alive()? {
            bail!("Envoy died: {}", self.envoy.log());
        }
        Ok(seen)
    }

    /// Sets the increase of the counters. Waits for the expected ones until a time limit.
    async fn count(&self, case: &Case, before: &BTreeMap<String, u64>, seen: &mut Observation) -> Result<()> {
        let step = Duration::from_millis(50);
        let mut waited = Duration::ZERO;
        loop {
            seen.counters = moved(before, &self.envoy.counters().await?);
            let settled = case.expect.counters.is_empty() || check(case, seen).is_ok();
            if settled || waited >= LONGEST_COUNTER_DELAY {
                return Ok(());
            }
            sleep(step).await;
            waited += step;
        }
    }
}

fn moved(before: &BTreeMap<String, u64>, after: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    let by = |(name, value): (&String, &u64)| {
        let moved = value.saturating_sub(before.get(name).copied().unwrap_or_default());
        (moved > 0).then(|| (name.clone(), moved))
    };
    after.iter().filter_map(by).collect()
}

/// Columns of the shipped access log by the keys of the log metadata.
fn log_metadata(line: &Map<String, Value>) -> BTreeMap<String, String> {
    let entry = |(name, value): (&String, &Value)| {
        let key = name.strip_prefix("panveil_").or_else(|| (name == "path" || name == "details").then_some(name))?;
        let value = match value {
            Value::Null => return None,
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Some((key.to_owned(), value))
    };
    line.iter().filter_map(entry).collect()
}
