//! Under which heading of a table does something stand?
//!
//! The first line of a CSV file names the columns. It is kept, up to a bound, and the signs between the cells of the current
//! line are counted, so that a cell far down still has its name.

use crate::scan::lanes::{count, rfind};
use crate::verdict::authentication::is_code_name;

/// The headings of a table, and the place in the current line.
#[derive(Clone, Default)]
pub struct CsvHeader {
    headings: Vec<u8>,
    complete: bool,
    /// One of them is the name of a code; known once they are complete.
    name_codes: bool,
    counts: [usize; SIGNS.len()],
}

/// The signs that separate cells, in the order in which they are tried.
const SIGNS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// The longest first line that is kept. Columns beyond it have no name.
const LONGEST_HEADINGS: usize = 1024;

impl CsvHeader {
    /// Goes on behind `text`.
    pub fn advance(&mut self, text: &[u8]) {
        if !self.complete {
            let end = text.iter().position(|byte| *byte == b'\n');
            let line = text.get(..end.unwrap_or(text.len())).unwrap_or_default();
            let room = LONGEST_HEADINGS.saturating_sub(self.headings.len());
            self.headings.extend(line.iter().take(room));
            self.complete = end.is_some();
            self.name_codes = self.complete && self.all().any(|heading| is_code_name(&heading));
        }
        self.counts = self.counts_at(text);
    }

    /// True when a heading is the name of a verification code or a PIN, or may still become one.
    pub fn may_name_codes(&self) -> bool {
        !self.complete || self.name_codes
    }

    /// The heading of the column at this place; `None` in the first line.
    pub fn heading(&self) -> Option<Vec<u8>> {
        if !self.complete {
            return None;
        }
        SIGNS.iter().zip(self.counts).filter(|(sign, _)| self.headings.contains(sign)).find_map(|(sign, count)| {
            let heading = self.headings.split(|byte| byte == sign).nth(count)?;
            Some(plain(heading))
        })
    }

    /// The headings, whichever sign it is that separates them.
    fn all(&self) -> impl Iterator<Item = Vec<u8>> {
        SIGNS.iter().flat_map(|sign| self.headings.split(move |byte| byte == sign)).map(plain)
    }

    /// How many of each sign stand in the line that `text` ends in.
    fn counts_at(&self, text: &[u8]) -> [usize; SIGNS.len()] {
        let line_start = rfind(text, |bytes| bytes.is(b'\n'));
        let line = text.get(line_start.map_or(0, |index| index.saturating_add(1))..).unwrap_or_default();
        let mut counts = if line_start.is_some() { [0; SIGNS.len()] } else { self.counts };
        for (sign, sum) in SIGNS.iter().zip(&mut counts) {
            // The others say nothing of a table whose headings are complete.
            if !self.complete || self.headings.contains(sign) {
                *sum = sum.saturating_add(count(line, |bytes| bytes.is(*sign)));
            }
        }
        counts
    }
}

/// A heading without quotes and the spaces around it.
fn plain(heading: &[u8]) -> Vec<u8> {
    heading.trim_ascii().iter().copied().filter(|byte| *byte != b'"').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heading(decided: &str, text: &str) -> Option<String> {
        let mut columns = CsvHeader::default();
        columns.advance(decided.as_bytes());
        columns.advance(text.as_bytes());
        columns.heading().map(|heading| String::from_utf8(heading).unwrap())
    }

    #[test]
    fn a_cell_has_the_heading_of_its_column_wherever_the_text_is_cut() {
        let text = "id;\"card no\";note\r\n1;2;3\n4;5";
        for cut in 0..=text.len() {
            assert_eq!(heading(&text[..cut], &text[cut..]).as_deref(), Some("card no"), "{cut}");
        }
    }

    #[test]
    fn a_heading_that_names_a_code_is_known_however_it_is_written() {
        let may = |text: &str| {
            let mut columns = CsvHeader::default();
            columns.advance(text.as_bytes());
            columns.may_name_codes()
        };
        assert!(may("id,cvv\n") && may("id;\"c\"vv\"\n") && may("c.v.v|id\n") && may("card,security code\n"));
        assert!(may("id,car"), "the first line goes on");
        assert!(!may("id,card\n") && !may("pinned,cvs\n"));
    }

    #[test]
    fn the_first_line_and_cells_beyond_it_have_none() {
        assert_eq!(heading("", "id,card"), None);
        assert_eq!(heading("id,card\n", "1,2,3"), None);
        assert_eq!(heading("one column\n", "1"), None);
    }
}
