//! Column headings of a CSV text.
//!
//! The headings are the first row with several filled cells, up to a maximum length. The separators before the current position in
//! its row are counted, which gives the column. Separators and line ends inside quotes do not count.

use super::charset::BYTE_ORDER_MARK;
use super::field_path::ValueByte;
use crate::policy::FieldPath;
use crate::scan::lanes::{BLOCK, bits, count, has, padded, rfind};
use crate::verdict::authentication::CodeName;

/// The headings of a CSV text, and the position in its current row.
#[derive(Clone)]
pub struct CsvHeader {
    /// The bytes of the current row; once they are complete, the headings, with a line end between them.
    headings: Vec<u8>,
    complete: bool,
    /// Number of rows before the headings, without empty lines.
    titles: usize,
    /// The separator that the first line declares or the headings contain.
    separator: Option<u8>,
    /// Whether a heading is the name of a verification code or a PIN, once they are complete.
    has_code_name: bool,
    position: Position,
}

/// A position in a row.
#[derive(Clone, Copy)]
struct Position {
    /// Number of separators before it.
    column: usize,
    /// Whether it is in a quoted cell.
    quoted: bool,
    /// Number of line ends in the quoted cells before it.
    quoted_lines: u32,
    /// Whether a quote begins a quoted cell here, or continues one as the second of two.
    may_open: bool,
    /// Whether a quote before it was taken for text because nothing closed it, so that the column is a guess.
    is_guess: bool,
}

/// Separators between cells, in order of preference. A heading contains a comma more often than the others.
const SEPARATORS: [u8; 4] = [b'\t', b'|', b';', b','];

/// Maximum length of the headings. The column at it and those beyond have no name.
const MAX_HEADINGS_LEN: usize = 1024;

/// Maximum number of rows before the headings, without empty lines.
const MAX_TITLES: usize = 16;

/// Maximum number of line ends inside the quotes of a row. At the next one, a quote that nothing closes is taken for text.
const MAX_QUOTED_LINES: u32 = 64;

impl Default for CsvHeader {
    fn default() -> Self {
        Self {
            headings: Vec::new(),
            complete: false,
            titles: 0,
            separator: None,
            has_code_name: false,
            position: Position::START,
        }
    }
}

impl CsvHeader {
    /// Advances past `text`.
    pub fn advance(&mut self, text: &[u8]) {
        let mut rest = text;
        while !self.complete && !rest.is_empty() {
            let end = rest.iter().position(|byte| is_line_end(*byte)).map(|index| index.saturating_add(1));
            let (line, after) = rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or((rest, &[]));
            let room = MAX_HEADINGS_LEN.saturating_sub(self.headings.len());
            self.headings.extend(line.iter().take(room));
            rest = after;
            if end.is_some() {
                self.end_line();
            }
        }
        self.position.advance(self.separator.unwrap_or_default(), rest);
    }

    /// True when a heading is the name of a verification code or a PIN, or the headings are incomplete.
    pub fn may_name_codes(&self) -> bool {
        !self.complete || self.has_code_name
    }

    /// The heading of the column at the position; `None` in the headings and before them.
    pub fn heading(&self) -> Option<Vec<u8>> {
        let heading = || self.headings.split(|byte| *byte == b'\n').nth(self.position.column);
        if self.complete && self.separator.is_some() { heading().map(<[u8]>::to_vec) } else { None }
    }

    /// Path of the field at the position.
    pub fn path(&self) -> FieldPath {
        let heading = self.heading().filter(|_| !self.position.is_guess);
        heading.map_or(FieldPath::Unknown, |heading| FieldPath::Names(heading.into()))
    }

    /// Part of the text to which `byte`, the next one, belongs. In the mask of a cell, quotes, separators and line ends stay.
    pub fn value_byte(&self, byte: u8, mask: u8) -> ValueByte {
        let Some(separator) = self.separator.filter(|_| self.complete) else {
            // Rows without several cells are titles, or a table of one column, whose heading was the first of them.
            let titles = self.titles.saturating_sub(usize::from(self.separator.is_some()));
            let may_be_value = titles > 0 && !byte.is_ascii_whitespace();
            return if may_be_value { ValueByte::Unknown } else { ValueByte::Outside };
        };
        let ends_cell = byte == separator || is_line_end(byte);
        match byte {
            b'"' => ValueByte::Kept,
            _ if ends_cell && self.position.quoted => ValueByte::Kept,
            _ if ends_cell => ValueByte::Outside,
            _ => ValueByte::Masked(mask),
        }
    }

