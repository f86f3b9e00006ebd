//! Report as one page of HTML that loads nothing.

use super::{graph, omission, words};
use crate::clock;
use crate::report::Evidence;
use crate::report::period;
use crate::report::table::{Cell, Table};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// The page. Its content security policy permits this style and this script only.
pub fn page(evidence: &Evidence) -> String {
    let policy = format!("default-src 'none'; style-src '{}'; script-src '{}'", digest(STYLE), digest(SCRIPT));
    let (shown, empty): (Vec<&Table>, Vec<&Table>) = evidence.tables.iter().partition(|table| !table.rows.is_empty());
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta http-equiv="Content-Security-Policy" content=(policy);
                title { "panveil report of " (period::shown_day(evidence.created)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a class="skip" href="#main" { "Skip to the report" }
                header {
                    h1 { "Card numbers in the mesh" }
                    p { (scope(evidence)) }
                }
                nav aria-label="Contents" {
                    ul {
                        li { a href="#summary" { "Summary" } }
                        @for table in &shown { li { a href=(format!("#{}", table.name)) { (table.title) } } }
                    }
                    form role="search" hidden {
                        label for="filter" { "Filter rows" }
                        input id="filter" type="search" autocomplete="off" spellcheck="false";
                        output id="matches" for="filter" aria-live="polite" {}
                    }
                }
                main id="main" {
                    (summary(evidence))
                    @for table in &shown { (section(table)) }
                    @if !empty.is_empty() {
                        section id="empty" {
                            h2 { "Nothing found" }
                            p { "These tables have no rows:" }
                            ul { @for table in &empty { li { (table.title) " (PCI DSS " (table.requirement) ")" } } }
                        }
                    }
                }
                footer {
                    p { "Written by panveil " (env!("CARGO_PKG_VERSION")) ". The page contains no digit of a detected card number." }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

/// Source expression for a hash in a content security policy.
fn digest(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text.as_bytes())))
}

fn scope(evidence: &Evidence) -> String {
    let time = |time: Option<u64>, absent: &str| time.map_or_else(|| absent.to_owned(), clock::shown);
    format!(
        "Period: {} to {}. Created {}. Times are in UTC.",
        time(evidence.period.from, "first line"),
        time(evidence.period.to, "last line"),
        clock::shown(evidence.created)
    )
}

fn summary(evidence: &Evidence) -> Markup {
    html! {
        section id="summary" {
            h2 { "Summary" }
            dl {
                @for (name, cell) in evidence.summary.iter().chain(&evidence.input) {
                    div { dt { (words(name)) } dd { (if *cell == Cell::Absent { "—".to_owned() } else { cell.shown() }) } }
                }
            }
            p {
                "Each finding counts once, each stream once. Unhandled streams have no value of panveil: no panveil ran. \
                 The findings beyond are those that a record counts and does not list."
            }
        }
    }
}

fn section(table: &Table) -> Markup {
    let title = format!("{}-title", table.name);
    html! {
        section id=(table.name) {
            h2 id=(title) { (table.title) }
            p { (table.about) " " span class="requirement" { "PCI DSS " (table.requirement) } }
            @if let Some(sentence) = omission(table) { p class="warning" { (sentence) } }
            @if table.name == "data_flows" { @if let Some(graph) = graph::data_flows(table) { (graph) } }
            div class="scroll" role="region" tabindex="0" aria-labelledby=(title) {
                table {
                    thead { tr { @for column in &table.columns { th scope="col" { (words(column)) } } } }
                    tbody { @for row in &table.rows { tr { @for cell in row { (value(cell)) } } } }
                }
            }
        }
    }
}

fn value(cell: &Cell) -> Markup {
    html! {
        @match cell {
            Cell::Absent => td {},
            Cell::Time(_) | Cell::Day(_) => td { time { (cell.shown()) } },
            _ if cell.is_number() => td class="number" { (cell.shown()) },
            _ => td { (cell.shown()) },
        }
    }
}
