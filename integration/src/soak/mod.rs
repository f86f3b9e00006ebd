//! Soak test: mixed traffic through a proxy with panveil for a long time. HTTP/1.1 and HTTP/2, with and without card
//! numbers, large and small, slow, aborted at either end, and with frequent policy changes.
//!
//! Each stream is a `Plan` that derives from the seed and its number. The client sends it, and the upstream derives
//! it again and compares every byte.

mod body;
mod client;
mod faults;
mod plan;
mod reload;
mod service;
mod stream;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep, timeout};

use self::body::CARDS;
use self::client::Client;
use self::faults::Faults;
use self::plan::Plan;
use self::reload::{GOOD, Reloads};
use self::service::Service;
use crate::envoy::{Discovery, Envoy, Filter, Settings};
use crate::sidecar::Build;
use crate::silence::leaks;

/// Size of a run.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Seed of the streams.
    pub seed: u64,
    /// Number of streams.
    pub exchanges: u64,
    /// Number of concurrent streams.
    pub at_once: u64,
    /// Time limit of the run.
    pub longest: Duration,
}

/// Result of a run.
#[derive(Clone, Copy, Debug)]
pub struct Summary {
    /// Streams.
    pub exchanges: u64,
    /// Accepted policies.
    pub taken: u64,
    /// Rejected invalid policies.
    pub refused: u64,
    /// Wasm memory of both Envoys, in bytes.
    pub wasm: u64,
}

const RELOAD_EVERY: Duration = Duration::from_secs(1);
const STEP: Duration = Duration::from_millis(50);
const LONGEST_SETTLING: Duration = Duration::from_secs(20);
/// Maximum Wasm memory: three VMs in each of two Envoys, and the old policies of active streams.
const MOST_WASM: u64 = 64 << 20;

/// Upstream and the Envoy in front of it.
struct Way {
    envoy: Envoy,
    _service: Service,
    service_http2: bool,
}

/// Runs the streams, and calls `progress` after each.
///
/// # Errors
///
/// When any result is not as expected, in one line.
pub async fn run(build: &Build, load: Load, progress: impl Fn()) -> Result<Summary> {
    let faults = Arc::new(Faults::default());
    let mut discovery = Discovery::new(&build.module, GOOD[0])?;
    let mut ways = Vec::new();
    for service_http2 in [false, true] {
        let service = Service::start(load.seed, service_http2, Arc::clone(&faults)).await?;
        let filter = Filter::Discovered(discovery.file());
        let settings = Settings { service_http2, concurrency: 2, ..Settings::new(filter, service.address) };
        ways.push(Way { envoy: Envoy::start(&build.envoy, &settings).await?, _service: service, service_http2 });
    }
    let mut reloads = Reloads::default();
    let traffic = traffic(&ways, load, &faults, &progress);
    let changes = change(&mut reloads, &mut discovery, &ways);
    tokio::select! {
        done = timeout(load.longest, traffic) => {
            done.with_context(|| format!("{} exchanges take longer than {:?}", load.exchanges, load.longest))??;
        }
        changed = changes => changed?,
    }
    if let Some(told) = faults.told() {
        bail!("{told}");
    }
    let mut wasm = 0;
    for way in &mut ways {
        wasm += unharmed(&mut way.envoy).await?;
    }
    ensure!(wasm <= MOST_WASM, "{wasm} bytes of wasm memory");
    Ok(Summary { exchanges: load.exchanges, taken: reloads.taken, refused: reloads.refused, wasm })
}

/// Runs all streams with a fixed number of concurrent clients.
async fn traffic(ways: &[Way], load: Load, faults: &Arc<Faults>, progress: &impl Fn()) -> Result<()> {
    let next = Arc::new(AtomicU64::new(0));
    let (done, mut told) = tokio::sync::mpsc::unbounded_channel();
    let mut clients = JoinSet::new();
    for place in 0..load.at_once {
        let way = &ways[(place % 2) as usize];
        let client_http2 = place / 2 % 2 == 1;
        let mut client = Client::new(way.envoy.listener, client_http2);
        let both_http2 = client_http2 && way.service_http2;
        let (next, faults, done) = (Arc::clone(&next), Arc::clone(faults), done.clone());
        clients.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= load.exchanges {
                    return;
                }
                let plan = Plan::draw(load.seed, number, both_http2);
                if let Err(error) = client.run(&plan).await {
                    faults.add(number, &format!("{:?}: {error:#}", plan.course));
                }
                let _ = done.send(());
            }
        });
    }
    drop(done);
    while told.recv().await.is_some() {
        progress();
        // Stops early, since failures repeat.
        if let Some(told) = faults.told() {
            bail!("{told}");
        }
    }
    while let Some(client) = clients.join_next().await {
        client?;
    }
    Ok(())
}

/// Changes the policy until it is dropped.
async fn change(reloads: &mut Reloads, discovery: &mut Discovery, ways: &[Way]) -> Result<()> {
    let envoys: Vec<&Envoy> = ways.iter().map(|way| &way.envoy).collect();
    let mut ticks = interval(RELOAD_EVERY);
    loop {
        ticks.tick().await;
        reloads.next(discovery, &envoys).await?;
    }
}

/// Checks that an Envoy has no open stream and no crashed VM. Returns its Wasm memory.
async fn unharmed(envoy: &mut Envoy) -> Result<u64> {
    ensure!(envoy.is_alive()?, "Envoy died: {}", envoy.log());
    let start = Instant::now();
    loop {
        let stats = envoy.stats("rq_active").await?;
        let open: Vec<_> = stats.iter().filter(|(name, value)| **value > 0 && !name.contains("admin")).collect();
        if open.is_empty() {
            break;
        }
        ensure!(start.elapsed() < LONGEST_SETTLING, "streams that do not end: {open:?}");
        sleep(STEP).await;
    }
    let reloaded: Vec<_> = envoy.stats("vm_reload").await?.into_iter().filter(|(_, value)| *value > 0).collect();
    ensure!(reloaded.is_empty(), "a VM was lost: {reloaded:?}");
    let failed = envoy.access_log(0).await?.into_iter().find(|line| {
        line["details"].as_str().is_some_and(|details| details.contains("wasm_fail") || details.starts_with("panveil_"))
    });
    ensure!(failed.is_none(), "the access log says {failed:?}");
    let cards: Vec<String> = CARDS.iter().map(|(card, _)| (*card).to_owned()).collect();
    let leaks = leaks(envoy, &cards, &[]).await?;
    if let Some(first) = leaks.first() {
        bail!("{} leaks, the first: {first}", leaks.len());
    }
    Ok(envoy.memory()?.wasm)
}
