//! Claims of `make mesh-demo`: all hold, and those about panveil fail without it.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use panveil_integration::mesh::{Claim, Evidence, Mesh, Parts, opening, verdict};
use panveil_integration::peers::Python;
use panveil_integration::prometheus::Prometheus;
use panveil_integration::sidecar::Build;
use panveil_integration::terminal::Style;
use tempfile::TempDir;

use crate::trial::trial;

/// Page that shows the output of the demo.
const PAGE: &str = include_str!("../../../docs/mesh-demo.md");
const PLAIN: Style = Style { coloured: false };

const MASKING: &str = "{}";

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
        MASKING,
        &[
            "The payment API accepts only clients with a certificate of the mesh",
            "A card number stored in the payment API is masked in its response",
            "The ticket service receives only masked card numbers",
            "A response of the ticket service has only masked card numbers",
            "No log and no admin page contains the digits of a card number",
            "An audit of the running proxies finds no way around panveil",
            "The audit finds each of three faults, which running Envoys received",
            "Card numbers pass two of the faults; the third opens when panveil fails",
            "After their correction the audit is clean again",
        ],
    ),
];

pub fn trials(build: &Build) -> Vec<Trial> {
    let kustomize = std::env::var_os("KUSTOMIZE").map(PathBuf::from);
    // The command, for audits and the report.
    let panveil = std::env::var_os("PANVEIL_CLI").map(PathBuf::from);
    let (python, prometheus) = (Python::from_environment(), Prometheus::from_environment());
    let parts = || -> Result<Parts> {
        Ok(Parts {
            build: build.clone(),
            python: python.clone().context("PEERS_PYTHON is not set")?,
            kustomize: kustomize.clone().context("KUSTOMIZE is not set")?,
            prometheus: None,
            evidence: None,
            policy: None,
        })
    };
    let missing_command = panveil.is_none();
    let mut trials = Vec::new();
    for (name, policy, hold) in OTHERS {
        let (parts, panveil) = (parts(), panveil.clone());
        let missing = parts.is_err() || missing_command;
        let test = move || async move { some_claims_hold(parts?, panveil, policy, hold).await };
        trials.push(trial(format!("mesh::under_other_policies::{name}"), test).with_ignored_flag(missing));
    }
    let parts = parts();
    let missing = parts.is_err() || prometheus.is_none() || missing_command;
    let test = move || async move { every_claim_holds(Parts { prometheus, ..parts? }, panveil).await };
    trials.push(trial("mesh::every_claim_holds", test).with_ignored_flag(missing));
    trials
}

/// The command with a folder for its output, which is deleted when dropped.
fn evidence(panveil: Option<PathBuf>) -> Result<(TempDir, Evidence)> {
    let folder = TempDir::with_prefix("panveil-evidence-")?;
    let panveil = panveil.context("PANVEIL_CLI is not set")?.canonicalize()?;
    let evidence = Evidence { panveil, folder: folder.path().to_owned() };
    Ok((folder, evidence))
}

async fn told(parts: &Parts) -> Result<Vec<Claim>> {
    let mut mesh = Mesh::start(parts, |_| {}).await?;
    mesh.tell(|_| {}).await
}

/// The page in the documentation shows the claims unchanged.
async fn every_claim_holds(mut parts: Parts, panveil: Option<PathBuf>) -> Result<()> {
    ensure!(parts.prometheus.is_some(), "PROMETHEUS is not set");
    let (_folder, evidence) = evidence(panveil)?;
    parts.evidence = Some(evidence);
    let claims = told(&parts).await?;
    let mut page = opening(PLAIN);
    page.extend(claims.iter().map(|claim| claim.shown(PLAIN)));
    page.push_str(&verdict(&claims, PLAIN));
    ensure!(claims.len() == 18 && claims.iter().all(Claim::holds), "{page}");
    ensure!(PAGE.contains(&page), "docs/mesh-demo.md shows something else than this:\n{page}");
    Ok(())
}

/// Each claim that depends on the shipped policies must fail under another one.
async fn some_claims_hold(mut parts: Parts, panveil: Option<PathBuf>, policy: &str, hold: &[&str]) -> Result<()> {
    parts.policy = Some(serde_json::from_str(policy)?);
    let (_folder, evidence) = evidence(panveil)?;
    // In monitor mode one of the seeded faults changes nothing, and Envoy loads nothing.
    parts.evidence = Some(evidence).filter(|_| policy == MASKING);
    let claims = told(&parts).await?;
    let expected = if policy == MASKING { 15 } else { 10 };
    ensure!(claims.len() == expected, "{} claims", claims.len());
    for claim in claims {
        ensure!(claim.holds() == hold.contains(&claim.title), "{}", claim.shown(PLAIN));
    }
    Ok(())
}
