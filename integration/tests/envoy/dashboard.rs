//! Dashboard and alerts with a real proxy and a real Prometheus: every panel shows data, and an alert fires.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use panveil_integration::case::{Framing, Message, Request, Response};
use panveil_integration::client::Client;
use panveil_integration::prometheus::{Prometheus, Target};
use panveil_integration::sidecar::{Build, Sidecar};
use panveil_integration::upstream::Script;
use serde_json::Value;
use tokio::time::sleep;

use crate::trial::trial;

const DASHBOARD: &str = include_str!("../../../envoy-config/grafana/dashboard.json");
const POLICY: &str = r#"{"rules":[{"name":"no-reports","match":{"direction":"request","path":{"prefix":"/reports"}},"action":"block"},
    {"name":"exception","match":{"direction":"request","path":{"prefix":"/exception"}},"action":"allow","expires":"9999-12-31"}],
    "limits":{"header_count":20}}"#;
const CARD: &str = r#"{"number":"4111111111111111","cvc":"123"}"#;
/// Prometheus scrapes once a second, and rates need two scrapes.
const PAUSE: Duration = Duration::from_millis(500);
const MOST_ROUNDS: usize = 120;

pub fn trials(build: &Build) -> Vec<Trial> {
    let binaries = Prometheus::from_environment();
    let (build, missing) = (build.clone(), binaries.is_none());
    let test = move || async move { shows(build, binaries.context("PROMETHEUS is not set")?).await };
    vec![trial("dashboard::every_panel_shows_something", test).with_ignored_flag(missing)]
}

async fn shows(build: Build, binaries: PathBuf) -> Result<()> {
    let (_discovery, settings) = build.discovered(POLICY)?;
    let sidecar = Sidecar::start(&build.envoy, settings).await?;
    sidecar.upstream.script(Script::Answer(Response { status: 200, message: message(&[], CARD) }));
    let target = Target { admin: sidecar.envoy.admin, labels: vec![("namespace", "shop"), ("pod", "web-1")] };
    let prometheus = Prometheus::start(&binaries, &[target]).await?;
    let client = Client::http1(sidecar.envoy.listener);
    let mut waiting = queries()?;
    ensure!(waiting.len() > 15, "{} queries", waiting.len());
    for _ in 0..MOST_ROUNDS {
        traffic(&client).await?;
        let mut silent = Vec::new();
        for (panel, query) in waiting {
            if !is_shown(&prometheus.query(&query).await.with_context(|| panel.clone())?) {
                silent.push((panel, query));
            }
        }
        waiting = silent;
        if waiting.is_empty() {
            break;
        }
        sleep(PAUSE).await;
    }
    ensure!(waiting.is_empty(), "nothing is shown: {waiting:?}");
    alerts(&prometheus).await
}

/// Whether a sample has a number. A division by zero has none.
fn is_shown(samples: &[Value]) -> bool {
    let number = |sample: &Value| sample["value"][1].as_str().and_then(|text| text.parse::<f64>().ok());
    samples.iter().filter_map(number).any(f64::is_finite)
}

/// Every query of every panel, by the panel's title, and those of the variables.
fn queries() -> Result<Vec<(String, String)>> {
    let dashboard: Value = serde_json::from_str(DASHBOARD)?;
    let mut queries = Vec::new();
    for panel in dashboard["panels"].as_array().context("no panels")? {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let title = panel["title"].as_str().context("no title")?;
            queries.push((title.to_owned(), target["expr"].as_str().context("no query")?.to_owned()));
        }
    }
    for variable in dashboard["templating"]["list"].as_array().context("no variables")? {
        // `label_values(metric, label)` is a function of Grafana.
        if let Some(text) = variable["query"]["query"].as_str() {
            let inner = text.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')'));
            let (metric, label) = inner.and_then(|inner| inner.split_once(", ")).context("another kind of variable")?;
            queries.push((format!("variable {label}"), format!("count by ({label}) ({metric}{{{label}!=\"\"}})")));
        }
    }
    let put_in = |query: String| {
        let query = query.replace("$namespace", ".*").replace("$job", ".*");
        query.replace("$__rate_interval", "10s").replace("$__range", "1m")
    };
    let queries: Vec<_> = queries.into_iter().map(|(title, query)| (title, put_in(query))).collect();
    // A variable in a regular expression ends with a `$`. No other may be left.
    let left = queries.iter().find(|(_, query)| query.contains('$'));
    ensure!(left.is_none(), "a variable that nobody knows: {left:?}");
    Ok(queries)
}

/// Traffic for every panel: masked, blocked, not inspected, beyond a limit, and clean.
async fn traffic(client: &Client) -> Result<()> {
    let json = ("content-type", "application/json");
    let many: Vec<(String, String)> = (0..25).map(|number| (format!("x-{number}"), "a".to_owned())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let exchanges = [
        ("/orders", message(&[json], CARD), 200),
        ("/reports", message(&[json], CARD), 403),
        ("/orders", message(&[("content-encoding", "exotic")], "unread"), 200),
        ("/orders", message(&many, "{}"), 200),
        ("/orders", message(&[json], "{}"), 200),
    ];
    for (path, message, status) in exchanges {
        let request = Request { method: "POST".into(), path: path.into(), message };
        let response = client.send(&request).await?.context("no response")?;
        ensure!(response.status == status, "{path}: {}", response.summary());
    }
    Ok(())
}

fn message(headers: &[(&str, &str)], body: &str) -> Message {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Message { headers, pieces: vec![body.into()], framing: Framing::Length, trailers: vec![] }
}

/// Alerts without a duration: those for this traffic fire, the others do not, and every rule can be evaluated.
async fn alerts(prometheus: &Prometheus) -> Result<()> {
    // The client sends card numbers in plaintext.
    let wanted = ["PanveilCardsRefused", "PanveilAuthenticationDataAnswered", "PanveilCardsOnPlaintext"];
    let taken_and_seen = "proxy:panveil_expected_requests:rate5m > 0 and proxy:panveil_requests:rate5m > 0";
    let (mut firing, mut recorded) = (Vec::new(), Vec::new());
    for _ in 0..MOST_ROUNDS {
        firing = prometheus.firing().await?;
        recorded = prometheus.query(taken_and_seen).await?;
        if recorded.len() == 1 && wanted.iter().all(|name| firing.iter().any(|alert| alert == name)) {
            break;
        }
        // Each group of rules is evaluated at a time of its own within a second.
        sleep(PAUSE).await;
    }
    for name in wanted {
        ensure!(firing.iter().any(|alert| alert == name), "{name} does not fire: {firing:?}");
    }
    let others: Vec<&String> = firing.iter().filter(|alert| !wanted.contains(&alert.as_str())).collect();
    ensure!(others.is_empty(), "{others:?} fire");
    ensure!(recorded.len() == 1, "requests that were taken and seen: {recorded:?}");
    let errors = prometheus.rule_errors().await?;
    ensure!(errors.is_empty(), "{}", errors.join("; "));
    Ok(())
}
