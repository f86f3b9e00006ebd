//! Claims about logs, metrics and alerts.

use std::collections::BTreeSet;

use anyhow::Result;

use super::super::watch::{CardStreams, Findings, Watch};
use super::super::{Claim, Mesh};
use super::{CARD, DECLINED, SPOKEN};
use crate::envoy::PAGES;
use crate::silence::leaks;

/// Expected findings of all steps, by namespace, direction and action. A verification code counts too.
const FINDINGS: [(&str, &str, &str, u64); 5] = [
    ("payments", "request", "allowed", 4),
    ("payments", "request", "blocked", 2),
    ("payments", "response", "masked", 1),
    ("shop", "request", "masked", 2),
    ("shop", "response", "masked", 1),
];

/// Requests with card numbers, all from other sidecars. A number that is masked in a response does not reach the connection.
const CARD_STREAMS: u64 = 5;

/// Alerts that must fire at the end. No other alert may fire.
const ALERTS: [&str; 4] = [
    "PanveilCardsAppeared in payments (response)",
    "PanveilCardsAppeared in shop (request)",
    "PanveilCardsAppeared in shop (response)",
    "PanveilCardsRefused in payments (request)",
];

/// Number of sidecars.
const SIDECARS: usize = 3;

/// No alert fires while card numbers are only where the policy allows them.
pub async fn quiet(watch: &Watch) -> Result<Claim> {
    watch.evaluated("allowed").await?;
    let firing = watch.firing(&BTreeSet::new()).await?;
    let scraped = watch.scraped(SIDECARS).await?;
    Ok(Claim::new("Prometheus scrapes every sidecar, and permitted card numbers raise no alert")
        .line("scraped", format!("{scraped} sidecars"))
        .line(
            "history",
            "generated: a day with card numbers at the payment API only, so the first one elsewhere is new",
        )
        .line("firing", list(&firing))
        .must(scraped == SIDECARS, format!("{scraped} sidecars are scraped"))
        .must(firing.is_empty(), "an alert fires"))
}

/// All output so far.
pub async fn silent(mesh: &Mesh) -> Result<Claim> {
    // Eleven consecutive digits of the declined card number are zeros, which are frequent elsewhere.
    let secrets = [DECLINED, SPOKEN].map(str::to_owned);
    let (mut lines, mut found) = (0, Vec::new());
    for proxy in [&mesh.payment_api, &mesh.tickets, &mesh.checkout] {
        lines += proxy.envoy.access_log(mesh.truth.lines(proxy.workload)).await?.len();
        found.extend(leaks(&proxy.envoy, &[CARD.to_owned()], &secrets).await?);
    }
    let streams = mesh.truth.streams();
    Ok(Claim::new("No log and no admin page contains the digits of a card number")
        .line("searched", format!("{lines} lines in the access logs of {SIDECARS} Envoys, and their own logs"))
        .line(
            "searched",
            format!("{} pages of each, /config_dump, /clusters and all statistics among them", PAGES.len()),
        )
        .line("found", if found.is_empty() { "nothing".to_owned() } else { format!("{} places", found.len()) })
        .must(u64::try_from(lines) == Ok(streams), format!("{lines} lines of {streams} streams"))
        .must(found.is_empty(), found.join("; ")))
}

/// Metrics of all steps.
pub async fn counted(watch: &Watch) -> Result<Claim> {
    let wanted: Findings = FINDINGS
        .iter()
        .map(|(namespace, direction, action, count)| {
            (((*namespace).to_owned(), (*direction).to_owned(), (*action).to_owned()), *count)
        })
        .collect();
    let found = watch.findings(&wanted).await?;
    let all: CardStreams = [(("mutual".to_owned(), "inbound".to_owned()), CARD_STREAMS)].into();
    let streams = watch.card_streams(&all).await?;
    let mut claim = Claim::new("The counters show findings by namespace, direction and action");
    for ((namespace, direction, action), count) in &found {
        claim = claim.line(namespace, format!("{direction:<9} {action:<8} {count}"));
    }
    for ((tls, listener), count) in &streams {
        claim = claim.line("streams", format!("{count} with card numbers, tls={tls} listener={listener}"));
    }
    Ok(claim
        .must(found == wanted, format!("{wanted:?} were to be counted"))
        .must(streams == all, format!("{all:?} were to be counted")))
}

/// Alerts after all steps.
pub async fn alarmed(watch: &Watch) -> Result<Claim> {
    let wanted: BTreeSet<String> = ALERTS.iter().map(|alert| (*alert).to_owned()).collect();
    let firing = watch.firing(&wanted).await?;
    let mut claim = Claim::new("Alerts fire for misplaced card numbers, and for nothing else");
    for alert in &firing {
        claim = claim.line("firing", alert);
    }
    Ok(claim.must(firing == wanted, format!("{} were to fire", list(&wanted))))
}

fn list(names: &BTreeSet<String>) -> String {
    if names.is_empty() { "nothing".to_owned() } else { names.iter().cloned().collect::<Vec<_>>().join(", ") }
}
