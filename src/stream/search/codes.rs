//! Which verification codes and PINs stand near a card?
//!
//! Only the places near a card that was found are looked at, and the end of the stretch, since a card may follow there: a
//! code waits as long as that is possible.

use super::{Segment, SegmentMatches};
use crate::scan::{LOOKBEHIND, text_before};
use crate::stream::finding::FindingKind;
use crate::verdict::authentication::{CodeNames, LONGEST_CODE, code, is_code_name, may_be_code};
use crate::verdict::{Code, EnclosingNames, field};
use std::ops::Range;

/// The most bytes between a code and its card.
pub const NEAR: usize = 192;

/// How far before and behind a card a code may begin.
pub const REACH: usize = NEAR + LONGEST_CODE;

/// Adds the codes near the cards in `hits` and in front of `segment`.
pub fn find(segment: &Segment<'_>, names: CodeNames, hits: &mut SegmentMatches) {
    let is_card = |kind: &FindingKind| matches!(kind, FindingKind::Pan(_) | FindingKind::Track(_));
    let cards: Vec<Range<usize>> =
        hits.found.iter().filter(|hit| is_card(&hit.detection.kind)).map(|hit| hit.span.clone()).collect();
    let locations = locations(segment, &cards, hits.decided);
    if locations.is_empty() {
        return;
    }
    let mut cursor = None;
    let in_headings = segment.key_context.may_name_codes();
    for place in locations {
        let in_text = match place.start.checked_sub(LOOKBEHIND) {
            Some(before) => names.may_be_in(segment.text.get(before..place.end).unwrap_or_default()),
            None => names.may_be_in(&[segment.behind, segment.text.get(..place.end).unwrap_or_default()].concat()),
        };
        if !in_text && !in_headings {
            continue;
        }
        for value in values(segment, &place) {
            let may_go_on = value.end == segment.text.len() && !segment.last;
            let may_be_code = may_be_code(segment.text.get(value.clone()).unwrap_or_default());
            if !(may_go_on || may_be_code) || hits.covers(&value) {
                continue;
            }
            let near = is_near(segment, &cards, &value);
            let may_be_near = !segment.last && hits.decided.saturating_sub(value.end) <= NEAR;
            if !near && !may_be_near {
                continue;
            }
            let cursor = cursor.get_or_insert_with(|| segment.key_context.cursor(segment.behind, segment.text));
            let far = cursor.names(value.start);
            let (called, code) = read(segment, &value, &far, in_text.then_some(names));
            match code {
                _ if called && may_go_on => return hits.hold(value.start),
                Some(code) if near => {
                    let length = u8::try_from(value.len()).unwrap_or(u8::MAX);
                    hits.add(value, FindingKind::Code(code, length), Some(far));
                }
                Some(_) => return hits.hold(value.start),
                None => {}
            }
        }
    }
}

/// Where codes may stand, in order: near cards, and near the end.
fn locations(segment: &Segment<'_>, cards: &[Range<usize>], decided: usize) -> Vec<Range<usize>> {
    let start = 0..NEAR.saturating_add(1).saturating_sub(segment.since_card);
    let near = cards.iter().map(|card| card.start.saturating_sub(REACH)..card.end.saturating_add(REACH));
    let end = if segment.last { 0..0 } else { decided.saturating_sub(REACH)..decided };
    let mut locations: Vec<Range<usize>> = Vec::new();
    for place in std::iter::once(start).chain(near).chain(std::iter::once(end)) {
        let place = place.start..place.end.min(decided);
        match locations.last_mut() {
            _ if place.is_empty() => {}
            Some(last) if place.start <= last.end => last.end = last.end.max(place.end),
            _ => locations.push(place),
        }
    }
    locations
}

/// The runs of letters and digits that begin in `place` and may be codes.
fn values(segment: &Segment<'_>, place: &Range<usize>) -> Vec<Range<usize>> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric();
    let mut values = Vec::new();
    let mut at = place.start;
    if segment.before(at).is_some_and(|byte| is_part(&byte)) {
        at = at.saturating_add(run(segment.text, at, is_part));
    }
    while at < place.end {
        let length = run(segment.text, at, is_part);
        if length == 0 {
            at = at.saturating_add(1);
            continue;
        }
        let value = at..at.saturating_add(length);
        at = value.end;
        if length <= LONGEST_CODE {
            values.push(value);
        }
    }
    values
}

fn run(text: &[u8], at: usize, is_part: impl Fn(&u8) -> bool) -> usize {
    text.get(at..).unwrap_or_default().iter().take_while(|byte| is_part(byte)).count()
}

/// True when one of `cards` stands near `value`, which is no part of any.
fn is_near(segment: &Segment<'_>, cards: &[Range<usize>], value: &Range<usize>) -> bool {
    let after = cards.partition_point(|card| card.start < value.end);
    let before = after.checked_sub(1).and_then(|before| cards.get(before));
    let gap_before = before.and_then(|card| value.start.checked_sub(card.end));
    let gap_after = cards.get(after).and_then(|card| card.start.checked_sub(value.end));
    segment.since_card.saturating_add(value.start) <= NEAR
        || [gap_before, gap_after].into_iter().flatten().any(|gap| gap <= NEAR)
}

/// Whether `value` stands under the name of a code, which may be one of those `in_text` too, and which code it is.
fn read(
    segment: &Segment<'_>,
    value: &Range<usize>,
    far: &EnclosingNames,
    in_text: Option<CodeNames>,
) -> (bool, Option<Code>) {
    let before =
        in_text.map(|_| text_before(segment.behind, segment.text, value.start, LOOKBEHIND)).unwrap_or_default();
    // A name that is not looked for, as `p4in`, is none because another one happens to stand nearby.
    let is_looked_for = |name: &&[u8]| in_text.is_some_and(|names| names.may_be_in(name));
    let near = [field::named_pair(&before), field::name(&before)].into_iter().flatten().filter(is_looked_for);
    let mut names = far.heading.as_deref().into_iter().chain(near);
    let Some(name) = names.find(|name| is_code_name(name)) else { return (false, None) };
    (true, code(name, segment.text.get(value.clone()).unwrap_or_default()))
}