    /// Decides at a line end whether the row has the headings.
    fn end_line(&mut self) {
        if let Some(rest) = self.headings.strip_prefix(&BYTE_ORDER_MARK) {
            self.headings = rest.to_vec();
        }
        if self.headings.trim_ascii().is_empty() {
            return self.headings.clear();
        }
        let is_full = self.headings.len() == MAX_HEADINGS_LEN;
        let first = self.titles == 0;
        if first && let Some(separator) = declared_separator(&self.headings) {
            (self.separator, self.titles) = (Some(separator), 1);
            return self.headings.clear();
        }
        let possible = SEPARATORS.into_iter().filter(|byte| self.separator.is_none_or(|separator| separator == *byte));
        let rows = possible.map(|separator| Some((separator, cells(&self.headings, separator, is_full)?)));
        // It continues if it does for one separator. Of equal ones, the last is the maximum.
        let Some(rows) = rows.rev().collect::<Option<Vec<_>>>() else { return };
        let Some((separator, mut row)) = rows.into_iter().max_by_key(|(_, row)| row.len()) else { return };
        if is_full {
            row.pop();
        }
        let has_headings = row.iter().skip(1).any(|cell| !cell.is_empty());
        self.headings.clear();
        self.titles = self.titles.saturating_add(1);
        self.complete = has_headings || self.titles > MAX_TITLES;
        if has_headings {
            self.separator = Some(separator);
            self.has_code_name = row.iter().any(|heading| CodeName::of(heading).is_some());
            self.headings = row.join(&b'\n');
        } else if self.complete {
            self.separator = None;
        }
    }
}

/// The separator in a first line such as `sep=;`, which Excel reads and writes.
fn declared_separator(line: &[u8]) -> Option<u8> {
    let line = line.trim_ascii_start();
    let (name, rest) = line.strip_prefix(b"\"").unwrap_or(line).split_at_checked(4)?;
    let separator = rest.first().copied().filter(|byte| SEPARATORS.contains(byte))?;
    let ends = rest.iter().skip(1).all(|byte| matches!(byte, b'"' | b'\r' | b'\n'));
    (name.eq_ignore_ascii_case(b"sep=") && ends).then_some(separator)
}

/// The cells of the first row in `row`, without quotes and surrounding spaces; `None` if it continues in the next line. A `full` row does not
/// continue.
fn cells(row: &[u8], separator: u8, full: bool) -> Option<Vec<Vec<u8>>> {
    let mut position = Position::START;
    let mut cells = vec![Vec::new()];
    for byte in row {
        let column = position.column;
        position.advance(separator, std::slice::from_ref(byte));
        if position.column > column {
            cells.push(Vec::new());
        } else if let Some(cell) = cells.last_mut().filter(|_| *byte != b'"') {
            cell.push(if *byte == b'\n' { b' ' } else { *byte });
        }
        // With another separator the row can have ended in an earlier line.
        if is_line_end(*byte) && !position.quoted {
            break;
        }
    }
    let continues = position.quoted && !full;
    (!continues).then(|| cells.iter().map(|cell| cell.trim_ascii().to_vec()).collect())
}

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

impl Position {
    /// The start of a row.
    const START: Self = Self { column: 0, quoted: false, quoted_lines: 0, may_open: true, is_guess: false };

    /// Advances past `text`, whose cells have `separator` between them.
    fn advance(&mut self, separator: u8, text: &[u8]) {
        if !self.quoted && !has(text, |bytes| bytes.is(b'"')) {
            return self.advance_unquoted(separator, text);
        }
        for part in text.chunks(BLOCK) {
            self.advance_block(separator, part);
        }
    }

    /// Advances past `text` without quotes.
    fn advance_unquoted(&mut self, separator: u8, text: &[u8]) {
        let line_start = rfind(text, |bytes| bytes.is(b'\n') | bytes.is(b'\r')).map(|index| index.saturating_add(1));
        if line_start.is_some() {
            *self = Self { is_guess: self.is_guess, ..Self::START };
        }
        let row = text.get(line_start.unwrap_or_default()..).unwrap_or_default();
        self.column = self.column.saturating_add(count(row, |bytes| bytes.is(separator)));
        self.may_open = text.last().map_or(self.may_open, |last| *last == separator || is_line_end(*last));
    }

