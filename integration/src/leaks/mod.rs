//! Leak test: search for card numbers in everything that a proxy with panveil writes. The streams have card numbers
//! in every location and spelling, under every option of a policy, and include requests that Envoy rejects itself.
//! Every log has its shipped format.
//!
//! Each stream is a `Plan` that derives from the seed and its number. The client sends it, the upstream derives it
//! again for its response, and the check of a log line derives it for the card numbers that the line must not contain.

mod body;
mod card;
mod client;
mod digits;
mod log;
mod plan;
mod service;
mod socket;
mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value, json};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

pub use self::log::{check as check_line, read_json, read_text};
pub use self::plan::Mix;
pub use self::written::Findings;

use self::digits::Fragments;
use self::plan::Plan;
use self::service::{Draw, Service};
use self::written::Written;
use crate::collector::Collector;
use crate::envoy::{CONNECTION_MANAGER, Envoy, PLUGIN, Settings};
use crate::evaluation::corpus::Corpus;
use crate::peers::Python;
use crate::sidecar::Build;

/// Size and configuration of a run.
#[derive(Clone, Debug)]
pub struct Load {
    /// Seed of the streams.
    pub seed: u64,
    /// Number of streams.
    pub exchanges: u64,
    /// Number of concurrent streams.
    pub at_once: u64,
    /// Time limit of the run.
    pub longest: Duration,
    /// Selection of streams. [`Mix::Masked`] also enables traces.
    pub mix: Mix,
    /// Level of Envoy's own log.
    pub log_level: &'static str,
    /// Log format with forbidden content, to verify its detection.
    pub planted: Option<&'static str>,
    /// Whether the module crashes, and is reloaded immediately.
    pub traps: bool,
}

/// Result of a run.
#[derive(Debug, Default)]
pub struct Summary {
    /// Streams.
    pub exchanges: u64,
    /// Lines of access logs.
    pub lines: usize,
    /// Bytes of all output.
    pub bytes: usize,
    /// Card numbers sent.
    pub cards: usize,
    /// Response code details in the access log, with their number.
    pub details: BTreeMap<String, usize>,
    /// Actions of panveil, locations and brands in the log, and the columns that had a value.
    pub seen: BTreeSet<String>,
    /// Card numbers in the output. Must be empty.
    pub findings: Findings,
    /// Lines of Envoy's own log with digits of a card number, by level and logger.
    pub own_log: BTreeMap<String, usize>,
}

const STEP: Duration = Duration::from_millis(100);
const LONGEST_SETTLING: Duration = Duration::from_secs(60);
const NOBODY: &str = "127.0.0.1:1";

/// Upstream and the Envoy in front of it.
struct Way {
    envoy: Envoy,
    _service: Service,
    websockets: bool,
}

/// Common data of all streams.
struct Run {
    draw: Draw,
    load: Load,
    collector: Collector,
}

/// Runs the streams, and calls `progress` after each. The independent scanner needs a Python with
/// `peers/requirements.txt`.
///
/// # Errors
///
/// When it cannot be run. The summary has the findings.
pub async fn run(build: &Build, load: &Load, python: Option<&Python>, progress: impl Fn()) -> Result<Summary> {
    let issuers = Corpus::shipped()?.issuers;
    let (mix, seed) = (load.mix, load.seed);
    let draw: Draw = Arc::new(move |number| Plan::draw(&issuers, mix, seed, number));
    let run = Run { draw, load: load.clone(), collector: Collector::start().await? };
    let mut ways = Vec::new();
    for service_http2 in [false, true] {
        ways.push(run.way(build, service_http2).await?);
    }
    let traffic = run.traffic(&ways, &progress);
    let replies = timeout(load.longest, traffic).await;
    let replies =
        replies.with_context(|| format!("{} exchanges take longer than {:?}", load.exchanges, load.longest))??;

    let mut summary = Summary { exchanges: load.exchanges, ..Summary::default() };
    let mut sent = Fragments::default();
    for number in 0..load.exchanges {
        for card in (run.draw)(number).cards {
            sent.add(&card.number);
            summary.cards += 1;
        }
    }
    for (way, name) in ways.iter_mut().zip(["http1", "http2"]) {
        settle(&mut way.envoy).await?;
        let mut written = Written::by(&way.envoy).await?;
        if load.log_level != "info" {
            // Below info Envoy logs headers unredacted. Card numbers there are reported separately, and are no finding.
            summary.read_own_log(&mut written, &sent);
        }
        run.read_lines(&way.envoy, &written, name, &mut summary);
        written.scan(name, &sent, python, &mut summary.findings).await?;
        summary.bytes += written.bytes();
    }
    let (kind, bytes) = match load.mix {
        Mix::Everything => ("replies", replies),
        Mix::Masked => ("spans", run.collector.spans()),
    };
    ensure!(!bytes.is_empty(), "no {kind}");
    let beside = Written(vec![(kind.to_owned(), bytes)]);
    beside.scan("beside", &sent, python, &mut summary.findings).await?;
    summary.bytes += beside.bytes();
    Ok(summary)
}

