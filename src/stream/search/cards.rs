//! Which card numbers are in a stretch, on their own or at the start of a track?

use super::{Segment, SegmentMatch, SegmentMatches, Written};
use crate::mask;
use crate::scan::{Candidate, CandidateIter, CandidateStarts, Digits, NextStart, Shape, View};
use crate::stream::finding::{Detection, FindingKind, Trace};
use crate::stream::key_context::Cursor;
use crate::verdict::{self, Brand, EnclosingNames, NotPanReason, Pan, Traces, Verdict};
use std::ops::Range;

/// Adds the cards in `segment` to `hits`. Returns the cursor that told their names, when there was anything to call.
pub fn find<'t>(segment: &Segment<'t>, hits: &mut SegmentMatches) -> Option<Cursor<'t>> {
    let view = View::new(segment.behind, segment.text, segment.last, segment.style.character.as_byte());
    let mut starts = CandidateStarts::new(view);
    let mut names = None;
    loop {
        match starts.advance_to(verdict::is_possible) {
            NextStart::Start(candidates) => {
                let start = candidates.start();
                match best(candidates, segment, &mut names) {
                    BestCandidate::Card { span, kind, written, digits, far, .. } => {
                        starts.skip_to(span.end);
                        let trace = kind.brand().and_then(|brand| trace(&digits, brand, segment));
                        let detection = Detection { trace, ..Detection::of(kind) };
                        hits.insert(SegmentMatch {
                            from: start.min(span.start),
                            span,
                            detection,
                            far: Some(far),
                            written,
                        });
                    }
                    BestCandidate::Open => {
                        hits.hold(start);
                        return names;
                    }
                    BestCandidate::None => {}
                }
            }
            NextStart::Undecided(from) => {
                hits.hold(from);
                return names;
            }
            NextStart::End => return names,
        }
    }
}

/// What the candidates from one group come to.
enum BestCandidate {
    Card {
        span: Range<usize>,
        kind: FindingKind,
        written: Written,
        score: i8,
        digits: Digits,
        far: EnclosingNames,
    },
    None,
    /// More bytes may make one of them a card.
    Open,
}

/// The card among `candidates`: the longest of those that are laid out as on cards, or else the one with the strongest evidence,
/// the shorter one of two equals.
fn best<'t>(mut candidates: CandidateIter<'_>, segment: &Segment<'t>, names: &mut Option<Cursor<'t>>) -> BestCandidate {
    let mut best = BestCandidate::None;
    while let Some(candidate) = candidates.next_possible(verdict::is_possible) {
        let far = far_names(&candidate, segment, names);
        let (pan, rest) = match verdict::judge(&candidate, segment.criteria, &far) {
            Verdict::Undecided => return BestCandidate::Open,
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
            best = card(&candidate, pan, rest, far);
        }
    }
    best
}

/// Makes a card that was found the start of a longer one, `candidate`, that has everything but the evidence of its own: of
/// a number as 4-4-4-4-3 the first sixteen digits may be one by chance.
fn extend(best: &mut BestCandidate, candidate: &Candidate<'_>) {
    if let BestCandidate::Card { span, .. } = best
        && candidate.shape() == Shape::Canonical
    {
        span.end = candidate.span().end;
    }
}

fn card(candidate: &Candidate<'_>, pan: Pan, rest: Option<usize>, far: EnclosingNames) -> BestCandidate {
    let span = candidate.span();
    let written = match candidate.shape() {
        Shape::ApplicationPan | Shape::Track2Equivalent(_) => Written::InHexadecimal,
        Shape::Scientific => Written::AsFloat,
        _ => Written::Plainly,
    };
    let end = span.end.saturating_add(rest.unwrap_or(0));
    let kind = if rest.is_some() { FindingKind::Track(pan) } else { FindingKind::Pan(pan) };
    BestCandidate::Card { span: span.start..end, kind, written, score: pan.score, digits: *candidate.digits(), far }
}

/// What the policy wants told of the number of `brand` with these digits.
fn trace(digits: &Digits, brand: Brand, segment: &Segment<'_>) -> Option<Trace> {
    match &segment.criteria.traces {
        Traces::None => None,
        Traces::Truncated => Some(Trace::Truncated(mask::truncated(digits.ascii(), brand, segment.style))),
        Traces::Fingerprint(key) => Some(Trace::Fingerprint(key.fingerprint(digits.ascii()))),
    }
}

/// What `candidate` is called from afar.
fn far_names<'t>(candidate: &Candidate<'_>, segment: &Segment<'t>, names: &mut Option<Cursor<'t>>) -> EnclosingNames {
    let cursor = names.get_or_insert_with(|| segment.key_context.cursor(segment.behind, segment.text));
    cursor.weighed_names(candidate.span().start, &segment.criteria.names)
}
