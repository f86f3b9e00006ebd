//! Output of a report.

mod graph;
mod html;

use super::Evidence;
use super::table::{Cell, Table};
use crate::clock;
use crate::failure::Failure;
use crate::text_table;
use serde_json::{Map, Value, json};

/// Most rows of a table as text.
const TEXT_ROWS: usize = 20;

/// Characters with which a spreadsheet begins a formula.
const FORMULA: [char; 4] = ['=', '+', '-', '@'];

/// Output format.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ReportFormat {
    /// Totals, and the beginning of each table.
    Text,
    /// One page for a browser or a printer.
    Html,
    /// One JSON document.
    Json,
    /// One table as CSV: see --table.
    Csv,
}

impl ReportFormat {
    /// Rejects the name of a table that this format does not print. CSV needs one of `tables`, the other formats print all.
    pub fn check(self, table: Option<&str>, tables: impl FnOnce() -> Vec<Table>) -> Result<(), Failure> {
        match (self, table) {
            (Self::Csv, _) => named(&tables(), table).map(|_| ()),
            (_, Some(_)) => Err(Failure::Error("--table: for --format csv only; leave it out".to_owned())),
            (_, None) => Ok(()),
        }
    }
}

impl Evidence {
    /// Report in this format. CSV needs the name of a table.
    pub fn render(&self, format: ReportFormat, table: Option<&str>) -> Result<Vec<u8>, Failure> {
        match format {
            ReportFormat::Text => Ok(self.text().into_bytes()),
            ReportFormat::Html => Ok(html::page(self).into_bytes()),
            ReportFormat::Json => Ok(self.json().into_bytes()),
            ReportFormat::Csv => csv_table(named(&self.tables, table)?),
        }
    }

    fn text(&self) -> String {
        let mut text = format!("Report of {}", clock::shown(self.created));
        for (word, time) in [("from", self.period.from), ("to", self.period.to)] {
            text.push_str(&time.map(|time| format!(" {word} {}", clock::shown(time))).unwrap_or_default());
        }
        text.push('\n');
        let lines = self.input.iter().chain(&self.summary).filter(|(_, cell)| *cell != Cell::Absent);
        text.extend(lines.map(|(name, cell)| format!("  {:<22}{}\n", words(name), cell.shown())));
        for table in self.tables.iter().filter(|table| !table.rows.is_empty()) {
            text.push_str(&table_text(table));
        }
        text
    }

    fn json(&self) -> String {
        let object = |cells: &[(&'static str, Cell)]| -> Map<String, Value> {
            cells.iter().map(|(name, cell)| ((*name).to_owned(), cell.json())).collect()
        };
        let table = |table: &Table| {
            let row = |row: &Vec<Cell>| -> Map<String, Value> {
                table.columns.iter().zip(row).map(|(name, cell)| ((*name).to_owned(), cell.json())).collect()
            };
            let rows: Vec<Map<String, Value>> = table.rows.iter().map(row).collect();
            let contents =
                json!({"title": table.title, "requirement": table.requirement, "omitted": table.omitted, "rows": rows});
            (table.name.to_owned(), contents)
        };
        let document = json!({
            "version": 1,
            "panveil": env!("CARGO_PKG_VERSION"),
            "created": clock::shown(self.created),
            "period": {"from": self.period.from.map(clock::shown), "to": self.period.to.map(clock::shown)},
            "input": object(&self.input),
            "summary": object(&self.summary),
            "tables": self.tables.iter().map(table).collect::<Map<String, Value>>(),
        });
        format!("{document:#}\n")
    }
}

/// Table with this name.
fn named<'t>(tables: &'t [Table], name: Option<&str>) -> Result<&'t Table, Failure> {
    let found = name.and_then(|name| tables.iter().find(|table| table.name == name));
    found.ok_or_else(|| {
        let names: Vec<&str> = tables.iter().map(|table| table.name).collect();
        Failure::Error(format!("--format csv: needs --table with one of {}", names.join(", ")))
    })
}

/// Name of a column in words.
fn words(name: &str) -> String {
    name.replace('_', " ")
}

fn table_text(table: &Table) -> String {
    let header = table.columns.iter().map(|name| words(name));
    let first = table.rows.first().into_iter().flatten().enumerate();
    let numbers = first.filter(|(_, cell)| cell.is_number()).map(|(index, _)| index);
    let rows = table.rows.iter().take(TEXT_ROWS).map(|row| row.iter().map(Cell::shown).collect());
    let text = text_table::of(header, numbers, rows);
    let rest = table.rows.len().saturating_sub(TEXT_ROWS);
    let more =
        if rest > 0 { format!("  {rest} more rows: --format csv --table {}\n", table.name) } else { String::new() };
    let omission = omission(table).map(|line| format!("  {line}\n")).unwrap_or_default();
    format!("\n{} (PCI DSS {})\n{}\n{more}{omission}", table.title, table.requirement, text.trim_fmt())
}

/// Sentence about entries that a table leaves out.
fn omission(table: &Table) -> Option<String> {
    let omitted = table.omitted;
    (omitted > 0).then(|| format!("The table is full: {omitted} further entries are counted in the totals only."))
}

/// Table as CSV (RFC 4180). Spreadsheets must not read a text of the input as a formula.
fn csv_table(table: &Table) -> Result<Vec<u8>, Failure> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let value = |cell: &Cell| match cell {
        Cell::Text(text) if text.as_str().starts_with(FORMULA) => format!("'{}", text.as_str()),
        Cell::Seconds(seconds) => seconds.to_string(),
        cell => cell.shown(),
    };
    let rows = table.rows.iter().map(|row| row.iter().map(value).collect::<Vec<String>>());
    let header = table.columns.iter().map(|name| (*name).to_owned()).collect();
    for row in std::iter::once(header).chain(rows) {
        writer.write_record(row).map_err(|error| Failure::Error(format!("CSV: {error}")))?;
    }
    writer.into_inner().map_err(|error| Failure::Error(format!("CSV: {error}")))
}
