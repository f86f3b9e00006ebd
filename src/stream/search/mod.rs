//! Search of one segment of a text.
//!
//! Four searches, in order: [`cards`], cards inside base64 [`tokens`], the policy's [`patterns`], and the verification
//! [`codes`] near cards. Each adds its matches and the position from which it needs more of the text. Matches after that position
//! are dropped, because the next segment begins there and contains them again.

mod cards;
mod codes;
mod patterns;
mod tokens;

use super::finding::{Detection, FindingKind};
use super::key_context::KeyContext;
use crate::mask::{Form, Style};
use crate::scan::Decoded;
use crate::verdict::{Criteria, EnclosingNames};
pub use patterns::OpenMatch;
use std::ops::Range;

/// A segment of a text, with the state at its start.
pub struct Segment<'t> {
    /// The end of the text before it.
    pub lookbehind: &'t [u8],
    /// The segment itself, decoded.
    pub text: &'t [u8],
    /// Whether the text ends with it.
    pub last: bool,
    /// The source that `text` was decoded from; `None` when they are equal.
    pub source: Option<&'t Decoded<'t>>,
    /// The enclosing names at the start.
    pub key_context: &'t KeyContext,
    /// Number of bytes since the last card.
    pub since_card: usize,
    /// The match that ends at the start and may have a rest.
    pub open_match: Option<OpenMatch>,
    /// Detection criteria.
    pub criteria: &'t Criteria,
    /// Mask style.
    pub style: Style,
}

/// The matches in a segment.
#[derive(Default)]
pub struct SegmentMatches {
    /// Matches in order, without overlaps.
    pub found: Vec<SegmentMatch>,
    /// Length of the decided part of the segment.
    pub decided: usize,
    /// The enclosing names after the decided part, if the search determined them.
    pub key_context: Option<KeyContext>,
    /// The ends of the matches that may have a rest.
    open_matches: Vec<(usize, OpenMatch)>,
}

/// A match in a segment.
pub struct SegmentMatch {
    /// Position from which the text must be inspected again if the match is not decided; at most its start.
    pub from: usize,
    /// Span in the text of the segment.
    pub span: Range<usize>,
    /// The detection. Its name is still empty when it comes from the surrounding text.
    pub detection: Detection,
    /// The enclosing names, if the search determined them.
    pub enclosing: Option<EnclosingNames>,
    /// The form, if the search determined it; `None` for the usual form of the text format.
    pub form: Option<Form>,
}

/// Searches `segment` as its criteria require.
pub fn search(segment: &Segment<'_>) -> SegmentMatches {
    let mut matches = SegmentMatches { decided: segment.text.len(), ..SegmentMatches::default() };
    let cursor = cards::find(segment, &mut matches);
    if segment.criteria.base64 {
        tokens::find(segment, &mut matches);
    }
    for (set, patterns) in segment.criteria.patterns.iter().enumerate() {
        patterns::find(segment, set, patterns, &mut matches);
    }
    matches.drop_undecided();
    if let Some(names) = segment.criteria.authentication_data {
        codes::find(segment, names, &mut matches);
        matches.drop_undecided();
    }
    matches.key_context = cursor.and_then(|cursor| cursor.context_at(matches.decided));
    matches
}

impl SegmentMatches {
    /// The match that ends with the decided part of the segment and may have a rest.
    pub fn open_match(&self, segment: &Segment<'_>) -> Option<OpenMatch> {
        let mut ends = self.open_matches.iter();
        match self.decided {
            0 => segment.open_match,
            decided => ends.find(|(end, _)| *end == decided).map(|(_, open)| *open),
        }
    }

    /// Leaves everything from `position` on undecided.
    fn leave_undecided(&mut self, position: usize) {
        self.decided = self.decided.min(position);
    }

    /// Adds a match in the usual form of the text format, unless it overlaps another one.
    fn add(&mut self, span: Range<usize>, kind: FindingKind, enclosing: Option<EnclosingNames>) {
        if !self.overlaps(&span) {
            let detection = Detection::of(kind);
            self.insert(SegmentMatch { from: span.start, span, detection, enclosing, form: None });
        }
    }

    /// Inserts a match in order.
    fn insert(&mut self, found: SegmentMatch) {
        let index = self.found.partition_point(|other| other.span.start <= found.span.start);
        self.found.insert(index, found);
    }

    /// True when a match overlaps `span`.
    fn overlaps(&self, span: &Range<usize>) -> bool {
        let after = self.found.partition_point(|found| found.span.start < span.end);
        let before = after.checked_sub(1).and_then(|before| self.found.get(before));
        before.is_some_and(|found| span.start < found.span.end)
    }

    /// Drops the undecided matches. A match that is only partly decided becomes undecided.
    fn drop_undecided(&mut self) {
        let is_split = |decided: usize| move |found: &&SegmentMatch| found.from < decided && decided < found.span.end;
        while let Some(found) = self.found.iter().find(is_split(self.decided)) {
            self.decided = found.from;
        }
        let decided = self.decided;
        self.found.retain(|found| found.span.start < decided);
    }
}

impl Segment<'_> {
    /// The byte before `position`.
    fn before(&self, position: usize) -> Option<u8> {
        match position.checked_sub(1) {
            Some(index) => self.text.get(index).copied(),
            None => self.lookbehind.last().copied(),
        }
    }

    /// Length of `span` in the source.
    fn source_len(&self, span: &Range<usize>) -> usize {
        match (self.source, span.end.checked_sub(1)) {
            (Some(source), Some(last)) => source.end(last).saturating_sub(source.start(span.start)),
            _ => span.len(),
        }
    }
}
