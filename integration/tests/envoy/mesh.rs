//! Claims of `make mesh-demo`: all hold, and those about panveil fail without it.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use panveil_integration::mesh::{Claim, Mesh, Parts, opening, verdict};
use panveil_integration::peers::Python;
use panveil_integration::prometheus::Prometheus;
use panveil_integration::sidecar::Build;
use panveil_integration::terminal::Style;

use crate::trial::trial;

/// Page that shows the output of the demo.
const PAGE: &str = include_str!("../../../docs/mesh-demo.md");
const PLAIN: Style = Style { coloured: false };

/// Policies in place of the shipped ones, and the claims that still hold.
const OTHERS: [(&str, &str, &[&str]); 2] = [
    (
        "watching_alone",
        r#"{"mode":"monitor"}"#,
        &[
            "The payment API accepts only clients with a certificate of the mesh",
            "The payment API receives the complete card number from the checkout",
            "The payment API recognizes the test card that it must decline",
            "No log and no admin page contains the digits of a card number",
        ],
    ),
    (
        "masking_everywhere",
        "{}",
        &[
            "The payment API accepts only clients with a certificate of the mesh",
            "A card number stored in the payment API is masked in its response",
            "The ticket service receives only masked card numbers",
            "A response of the ticket service has only masked card numbers",
            "No log and no admin page contains the digits of a card number",
        ],
    ),
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
    let mut trials = Vec::new();
    for (name, policy, hold) in OTHERS {
        let parts = parts();
        let missing = parts.is_err();
        let test = move || async move { some_claims_hold(parts?, policy, hold).await };
        trials.push(trial(format!("mesh::under_other_policies::{name}"), test).with_ignored_flag(missing));
    }
    let parts = parts();
    let missing = parts.is_err() || prometheus.is_none();
    let test = move || async move { every_claim_holds(Parts { prometheus, ..parts? }).await };
    trials.push(trial("mesh::every_claim_holds", test).with_ignored_flag(missing));
    trials
}

async fn told(parts: &Parts) -> Result<Vec<Claim>> {
    let mut mesh = Mesh::start(parts, |_| {}).await?;
    mesh.tell(|_| {}).await
}

/// The page in the documentation shows the claims unchanged.
async fn every_claim_holds(parts: Parts) -> Result<()> {
    ensure!(parts.prometheus.is_some(), "PROMETHEUS is not set");
    let claims = told(&parts).await?;
    let mut page = opening(PLAIN);
    page.extend(claims.iter().map(|claim| claim.shown(PLAIN)));
    page.push_str(&verdict(&claims, PLAIN));
    ensure!(claims.len() == 13 && claims.iter().all(Claim::holds), "{page}");
    ensure!(PAGE.contains(&page), "docs/mesh-demo.md shows something else than this:\n{page}");
    Ok(())
}

/// Each claim that depends on the shipped policies must fail under another one.
async fn some_claims_hold(mut parts: Parts, policy: &str, hold: &[&str]) -> Result<()> {
    parts.policy = Some(serde_json::from_str(policy)?);
    let claims = told(&parts).await?;
    ensure!(claims.len() == 10, "{} claims", claims.len());
    for claim in claims {
        ensure!(claim.holds() == hold.contains(&claim.title), "{}", claim.shown(PLAIN));
    }
    Ok(())
}