    /// Advances past `part`, which has at most [`BLOCK`] bytes.
    fn advance_block(&mut self, separator: u8, part: &[u8]) {
        let block = part.first_chunk::<BLOCK>().copied().unwrap_or_else(|| padded(part));
        let [quotes, returns, feeds, separators] =
            [b'"', b'\r', b'\n', separator].map(|sought| bits(&block, |bytes| bytes.is(sought)));
        let lines = returns | feeds;
        let openings = ((lines | separators) << 1) | u64::from(self.may_open);
        let mut outside = if self.quoted { 0 } else { u64::MAX };
        let (mut row, mut closing) = (u64::MAX, 0);
        let mut marks = quotes | lines;
        while marks != 0 {
            let mark = marks & marks.wrapping_neg();
            let from_mark = mark.wrapping_neg();
            marks ^= mark;
            if mark & lines != 0 {
                if self.quoted && (self.quoted_lines < MAX_QUOTED_LINES || mark & returns != 0) {
                    self.quoted_lines = self.quoted_lines.saturating_add(u32::from(mark & feeds != 0));
                    continue;
                }
                *self = Self { is_guess: self.is_guess || self.quoted, ..Self::START };
                outside |= from_mark;
                row = from_mark;
            } else if self.quoted {
                self.quoted = false;
                outside |= from_mark;
                closing |= mark;
            } else if mark & (openings | (closing << 1)) != 0 {
                self.quoted = true;
                outside &= !from_mark;
            }
        }
        let in_row = usize::try_from((separators & outside & row).count_ones()).unwrap_or_default();
        self.column = self.column.saturating_add(in_row);
        let last = u32::try_from(part.len().saturating_sub(1)).ok().and_then(|shift| 1_u64.checked_shl(shift));
        let may_open = ((lines | separators) & outside) | closing;
        self.may_open = may_open & last.unwrap_or_default() != 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn heading(decided: &str, text: &str) -> Option<String> {
        let mut header = CsvHeader::default();
        header.advance(decided.as_bytes());
        header.advance(text.as_bytes());
        header.heading().map(|heading| String::from_utf8(heading).unwrap())
    }

    #[test]
    fn a_cell_has_the_heading_of_its_column_in_any_chunks() {
        for text in [
            "id;\"card no\";note\r\n1;2;3\n4;5",
            "id|name|\"card\nno\"\n1|\"Doe | \"\"Jane\"\" |\n|\"|5",
            "id;\"a,\nb\";card no\n1;2;3",
            "id,height,card no\n1,5\" or 6\",7\n2,5\",6",
            "sep=;\nid,x;card no\n4;5",
            "\"sep=\t\"\r\nid\tcard no\n4\t5",
            "Report\r\n\r\n2026,,\n,card no,id\n4,5",
            "id,card no\r4,5\r\"6\r\n\",7",
            "price, USD\tcard no\n1\t2",
            "id\t\"a, b;\r\n\"\tcard no\r\n1\t2\t3",
        ] {
            for split in 0..=text.len() {
                assert_eq!(heading(&text[..split], &text[split..]).as_deref(), Some("card no"), "{text} {split}");
            }
        }
    }

    #[test]
    fn a_quote_that_nothing_closes_ends_after_some_lines() {
        let rows = |count: usize| format!("id,card\n1,\"{}2", "x,y,z\n".repeat(count));
        assert_eq!(heading(&rows(64), ",3").as_deref(), Some("card"));
        assert_eq!(heading(&rows(65), "").as_deref(), Some("id"));
        assert_eq!(heading(&rows(65), ",3").as_deref(), Some("card"));
        let mut header = CsvHeader::default();
        header.advance(rows(64).as_bytes());
        assert!(header.path() != FieldPath::Unknown);
        header.advance(b"\n5,\"");
        assert!(header.path() == FieldPath::Unknown, "a quoted cell can have more lines");
    }

    #[test]
    fn a_heading_at_the_limit_may_be_cut_off() {
        let text = |length: usize| format!("{},cvv\n", "a".repeat(MAX_HEADINGS_LEN - length));
        assert_eq!(heading(&text(6), ",1").as_deref(), Some("cvv"));
        assert_eq!(heading(&text(5), ",1"), None);
    }

    #[test]
    fn code_names_are_recognized_in_any_spelling() {
        let may = |text: &str| {
            let mut header = CsvHeader::default();
            header.advance(text.as_bytes());
            header.may_name_codes()
        };
        assert!(may("id,cvv\n") && may("id;\"c\"vv\"\n") && may("c.v.v|id\n") && may("card,security code\n"));
        assert!(may("id,car"), "the first line is incomplete");
        assert!(!may("id,card\n") && !may("pinned,cvs\n"));
    }

    #[test]
    fn headings_and_extra_cells_have_no_heading() {
        assert_eq!(heading("", "id,card"), None);
        assert_eq!(heading("id,card\n", "1,2,3"), None);
        assert_eq!(heading("one column\n", "1"), None);
        assert_eq!(heading(&"one column\n".repeat(20), "a,b\nc,d"), None);
    }

    proptest! {
        #[test]
        fn the_column_is_that_of_a_slow_parser(text in "([\",\n\ra]|\"\"){0,150}", split in 0..150_usize) {
            let (mut column, mut quoted, mut before) = (0, false, b'\n');
            let mut closed = false;
            for byte in text.bytes() {
                let opens = closed || (is_line_end(before) || before == b',');
                closed = quoted && byte == b'"';
                match byte {
                    b'"' if quoted => quoted = false,
                    b'"' => quoted = opens,
                    b',' if !quoted => column += 1,
                    b'\n' | b'\r' if !quoted => column = 0,
                    _ => {}
                }
                before = byte;
            }
            let mut position = Position::START;
            let (first, second) = text.split_at_checked(split).unwrap_or((&text, ""));
            position.advance(b',', first.as_bytes());
            position.advance(b',', second.as_bytes());
            prop_assume!(text.matches('\n').count() <= 64);
            prop_assert_eq!((position.column, position.quoted), (column, quoted));
        }
    }
}
