//! Two sidecars between a client and an upstream, with TLS between them as in [`workloads`]. Both run panveil. A test
//! changes the policy of one of them.
//!
//! [`workloads`]: super::workloads

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use panveil_integration::certificates::Authority;
use panveil_integration::client::Client;
use panveil_integration::envoy::{CONNECTION_MANAGER, Credential, Discovery, Envoy, ExtraListener, Filter, Settings};
use panveil_integration::sidecar::Build;
use panveil_integration::silence::leaks;
use panveil_integration::upstream::{Script, Upstream};
use serde_json::{Map, Value, json};
use tokio::time::sleep;

use super::exchange::{CARD, Seen, Sent};
use super::workloads::{GATES, Gate, WAYS, Way, Workload};

/// Policy of the sidecar that is not under test: records findings, and changes nothing.
const ONLOOKER: &str = r#"{"request":"allow","response":"allow"}"#;
/// Header with the number of a stream, which Envoy logs next to panveil's keys.
const NUMBER: &str = "x-number";
const STEP: Duration = Duration::from_millis(10);
const MOST_STEPS: usize = 1000;

/// Sidecar under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Sidecar of the client: outbound traffic.
    Client,
    /// Sidecar of the upstream: inbound traffic.
    Service,
}

pub struct Mesh {
    /// Sidecar under test.
    tested: Envoy,
    /// The other sidecar.
    onlooker: Envoy,
    client_side: Vec<(&'static str, Client)>,
    upstream: Upstream,
    discovery: Discovery,
    loads: u64,
    exchanges: usize,
}

struct Authorities {
    mesh: Authority,
    foreign: Authority,
}

impl Mesh {
    pub async fn start(build: &Build, tested: Side) -> Result<Self> {
        let authorities = Authorities { mesh: Authority::new("mesh")?, foreign: Authority::new("foreign")? };
        let discovery = Discovery::new(&build.module, ONLOOKER)?;
        let settings = |side| {
            let filter = if side == tested {
                Filter::Discovered(discovery.file())
            } else {
                Filter::Panveil { module: build.module.clone(), policy: ONLOOKER.to_owned() }
            };
            settings(filter)
        };
        let upstream = Upstream::start(0, Script::Echo).await?;
        let mut inbound = settings(Side::Service)?;
        inbound.service = upstream.address;
        inbound.service_http2 = true;
        inbound.extra_listeners = authorities.gates()?;
        let inbound = Envoy::start(&build.envoy, &inbound).await?;
        let mut outbound = settings(Side::Client)?;
        outbound.service = inbound.listener;
        outbound.service_http2 = true;
        outbound.extra_listeners = authorities.ways(&inbound).await?;
        let outbound = Envoy::start(&build.envoy, &outbound).await?;
        let listeners = outbound.listeners().await?;
        let client = |way: &&Way| {
            let address = *listeners.get(way.name).with_context(|| format!("no listener {}", way.name))?;
            Ok((way.name, Client { gap: Duration::ZERO, ..Client::http1(address) }))
        };
        let client_side = WAYS.iter().map(client).collect::<Result<_>>()?;
        let (tested, onlooker) = match tested {
            Side::Client => (outbound, inbound),
            Side::Service => (inbound, outbound),
        };
        let mut mesh = Self { tested, onlooker, client_side, upstream, discovery, loads: 0, exchanges: 0 };
        mesh.loaded().await?;
        Ok(mesh)
    }

    /// Activates a policy.
    pub async fn decide(&mut self, policy: &str) -> Result<()> {
        self.discovery.offer(policy)?;
        self.loaded().await.with_context(|| policy.to_owned())
    }

    /// Sends a request over this way. [`told`](Self::told) has its record.
    pub async fn ask(&mut self, way: &Way, sent: &Sent) -> Result<Seen> {
        self.exchanges += 1;
        let (_, client) = self.client_side.iter().find(|(name, _)| *name == way.name).context("no such way")?;
        let client = Client { http2: sent.http2, ..*client };
        self.upstream.script(Script::Answer(sent.response()));
        let request = sent.request(&[(NUMBER, &self.exchanges.to_string())]);
        let response = client.send(&request).await?.context("no response")?;
        let (mut received, _) = self.upstream.take().await?;
        ensure!(received.len() <= 1, "the service received {} requests instead of one", received.len());
        Ok(Seen { number: self.exchanges, response, received: received.pop() })
    }

