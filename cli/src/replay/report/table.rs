//! Tables of text.

use crate::terminal;
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};

/// Most characters of a cell.
const MAX_WIDTH: usize = 60;

/// Table with a title. Columns at the indexes `numbers` are aligned right.
pub fn print(title: &str, header: &[&str], numbers: &[usize], rows: &[Vec<String>]) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_header(header);
    table.add_rows(
        rows.iter().map(|row| row.iter().map(|cell| terminal::shortened(cell, MAX_WIDTH)).collect::<Vec<String>>()),
    );
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
