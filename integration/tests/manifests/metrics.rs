//! Which metrics are there to ask for? panveil's own, by their names in the code, and those of Envoy, Istio and Prometheus.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use panveil::audit::{Action, Counter, Reason};
use panveil::policy::{Direction, Limit, Mode, Place};

/// What is not panveil's. Those of Envoy are asked for in a real one, too.
const OTHERS: [&str; 5] = [
    "up",
    "envoy_server_live",
    "envoy_http_downstream_rq_total",
    "istio_requests_total",
    "istio_agent_wasm_remote_fetch_count",
];

/// A metric of panveil's and its labels, as Prometheus has them.
fn panveils() -> Vec<(String, BTreeSet<String>)> {
    let names = [
        Counter::Findings(Direction::Request, Place::Body, "visa", Action::Masked).name(),
        Counter::Messages(Direction::Request, Action::Clean).name(),
        Counter::InspectedBytes(Direction::Request).name(),
        Counter::Uninspected(Direction::Request, Reason::Encoding).name(),
        Counter::Limits(Direction::Request, Limit::InflateRatio).name(),
        Counter::config_info(Mode::Enforce),
    ];
    names.iter().map(|name| in_prometheus(name)).collect()
}

/// `panveil_x_a=.=b;.;total` as `panveil_x_total` with the label `a`.
fn in_prometheus(name: &str) -> (String, BTreeSet<String>) {
    let mut rest = name.to_owned();
    let mut labels = BTreeSet::new();
    while let (Some(equals), Some(end)) = (rest.find("=.="), rest.find(";.;")) {
        let begin = rest[..equals].rfind([';', '_']).map_or(0, |at| at + 1);
        labels.insert(rest[begin..equals].to_owned());
        rest.replace_range(begin..end + ";.;".len(), "");
    }
    (rest, labels)
}

/// Every name in this expression that stands for a metric is one, and has the labels that panveil's are matched by.
pub fn are_known(expression: &str, recorded: &BTreeSet<String>) -> Result<()> {
    let panveils = panveils();
    for (name, labels) in selectors(expression) {
        if let Some((_, known)) = panveils.iter().find(|(metric, _)| *metric == name) {
            let unknown: Vec<&String> = labels.iter().filter(|label| !known.contains(*label)).collect();
            ensure!(unknown.iter().all(|label| TARGET.contains(&label.as_str())), "{name} has no {unknown:?}");
        } else {
            let known = OTHERS.contains(&name.as_str()) || recorded.contains(&name);
            ensure!(known, "nothing is known of {name}: {expression}");
        }
    }
    Ok(())
}

/// The labels that a scrape adds.
const TARGET: [&str; 4] = ["namespace", "pod", "job", "instance"];

/// The metrics in an expression, each with the labels in its braces. Metrics have an underscore or a colon in their names,
/// or are `up`; words of the language that have one are left out, and so is what stands in quotes or behind `by` and `on`.
fn selectors(expression: &str) -> Vec<(String, Vec<String>)> {
    const WORDS: [&str; 5] = ["max_over_time", "sum_over_time", "label_replace", "histogram_quantile", "group_left"];
    let plain = without_lists(&without_quotes(expression));
    let mut selectors: Vec<(String, Vec<String>)> = Vec::new();
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let mut in_braces = false;
    for piece in plain.split_inclusive(|c: char| !is_name(c)) {
        let name = piece.trim_end_matches(|c: char| !is_name(c));
        if !name.is_empty() && in_braces {
            if let Some((_, labels)) = selectors.last_mut() {
                labels.push(name.to_owned());
            }
        } else if (name.contains(['_', ':']) || name == "up")
            && !WORDS.contains(&name)
            && !name.starts_with(|c: char| c.is_ascii_digit())
        {
            selectors.push((name.to_owned(), Vec::new()));
        }
        in_braces = if piece.ends_with('{') { true } else { in_braces && !piece.ends_with('}') };
    }
    // `{__name__=~"…"}` stands for no metric in particular.
    selectors
}

fn without_quotes(expression: &str) -> String {
    expression.split('"').step_by(2).collect::<Vec<_>>().join("\"\"")
}

/// Without what stands in parentheses behind `by`, `on` and `without`.
fn without_lists(expression: &str) -> String {
    let mut rest = expression.to_owned();
    for word in ["by (", "on (", "without (", "group_left ("] {
        while let Some(begin) = rest.find(word) {
            let end = rest[begin..].find(')').map_or(rest.len(), |end| begin + end + 1);
            rest.replace_range(begin..end, " ");
        }
    }
    rest
}
