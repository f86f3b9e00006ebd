//! Does a proxy with panveil stay well under a long time of mixed traffic? HTTP/1.1 and HTTP/2, with and without cards, big
//! and small, broken off at both ends, slow, and with a policy that changes all the while.
//!
//! Each exchange is a `Plan` drawn from the seed and its number: the client sends it, the service draws it again
//! and holds what arrives to it, byte for byte.

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

/// How much traffic.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// The same seed makes the same exchanges.
    pub seed: u64,
    /// How many.
    pub exchanges: u64,
    /// How many at once.
    pub at_once: u64,
    /// How long all of them may take.
    pub longest: Duration,
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub struct Summary {
    /// How many exchanges there were.
    pub exchanges: u64,
    /// How often the policy changed.
    pub taken: u64,
    /// How often a bad one was refused.
    pub refused: u64,
    /// Bytes of wasm memory, in both Envoys together.
    pub wasm: u64,
}

const RELOAD_EVERY: Duration = Duration::from_secs(1);
const STEP: Duration = Duration::from_millis(50);
const LONGEST_SETTLING: Duration = Duration::from_secs(20);
/// Three VMs in each of two Envoys, and room for the old policies that end with their last stream.
const MOST_WASM: u64 = 64 << 20;

/// A service and the Envoy in front of it.
struct Way {
    envoy: Envoy,
    _service: Service,
    service_http2: bool,
}

/// Runs it, calling `progress` after each exchange.
///
/// # Errors
///
/// When anything is not as it must be; in one line.
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

/// All exchanges, by so many clients as run at once.
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
        // What went wrong once goes wrong again.
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

/// Holds an Envoy to being well after all of it. Gives how much wasm memory it has.
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
