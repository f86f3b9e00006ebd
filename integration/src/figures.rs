//! Format of figures: tables in Markdown, and numbers rounded to their precision.

use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, Table};

/// Table with these columns.
#[must_use]
pub fn table<'a>(header: impl IntoIterator<Item = &'a str>) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header(header);
    table
}

/// Right-aligns every column but the first.
pub fn align(table: &mut Table) {
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}

/// Ratio, rounded to its precision.
#[must_use]
pub fn ratio(value: f64, base: f64) -> String {
    match value / base {
        ratio if !ratio.is_finite() => String::new(),
        ratio if ratio < 9.995 => format!("{ratio:.2}"),
        ratio => format!("{ratio:.0}"),
    }
}

/// Share in per cent, without a fraction.
#[must_use]
pub fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// Three significant digits of a small value, and no fraction of a large one.
#[must_use]
pub fn significant(value: f64) -> String {
    if value < 99.95 { format!("{value:.1}") } else { format!("{value:.0}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_has_three_digits_at_most() {
        assert_eq!([ratio(1.0, 2.0), ratio(23.41, 10.0), ratio(9.996, 1.0)], ["0.50", "2.34", "10"]);
        assert_eq!([ratio(1071.0, 10.0), ratio(1.0, 0.0), ratio(0.0, 0.0)], ["107", "", ""]);
    }
}
