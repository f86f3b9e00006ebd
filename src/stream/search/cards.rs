//! Card numbers in a segment, alone or at the start of a track.

use super::{Segment, SegmentMatch, SegmentMatches};
use crate::mask::{self, Form};
use crate::scan::{Candidate, CandidateIter, CandidateStarts, Digits, NextStart, Shape, View};
use crate::stream::finding::{Detection, FindingKind, Trace};
use crate::stream::key_context::Cursor;
use crate::verdict::{self, Brand, EnclosingNames, NotPanReason, Pan, Traces, Verdict};
use std::ops::Range;

/// Adds the cards in `segment` to `matches`. Returns the cursor that determined their enclosing names, if there was a candidate.
pub fn find<'t>(segment: &Segment<'t>, matches: &mut SegmentMatches) -> Option<Cursor<'t>> {
    let view = View::new(segment.lookbehind, segment.text, segment.last, segment.style.character.as_byte());
    let mut starts = CandidateStarts::new(view);
    let mut cursor = None;
    loop {
        match starts.advance_to(verdict::is_possible) {
            NextStart::Start(candidates) => {
                let start = candidates.start();
                match best(candidates, segment, &mut cursor) {
                    BestCandidate::Card { span, kind, form, digits, enclosing, .. } => {
                        starts.skip_to(span.end);
                        let trace = kind.brand().and_then(|brand| trace(&digits, brand, segment));
                        let detection = Detection { trace, ..Detection::of(kind) };
                        matches.insert(SegmentMatch {
                            from: start.min(span.start),
                            span,
                            detection,
                            enclosing: Some(enclosing),
                            form,
                        });
                    }
                    BestCandidate::Undecided => {
                        matches.leave_undecided(start);
                        return cursor;
                    }
                    BestCandidate::None => {}
                }
            }
            NextStart::Undecided(from) => {
                matches.leave_undecided(from);
                return cursor;
            }
            NextStart::End => return cursor,
        }
    }
}

/// The best card among the candidates from one start.
enum BestCandidate {
    Card {
        span: Range<usize>,
        kind: FindingKind,
        form: Option<Form>,
        score: i8,
        digits: Digits,
        enclosing: EnclosingNames,
    },
    None,
    /// Undecided: more bytes may make a candidate a card.
    Undecided,
}

/// Selects the card among `candidates`: the longest one grouped as on cards, else the one with the highest score, else
/// the shortest one.
fn best<'t>(
    mut candidates: CandidateIter<'_>,
    segment: &Segment<'t>,
    cursor: &mut Option<Cursor<'t>>,
) -> BestCandidate {
    let mut best = BestCandidate::None;
    while let Some(candidate) = candidates.next_possible(verdict::is_possible) {
        let enclosing = enclosing_names(&candidate, segment, cursor);
        let (pan, rest) = match verdict::judge(&candidate, segment.criteria, &enclosing) {
            Verdict::Undecided => return BestCandidate::Undecided,
            Verdict::NotPan(NotPanReason::WeakEvidence) => {
                extend(&mut best, &candidate);
                continue;
            }
            Verdict::NotPan(_) => continue,
            Verdict::Pan(pan) => (pan, None),
            Verdict::Track(pan, rest) => (pan, Some(rest)),
        };
        let as_printed = candidate.shape() == Shape::Canonical;
        if as_printed || !matches!(&best, BestCandidate::Card { score, .. } if *score >= pan.score) {
            best = card(&candidate, pan, rest, enclosing);
        }
    }
    best
}

/// Extends the best card to `candidate`, a longer one that lacks only evidence. In a number grouped 4-4-4-4-3, the first sixteen
/// digits can be valid by chance.
fn extend(best: &mut BestCandidate, candidate: &Candidate<'_>) {
    if let BestCandidate::Card { span, .. } = best
        && candidate.shape() == Shape::Canonical
    {
        span.end = candidate.span().end;
    }
}

fn card(candidate: &Candidate<'_>, pan: Pan, rest: Option<usize>, enclosing: EnclosingNames) -> BestCandidate {
    let span = candidate.span();
    let form = match candidate.shape() {
        Shape::ApplicationPan | Shape::Track2Equivalent(_) => Some(Form::Hexadecimal),
        Shape::Scientific => Some(Form::Scientific),
        _ => None,
    };
    let end = span.end.saturating_add(rest.unwrap_or(0));
    let kind = if rest.is_some() { FindingKind::Track(pan) } else { FindingKind::Pan(pan) };
    BestCandidate::Card { span: span.start..end, kind, form, score: pan.score, digits: *candidate.digits(), enclosing }
}

/// The trace of a card number that the policy requires in audit fields.
fn trace(digits: &Digits, brand: Brand, segment: &Segment<'_>) -> Option<Trace> {
    match &segment.criteria.traces {
        Traces::None => None,
        Traces::Truncated => Some(Trace::Truncated(mask::truncated(digits.ascii(), brand, segment.style))),
        Traces::Fingerprint(key) => Some(Trace::Fingerprint(key.fingerprint(digits.ascii()))),
    }
}

/// The enclosing names of `candidate`.
fn enclosing_names<'t>(
    candidate: &Candidate<'_>,
    segment: &Segment<'t>,
    cursor: &mut Option<Cursor<'t>>,
) -> EnclosingNames {
    let cursor = cursor.get_or_insert_with(|| segment.key_context.cursor(segment.lookbehind, segment.text));
    cursor.weighed_names(candidate.span().start, &segment.criteria.names)
}
