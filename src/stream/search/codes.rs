//! Verification codes and PINs near a card.
//!
//! The search covers the text near each card, and the end of the segment. There a card may follow, and a code stays undecided as
//! long as that is possible.

use super::{Segment, SegmentMatches};
use crate::scan::{LOOKBEHIND, text_before};
use crate::stream::finding::FindingKind;
use crate::verdict::authentication::{CodeName, CodeNames, LONGEST_CODE, is_value_key, may_be_code};
use crate::verdict::{Code, EnclosingNames, field};
use std::ops::Range;

/// Maximum distance between a code and its card.
pub const MAX_DISTANCE: usize = 192;

/// Maximum distance between a card and the start of a code before it, or the end of one after it.
const REACH: usize = MAX_DISTANCE + LONGEST_CODE;

/// Adds the codes near the cards in `matches` and near a card before `segment`.
pub fn find(segment: &Segment<'_>, names: CodeNames, matches: &mut SegmentMatches) {
    let cards = matches.found.iter().filter(|found| found.detection.kind.pan().is_some());
    let cards: Vec<Range<usize>> = cards.map(|found| found.span.clone()).collect();
    let search_ranges = search_ranges(segment, &cards, matches.decided);
    if search_ranges.is_empty() {
        return;
    }
    let mut cursor = None;
    let in_headings = segment.key_context.may_name_codes();
    for range in search_ranges {
        let in_text = match range.start.checked_sub(LOOKBEHIND) {
            Some(before) => names.may_be_in(segment.text.get(before..range.end).unwrap_or_default()),
            None => names.may_be_in(&[segment.lookbehind, segment.text.get(..range.end).unwrap_or_default()].concat()),
        };
        if !in_text && !in_headings {
            continue;
        }
        for value in values(segment, &range) {
            let may_continue = value.end == segment.text.len() && !segment.last;
            let may_be_code = may_be_code(segment.text.get(value.clone()).unwrap_or_default());
            if !(may_continue || may_be_code) || matches.overlaps(&value) {
                continue;
            }
            let near = is_near(segment, &cards, &value);
            let may_be_near = !segment.last && matches.decided.saturating_sub(value.end) <= MAX_DISTANCE;
            if !near && !may_be_near {
                continue;
            }
            let cursor = cursor.get_or_insert_with(|| segment.key_context.cursor(segment.lookbehind, segment.text));
            let enclosing = cursor.names(value.start);
            let (has_name, code) = classify(segment, &value, &enclosing, in_text.then_some(names));
            match code {
                _ if has_name && may_continue => return matches.leave_undecided(value.start),
                Some(code) if near => {
                    let length = u8::try_from(value.len()).unwrap_or(u8::MAX);
                    matches.add(value, FindingKind::Code(code, length), Some(enclosing));
                }
                Some(_) => return matches.leave_undecided(value.start),
                None => {}
            }
        }
    }
}

/// Ranges in which codes can begin, in order: near cards, and near the end.
fn search_ranges(segment: &Segment<'_>, cards: &[Range<usize>], decided: usize) -> Vec<Range<usize>> {
    let start = 0..MAX_DISTANCE.saturating_add(1).saturating_sub(segment.since_card);
    let near = cards.iter().map(|card| card.start.saturating_sub(REACH)..card.end.saturating_add(REACH));
    let end = if segment.last { 0..0 } else { decided.saturating_sub(REACH)..decided };
    let mut search_ranges: Vec<Range<usize>> = Vec::new();
    for range in std::iter::once(start).chain(near).chain(std::iter::once(end)) {
        let range = range.start..range.end.min(decided);
        match search_ranges.last_mut() {
            _ if range.is_empty() => {}
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => search_ranges.push(range),
        }
    }
    search_ranges
}

/// Runs of letters and digits that begin in `range` and are short enough for a code.
fn values(segment: &Segment<'_>, range: &Range<usize>) -> Vec<Range<usize>> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric();
    let mut values = Vec::new();
    let mut at = range.start;
    if segment.before(at).is_some_and(|byte| is_part(&byte)) {
        at = at.saturating_add(run_len(segment.text, at, is_part));
    }
    while at < range.end {
        let length = run_len(segment.text, at, is_part);
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

fn run_len(text: &[u8], at: usize, is_part: impl Fn(&u8) -> bool) -> usize {
    text.get(at..).unwrap_or_default().iter().take_while(|byte| is_part(byte)).count()
}

/// True when one of `cards` is near `value`, which does not overlap any of them.
fn is_near(segment: &Segment<'_>, cards: &[Range<usize>], value: &Range<usize>) -> bool {
    let after = cards.partition_point(|card| card.start < value.end);
    let before = after.checked_sub(1).and_then(|before| cards.get(before));
    let gap_before = before.and_then(|card| value.start.checked_sub(card.end));
    let gap_after = cards.get(after).and_then(|card| card.start.checked_sub(value.end));
    segment.since_card.saturating_add(value.start) <= MAX_DISTANCE
        || [gap_before, gap_after].into_iter().flatten().any(|gap| gap <= MAX_DISTANCE)
}

/// Returns whether the name of `value` is that of a code, and the code if the value is valid for it. The name is a column heading,
/// or one in the text if that may contain one of the names in `in_text`. Under a neutral key, it is that of the enclosing object.
fn classify(
    segment: &Segment<'_>,
    value: &Range<usize>,
    enclosing: &EnclosingNames,
    in_text: Option<CodeNames>,
) -> (bool, Option<Code>) {
    let before =
        in_text.map(|_| text_before(segment.lookbehind, segment.text, value.start, LOOKBEHIND)).unwrap_or_default();
    // Without this check, a name such as `p4in` would depend on another code name that happens to be nearby.
    let may_be_name = |name: &&[u8]| in_text.is_some_and(|names| names.may_be_in(name));
    let own = field::name(&before);
    let parent = own.filter(|own| is_value_key(own)).and_then(|_| field::enclosing(&before));
    let near = [field::named_pair(&before), own, parent].into_iter().flatten().filter(may_be_name);
    let mut names = enclosing.heading.as_deref().into_iter().chain(near);
    let Some(name) = names.find_map(CodeName::of) else { return (false, None) };
    (true, name.code(segment.text.get(value.clone()).unwrap_or_default()))
}
