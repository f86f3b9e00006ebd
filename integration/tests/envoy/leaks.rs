//! Short run of `make leaks`, and proof that each scanner detects a leak.
//!
//! `docs/logs-and-metrics.md` describes the remaining output for operators.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use libtest_mimic::Trial;
use panveil_integration::access_log::COLUMNS;
use panveil_integration::leaks::{self, Load, Mix, Summary};
use panveil_integration::peers::Python;
use panveil_integration::sidecar::Build;

use crate::trapping::Trapping;
use crate::trial::trials;

/// Fixed seed, so that a failure is reproducible.
const LOAD: Load = Load {
    seed: 1,
    exchanges: 3000,
    at_once: 32,
    longest: Duration::from_secs(240),
    mix: Mix::Everything,
    log_level: "info",
    planted: None,
    traps: false,
};
const SHORT: Load = Load { exchanges: 300, ..LOAD };

/// Response code details that must occur: rejected by Envoy before or after the filter, blocked by panveil, or passed.
const DETAILS: [&str; 10] = [
    "http1.codec_error",
    "http1.headers_too_large",
    "http1.invalid_characters",
    "http2.invalid.header.field",
    "missing_host_header",
    "panveil_blocked",
    "route_not_found",
    "upgrade_failed",
    "upstream_reset_before_response_started",
    "via_upstream",
];
const SEEN: [&str; 12] = [
    "allowed", "blocked", "clean", "masked", "reported", "headers", "path", "body", "trailers", "visa", "maestro",
    "uatp",
];
/// Columns that have no value in this test: they need mutual TLS, or a key.
const WITHOUT_VALUE: [&str; 2] = ["panveil_peer", "panveil_fingerprints"];

/// Loggers of Envoy that print unredacted headers, by level.
const BELOW_INFO: [&str; 5] = [
    "debug http conn_manager_impl.cc",
    "debug http2 codec_impl.cc",
    "debug router router.cc",
    "trace http codec_impl.cc",
    "trace router upstream_request.cc",
];

pub fn trials(build: &Build) -> Vec<Trial> {
    trials!(build, "leaks", {
        "nothing_written_holds_a_card" => nothing,
        "no_span_holds_what_is_masked_or_refused" => spans,
        "each_scanner_notices_a_path_in_a_log" => noticed,
        "a_filter_that_traps" => trapped,
        "below_info" => below_info,
    })
}

async fn nothing(build: Build) -> Result<()> {
    let summary = silent(&build, &LOAD).await?;
    for details in DETAILS {
        ensure!(summary.details.contains_key(details), "no exchange ended with {details}: {:?}", summary.details);
    }
    for seen in SEEN {
        ensure!(summary.seen.contains(seen), "no record says {seen}: {:?}", summary.seen);
    }
    for column in COLUMNS.iter().filter(|column| !WITHOUT_VALUE.contains(column)) {
        ensure!(summary.seen.contains(*column), "no line has a value in {column}");
    }
    ensure!(summary.lines > 4000, "{} lines", summary.lines);
    Ok(())
}

async fn spans(build: Build) -> Result<()> {
    silent(&build, &Load { mix: Mix::Masked, ..SHORT }).await?;
    Ok(())
}

/// Log format with the operators that the shipped ones avoid.
async fn noticed(build: Build) -> Result<()> {
    let load = Load { planted: Some("%REQ(:PATH)%"), ..SHORT };
    let python = Python::from_environment();
    let findings = leaks::run(&build, &load, python.as_ref(), || ()).await?.findings;
    ensure!(!findings.fragments.is_empty() && !findings.panveil.is_empty(), "not noticed: {findings:?}");
    ensure!(findings.independent.as_deref() != Some(&[]), "not noticed by the independent scanner");
    ensure!(!findings.lines.is_empty(), "the columns are not looked at");
    Ok(())
}

/// The engine's message about a crash contains no traffic.
async fn trapped(build: Build) -> Result<()> {
    for callback in ["proxy_on_request_body", "proxy_on_log"] {
        let trapping = Trapping::in_place_of(callback, &build.module)?;
        let build = Build { module: trapping.path(), ..build.clone() };
        let summary = silent(&build, &Load { traps: true, ..SHORT }).await.context(callback)?;
        ensure!(callback == "proxy_on_log" || summary.details.contains_key("wasm_fail_stream"), "{callback}: no trap");
    }
    Ok(())
}

/// Envoy logs headers. panveil still logs none.
async fn below_info(build: Build) -> Result<()> {
    let summary = silent(&build, &Load { log_level: "trace", ..SHORT }).await?;
    ensure!(!summary.own_log.is_empty(), "Envoy prints no headers any more: the documents say that it does");
    let others: Vec<_> = summary.own_log.keys().filter(|source| !BELOW_INFO.contains(&source.as_str())).collect();
    ensure!(others.is_empty(), "others print cards too: {others:?}");
    Ok(())
}

async fn silent(build: &Build, load: &Load) -> Result<Summary> {
    let python = Python::from_environment();
    let summary =
        leaks::run(build, load, python.as_ref(), || ()).await.with_context(|| format!("seed {}", load.seed))?;
    match summary.told() {
        Some(told) => bail!("seed {}: {told}: {:?}", load.seed, summary.findings),
        None => Ok(summary),
    }
}
