//! Graph of the data flows: sources on the left, receivers on the right.

use crate::report::table::{Cell, Table};
use crate::terminal;
use maud::{Markup, html};
use std::collections::BTreeMap;

/// Most flows of the graph. The table below it has all.
const MOST_FLOWS: usize = 24;

/// Height of a name, and the positions of names and lines.
const ROW: usize = 30;
const WIDTH: usize = 960;
const LEFT: usize = 300;
const RIGHT: usize = 660;

/// Most characters of a name.
const MOST_CHARACTERS: usize = 38;

/// Flow between two names.
#[derive(Default)]
struct Flow {
    findings: u64,
    has_account_data: bool,
    is_plain: bool,
}

/// Graph of the flows in the table `data_flows`, if it has any.
pub fn data_flows(table: &Table) -> Option<Markup> {
    let flows = flows(table);
    if flows.is_empty() {
        return None;
    }
    let sources = positions(flows.iter().map(|((source, _), _)| source.as_str()));
    let receivers = positions(flows.iter().map(|((_, receiver), _)| receiver.as_str()));
    let height = sources.len().max(receivers.len()).saturating_mul(ROW);
    Some(html! {
        svg viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-labelledby="flows-title flows-text" class="flows" {
            title id="flows-title" { "Data flows of card numbers" }
            desc id="flows-text" {
                "Lines from sources to receivers. A wider line has more findings, a dashed line has some on a connection without \
                 mutual TLS. The table below has the numbers."
            }
            @for ((source, receiver), flow) in &flows {
                @let (y1, y2) = (at(&sources, source), at(&receivers, receiver));
                path class=(if flow.is_plain { "flow plain" } else { "flow" }) stroke-width=(width(flow.findings))
                    d=(format!("M{LEFT} {y1} C480 {y1} 480 {y2} {RIGHT} {y2}")) {
                    title { (source) " → " (receiver) ": " (flow.findings) }
                }
            }
            @for (name, y) in &sources {
                text x=(LEFT.saturating_sub(8)) y=(y) text-anchor="end" dominant-baseline="middle" { (short(name)) title { (name) } }
            }
            @for (name, y) in &receivers {
                text x=(RIGHT.saturating_add(8)) y=(y) dominant-baseline="middle" { (short(name)) title { (name) } }
            }
        }
    })
}

/// The flows with the most findings, by source and receiver.
fn flows(table: &Table) -> Vec<((String, String), Flow)> {
    let mut flows: BTreeMap<(String, String), Flow> = BTreeMap::new();
    for row in &table.rows {
        let cell =
            |name: &str| table.columns.iter().position(|column| *column == name).and_then(|index| row.get(index));
        let name = |column: &str, absent: &str| match cell(column) {
            Some(Cell::Text(text)) => text.as_str().to_owned(),
            _ => absent.to_owned(),
        };
        let count = |name: &str| if let Some(Cell::Count(count)) = cell(name) { *count } else { 0 };
        let flow = flows.entry((name("source", "no certificate"), name("receiver", "unknown"))).or_default();
        // Each finding has one action. Track data counts as a card number and as authentication data.
        for action in ["masked", "blocked", "allowed", "reported"] {
            flow.findings = flow.findings.saturating_add(count(action));
        }
        flow.has_account_data |= count("card_numbers") > 0 || count("authentication_data") > 0;
        flow.is_plain |= name("mtls", "") == "no";
    }
    let mut flows: Vec<_> = flows.into_iter().filter(|(_, flow)| flow.has_account_data).collect();
    flows.sort_by_key(|(_, flow)| std::cmp::Reverse(flow.findings));
    flows.truncate(MOST_FLOWS);
    flows
}

/// Heights of names, each once, in the order of their first flow.
fn positions<'f>(names: impl Iterator<Item = &'f str>) -> Vec<(&'f str, usize)> {
    let mut positions: Vec<(&str, usize)> = Vec::new();
    for name in names {
        if !positions.iter().any(|(known, _)| *known == name) {
            positions.push((name, positions.len().saturating_mul(ROW).saturating_add(ROW / 2)));
        }
    }
    positions
}

fn at(positions: &[(&str, usize)], name: &str) -> usize {
    positions.iter().find(|(known, _)| *known == name).map_or(0, |(_, y)| *y)
}

/// Width of a line: one more for each power of four.
fn width(findings: u64) -> u64 {
    u64::from(findings.checked_ilog2().unwrap_or(0) / 2).saturating_add(1)
}

/// Name for a label. Of a principal of Kubernetes, namespace and service account.
fn short(name: &str) -> String {
    let parts: Vec<&str> = name.split('/').collect();
    let short = match parts.as_slice() {
        ["spiffe:", "", _, "ns", namespace, "sa", account] => format!("{namespace}/{account}"),
        _ => name.to_owned(),
    };
    terminal::shortened(&short, MOST_CHARACTERS)
}
