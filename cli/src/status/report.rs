//! Report on all proxies.

use super::super::{failure::Failure, output, terminal};
use super::proxy_status::{ProxyState, ProxyStatus};
use serde_json::json;
use std::collections::BTreeMap;

const TITLES: [&str; 6] = ["proxy", "state", "version", "mode", "policy", "module"];

/// Prints one line per proxy, and the number of proxies in each state.
pub fn text(statuses: &[(String, ProxyStatus)]) -> Result<(), Failure> {
    let row = |(name, status): &(String, ProxyStatus)| {
        let lists = [&status.versions, &status.modes, &status.policies, &status.modules].map(|list| list.join(","));
        let [version, mode, policy, module] = lists.map(|cell| terminal::escaped(cell.as_bytes()));
        [terminal::safe_line(name), status.state.as_str().to_owned(), version, mode, policy, module]
    };
    let rows: Vec<[String; 6]> = std::iter::once(TITLES.map(str::to_owned)).chain(statuses.iter().map(row)).collect();
    let mut text = String::new();
    let notes = std::iter::once(&[][..]).chain(statuses.iter().map(|(_, status)| status.notes.as_slice()));
    for (line, notes) in terminal::table(&rows).iter().zip(notes) {
        text.push_str(line);
        for note in notes {
            text.push_str("  ");
            text.push_str(&terminal::safe_line(note));
            text.push('\n');
        }
    }
    let mut counts: BTreeMap<ProxyState, usize> = BTreeMap::new();
    for (_, status) in statuses {
        let count = counts.entry(status.state).or_default();
        *count = count.saturating_add(1);
    }
    let counts: Vec<String> = counts.iter().map(|(state, count)| format!("{count} {}", state.as_str())).collect();
    let proxies = terminal::counted(statuses.len(), "proxy", "proxies");
    text.push_str(&format!("\n{proxies}: {}\n", counts.join(", ")));
    output::write(text.as_bytes())
}

/// Prints one JSON object per line and proxy.
pub fn json(statuses: &[(String, ProxyStatus)]) -> Result<(), Failure> {
    let line = |(name, status): &(String, ProxyStatus)| {
        let notes: Vec<String> = status.notes.iter().map(|note| terminal::safe_line(note)).collect();
        let line = json!({
            "proxy": terminal::safe_line(name),
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
