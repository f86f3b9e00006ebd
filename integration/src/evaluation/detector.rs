//! Findings of panveil in a record.

use std::ops::Range;
use std::sync::Arc;

use panveil::mask::Style;
use panveil::stream::{Inspector, TextFormat};
use panveil::verdict::{Criteria, Sensitivity};

use super::corpus::Place;
use super::fill::Text;

/// Offsets of panveil's findings in `text` at `place`. Selects the notation like the filter.
pub fn find(text: &Text, place: &Place, level: Sensitivity) -> Vec<Range<usize>> {
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
    inspector(text_format, level).preceded_by(called).inspect(value_bytes, true, &mut findings);
    findings.into_iter().map(|finding| finding.span.start + value..finding.span.end + value).collect()
}

/// Inspector of the evaluation, with every optional feature enabled.
fn inspector(text_format: TextFormat, level: Sensitivity) -> Inspector {
    let criteria = Criteria { base64: true, authentication_data: None, ..Criteria::with_sensitivity(level) };
    Inspector::new(text_format, Style::HIDE).with_criteria(Arc::new(criteria))
}
