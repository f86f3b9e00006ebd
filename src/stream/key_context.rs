//! What is a number called by what stands far before it?
//!
//! The heading of its column, however many rows ago, and the name of the array that it stands in, however many items ago.
//! Both are kept as a few bytes of state.

use super::csv_header::CsvHeader;
use crate::scan::text_before;
use crate::verdict::name::{NameEvidence, Names};
use crate::verdict::{EnclosingNames, field};

/// The names that hold at one place of a text, and what it takes to go on from there.
#[derive(Clone)]
pub struct KeyContext {
    columns: Option<Box<CsvHeader>>,
    array: Option<Vec<u8>>,
}

/// A place in a text that moves on with the questions that are asked about it.
pub struct Cursor<'t> {
    key_context: KeyContext,
    behind: &'t [u8],
    text: &'t [u8],
    at: usize,
    /// What the headings that were asked for say. A table has few, and many cells below each.
    weighed: Vec<(Vec<u8>, NameEvidence)>,
}

/// The bytes up to a bracket in which its name may stand.
const NAME: usize = 65;

impl KeyContext {
    /// At the start of a text; of a table when it is one.
    pub fn new(table: bool) -> Self {
        Self { columns: table.then(Box::default), array: None }
    }

    /// Goes on behind `text`, which follows `behind`.
    pub fn advance(&mut self, behind: &[u8], text: &[u8]) {
        self.advance_from(0, behind, text);
    }

    /// The same, when the first `from` bytes of `text` are behind this already.
    fn advance_from(&mut self, from: usize, behind: &[u8], text: &[u8]) {
        let next = text.get(from..).unwrap_or_default();
        if let Some(columns) = &mut self.columns {
            columns.advance(next);
        }
        if let Some(bracket) = field::last_bracket(next) {
            let end = from.saturating_add(bracket).saturating_add(1);
            self.array = field::array_name(&text_before(behind, text, end, NAME)).map(<[u8]>::to_vec);
        }
    }

    /// True when a heading may be the name of a verification code or a PIN.
    pub fn may_name_codes(&self) -> bool {
        self.columns.as_ref().is_some_and(|columns| columns.may_name_codes())
    }

    /// A cursor at the start of `text`, which follows `behind` and this.
    pub fn cursor<'t>(&self, behind: &'t [u8], text: &'t [u8]) -> Cursor<'t> {
        Cursor { key_context: self.clone(), behind, text, at: 0, weighed: Vec::new() }
    }
}

impl Cursor<'_> {
    /// What holds at `position`; `None` when it is before what was asked for last.
    pub fn up_to(mut self, position: usize) -> Option<KeyContext> {
        (self.at <= position).then(|| self.advance_to(position))?;
        Some(self.key_context)
    }

    fn advance_to(&mut self, position: usize) {
        self.key_context.advance_from(self.at, self.behind, self.text.get(..position).unwrap_or_default());
        self.at = self.at.max(position);
    }

    /// The names at `position`, which is not before the one that was asked for last.
    pub fn names(&mut self, position: usize) -> EnclosingNames {
        self.advance_to(position);
        EnclosingNames {
            heading: self.key_context.columns.as_ref().and_then(|columns| columns.heading()),
            heading_evidence: None,
            array: self.key_context.array.clone(),
        }
    }

    /// The same, with what the heading says by these lists.
    pub fn weighed_names(&mut self, position: usize, names: &Names) -> EnclosingNames {
        let mut far = self.names(position);
        if let Some(heading) = &far.heading {
            let known = self.weighed.iter().find(|(weighed, _)| weighed == heading).map(|(_, says)| *says);
            let says = known.unwrap_or_else(|| {
                let says = names.weigh(heading);
                self.weighed.push((heading.clone(), says));
                says
            });
            far.heading_evidence = Some(says);
        }
        far
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_keeps_its_name_wherever_the_text_is_cut() {
        let text = b"{\"cards\": [1, 2, 3], \"x\": {\"ids\": [4";
        let name = |position: usize, cut: usize| {
            let mut key_context = KeyContext::new(false);
            key_context.advance(b"", &text[..cut]);
            key_context.cursor(&text[..cut], &text[cut..]).names(position - cut).array
        };
        for cut in 0..12 {
            assert_eq!(name(12, cut).as_deref(), Some(b"cards".as_slice()), "{cut}");
            assert_eq!(name(28, cut), None, "{cut}");
            assert_eq!(name(text.len(), cut).as_deref(), Some(b"ids".as_slice()), "{cut}");
        }
    }
}
