//! Column headings of a CSV text.
//!
//! The first line is kept, up to a maximum length. The separators before the current position in its line are counted, which gives
//! the column.

use crate::scan::lanes::{count, rfind};
use crate::verdict::authentication::is_code_name;

/// The headings of a CSV text, and the position in its current line.
#[derive(Clone, Default)]
pub struct CsvHeader {
    /// The first line.
    headings: Vec<u8>,
    complete: bool,
    /// Whether a heading is the name of a verification code or a PIN, once they are complete.
    has_code_name: bool,
    /// Number of each separator before the position.
    counts: [usize; SEPARATORS.len()],
}

/// Separators between cells, in order of preference.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Maximum length of the first line. Columns beyond it have no name.
const MAX_HEADINGS_LEN: usize = 1024;

impl CsvHeader {
    /// Advances past `text`.
    pub fn advance(&mut self, text: &[u8]) {
        if !self.complete {
            let end = text.iter().position(|byte| *byte == b'\n');
            let line = text.get(..end.unwrap_or(text.len())).unwrap_or_default();
            let room = MAX_HEADINGS_LEN.saturating_sub(self.headings.len());
            self.headings.extend(line.iter().take(room));
            self.complete = end.is_some();
            self.has_code_name = self.complete && self.all().any(|heading| is_code_name(&heading));
        }
        self.counts = self.counts_at(text);
    }

    /// True when a heading is the name of a verification code or a PIN, or the headings are incomplete.
    pub fn may_name_codes(&self) -> bool {
        !self.complete || self.has_code_name
    }

    /// The heading of the column at the position; `None` in the first line.
    pub fn heading(&self) -> Option<Vec<u8>> {
        if !self.complete {
            return None;
        }
        SEPARATORS.iter().zip(self.counts).filter(|(separator, _)| self.headings.contains(separator)).find_map(
            |(separator, count)| {
                let heading = self.headings.split(|byte| byte == separator).nth(count)?;
                Some(unquoted(heading))
            },
        )
    }

    /// The headings for every possible separator.
    fn all(&self) -> impl Iterator<Item = Vec<u8>> {
        SEPARATORS.iter().flat_map(|separator| self.headings.split(move |byte| byte == separator)).map(unquoted)
    }

    /// Number of each separator in the last line of `text`.
    fn counts_at(&self, text: &[u8]) -> [usize; SEPARATORS.len()] {
        let line_start = rfind(text, |bytes| bytes.is(b'\n'));
        let line = text.get(line_start.map_or(0, |index| index.saturating_add(1))..).unwrap_or_default();
        let mut counts = if line_start.is_some() { [0; SEPARATORS.len()] } else { self.counts };
        for (separator, sum) in SEPARATORS.iter().zip(&mut counts) {
            // Other separators do not matter once the headings are complete.
            if !self.complete || self.headings.contains(separator) {
                *sum = sum.saturating_add(count(line, |bytes| bytes.is(*separator)));
            }
        }
        counts
    }
}

/// A heading without quotes and surrounding spaces.
fn unquoted(heading: &[u8]) -> Vec<u8> {
    heading.trim_ascii().iter().copied().filter(|byte| *byte != b'"').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heading(decided: &str, text: &str) -> Option<String> {
        let mut header = CsvHeader::default();
        header.advance(decided.as_bytes());
        header.advance(text.as_bytes());
        header.heading().map(|heading| String::from_utf8(heading).unwrap())
    }

    #[test]
    fn a_cell_has_the_heading_of_its_column_in_any_chunks() {
        let text = "id;\"card no\";note\r\n1;2;3\n4;5";
        for split in 0..=text.len() {
            assert_eq!(heading(&text[..split], &text[split..]).as_deref(), Some("card no"), "{split}");
        }
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
    fn the_first_line_and_extra_cells_have_no_heading() {
        assert_eq!(heading("", "id,card"), None);
        assert_eq!(heading("id,card\n", "1,2,3"), None);
        assert_eq!(heading("one column\n", "1"), None);
    }
}
