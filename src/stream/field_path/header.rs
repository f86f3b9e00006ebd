//! Fields of headers and trailers.

use super::form::FormFields;
use crate::policy::FieldPath;
use std::ops::Range;

/// The header whose value is the path and the query of a request.
pub const PATH: &[u8] = b":path";

/// The headers whose value is a URL.
pub const URL_HEADERS: [&[u8]; 3] = [PATH, b"referer", b"location"];

/// Headers with cookies.
const COOKIES: [&[u8]; 2] = [b"cookie", b"set-cookie"];

/// Path of the field at `span` in the `value` of the header `name`.
pub fn of_header(name: &[u8], value: &[u8], span: &Range<usize>) -> FieldPath {
    let inner = |at: usize| {
        let before = value.get(..at).unwrap_or_default();
        if COOKIES.contains(&name) {
            cookie(name, before)
        } else if URL_HEADERS.contains(&name) {
            parameter(before)
        } else {
            FieldPath::Outside
        }
    };
    let (first, last) = (inner(span.start), inner(span.end.saturating_sub(1)));
    match first {
        _ if first != last => FieldPath::Unknown,
        FieldPath::Names(inner) if name != PATH => FieldPath::Names([name, b".", &inner].concat().into()),
        FieldPath::Outside if name != PATH => FieldPath::Names(name.into()),
        _ => first,
    }
}

/// Parameter of a URL that ends in `before`.
fn parameter(before: &[u8]) -> FieldPath {
    let Some(query) = before.iter().position(|byte| *byte == b'?') else { return FieldPath::Outside };
    let mut form = FormFields::default();
    let parameters = before.get(query.saturating_add(1)..).unwrap_or_default();
    parameters.iter().for_each(|byte| form.step(*byte));
    form.path()
}

/// Cookie whose value ends in `before`. In `set-cookie`, attributes follow it.
fn cookie(header: &[u8], before: &[u8]) -> FieldPath {
    let start = before.iter().rposition(|byte| *byte == b';').map(|at| at.saturating_add(1));
    if header == b"set-cookie" && start.is_some() {
        return FieldPath::Outside;
    }
    let pair = before.get(start.unwrap_or_default()..).unwrap_or_default();
    match pair.iter().position(|byte| *byte == b'=') {
        Some(end) => FieldPath::Names(pair.get(..end).unwrap_or_default().trim_ascii().into()),
        None => FieldPath::Outside,
    }
}