    /// Records of these streams, by their numbers. Some may have none.
    pub async fn told(&self, all: &[&Seen]) -> Result<BTreeMap<usize, Value>> {
        let mut missing = 0;
        for _ in 0..MOST_STEPS {
            let lines = self.tested.access_log(0).await?;
            let lines: BTreeMap<usize, &Map<String, Value>> =
                lines.iter().filter_map(|line| Some((line["number"].as_str()?.parse().ok()?, line))).collect();
            missing = all.iter().filter(|seen| !lines.contains_key(&seen.number)).count();
            if missing == 0 {
                let record = |(number, line): (usize, &Map<String, Value>)| {
                    Some(serde_json::from_str(line["panveil_record"].as_str()?).map(|record| (number, record)))
                };
                let records: serde_json::Result<_> = lines.into_iter().filter_map(record).collect();
                return records.context("a record is no JSON");
            }
            sleep(STEP).await;
        }
        bail!("{missing} exchanges are not in the access log")
    }

    /// Checks that both Envoys run, and that no log and no admin page has a digit of the card number.
    pub async fn unharmed(&mut self) -> Result<()> {
        for envoy in [&mut self.tested, &mut self.onlooker] {
            ensure!(envoy.is_alive()?, "Envoy died: {}", envoy.log());
            let leaks = leaks(envoy, &[CARD.to_owned()], &[]).await?;
            ensure!(leaks.is_empty(), "{}", leaks.join("\n"));
        }
        Ok(())
    }

    /// Waits until every listener has accepted the last policy.
    async fn loaded(&mut self) -> Result<()> {
        self.loads += 1;
        let mut stats = BTreeMap::new();
        for _ in 0..MOST_STEPS {
            stats = self.tested.stats("extension_config_discovery").await?;
            ensure!(all(&stats, ".config_fail").iter().sum::<u64>() == 0, "a policy is refused: {}", self.tested.log());
            if all(&stats, ".config_reload").into_iter().min() == Some(self.loads) {
                return Ok(());
            }
            sleep(STEP).await;
        }
        bail!("the policy does not arrive: {stats:?}")
    }
}

impl Authorities {
    fn issue(&self, workload: &Workload) -> Result<Credential> {
        let Workload { subject, foreign } = workload;
        if *foreign { self.foreign.issue(subject) } else { self.mesh.issue(subject) }
    }

    fn gates(&self) -> Result<Vec<ExtraListener>> {
        let trusted = self.mesh.certificate();
        let listener = |gate: &&Gate| {
            Ok(ExtraListener::new(gate.name).tls(&self.issue(gate.shows)?, &trusted, gate.client_certificate))
        };
        GATES.iter().map(listener).collect()
    }

    async fn ways(&self, service: &Envoy) -> Result<Vec<ExtraListener>> {
        let trusted = self.mesh.certificate();
        let gates = service.listeners().await?;
        let listener = |way: &&Way| {
            let listener = ExtraListener::new(way.name);
            let Some(gate) = way.to else { return Ok(listener.routes(service.listener)) };
            let address = *gates.get(gate.name).with_context(|| format!("no listener {}", gate.name))?;
            let own = way.as_whom.map(|workload| self.issue(workload)).transpose()?;
            Ok(listener.routes_over_tls(address, own.as_ref(), &trusted))
        };
        WAYS.iter().map(listener).collect()
    }
}

/// Values of the statistics with this name.
fn all(stats: &BTreeMap<String, u64>, name: &str) -> Vec<u64> {
    stats.iter().filter(|(stat, _)| stat.ends_with(name)).map(|(_, value)| *value).collect()
}

/// Shipped configuration that trusts clients as far as possible: their claims about certificates reach the filter.
fn settings(filter: Filter) -> Result<Settings> {
    let mut settings = Settings::new(filter, ([127, 0, 0, 1], 0).into());
    settings.http1_trailers = true;
    settings.differ(json!([
        {"op": "add", "path": format!("{CONNECTION_MANAGER}/forward_client_cert_details"), "value": "ALWAYS_FORWARD_ONLY"},
        // Closes an HTTP/1.1 connection immediately after a reset response, not after a second.
        {"op": "add", "path": format!("{CONNECTION_MANAGER}/delayed_close_timeout"), "value": "0s"},
        {
            "op": "add",
            "path": format!("{CONNECTION_MANAGER}/access_log/0/typed_config/log_format/json_format/number"),
            "value": format!("%REQ({NUMBER})%"),
        },
    ]))?;
    Ok(settings)
}