impl Run {
    async fn way(&self, build: &Build, service_http2: bool) -> Result<Way> {
        let service = Service::start(Arc::clone(&self.draw)).await?;
        let mut settings = Settings {
            service: service.address,
            service_http2,
            concurrency: 2,
            text_log: true,
            log_level: self.load.log_level.to_owned(),
            http1_trailers: !service_http2,
            ..build.settings(&plan::policy(self.load.mix))
        };
        settings.differ(routes())?;
        if self.load.mix == Mix::Masked {
            settings.differ(self.collector.tracing())?;
        }
        if service_http2 {
            settings.differ(json!([{
                "op": "add",
                "path": format!("{CONNECTION_MANAGER}/access_log_options"),
                "value": {"flush_access_log_on_new_request": true},
            }]))?;
        }
        if self.load.traps {
            let backoff = json!({"backoff": {"base_interval": "0.01s"}});
            settings.differ(json!([{"op": "add", "path": format!("{PLUGIN}/reload_config"), "value": backoff}]))?;
        }
        if let Some(format) = self.load.planted {
            settings.differ(planted(format))?;
        }
        let envoy = Envoy::start(&build.envoy, &settings).await?;
        Ok(Way { envoy, _service: service, websockets: !service_http2 })
    }

    /// Runs all streams with a fixed number of concurrent clients. Returns the local replies of the proxy.
    async fn traffic(&self, ways: &[Way], progress: &impl Fn()) -> Result<Vec<u8>> {
        let next = Arc::new(AtomicU64::new(0));
        let (done, mut told) = tokio::sync::mpsc::unbounded_channel();
        let mut clients = JoinSet::new();
        for place in 0..self.load.at_once {
            let way = &ways[(place % 2) as usize];
            let (address, websockets, http2) = (way.envoy.listener, way.websockets, place / 2 % 2 == 1);
            let (next, done) = (Arc::clone(&next), done.clone());
            let (draw, exchanges) = (Arc::clone(&self.draw), self.load.exchanges);
            clients.spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= exchanges {
                        return;
                    }
                    let plan = draw(number);
                    let outcome = client::run(address, &plan, http2, websockets).await;
                    let outcome = outcome.with_context(|| format!("exchange {number}: {:?}", plan.course));
                    if done.send(outcome).is_err() {
                        return;
                    }
                }
            });
        }
        drop(done);
        let mut replies = Vec::new();
        while let Some(outcome) = told.recv().await {
            match outcome {
                Ok(reply) => replies.extend(reply.unwrap_or_default()),
                // An exchange may fail in any way when the filter crashes.
                Err(_) if self.load.traps => {}
                Err(error) => return Err(error),
            }
            progress();
        }
        while let Some(client) = clients.join_next().await {
            client?;
        }
        Ok(replies)
    }

    /// Checks each line of both access logs.
    fn read_lines(&self, envoy: &Envoy, written: &Written, place: &str, summary: &mut Summary) {
        let (json, text) = envoy.access_logs();
        let (json, text) = (written.lines(&json), written.lines(&text));
        if json.len() != text.len() {
            summary.findings.lines.push(format!("{place}: {} lines as JSON, {} as text", json.len(), text.len()));
        }
        summary.lines += json.len() + text.len();
        let json = json.iter().map(|line| ("access.log", line, read_json(line)));
        let text = text.iter().map(|line| ("access.txt", line, read_text(line)));
        for (number, (file, line, columns)) in json.chain(text).enumerate() {
            let held = columns.and_then(|columns| {
                summary.note(&columns);
                check_line(&columns)?;
                self.hold_to_plan(line, &columns)
            });
            if let Err(error) = held {
                summary.findings.lines.push(format!("{place}/{file}, {} of all: {error:#}", number + 1));
            }
        }
    }

    /// Checks that no card number of the line's own stream appears in it as it was written.
    fn hold_to_plan(&self, line: &str, columns: &Map<String, Value>) -> Result<()> {
        let Some(number) = columns["path"].as_str().and_then(plan::number) else { return Ok(()) };
        let decoded = String::from_utf8_lossy(&digits::decoded(line.as_bytes())).into_owned();
        for card in (self.draw)(number).cards {
            ensure!(!line.contains(&card.written) && !decoded.contains(&card.written), "a card as it was sent");
        }
        Ok(())
    }
}

