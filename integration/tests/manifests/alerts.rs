//! Alerts: each has tests, uses existing metrics, and has a section in the runbook.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use libtest_mimic::Trial;
use serde_json::Value;

use crate::files::{document, root};
use crate::metrics;
use crate::{trial, with_tool};

const TOOL: &str = "PROMETHEUS";

pub fn trials() -> Vec<Trial> {
    vec![
        with_tool(TOOL, "alerts::the_rules_are_rules", || promtool(&["check", "rules", "rules.yaml"])),
        with_tool(TOOL, "alerts::they_fire_when_they_should", || promtool(&["test", "rules", "rules_test.yaml"])),
        trial("alerts::each_is_tried_firing_and_quiet", each_is_tried_firing_and_quiet),
        trial("alerts::each_is_tried_to_its_end", each_is_tried_to_its_end),
        trial("alerts::each_has_its_section_in_the_runbook", each_has_its_section_in_the_runbook),
        trial("alerts::what_fails_is_told_by_an_alert", what_fails_is_told_by_an_alert),
        trial("alerts::they_ask_for_what_is_counted", they_ask_for_what_is_counted),
        trial("alerts::the_operator_gets_the_same_rules", the_operator_gets_the_same_rules),
    ]
}

fn the_operator_gets_the_same_rules() -> Result<()> {
    let resource = document(&root().join("prometheus/prometheusrule.yaml"))?;
    ensure!(resource["apiVersion"] == "monitoring.coreos.com/v1" && resource["kind"] == "PrometheusRule", "{resource}");
    let rules = document(&root().join("prometheus/rules.yaml"))?;
    ensure!(resource["spec"] == rules, "prometheusrule.yaml is not rules.yaml: run scripts/prometheus-rule");
    Ok(())
}

/// Runs promtool in the folder of the rules.
fn promtool(arguments: &[&str]) -> Result<()> {
    let folder = std::env::var_os(TOOL).context("PROMETHEUS is not set; `make test` provides it")?;
    let tool = std::path::Path::new(&folder).join("promtool");
    let done = Command::new(tool).current_dir(root().join("prometheus")).args(arguments).output();
    let done = done.context("promtool cannot be run")?;
    let said = [done.stdout, done.stderr].concat();
    ensure!(done.status.success(), "{}", String::from_utf8_lossy(&said));
    Ok(())
}

/// Alerting rules, or recording rules.
fn rules(kind: &str) -> Result<Vec<Value>> {
    let file = document(&root().join("prometheus/rules.yaml"))?;
    let groups = file["groups"].as_array().context("no groups")?;
    let rules = groups.iter().flat_map(|group| group["rules"].as_array().into_iter().flatten());
    let rules: Vec<Value> = rules.filter(|rule| rule[kind].is_string()).cloned().collect();
    ensure!(!rules.is_empty(), "no {kind}");
    Ok(rules)
}

fn names(kind: &str) -> Result<BTreeSet<String>> {
    rules(kind)?.iter().map(|rule| rule[kind].as_str().map(str::to_owned).context("no name")).collect()
}

/// Expressions of all rules, and the names of the recorded series.
pub fn expressions() -> Result<(Vec<String>, BTreeSet<String>)> {
    let all = [rules("alert")?, rules("record")?].concat();
    let expressions = all.iter().map(|rule| rule["expr"].as_str().map(str::to_owned).context("no expression"));
    Ok((expressions.collect::<Result<_>>()?, names("record")?))
}

fn each_is_tried_firing_and_quiet() -> Result<()> {
    let tests = document(&root().join("prometheus/rules_test.yaml"))?;
    let (mut firing, mut quiet) = (BTreeSet::new(), BTreeSet::new());
    for test in tests["tests"].as_array().context("no tests")? {
        for tried in test["alert_rule_test"].as_array().into_iter().flatten() {
            let name = tried["alertname"].as_str().context("no name")?.to_owned();
            if tried["exp_alerts"].is_array() {
                firing.insert(name)
            } else {
                quiet.insert(name)
            };
        }
    }
    let alerts = names("alert")?;
    ensure!(firing == alerts, "firing: {:?}", firing.symmetric_difference(&alerts));
    ensure!(quiet == alerts, "quiet: {:?}", quiet.symmetric_difference(&alerts));
    Ok(())
}

