//! Rules that match identities and requests: a client and an upstream with a sidecar each, and TLS between them with
//! certificates of a test authority.

mod actions;
mod connections;
mod destinations;
mod exchange;
mod forgeries;
mod mesh;
mod messages;
mod requests;
mod sources;
mod trying;
mod workloads;

use anyhow::Result;
use libtest_mimic::Trial;
use panveil_integration::sidecar::Build;

use self::mesh::{Mesh, Side};
use self::trying::Condition;
use crate::trial::{named, trial};

type Conditions = fn() -> Vec<Condition>;

/// Conditions, by the sidecar under test. Conditions about the message itself must give the same result in both.
const TABLES: [(&str, Side, &[Conditions]); 4] = [
    ("what_is_said::inbound", Side::Service, &[requests::conditions, messages::conditions]),
    ("what_is_said::outbound", Side::Client, &[requests::conditions, messages::conditions]),
    (
        "who_is_there::inbound",
        Side::Service,
        &[sources::conditions, sources::among_others, connections::conditions, destinations::inbound],
    ),
    ("who_is_there::outbound", Side::Client, &[destinations::conditions, sources::outbound, connections::outbound]),
];

pub fn trials(build: &Build) -> Vec<Trial> {
    let table = |(name, side, conditions): (&str, Side, &'static [Conditions])| {
        let build = build.clone();
        trial(format!("identity::{name}"), move || try_all(build, side, conditions))
    };
    let mut trials: Vec<Trial> = TABLES.into_iter().map(table).collect();
    let with = |name, test| named(build, "identity", name, test);
    trials.extend([
        with("what_is_done", |build| Box::pin(actions::run(build))),
        with("what_is_only_said", |build| Box::pin(forgeries::run(build))),
    ]);
    trials
}

async fn try_all(build: Build, side: Side, conditions: &[Conditions]) -> Result<()> {
    let mut mesh = Mesh::start(&build, side).await?;
    for condition in conditions.iter().flat_map(|conditions| conditions()) {
        condition.try_in(&mut mesh).await?;
    }
    mesh.unharmed().await
}
