//! Do rules know who calls, who answers, and what is asked? A client and a service with a sidecar each, and between them TLS
//! with certificates of an authority of their own.

mod actions;
mod connections;
mod destinations;
mod exchange;
mod forgeries;
mod impostors;
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

/// What conditions are tried where. What a message says of itself must come to the same in both sidecars.
const TABLES: [(&str, Side, fn() -> Vec<Condition>); 7] = [
    ("what_is_asked::inbound", Side::Service, requests::conditions),
    ("what_is_asked::outbound", Side::Client, requests::conditions),
    ("what_is_sent::inbound", Side::Service, messages::conditions),
    ("what_is_sent::outbound", Side::Client, messages::conditions),
    ("who_calls", Side::Service, sources::conditions),
    ("who_answers", Side::Client, destinations::conditions),
    ("how_it_is_connected", Side::Service, connections::conditions),
];

pub fn trials(build: &Build) -> Vec<Trial> {
    let table = |(name, side, conditions): (&str, Side, fn() -> Vec<Condition>)| {
        let build = build.clone();
        trial(format!("identity::{name}"), move || try_all(build, side, conditions))
    };
    let mut trials: Vec<Trial> = TABLES.into_iter().map(table).collect();
    let with = |name, test| named(build, "identity", name, test);
    trials.extend([
        with("what_is_done", |build| Box::pin(actions::run(build))),
        with("what_is_only_said", |build| Box::pin(forgeries::run(build))),
        with("an_authority_nobody_trusts", |build| Box::pin(impostors::run(build))),
    ]);
    trials
}

async fn try_all(build: Build, side: Side, conditions: fn() -> Vec<Condition>) -> Result<()> {
    let mut mesh = Mesh::start(&build, side).await?;
    for condition in conditions() {
        condition.try_in(&mut mesh).await?;
    }
    mesh.unharmed().await
}
