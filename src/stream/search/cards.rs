//! Card numbers in a segment, alone or at the start of a track.

use super::{Segment, SegmentMatch, SegmentMatches};
use crate::mask::{self, Form};
use crate::scan::{Candidate, CandidateIter, CandidateStarts, Digits, NextStart, Shape, View};
use crate::stream::finding::{Detection, FindingKind, Trace};
use crate::stream::key_context::Cursor;
use crate::verdict::{self, Brand, EnclosingNames, NotPanReason, Pan, Traces, Verdict};

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
                    Ok(Some(found)) => {
                        starts.skip_to(found.span.end);
                        matches.insert(found);
                    }
                    Ok(None) => {}
                    Err(Undecided) => {
                        matches.leave_undecided(start);
                        return cursor;
                    }
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

/// More bytes may make a candidate a card.
struct Undecided;

/// Selects the card among `candidates`: the longest one grouped as on cards, else the one with the highest score, else
/// the shortest one.
fn best<'t>(
    mut candidates: CandidateIter<'_>,
    segment: &Segment<'t>,
    cursor: &mut Option<Cursor<'t>>,
) -> Result<Option<SegmentMatch>, Undecided> {
    let start = candidates.start();
    let mut best: Option<(Pan, SegmentMatch)> = None;
    while let Some(candidate) = candidates.next_possible(verdict::is_possible) {
        let enclosing = enclosing_names(&candidate, segment, cursor);
        let mut span = candidate.span();
        let as_printed = candidate.shape() == Shape::Canonical;
        let (pan, kind) = match verdict::judge(&candidate, segment.criteria, &enclosing) {
            Verdict::Undecided => return Err(Undecided),
            Verdict::NotPan(reason) => {
                // A longer one that lacks only evidence. In a number grouped 4-4-4-4-3, the first sixteen digits can be valid by
                // chance.
                if let Some((_, best)) = &mut best
                    && reason == NotPanReason::WeakEvidence
                    && as_printed
                {
                    best.span.end = span.end;
                }
                continue;
            }
            Verdict::Pan(pan) => (pan, FindingKind::Pan(pan)),
            Verdict::Track(pan, rest) => {
                span.end = span.end.saturating_add(rest);
                let is_chip = matches!(candidate.shape(), Shape::Track2Equivalent(_));
                (pan, if is_chip { FindingKind::Chip(pan) } else { FindingKind::Track(pan) })
            }
        };
        let is_better = best.as_ref().is_none_or(|(best, _)| {
            let is_national = pan.brand == Brand::Other;
            // The range of an issuer says where the number ends, the name alone does not.
            let is_decided = (best.brand == Brand::Other) != is_national;
            if is_decided { !is_national } else { as_printed || best.score < pan.score }
        });
        if is_better {
            let form = match candidate.shape() {
                Shape::ApplicationPan | Shape::Track2Equivalent(_) => Some(Form::Hexadecimal),
                Shape::Scientific => Some(Form::Scientific),
                _ => None,
            };
            let detection = Detection { trace: trace(candidate.digits(), pan.brand, segment), ..Detection::of(kind) };
            let from = start.min(span.start);
            best = Some((pan, SegmentMatch { from, span, detection, enclosing: Some(enclosing), form }));
        }
    }
    Ok(best.map(|(_, found)| found))
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
