//! Names that enclose a value and can be far before it: the heading of its CSV column, and the name of its JSON array.
//!
//! Both are kept as a few bytes of state, so the distance in rows or items does not matter.

use super::csv_header::CsvHeader;
use super::json_rows::JsonRows;
use super::text_format::TextFormat;
use crate::scan::text_before;
use crate::verdict::name::{NameEvidence, Names};
use crate::verdict::{EnclosingNames, field};

/// The enclosing names at a position of a text.
#[derive(Clone)]
pub struct KeyContext {
    columns: Columns,
    array: Option<Vec<u8>>,
}

/// The source of column names.
#[derive(Clone)]
enum Columns {
    /// The format of the text has none.
    None,
    /// The headings of a CSV text.
    Csv(Box<CsvHeader>),
    /// The list before the rows of a result set in JSON, within such rows.
    Json(Option<Box<JsonRows>>),
}

/// A position in a text that advances with each query.
pub struct Cursor<'t> {
    key_context: KeyContext,
    lookbehind: &'t [u8],
    text: &'t [u8],
    at: usize,
    /// Evidence of the headings so far, cached because each heading has many cells.
    weighed: Vec<(Vec<u8>, NameEvidence)>,
}

/// Number of bytes before a bracket that can contain its name.
const MAX_NAME_LEN: usize = 65;

impl KeyContext {
    /// Starts at the beginning of a text.
    pub fn new(text_format: TextFormat) -> Self {
        let columns = match text_format {
            TextFormat::Csv => Columns::Csv(Box::default()),
            TextFormat::Json => Columns::Json(None),
            _ => Columns::None,
        };
        Self { columns, array: None }
    }

    /// Advances past `text`, which follows `lookbehind`.
    pub fn advance(&mut self, lookbehind: &[u8], text: &[u8]) {
        self.advance_from(0, lookbehind, text);
    }

    /// Advances from `from` in `text` to its end.
    fn advance_from(&mut self, from: usize, lookbehind: &[u8], text: &[u8]) {
        let next = text.get(from..).unwrap_or_default();
        match &mut self.columns {
            Columns::None => {}
            // The headings name the cells, also those with an array.
            Columns::Csv(header) => return header.advance(next),
            Columns::Json(rows) => advance_rows(rows, from, lookbehind, text),
        }
        if let Some(bracket) = field::last_bracket(next) {
            let end = from.saturating_add(bracket).saturating_add(1);
            self.array = field::array_name(&text_before(lookbehind, text, end, MAX_NAME_LEN)).map(<[u8]>::to_vec);
        }
    }

    fn heading(&self) -> Option<Vec<u8>> {
        match &self.columns {
            Columns::None => None,
            Columns::Csv(header) => header.heading(),
            Columns::Json(rows) => rows.as_ref().and_then(|rows| rows.heading()),
        }
    }

    /// True when a heading may be the name of a verification code or a PIN.
    pub fn may_name_codes(&self) -> bool {
        matches!(&self.columns, Columns::Csv(header) if header.may_name_codes())
    }

    /// Creates a cursor at the start of `text`, which follows `lookbehind` and the position of `self`.
    pub fn cursor<'t>(&self, lookbehind: &'t [u8], text: &'t [u8]) -> Cursor<'t> {
        Cursor { key_context: self.clone(), lookbehind, text, at: 0, weighed: Vec::new() }
    }
}

/// Advances from `from` in `text` to its end, from the `current` rows of a result set to the next.
fn advance_rows(current: &mut Option<Box<JsonRows>>, from: usize, lookbehind: &[u8], text: &[u8]) {
    let mut at = from;
    loop {
        if let Some(rows) = current {
            let Some(end) = rows.advance(text.get(at..).unwrap_or_default()) else { return };
            at = at.saturating_add(end);
            *current = None;
        }
        let Some((rows, behind)) = JsonRows::find(lookbehind, text, at) else { return };
        *current = Some(Box::new(rows));
        at = behind;
    }
}

impl Cursor<'_> {
    /// Returns the names at `position`; `None` if the cursor has passed it.
    pub fn context_at(mut self, position: usize) -> Option<KeyContext> {
        (self.at <= position).then(|| self.advance_to(position))?;
        Some(self.key_context)
    }

    fn advance_to(&mut self, position: usize) {
        self.key_context.advance_from(self.at, self.lookbehind, self.text.get(..position).unwrap_or_default());
        self.at = self.at.max(position);
    }

    /// Returns the names at `position`, which must not be before the last one.
    pub fn names(&mut self, position: usize) -> EnclosingNames {
        self.advance_to(position);
        EnclosingNames {
            heading: self.key_context.heading(),
            heading_evidence: None,
            array: self.key_context.array.clone(),
        }
    }

    /// Returns the names at `position`, with the evidence of the heading according to `names`.
    pub fn weighed_names(&mut self, position: usize, names: &Names) -> EnclosingNames {
        let mut enclosing = self.names(position);
        if let Some(heading) = &enclosing.heading {
            let known = self.weighed.iter().find(|(weighed, _)| weighed == heading).map(|(_, evidence)| *evidence);
            let evidence = known.unwrap_or_else(|| {
                let evidence = names.weigh(heading);
                self.weighed.push((heading.clone(), evidence));
                evidence
            });
            enclosing.heading_evidence = Some(evidence);
        }
        enclosing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_keep_their_column_names_in_any_chunks() {
        let text = br#"{"cols": ["id", "pan"], "rows": [[1, "a,]"], [2, {"x": [3, 4]}], []], "more": [[5, 6]]}"#;
        let name = |position: usize, split: usize| {
            let mut key_context = KeyContext::new(TextFormat::Json);
            key_context.advance(b"", &text[..split]);
            key_context.cursor(&text[..split], &text[split..]).names(position - split).heading
        };
        let at = |part: &[u8]| text.windows(part.len()).position(|window| window == part).unwrap();
        for (part, expected) in
            [("1, ", Some("id")), ("a,]", Some("pan")), ("2, ", Some("id")), ("3, ", None), ("5, ", None)]
        {
            let position = at(part.as_bytes());
            for split in 0..=position {
                let found = name(position, split).map(|name| String::from_utf8(name).unwrap());
                assert_eq!(found.as_deref(), expected, "{part} {split}");
            }
        }
    }

    #[test]
    fn an_array_keeps_its_name_in_any_chunks() {
        let text = b"{\"cards\": [1, 2, 3], \"x\": {\"ids\": [4";
        let name = |position: usize, split: usize| {
            let mut key_context = KeyContext::new(TextFormat::Json);
            key_context.advance(b"", &text[..split]);
            key_context.cursor(&text[..split], &text[split..]).names(position - split).array
        };
        for split in 0..12 {
            assert_eq!(name(12, split).as_deref(), Some(b"cards".as_slice()), "{split}");
            assert_eq!(name(28, split), None, "{split}");
            assert_eq!(name(text.len(), split).as_deref(), Some(b"ids".as_slice()), "{split}");
        }
    }
}
