//! Matches of the operator's patterns in a segment.

use super::{Segment, SegmentMatches};
use crate::scan::pattern::{LONGEST_MATCH, Match};
use crate::stream::finding::{FindingKind, PatternMatch};
use crate::verdict::criteria::OwnPatterns;

/// Adds the matches of `patterns` in `segment` to `matches`.
pub fn find(segment: &Segment<'_>, patterns: &OwnPatterns, matches: &mut SegmentMatches) {
    let mut at = 0;
    while let Some(start) = patterns.compiled.next_start(segment.text, at) {
        let rest = segment.text.get(start..).unwrap_or_default();
        // The end of a match is known one byte late.
        let near = rest.get(..LONGEST_MATCH.saturating_add(1));
        let last = segment.last && near.is_none_or(|near| near.len() == rest.len());
        at = match patterns.compiled.match_at(segment.before(start), near.unwrap_or(rest), last) {
            Match::Undecided => return matches.leave_undecided(start),
            Match::None => start.saturating_add(1),
            Match::Found(number, length) => {
                let end = start.saturating_add(length);
                if let Some((name, keep_last)) = patterns.named.get(number) {
                    let length = u8::try_from(length).unwrap_or(u8::MAX);
                    let matched = PatternMatch { name: name.clone(), length, keep_last: *keep_last };
                    matches.add(start..end, FindingKind::Pattern(matched), None);
                }
                end
            }
        };
    }
}
