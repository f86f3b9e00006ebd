//! How do rows become a table?

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};

/// How wide a column of free text becomes.
const WIDEST: usize = 60;

/// A table under a title. Columns at `numbers` stand to the right.
pub fn print(title: &str, header: &[&str], numbers: &[usize], rows: &[Vec<String>]) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_header(header);
    table.add_rows(rows.iter().map(|row| row.iter().map(|cell| shortened(cell)).collect::<Vec<String>>()));
    for index in numbers {
        if let Some(column) = table.column_mut(*index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    if let Some(column) = table.column_mut(0) {
        column.set_padding((2, 1));
    }
    format!("{title}\n{}\n", table.trim_fmt())
}

fn shortened(cell: &str) -> String {
    let mut characters = cell.chars();
    let mut short: String = characters.by_ref().take(WIDEST).collect();
    if characters.next().is_some() {
        short.pop();
        short.push('…');
    }
    short
}
