//! What is in a stretch of text?
//!
//! Four ways of looking, one after the other: for [`cards`], inside of [`tokens`], for what [`patterns`] describe, and for
//! the [`codes`] that go with cards. Each says what it found and from where on it needs more of the text; what was found
//! behind that is found again when the rest has come.

mod cards;
mod codes;
mod patterns;
mod tokens;

pub use codes::REACH;

use super::finding::{Detection, FindingKind};
use super::key_context::KeyContext;
use crate::mask::Style;
use crate::scan::Decoded;
use crate::verdict::{Criteria, EnclosingNames};
use std::ops::Range;

/// A stretch of text, and what is known where it begins.
pub struct Segment<'t> {
    /// The text before it, as far as it may matter.
    pub behind: &'t [u8],
    /// The text.
    pub text: &'t [u8],
    /// Whether nothing follows it.
    pub last: bool,
    /// How the text was sent, unless byte for byte.
    pub source: Option<&'t Decoded<'t>>,
    /// What a number is called from afar.
    pub key_context: &'t KeyContext,
    /// How far back the last card is.
    pub since_card: usize,
    /// What counts as found.
    pub criteria: &'t Criteria,
    /// How masks look.
    pub style: Style,
}

/// What was found in a stretch.
pub struct SegmentMatches {
    /// In order, none over another.
    pub found: Vec<SegmentMatch>,
    /// How much of the stretch is decided.
    pub decided: usize,
    /// What numbers behind that are called from afar, when that had to be looked up.
    pub key_context: Option<KeyContext>,
}

/// Something that was found.
pub struct SegmentMatch {
    /// From where on the text must come again when the hit is not decided yet, at most where it begins.
    pub from: usize,
    /// Where in the text.
    pub span: Range<usize>,
    /// What may be known of it. Its name may be that of the text around it.
    pub detection: Detection,
    /// What it is called from afar, when that had to be looked up.
    pub far: Option<EnclosingNames>,
    /// How it is written.
    pub written: Written,
}

/// How something is written, as far as the text alone tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// As the document writes such things.
    Plainly,
    /// In hexadecimal text, which must stay so.
    InHexadecimal,
    /// As a float with an exponent.
    AsFloat,
    /// In a notation of its own: these bytes of it become those.
    Anew(Vec<(usize, u8)>),
}

/// Looks at `segment` in every way that its criteria ask for.
pub fn search(segment: &Segment<'_>) -> SegmentMatches {
    let mut hits = SegmentMatches { found: Vec::new(), decided: segment.text.len(), key_context: None };
    let cursor = cards::find(segment, &mut hits);
    if segment.criteria.base64 {
        tokens::find(segment, &mut hits);
    }
    if let Some(patterns) = &segment.criteria.patterns {
        patterns::find(segment, patterns, &mut hits);
    }
    hits.settle();
    if let Some(names) = segment.criteria.authentication_data {
        codes::find(segment, names, &mut hits);
        hits.settle();
    }
    hits.key_context = cursor.and_then(|cursor| cursor.up_to(hits.decided));
    hits
}

impl SegmentMatches {
    /// Leaves everything from `position` on undecided.
    fn hold(&mut self, position: usize) {
        self.decided = self.decided.min(position);
    }

    /// Adds a hit that is written plainly, unless there is one in its place.
    fn add(&mut self, span: Range<usize>, kind: FindingKind, far: Option<EnclosingNames>) {
        if !self.covers(&span) {
            let written = Written::Plainly;
            self.insert(SegmentMatch { from: span.start, span, detection: Detection::of(kind), far, written });
        }
    }

    /// Adds a hit in its order.
    fn insert(&mut self, hit: SegmentMatch) {
        let place = self.found.partition_point(|other| other.span.start <= hit.span.start);
        self.found.insert(place, hit);
    }

    /// True when something was found in a part of `span`.
    fn covers(&self, span: &Range<usize>) -> bool {
        let after = self.found.partition_point(|hit| hit.span.start < span.end);
        let before = after.checked_sub(1).and_then(|before| self.found.get(before));
        before.is_some_and(|hit| span.start < hit.span.end)
    }

    /// Forgets the hits that are not decided.
    fn settle(&mut self) {
        let cut = |decided: usize| move |hit: &&SegmentMatch| hit.from < decided && decided < hit.span.end;
        while let Some(hit) = self.found.iter().find(cut(self.decided)) {
            self.decided = hit.from;
        }
        let decided = self.decided;
        self.found.retain(|hit| hit.span.start < decided);
    }
}

impl Segment<'_> {
    /// The byte before `position`.
    fn before(&self, position: usize) -> Option<u8> {
        match position.checked_sub(1) {
            Some(index) => self.text.get(index).copied(),
            None => self.behind.last().copied(),
        }
    }

    /// How many bytes `span` was sent as.
    fn sent_length(&self, span: &Range<usize>) -> usize {
        match (self.source, span.end.checked_sub(1)) {
            (Some(source), Some(last)) => source.end(last).saturating_sub(source.start(span.start)),
            _ => span.len(),
        }
    }
}
