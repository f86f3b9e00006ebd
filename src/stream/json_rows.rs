//! Column names of rows in JSON result sets: `"columns": ["id", "pan"], "rows": [[1, "…"], [2, "…"]]`.
//!
//! The list of names is directly before the rows. The state is the names and the column, so the number of rows does not matter.

use crate::scan::{lanes, text_before};
use crate::verdict::field;

/// Position within the rows of a result set.
#[derive(Clone)]
pub struct JsonRows {
    names: Vec<Vec<u8>>,
    column: usize,
    /// Number of open arrays: 1 between rows, 2 within a row.
    depth: usize,
    in_string: bool,
    is_escaped: bool,
}

/// Number of bytes before the rows that can contain the list of names.
const MAX_LIST_LEN: usize = 200;

/// The most columns. Longer lists are not read.
const MOST_COLUMNS: usize = 64;

impl JsonRows {
    /// Finds the first rows with column names in `text` from `from` on, and the position behind their `[[`.
    pub fn find(lookbehind: &[u8], text: &[u8], from: usize) -> Option<(Self, usize)> {
        let mut at = from;
        loop {
            let rest = text.get(at..)?;
            let bracket = lanes::find(rest, |bytes| bytes.is(b'['))?;
            let behind = at.saturating_add(bracket).saturating_add(1);
            let previous = at.saturating_add(bracket).checked_sub(1).map_or(lookbehind.last(), |index| text.get(index));
            let before = || text_before(lookbehind, text, behind, MAX_LIST_LEN);
            if previous == Some(&b'[')
                && let Some(names) = before().strip_suffix(b"[[").and_then(names_before)
            {
                return Some((Self { names, column: 0, depth: 2, in_string: false, is_escaped: false }, behind));
            }
            at = behind;
        }
    }

    /// Advances past `text`. If the rows end there, returns the position behind them.
    pub fn advance(&mut self, text: &[u8]) -> Option<usize> {
        for (index, byte) in text.iter().enumerate() {
            if self.in_string {
                match byte {
                    _ if self.is_escaped => self.is_escaped = false,
                    b'\\' => self.is_escaped = true,
                    b'"' => self.in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'[' | b'{' => {
                    self.depth = self.depth.saturating_add(1);
                    if self.depth == 2 {
                        self.column = 0;
                    }
                }
                b',' if self.depth == 2 => self.column = self.column.saturating_add(1),
                b']' | b'}' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        return Some(index.saturating_add(1));
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// The name of the current column.
    pub fn heading(&self) -> Option<Vec<u8>> {
        (self.depth == 2).then(|| self.names.get(self.column).cloned()).flatten()
    }
}

/// The names in a list of strings at the end of `text`, behind which a key and a colon begin the next array.
fn names_before(text: &[u8]) -> Option<Vec<Vec<u8>>> {
    let text = text.trim_ascii_end().strip_suffix(b":")?.trim_ascii_end().strip_suffix(b"\"")?;
    let quote = text.iter().rposition(|byte| *byte == b'"')?;
    let text = text.get(..quote)?.trim_ascii_end().strip_suffix(b",")?.trim_ascii_end().strip_suffix(b"]")?;
    let start = text.iter().rposition(|byte| *byte == b'[')?;
    let (key, list) = text.split_at_checked(start)?;
    if !key.trim_ascii_end().ends_with(b":") {
        return None;
    }
    let names: Option<Vec<Vec<u8>>> = list.get(1..)?.split(|byte| *byte == b',').map(name_of).collect();
    names.filter(|names| names.len() <= MOST_COLUMNS)
}

/// The name in an item of the list, which must be a plain string.
fn name_of(item: &[u8]) -> Option<Vec<u8>> {
    let name = item.trim_ascii().strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    (name.len() <= field::LONGEST_NAME && !name.contains(&b'"') && !name.contains(&b'\\')).then(|| name.to_vec())
}
