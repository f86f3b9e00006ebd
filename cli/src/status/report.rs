//! Report on all proxies.

use super::super::{failure::Failure, output, terminal};
use super::proxy_status::{ProxyState, ProxyStatus};
use panveil::stream;
use serde_json::json;
use std::collections::BTreeMap;

const TITLES: [&str; 6] = ["proxy", "state", "version", "mode", "policy", "module"];

/// Prints one line per proxy, and the number of proxies in each state.
pub fn text(statuses: &[(String, ProxyStatus)]) -> Result<(), Failure> {
    let row = |(name, status): &(String, ProxyStatus)| {
        let lists = [&status.versions, &status.modes, &status.policies, &status.modules].map(|list| list.join(","));
        let [version, mode, policy, module] = lists.map(|cell| terminal::escaped(cell.as_bytes()));
        [shown(name), status.state.as_str().to_owned(), version, mode, policy, module]
    };
    let rows: Vec<[String; 6]> = std::iter::once(TITLES.map(str::to_owned)).chain(statuses.iter().map(row)).collect();
    let mut widths = [0; 6];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    let notes = std::iter::once(&[][..]).chain(statuses.iter().map(|(_, status)| status.notes.as_slice()));
    for (row, notes) in rows.iter().zip(notes) {
        let cells: Vec<String> = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .filter(|cell| !cell.is_empty())
            .collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
        for note in notes {
            text.push_str("  ");
            text.push_str(&shown(note));
            text.push('\n');
        }
    }
    let mut counts: BTreeMap<ProxyState, usize> = BTreeMap::new();
    for (_, status) in statuses {
        let count = counts.entry(status.state).or_default();
        *count = count.saturating_add(1);
    }
    let counts: Vec<String> = counts.iter().map(|(state, count)| format!("{count} {}", state.as_str())).collect();
    let proxies = if statuses.len() == 1 { "proxy" } else { "proxies" };
    text.push_str(&format!("\n{} {proxies}: {}\n", statuses.len(), counts.join(", ")));
    output::write(text.as_bytes())
}

/// Prints one JSON object per line and proxy.
pub fn json(statuses: &[(String, ProxyStatus)]) -> Result<(), Failure> {
    let line = |(name, status): &(String, ProxyStatus)| {
        let notes: Vec<String> = status.notes.iter().map(|note| shown(note)).collect();
        let line = json!({
            "proxy": shown(name),
            "state": status.state.as_str(),
            "versions": status.versions,
            "modes": status.modes,
            "policies": status.policies,
            "modules": status.modules,
            "notes": notes,
        });
        format!("{line}\n")
    };
    output::write(statuses.iter().map(line).collect::<String>().as_bytes())
}

/// Text of a page in one line, with card numbers masked and control characters escaped.
fn shown(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<&str>>().join(" ");
    terminal::escaped(&stream::redacted(line.as_bytes()))
}
