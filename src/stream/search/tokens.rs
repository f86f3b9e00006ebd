//! Card numbers inside base64 tokens.

use super::{Segment, SegmentMatch, SegmentMatches};
use crate::mask::{Form, Style};
use crate::scan::token::{self, LONGEST_TOKEN, Token};
use crate::stream::finding::Finding;
use crate::stream::{Inspector, TextFormat};
use crate::verdict::Criteria;
use std::ops::Range;
use std::sync::Arc;

/// Adds the cards in the tokens of `segment` to `matches`. A card is masked in the decoded token, which is then encoded again.
pub fn find(segment: &Segment<'_>, matches: &mut SegmentMatches) {
    let mut at = 0;
    if segment.before(0).is_some_and(token::is_token_byte) {
        // The rest of a token that exceeded the maximum length.
        at = segment.text.iter().take_while(|byte| token::is_token_byte(**byte)).count();
    }
    while let Some(run) = token::next_run(segment.text, at) {
        at = run.end;
        let source_len = segment.source_len(&run);
        if run.end == segment.text.len() && !segment.last && source_len < LONGEST_TOKEN {
            return matches.leave_undecided(run.start);
        }
        let read = if source_len > LONGEST_TOKEN { truncated(segment, &run) } else { run };
        for token in token::tokens(segment.text, &read) {
            let before = matches.found.len();
            add_cards(segment, &token, read.start, matches);
            if matches.found.len() > before {
                break;
            }
        }
    }
}

/// The front of `run`, up to the maximum length of a token in the source.
fn truncated(segment: &Segment<'_>, run: &Range<usize>) -> Range<usize> {
    let longest = run.end.min(run.start.saturating_add(LONGEST_TOKEN));
    let fits = |end: &usize| segment.source_len(&(run.start..*end)) <= LONGEST_TOKEN;
    let end = (run.start..=longest).rev().find(fits).unwrap_or(run.start);
    run.start..end
}

fn add_cards(segment: &Segment<'_>, token: &Token, from: usize, matches: &mut SegmentMatches) {
    let criteria = Criteria { base64: false, ..segment.criteria.clone() };
    let mut findings = Vec::new();
    let mut inspector = Inspector::new(TextFormat::Unknown, segment.style).with_criteria(Arc::new(criteria));
    inspector.inspect(&token.bytes, true, &mut findings);
    if findings.is_empty() || matches.overlaps(&token.span) {
        return;
    }
    let masks: Vec<Vec<(usize, u8)>> =
        findings.iter().map(|finding| edits_for(finding, &findings, token, segment.style)).collect();
    for (Finding { detection, .. }, edits) in findings.into_iter().zip(masks) {
        let form = Some(Form::Rewritten(edits));
        matches.insert(SegmentMatch { from, span: token.span.clone(), detection, enclosing: None, form });
    }
}

/// Edits of `token` that mask `finding`. They also mask the findings that touch it, because one character can encode bits of both.
fn edits_for(finding: &Finding, findings: &[Finding], token: &Token, style: Style) -> Vec<(usize, u8)> {
    let mut bytes = token.bytes.clone();
    let touches = |other: &&Finding| other.span.start <= finding.span.end && finding.span.start <= other.span.end;
    for finding in findings.iter().filter(touches) {
        if let Some(span) = bytes.get_mut(finding.span.clone()) {
            finding.mask(span, style);
        }
    }
    token.edits(&bytes)
}
