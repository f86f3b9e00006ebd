//! Dashboard in the format of Grafana. The test tier with Envoy runs its queries in a real Prometheus.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::Value;

use crate::files::root;
use crate::{alerts, metrics, trial};

/// Width of Grafana's grid.
const WIDTH: u64 = 24;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("dashboard::it_asks_for_what_is_counted", it_asks_for_what_is_counted),
        trial("dashboard::panels_have_their_place_and_say_what_they_show", panels_have_their_place),
        trial("dashboard::it_is_bound_to_no_installation", it_is_bound_to_no_installation),
    ]
}

fn dashboard() -> Result<Value> {
    Ok(serde_json::from_str(&fs::read_to_string(root().join("grafana/dashboard.json"))?)?)
}

fn panels() -> Result<Vec<Value>> {
    let panels = dashboard()?["panels"].as_array().cloned().context("no panels")?;
    Ok(panels.into_iter().filter(|panel| panel["type"] != "row").collect())
}

fn it_asks_for_what_is_counted() -> Result<()> {
    let (_, recorded) = alerts::expressions()?;
    let mut asked = String::new();
    for panel in panels()? {
        for target in panel["targets"].as_array().context("no targets")? {
            let query = target["expr"].as_str().context("no query")?;
            metrics::are_known(query, &recorded).with_context(|| panel["title"].to_string())?;
            asked.push_str(query);
        }
    }
    let missing: Vec<String> = metrics::names().into_iter().filter(|name| !asked.contains(name)).collect();
    ensure!(missing.is_empty(), "no panel shows {missing:?}");
    Ok(())
}

fn panels_have_their_place() -> Result<()> {
    let (mut ids, mut places) = (BTreeSet::new(), BTreeSet::new());
    for panel in panels()? {
        let title = panel["title"].as_str().filter(|title| !title.is_empty()).context("no title")?;
        ensure!(panel["description"].as_str().is_some_and(|text| text.ends_with('.')), "{title}: no description");
        ensure!(ids.insert(panel["id"].as_u64().context("no id")?), "{title}: its id is used twice");
        let side = |name: &str| panel["gridPos"][name].as_u64().with_context(|| format!("{title}: no {name}"));
        let (x, y, width, height) = (side("x")?, side("y")?, side("w")?, side("h")?);
        ensure!(x + width <= WIDTH, "{title}: beyond the edge");
        for square in (x..x + width).flat_map(|x| (y..y + height).map(move |y| (x, y))) {
            ensure!(places.insert(square), "{title}: over another panel");
        }
    }
    Ok(())
}

fn it_is_bound_to_no_installation() -> Result<()> {
    let dashboard = dashboard()?;
    ensure!(dashboard["id"].is_null(), "it has the id of an installation");
    for panel in panels()? {
        ensure!(panel["datasource"]["uid"] == "${datasource}", "{}: another data source", panel["title"]);
        for target in panel["targets"].as_array().into_iter().flatten() {
            ensure!(target["datasource"] == panel["datasource"], "{}: another data source", panel["title"]);
        }
    }
    Ok(())
}
