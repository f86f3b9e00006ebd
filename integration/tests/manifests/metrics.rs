//! Existing metrics: panveil's own, by their names in the code, and those of Envoy, Istio and Prometheus.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use panveil::audit::{Counter, ListenerDirection, Reason};
use panveil::policy::{Direction, Limit, Location, Mode, Outcome};
use panveil_integration::observation::from_stat;

/// Metrics of others. A test with a real Envoy queries those of Envoy too.
const OTHERS: [&str; 7] = [
    "up",
    "envoy_server_live",
    "envoy_listener_manager_lds_update_rejected",
    "envoy_http_downstream_rq_total",
    "istio_requests_total",
    "istio_agent_wasm_remote_fetch_count",
    "istio_agent_wasm_config_conversion_count",
];

/// Names of panveil's metrics.
pub fn names() -> Vec<String> {
    panveils().into_iter().map(|(name, _)| name).collect()
}

/// panveil's metrics and their labels, in Prometheus format.
fn panveils() -> Vec<(String, BTreeSet<String>)> {
    let names = [
        Counter::Findings(Direction::Request, Location::Body, "visa", Outcome::Masked).name(),
        Counter::Messages(Direction::Request, Outcome::Clean).name(),
        Counter::InspectedBytes(Direction::Request).name(),
        Counter::Uninspected(Direction::Request, Reason::Encoding).name(),
        Counter::Limits(Direction::Request, Limit::InflateRatio).name(),
        Counter::CardStreams(None, ListenerDirection::Inbound).name(),
        Counter::config_info(Mode::Enforce),
        Counter::RULE_EXPIRY.to_owned(),
    ];
    let split = |name: &String| {
        let name = from_stat(name);
        let (name, labels) = name.split_once('{').unwrap_or((&name, ""));
        let labels = labels.split(',').filter_map(|label| label.split_once('=')).map(|(label, _)| label.to_owned());
        (name.to_owned(), labels.collect())
    };
    names.iter().map(split).collect()
}

/// Label of Envoy that looks like a metric.
const MANAGER: &str = "envoy_http_conn_manager_prefix";

/// Labels that a scrape adds.
const TARGET: [&str; 4] = ["namespace", "pod", "job", "instance"];

/// Checks that every metric of panveil, Envoy, Istio and the recording rules in this expression exists.
pub fn are_known(expression: &str, recorded: &BTreeSet<String>) -> Result<()> {
    let panveils = panveils();
    for name in expression.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':')) {
        let ours_to_know =
            OWNERS.iter().any(|owner| name.starts_with(owner)) && !PARTS.contains(&name) && name != MANAGER;
        // Recorded series have a colon in their names. So has the step of a subquery, which begins with a digit.
        let is_recorded = name.contains(':') && name.starts_with(|c: char| c.is_ascii_alphabetic());
        let known =
            OTHERS.contains(&name) || recorded.contains(name) || panveils.iter().any(|(metric, _)| metric == name);
        ensure!(known || !(ours_to_know || is_recorded), "nothing is known of {name}: {expression}");
    }
    Ok(())
}

/// Checks a series `name{label="value",…}` of panveil: its metric and its labels exist.
pub fn can_be(series: &str) -> Result<()> {
    let (name, labels) = series.split_once('{').context("no labels")?;
    if PARTS.iter().any(|begin| name.starts_with(begin)) && PLUGINS.iter().any(|end| name.ends_with(end)) {
        return Ok(());
    }
    if !name.starts_with("panveil_") {
        return are_known(name, &BTreeSet::new());
    }
    let known = panveils();
    let (_, wanted) = known.iter().find(|(metric, _)| metric == name).with_context(|| format!("no metric {name}"))?;
    let names = labels.trim_end_matches('}').split(',').filter_map(|label| label.trim().split_once('='));
    let own: BTreeSet<String> =
        names.map(|(label, _)| label.to_owned()).filter(|label| !TARGET.contains(&label.as_str())).collect();
    ensure!(own == *wanted, "{series} instead of {wanted:?}");
    Ok(())
}

/// Prefixes of the metrics that are checked here.
const OWNERS: [&str; 4] = ["panveil_", "panveil:", "envoy_", "istio_"];

/// Prefix and suffix of the metrics of a plugin, with its name in between.
const PARTS: [&str; 2] = ["envoy_wasm_", "envoy_extension_config_discovery_http_filter_"];
const PLUGINS: [&str; 4] = ["_vm_reload_success", "_vm_reload_backoff", "_vm_reload_failure", "_config_fail"];
