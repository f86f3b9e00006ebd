//! Is all of it true that `make mesh-demo` shows, and would it notice what is not?

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use panveil_integration::mesh::{Claim, Mesh, Parts, Style, opening};
use panveil_integration::peers::Python;
use panveil_integration::prometheus::Prometheus;
use panveil_integration::sidecar::Build;
use serde_json::json;

use crate::trial::trial;

/// The page that shows what the demo prints.
const PAGE: &str = include_str!("../../../docs/mesh-demo.md");
const PLAIN: Style = Style { coloured: false };

/// What does not depend on the policies.
const ALWAYS: [&str; 4] = [
    "Nobody gets to the payment API without a certificate of the mesh",
    "The payment API gets the checkout's card whole",
    "The payment API declines the test card that it must decline",
    "No log and no admin page has the digits of a card",
];

pub fn trials(build: &Build) -> Vec<Trial> {
    let kustomize = std::env::var_os("KUSTOMIZE").map(PathBuf::from);
    let (python, prometheus) = (Python::from_environment(), Prometheus::from_environment());
    let parts = || -> Result<Parts> {
        Ok(Parts {
            build: build.clone(),
            python: python.clone().context("PEERS_PYTHON is not set")?,
            kustomize: kustomize.clone().context("KUSTOMIZE is not set")?,
            prometheus: None,
            policy: None,
        })
    };
    let (all, few) = (parts(), parts());
    let unwatched = few.is_err();
    let missing = unwatched || prometheus.is_none();
    let story = move || async move { every_claim_holds(Parts { prometheus, ..all? }).await };
    let monitor = move || async move { what_is_not_true_is_not_claimed(few?).await };
    vec![
        trial("mesh::every_claim_holds", story).with_ignored_flag(missing),
        trial("mesh::what_is_not_true_is_not_claimed", monitor).with_ignored_flag(unwatched),
    ]
}

async fn told(parts: &Parts) -> Result<Vec<Claim>> {
    let mut mesh = Mesh::start(parts, |_| {}).await?;
    mesh.tell(|_| {}).await
}

/// And the page of the documentation shows them as they are.
async fn every_claim_holds(parts: Parts) -> Result<()> {
    ensure!(parts.prometheus.is_some(), "PROMETHEUS is not set");
    let claims = told(&parts).await?;
    let mut page = opening(PLAIN);
    page.extend(claims.iter().map(|claim| PLAIN.claim(claim)));
    page.push_str(&PLAIN.verdict(&claims));
    ensure!(claims.len() == 13 && claims.iter().all(Claim::holds), "{page}");
    ensure!(PAGE.contains(&page), "docs/mesh-demo.md shows something else than this:\n{page}");
    Ok(())
}

/// Under a policy that only watches cards go everywhere, and each claim that they do not must fail.
async fn what_is_not_true_is_not_claimed(mut parts: Parts) -> Result<()> {
    parts.policy = Some(json!({"mode": "monitor"}));
    let claims = told(&parts).await?;
    ensure!(claims.len() == 10, "{} claims", claims.len());
    for claim in claims {
        ensure!(claim.holds() == ALWAYS.contains(&claim.title), "{}", PLAIN.claim(&claim));
    }
    Ok(())
}
