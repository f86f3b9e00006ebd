//! Every case in Envoy, over each of its protocols, with all of its cuts. Cases with the same policy share Envoys one
//! after the other, so that state left behind by a case shows in the next.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use libtest_mimic::{Failed, Trial};
use panveil_integration::case::{Case, Protocol, read_folder};
use panveil_integration::observation::check;
use panveil_integration::sidecar::{Build, Sidecar};
use panveil_integration::silence::leaks;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use crate::AT_ONCE;
use crate::trial::LONGEST_TRIAL;

/// Configuration of an Envoy: the policy, and whether the upstream speaks HTTP/2.
type Configuration = (String, bool);

/// Maximum number of streams of an Envoy. Each case reads all of its output.
const MOST_EXCHANGES: usize = 400;

/// Sidecar, and the runtime of its upstream.
struct Place {
    configuration: Configuration,
    sidecar: Sidecar,
    runtime: Runtime,
}

/// Idle sidecars, for the next case with the same configuration. The last trial stops them.
#[derive(Default)]
struct Idle(Mutex<Vec<Place>>);

pub fn trials(build: &Build) -> Vec<Trial> {
    match of_folder(build) {
        Ok(trials) => trials,
        Err(error) => vec![Trial::test("cases", move || Err(Failed::from(format!("{error:#}"))))],
    }
}

fn of_folder(build: &Build) -> Result<Vec<Trial>> {
    let cases = read_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("cases"))?;
    let mut runs: Vec<(Case, Protocol)> = cases
        .into_iter()
        .flat_map(|case| case.protocols.clone().into_iter().map(move |of| (case.clone(), of)))
        .collect();
    runs.sort_by_key(|(case, protocol)| configuration(case, *protocol));
    let idle = Arc::new(Idle::default());
    let trial = |(case, protocol): (Case, Protocol)| {
        let (build, idle) = (build.clone(), Arc::clone(&idle));
        Trial::test(format!("case::{}::{}", case.title(), protocol.name()), move || {
            run(&build, &idle, &case, protocol).map_err(|error| Failed::from(format!("{error:#}")))
        })
    };
    Ok(runs.into_iter().map(trial).collect())
}

fn configuration(case: &Case, protocol: Protocol) -> Configuration {
    (case.policy.clone(), protocol.service_http2())
}

fn run(build: &Build, idle: &Idle, case: &Case, protocol: Protocol) -> Result<()> {
    let mut place = match idle.take(case, protocol) {
        Some(place) => place,
        None => Place::start(build, case, protocol)?,
    };
    let Place { sidecar, runtime, .. } = &mut place;
    let outcome = runtime.block_on(async { timeout(LONGEST_TRIAL, enact(sidecar, case, protocol)).await });
    outcome.context("the test hangs")??;
    idle.put(place);
    Ok(())
}

async fn enact(sidecar: &mut Sidecar, case: &Case, protocol: Protocol) -> Result<()> {
    for cut in case.cuts() {
        let seen = sidecar.run(case, protocol, cut).await.with_context(|| format!("cut {cut:?}"))?;
        if let Err(differences) = check(case, &seen) {
            bail!("{}\n  cut {cut:?}{differences}", case.about);
        }
    }
    let leaks = leaks(&sidecar.envoy, &case.cards, &case.secrets).await?;
    if leaks.is_empty() { Ok(()) } else { bail!("{}", leaks.join("\n")) }
}

impl Place {
    fn start(build: &Build, case: &Case, protocol: Protocol) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let sidecar = runtime.block_on(Sidecar::for_case(build, case, protocol))?;
        Ok(Self { configuration: configuration(case, protocol), sidecar, runtime })
    }
}

impl Idle {
    /// `None` for a case that counts messages: those of the case before are counted up to a second later.
    fn take(&self, case: &Case, protocol: Protocol) -> Option<Place> {
        if case.expect.counters.keys().any(|name| name.starts_with("panveil_messages_total")) {
            return None;
        }
        let wanted = configuration(case, protocol);
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = places.iter().position(|place| place.configuration == wanted)?;
        Some(places.remove(found))
    }

    /// Stops the sidecar that has been idle longest when there are enough.
    fn put(&self, place: Place) {
        if place.sidecar.exchanges() >= MOST_EXCHANGES {
            return;
        }
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        places.push(place);
        let ended = (places.len() > AT_ONCE).then(|| places.remove(0));
        drop(places);
        drop(ended);
    }
}
