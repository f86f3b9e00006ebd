//! Which cards are in a text that arrives piece by piece?

use super::Document;
use super::columns::Columns;
use crate::mask::{self, Form, Style};
use crate::scan::{self, Decoded, Escapes, LOOKBEHIND, Starts, Step, View, Windows};
use crate::verdict::{self, Level, Pan, Verdict};
use std::ops::Range;

/// The state between two pieces of one text: a few bytes of it, however long it is.
///
/// Has no `Debug`: it holds bytes of the text.
#[derive(Clone)]
pub struct Inspector {
    document: Document,
    escapes: Escapes,
    mask: u8,
    level: Level,
    anchor: u8,
    gap: usize,
    columns: Option<Box<Columns>>,
    behind: [u8; LOOKBEHIND],
    behind_len: usize,
}

/// A card in the window that was inspected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// From the first digit to behind the last, as offsets into the window.
    pub span: Range<usize>,
    /// What it is.
    pub pan: Pan,
    /// How it is written.
    pub form: Form,
}

impl Inspector {
    /// At the start of a text written in `document`, in which masks are written as `style` does.
    pub fn new(document: Document, style: Style) -> Self {
        let escapes = document.escapes();
        Self {
            document,
            escapes,
            mask: style.character.as_byte(),
            level: Level::Balanced,
            anchor: 0,
            gap: 0,
            columns: (document == Document::Csv).then(Box::default),
            behind: [0; LOOKBEHIND],
            behind_len: 0,
        }
    }

    /// The same, with another strength of evidence than [`Level::Balanced`].
    pub fn at_level(self, level: Level) -> Self {
        Self { level, ..self }
    }

    /// The same, for bytes that may be several texts of different notation in one.
    pub fn reading_all_escapes(self) -> Self {
        Self { escapes: Escapes::ALL, ..self }
    }

    /// The same, as if `text` had come before. What a field is called tells what is in it.
    pub fn preceded_by(mut self, text: &[u8]) -> Self {
        self.remember(text);
        self
    }

    /// True when a whole `text` holds digits that could be a card's, whatever is around them.
    pub fn suspects(&self, text: &[u8]) -> bool {
        let decoded = Decoded::new(text, 0, true, self.escapes, self.mask);
        let mut starts = Starts::new(View::new(&[], decoded.text(), true, self.mask));
        while let Step::Start(mut windows) = starts.advance() {
            if windows.any(|candidate| verdict::is_possible(&candidate)) {
                return true;
            }
        }
        false
    }

    /// Inspects `window`, which begins at the first undecided byte of the text, and adds the cards in it to `findings`.
    ///
    /// Returns how many bytes are decided. The rest, at most [`super::MAX_UNDECIDED`] bytes, must come again, at the
    /// start of the next window and unchanged. With `last`, which says that the text ends here, nothing remains.
    pub fn inspect(&mut self, window: &[u8], last: bool, findings: &mut Vec<Finding>) -> usize {
        self.document = self.document.settled_by(window);
        let mut decided: usize = 0;
        loop {
            let rest = window.get(decided..).unwrap_or_default();
            let block = rest.get(..BLOCK).unwrap_or(rest);
            let ends = block.len() == rest.len();
            let found = findings.len();
            let count = if self.gap > 0 || !block.is_ascii() || scan::has_escapes(block, self.escapes) {
                self.inspect_escaped(block, last && ends, findings)
            } else {
                self.inspect_plain(block, last && ends, findings)
            };
            for finding in findings.iter_mut().skip(found) {
                finding.span.start = finding.span.start.saturating_add(decided);
                finding.span.end = finding.span.end.saturating_add(decided);
            }
            decided = decided.saturating_add(count);
            if ends || count == 0 {
                return decided;
            }
        }
    }

    /// Inspects bytes that stand for themselves.
    fn inspect_plain(&mut self, block: &[u8], last: bool, findings: &mut Vec<Finding>) -> usize {
        let decided = self.walk(block, last, |span, pan, form| findings.push(Finding { span, pan, form }));
        self.remember(block.get(..decided).unwrap_or_default());
        decided
    }

    /// Inspects what bytes with escapes in them say.
    fn inspect_escaped(&mut self, block: &[u8], last: bool, findings: &mut Vec<Finding>) -> usize {
        let decoded = Decoded::new(block, self.gap, last, self.escapes, self.mask);
        let decided = self.walk(decoded.text(), last, |span, pan, form| {
            let (first, behind) = (span.start, span.end);
            let raw = decoded.start(first)..decoded.end(behind.saturating_sub(1));
            let form = if raw.len() == span.len() { form } else { spelled(&decoded, span, raw.start, self.mask) };
            findings.push(Finding { span: raw, pan, form });
        });
        self.remember(decoded.text().get(..decided).unwrap_or_default());
        let gap_before = if decided == 0 { self.gap } else { 0 };
        self.gap = decoded.gap(decided).saturating_add(gap_before);
        decoded.start(decided)
    }

