//! Which card numbers are inside of base64 tokens?

use super::{Segment, SegmentMatch, SegmentMatches, Written};
use crate::scan::token::{self, LONGEST_TOKEN, Token};
use crate::stream::finding::Finding;
use crate::stream::{Inspector, TextFormat};
use crate::verdict::Criteria;
use std::ops::Range;
use std::sync::Arc;

/// Adds the cards in the tokens of `segment` to `hits`. A card in a token is masked in what the token says.
pub fn find(segment: &Segment<'_>, hits: &mut SegmentMatches) {
    let mut at = 0;
    if segment.before(0).is_some_and(token::is_token_byte) {
        // The rest of a token that was too long to be read whole.
        at = segment.text.iter().take_while(|byte| token::is_token_byte(**byte)).count();
    }
    while let Some(run) = token::next_run(segment.text, at) {
        at = run.end;
        let sent = segment.sent_length(&run);
        if run.end == segment.text.len() && !segment.last && sent < LONGEST_TOKEN {
            return hits.hold(run.start);
        }
        let read = if sent > LONGEST_TOKEN { readable(segment, &run) } else { run };
        for token in token::tokens(segment.text, &read) {
            let before = hits.found.len();
            add_cards(segment, &token, read.start, hits);
            if hits.found.len() > before {
                break;
            }
        }
    }
}

/// The part of `run` that is read when it is too long.
fn readable(segment: &Segment<'_>, run: &Range<usize>) -> Range<usize> {
    let longest = run.end.min(run.start.saturating_add(LONGEST_TOKEN));
    let fits = |end: &usize| segment.sent_length(&(run.start..*end)) <= LONGEST_TOKEN;
    let end = (run.start..=longest).rev().find(fits).unwrap_or(run.start);
    run.start..end
}

fn add_cards(segment: &Segment<'_>, token: &Token, from: usize, hits: &mut SegmentMatches) {
    let criteria = Criteria { base64: false, ..segment.criteria.clone() };
    let mut findings = Vec::new();
    let mut inspector = Inspector::new(TextFormat::Unknown, segment.style).with_criteria(Arc::new(criteria));
    inspector.inspect(&token.bytes, true, &mut findings);
    if findings.is_empty() || hits.covers(&token.span) {
        return;
    }
    let mut bytes = token.bytes.clone();
    for finding in &findings {
        if let Some(span) = bytes.get_mut(finding.span.clone()) {
            finding.mask(span, segment.style);
        }
    }
    // The first one carries the edit; each is told of on its own.
    let mut edits = token.rewrite(&bytes);
    for Finding { detection, .. } in findings {
        let written = Written::Anew(std::mem::take(&mut edits));
        hits.insert(SegmentMatch { from, span: token.span.clone(), detection, far: None, written });
    }
}
