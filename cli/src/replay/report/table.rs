//! Tables of text.

use crate::{terminal, text_table};

/// Most characters of a cell.
const MAX_WIDTH: usize = 60;

/// Table with a title. Columns at the indexes `numbers` are aligned right.
pub fn print(title: &str, header: &[&str], numbers: &[usize], rows: &[Vec<String>]) -> String {
    let rows = rows.iter().map(|row| row.iter().map(|cell| terminal::shortened(cell, MAX_WIDTH)).collect());
    let mut table = text_table::of(header, numbers.iter().copied(), rows);
    if let Some(column) = table.column_mut(0) {
        column.set_padding((2, 1));
    }
    format!("{title}\n{}\n", table.trim_fmt())
}