/// Each alert is tested after it fired too, with the series that made it fire.
fn each_is_tried_to_its_end() -> Result<()> {
    let tests = document(&root().join("prometheus/rules_test.yaml"))?;
    let mut ended = BTreeSet::new();
    for test in tests["tests"].as_array().context("no tests")? {
        let mut firing: BTreeMap<&str, u32> = BTreeMap::new();
        for tried in test["alert_rule_test"].as_array().into_iter().flatten() {
            let name = tried["alertname"].as_str().context("no name")?;
            let at = minutes(tried["eval_time"].as_str().context("no time")?)?;
            if tried["exp_alerts"].is_array() {
                firing.insert(name, at);
            } else if firing.get(name).is_some_and(|fired| *fired < at) {
                ended.insert(name.to_owned());
            }
        }
    }
    let alerts = names("alert")?;
    ensure!(ended == alerts, "never quiet again: {:?}", alerts.difference(&ended));
    Ok(())
}

/// Time of promtool in minutes, such as `35m` or `2h`.
fn minutes(time: &str) -> Result<u32> {
    let (number, unit) = time.split_at(time.len().saturating_sub(1));
    let each = match unit {
        "m" => 1,
        "h" => 60,
        _ => bail!("no time in minutes or hours: {time}"),
    };
    Ok(number.parse::<u32>().with_context(|| time.to_owned())? * each)
}

fn each_has_its_section_in_the_runbook() -> Result<()> {
    let runbook = fs::read_to_string(root().join("../docs/runbook.md"))?;
    let sections: Vec<&str> = runbook.split("\n## ").skip(1).collect();
    let titles: BTreeSet<String> =
        sections.iter().filter_map(|section| section.lines().next().map(str::to_owned)).collect();
    ensure!(titles == names("alert")?, "{:?}", titles.symmetric_difference(&names("alert")?));
    for section in sections {
        for part in ["**Means.**", "**Look at**", "**Do.**"] {
            ensure!(section.contains(part), "{} has no {part}", section.lines().next().unwrap_or_default());
        }
    }
    for rule in rules("alert")? {
        let name = rule["alert"].as_str().context("no name")?;
        let url = format!("docs/runbook.md#{}", name.to_lowercase());
        ensure!(rule["annotations"]["runbook_url"] == url, "{name}: {}", rule["annotations"]["runbook_url"]);
        let severity = rule["labels"]["severity"].as_str().context("no severity")?;
        ensure!(["critical", "warning", "info"].contains(&severity), "{name}: {severity}");
        let row = format!("| [{name}](#{}) | {severity} |", name.to_lowercase());
        ensure!(runbook.contains(&row), "the runbook's table has no {row}");
        for text in ["summary", "description"] {
            ensure!(rule["annotations"][text].is_string(), "{name}: no {text}");
        }
    }
    Ok(())
}

/// Each row of the failure table names its alert or states that there is none. No page names an unknown alert.
fn what_fails_is_told_by_an_alert() -> Result<()> {
    let alerts = names("alert")?;
    let mut named = BTreeSet::new();
    for page in ["failure.md", "operations.md", "runbook.md", "pci-dss.md", "logs-and-metrics.md"] {
        let text = fs::read_to_string(root().join("../docs").join(page))?;
        let words = text.split(|letter: char| !letter.is_ascii_alphanumeric());
        let is_alert = |word: &&str| word.strip_prefix("Panveil").is_some_and(|rest| !rest.is_empty());
        for word in words.filter(is_alert) {
            ensure!(alerts.contains(word), "{page} names {word}, which is no alert");
            named.insert(word.to_owned());
        }
    }
    ensure!(named == alerts, "on no page: {:?}", alerts.difference(&named));
    let failures = fs::read_to_string(root().join("../docs/failure.md"))?;
    let rows: Vec<&str> = failures
        .lines()
        .skip_while(|line| !line.ends_with("| alert |"))
        .take_while(|line| line.starts_with('|'))
        .collect();
    ensure!(rows.len() > 2, "no table with alerts");
    for row in rows.iter().skip(2) {
        let last = row.trim_end_matches('|').rsplit('|').next().unwrap_or_default().trim();
        let told = ["Panveil", "none", "the same", "as for"].iter().any(|begin| last.starts_with(begin));
        ensure!(told, "which alert tells of it? {row}");
    }
    Ok(())
}

fn they_ask_for_what_is_counted() -> Result<()> {
    let (expressions, recorded) = expressions()?;
    for expression in expressions {
        metrics::are_known(&expression, &recorded)?;
    }
    // The tests use existing metrics.
    let tests = document(&root().join("prometheus/rules_test.yaml"))?;
    let mut tried = 0;
    for test in tests["tests"].as_array().context("no tests")? {
        for input in test["input_series"].as_array().into_iter().flatten() {
            let series = input["series"].as_str().context("no series")?;
            metrics::can_be(series).with_context(|| series.to_owned())?;
            tried += 1;
        }
    }
    ensure!(tried > 30, "{tried} series");
    Ok(())
}
