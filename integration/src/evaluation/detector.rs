//! Findings of panveil in a record.

use std::ops::Range;
use std::sync::Arc;

use panveil::mask::Style;
use panveil::stream::{Finding, Inspector, TextFormat};
use panveil::verdict::{Criteria, Sensitivity};

use super::corpus::Place;
use super::fill::Text;

/// Offsets of the card numbers that panveil finds in `text` at `place`, with every optional feature enabled.
pub fn find(text: &Text, place: &Place, level: Sensitivity) -> Vec<Range<usize>> {
    let criteria = Criteria { base64: true, authentication_data: None, ..Criteria::with_sensitivity(level) };
    findings(text, place, &Arc::new(criteria)).into_iter().map(|finding| finding.span).collect()
}

/// Findings in `text` at `place` by `criteria`. Selects the notation like the filter.
pub fn findings(text: &Text, place: &Place, criteria: &Arc<Criteria>) -> Vec<Finding> {
    let bytes = text.bytes();
    let value = match place {
        Place::Header => bytes.windows(2).position(|pair| pair == b": ").map_or(0, |colon| colon + 2),
        Place::Body(_) | Place::Path => 0,
    };
    let (name, value_bytes) = bytes.split_at(value);
    let (text_format, called) = match place {
        Place::Body(content_type) => {
            (TextFormat::of_content_type(content_type.as_ref().map(String::as_bytes)), &b""[..])
        }
        Place::Path => (TextFormat::Form, &b":path: "[..]),
        Place::Header if matches!(name, b"referer: " | b"location: ") => (TextFormat::Form, name),
        Place::Header => (TextFormat::Unknown, name),
    };
    let mut findings = Vec::new();
    let inspector = Inspector::new(text_format, Style::HIDE).with_criteria(Arc::clone(criteria));
    inspector.preceded_by(called).inspect(value_bytes, true, &mut findings);
    for finding in &mut findings {
        finding.span = finding.span.start + value..finding.span.end + value;
    }
    findings
}
