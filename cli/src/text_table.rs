//! Tables of text with aligned columns.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Row, Table};

/// Table without lines. Columns at the indexes `numbers` are aligned right.
pub fn of(
    header: impl Into<Row>,
    numbers: impl IntoIterator<Item = usize>,
    rows: impl IntoIterator<Item = Vec<String>>,
) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_header(header);
    table.add_rows(rows);
    for index in numbers {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}