impl Summary {
    /// One line about all findings. `None` when there are none.
    #[must_use]
    pub fn told(&self) -> Option<String> {
        self.findings.told()
    }

    fn note(&mut self, columns: &Map<String, Value>) {
        if let Some(details) = columns["details"].as_str() {
            let kind = details.split(['{', ':']).next().unwrap_or_default();
            *self.details.entry(kind.to_owned()).or_default() += 1;
        }
        self.seen.extend(columns.iter().filter(|(_, value)| !value.is_null()).map(|(name, _)| name.clone()));
        for name in ["panveil_action", "panveil_where", "panveil_brands"] {
            let values = columns[name].as_str().unwrap_or_default().split(',').filter(|value| !value.is_empty());
            self.seen.extend(values.map(str::to_owned));
        }
    }

    /// Removes Envoy's own log from the scanned output, except for the lines of panveil.
    fn read_own_log(&mut self, written: &mut Written, sent: &Fragments) {
        for (_, bytes) in written.0.iter_mut().filter(|(name, _)| name == "envoy.log") {
            let text = String::from_utf8_lossy(bytes).into_owned();
            let mut source = String::new();
            let mut ours = String::new();
            for line in text.lines() {
                // The lines of a header dump have no source of their own.
                if let Some(of_line) = source_of(line) {
                    source = of_line;
                }
                if line.contains("wasm log") {
                    ours += &format!("{line}\n");
                } else if sent.are_in(line.as_bytes()) {
                    *self.own_log.entry(source.clone()).or_default() += 1;
                }
            }
            *bytes = ours.into_bytes();
        }
    }
}

/// Level, logger and file of a line `[time][thread][level][logger] [file:line] …`.
fn source_of(line: &str) -> Option<String> {
    let mut parts = line.strip_prefix('[')?.splitn(5, "][");
    let (_time, _thread, level, rest) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let (logger, rest) = rest.split_once(']')?;
    let file = rest.trim_start().strip_prefix('[')?.split_once(':')?.0;
    Some(format!("{level} {logger} {}", file.rsplit('/').next().unwrap_or(file)))
}

/// Routes to a cluster without an upstream, and to no cluster.
fn routes() -> Value {
    let routes = format!("{CONNECTION_MANAGER}/route_config/virtual_hosts/0/routes");
    let (address, port) = NOBODY.split_once(':').unwrap_or_default();
    let cluster = |name: &str, address: &str, port: u16| {
        json!({"name": name, "type": "STATIC", "connect_timeout": "1s", "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": {"socket_address": {
                "address": address, "port_value": port,
            }}}}]}],
        }})
    };
    let to = |prefix: &str, cluster: &str| json!({"name": prefix, "match": {"prefix": format!("/{prefix}/")}, "route": {"cluster": cluster, "timeout": "0s"}});
    let mut routed = vec![to(plan::DOWN, plan::DOWN)];
    routed.extend(plan::DEALINGS.map(|dealing| to(dealing, "service")));
    json!([
        {"op": "add", "path": "/static_resources/clusters/-", "value": cluster(plan::DOWN, address, port.parse().unwrap_or(1))},
        {"op": "replace", "path": routes, "value": routed},
    ])
}

/// Additional access log with this format.
fn planted(format: &str) -> Value {
    json!([
        {"op": "copy", "from": format!("{CONNECTION_MANAGER}/access_log/0"), "path": format!("{CONNECTION_MANAGER}/access_log/0")},
        {"op": "replace", "path": format!("{CONNECTION_MANAGER}/access_log/0/typed_config/log_format"),
         "value": {"text_format_source": {"inline_string": format!("{format}\n")}}},
    ])
}

/// Waits until no stream is active and the logs are complete.
async fn settle(envoy: &mut Envoy) -> Result<()> {
    let mut waited = Duration::ZERO;
    let mut before = None;
    loop {
        ensure!(envoy.is_alive()?, "Envoy died");
        let stats = envoy.stats("downstream_rq_active").await?;
        let open = stats.iter().any(|(name, count)| *count > 0 && !name.contains("admin"));
        let (json, text) = envoy.access_logs();
        let sizes = [json, text].map(|log| std::fs::metadata(log).map_or(0, |file| file.len()));
        if !open && before == Some(sizes) {
            return Ok(());
        }
        if waited >= LONGEST_SETTLING {
            bail!("exchanges that do not end: {stats:?}");
        }
        before = Some(sizes);
        sleep(STEP).await;
        waited += STEP;
    }
}