    /// Hands the cards in `text` to `found` and returns how much of it is decided.
    fn walk(&self, text: &[u8], last: bool, mut found: impl FnMut(Range<usize>, Pan, Form)) -> usize {
        let behind = self.behind.get(..self.behind_len).unwrap_or_default();
        let view = View::new(behind, text, last, self.mask);
        let mut starts = Starts::new(view);
        loop {
            match starts.advance() {
                Step::Start(windows) => {
                    let start = windows.start();
                    match self.best(windows, text) {
                        Best::Card(span, pan) => {
                            starts.take(span.end);
                            let form = self.document.form_of(view, &span, self.anchor);
                            found(span, pan, form);
                        }
                        Best::Open => return start,
                        Best::None => {}
                    }
                }
                Step::Undecided(from) => return from,
                Step::End => return text.len(),
            }
        }
    }

    /// The card among the windows from one group of `text`: the one with the strongest evidence, the shorter one of two
    /// equals.
    fn best(&self, windows: Windows<'_>, text: &[u8]) -> Best {
        let mut best = Best::None;
        for candidate in windows {
            let columns = self.columns.as_ref().filter(|_| verdict::is_possible(&candidate));
            let before = text.get(..candidate.span().start).unwrap_or_default();
            let heading = columns.and_then(|columns| columns.heading(before));
            match verdict::judge(&candidate, self.level, heading.as_deref()) {
                Verdict::Open => return Best::Open,
                Verdict::Pan(pan) if !matches!(&best, Best::Card(_, other) if other.score >= pan.score) => {
                    best = Best::Card(candidate.span(), pan);
                }
                Verdict::Pan(_) | Verdict::NotPan(_) => {}
            }
        }
        best
    }

    /// Keeps what later decisions need of the bytes decided now.
    fn remember(&mut self, decided: &[u8]) {
        if let Some(columns) = &mut self.columns {
            columns.advance(decided);
        }
        if let Some(byte) = decided.iter().rev().find(|byte| Document::is_anchor(**byte)) {
            self.anchor = *byte;
        }
        let fresh = decided.get(decided.len().saturating_sub(LOOKBEHIND)..).unwrap_or_default();
        let kept = self.behind_len.min(LOOKBEHIND.saturating_sub(fresh.len()));
        self.behind.copy_within(self.behind_len.saturating_sub(kept)..self.behind_len, 0);
        for (slot, byte) in self.behind.iter_mut().skip(kept).zip(fresh) {
            *slot = *byte;
        }
        self.behind_len = kept.saturating_add(fresh.len());
    }
}

/// How much is inspected at a time. What escapes say needs several times the room of the bytes; this bounds it.
const BLOCK: usize = 16_384;

/// How the digits of the number at `span` are spelled in the source, where the number begins at `start`.
fn spelled(decoded: &Decoded<'_>, span: Range<usize>, start: usize, mask: u8) -> Form {
    let text = decoded.text();
    let digits = span.filter(|position| text.get(*position).is_some_and(u8::is_ascii_digit));
    let edits = digits.map(|position| {
        let mut edits = decoded.mask(position, mask);
        if edits.is_empty() {
            // A spelling that has no room for a mask: better a broken escape than a readable digit.
            edits = (decoded.start(position)..decoded.end(position)).map(|at| (at, mask)).collect();
        }
        edits.into_iter().map(|(at, byte)| (at.saturating_sub(start), byte)).collect()
    });
    Form::Spelled(edits.collect())
}

/// What the windows from one group come to.
enum Best {
    Card(Range<usize>, Pan),
    None,
    /// More bytes may make one of them a card.
    Open,
}

/// Hides every card in a whole `text` with all its digits, and says how many there were. Whatever level a policy sets, what
/// may be a card is hidden.
pub fn redact(text: &mut [u8]) -> usize {
    let mut findings = Vec::new();
    Inspector::new(Document::Text, Style::HIDE).at_level(Level::Strict).reading_all_escapes().inspect(
        text,
        true,
        &mut findings,
    );
    for finding in &findings {
        if let Some(span) = text.get_mut(finding.span.clone()) {
            mask::apply(span, &finding.form, Style::HIDE);
        }
    }
    findings.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redaction_hides_every_digit() {
        let mut path = *b"/cards/4111111111111111?pan=5555-5555-5555-4444&ts=1748503543012";
        assert_eq!(redact(&mut path), 2);
        assert_eq!(&path, b"/cards/****************?pan=****-****-****-****&ts=1748503543012");
    }
}
