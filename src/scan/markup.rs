//! Comments and CDATA marks of XML and HTML between the digits of a number.
//!
//! A parser joins the text on both sides of them: `4111<!-- -->1111`, `4111<![CDATA[1111]]>`. A mark represents nothing
//! if it follows a digit or mask character, optionally with a separator in between. Exceptions are marks with digits
//! and marks that are too long for [`LONGEST_SPELLING`].

use super::LONGEST_SPELLING;
use super::escape::in_number;
use super::lanes;
use super::separator::is_separator_byte;
use std::ops::Range;

/// A complete mark, or the start of a possible one.
#[derive(Debug, PartialEq, Eq)]
pub enum Mark {
    /// A complete mark in this range.
    Complete(Range<usize>),
    /// A possible mark starts at this offset and the text ends within it.
    Partial(usize),
}

const COMMENT: &[u8] = b"<!--";
const COMMENT_END: &[u8] = b"-->";
const SECTION: &[u8] = b"<![CDATA[";
const SECTION_END: &[u8] = b"]]>";

/// The first mark from `from` on in `text`, which follows `before`. `previous_end` is the end of another mark, if that is
/// directly before it.
pub fn next(before: &[u8], text: &[u8], from: usize, previous_end: Option<usize>) -> Option<Mark> {
    let mut at = from;
    while let Some(found) = lanes::find(text.get(at..)?, |bytes| bytes.is(b'!') | bytes.is(b']')) {
        at = at.saturating_add(found);
        let start = if text.get(at) == Some(&b'!') { at.checked_sub(1) } else { Some(at) };
        let start = start
            .filter(|start| *start >= from && (Some(*start) == previous_end || follows_digit(before, text, *start)));
        let mark = start.and_then(|start| mark_at(text, start));
        if mark.is_some() {
            return mark;
        }
        at = at.saturating_add(1);
    }
    let end = text.len().checked_sub(1).filter(|end| *end >= from && text.get(*end) == Some(&b'<'))?;
    (Some(end) == previous_end || follows_digit(before, text, end)).then_some(Mark::Partial(end))
}

/// True if `start` follows a digit or mask character, optionally with a separator in between.
fn follows_digit(before: &[u8], text: &[u8], start: usize) -> bool {
    let mut earlier = text.get(..start).unwrap_or_default().iter().rev().chain(before.iter().rev()).copied();
    let byte = earlier.next().unwrap_or(0);
    in_number(byte) || (is_separator_byte(byte) && earlier.next().is_some_and(in_number))
}

/// The mark that starts at `start`.
fn mark_at(text: &[u8], start: usize) -> Option<Mark> {
    let rest = text.get(start..)?;
    let complete = |length: usize| Some(Mark::Complete(start..start.saturating_add(length)));
    if [SECTION, SECTION_END, COMMENT].iter().any(|mark| rest.len() < mark.len() && mark.starts_with(rest)) {
        return Some(Mark::Partial(start));
    }
    if let Some(mark) = [SECTION, SECTION_END].into_iter().find(|mark| rest.starts_with(mark)) {
        return complete(mark.len());
    }
    let inside = rest.strip_prefix(COMMENT)?;
    let most = LONGEST.saturating_sub(COMMENT.len());
    let short = inside.get(..most).unwrap_or(inside);
    let end = short.windows(COMMENT_END.len()).position(|part| part == COMMENT_END);
    let content = short.get(..end.unwrap_or(short.len()))?;
    match end {
        _ if content.iter().any(u8::is_ascii_digit) => None,
        Some(end) => complete(COMMENT.len().saturating_add(end).saturating_add(COMMENT_END.len())),
        None => (inside.len() < most).then_some(Mark::Partial(start)),
    }
}

/// The maximum length of a mark, which leaves one byte for the digit after it.
const LONGEST: usize = LONGEST_SPELLING - 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_after_digits_are_found() {
        for (text, mark) in [
            ("41<!-- -->11", Some(Mark::Complete(2..10))),
            ("41 <!---->11", Some(Mark::Complete(3..10))),
            ("41<![CDATA[11", Some(Mark::Complete(2..11))),
            ("41]]>", Some(Mark::Complete(2..5))),
            ("41<", Some(Mark::Partial(2))),
            ("41<!", Some(Mark::Partial(2))),
            ("41<!-- n", Some(Mark::Partial(2))),
            ("41]", Some(Mark::Partial(2))),
            ("41<!-- a long one -->11", None),
            ("41<!-- 2 -->11", None),
            ("41**<!-- -->11", Some(Mark::Complete(4..12))),
            ("4* <![CDATA[11", Some(Mark::Complete(3..12))),
            ("<*<!-- -->11", Some(Mark::Complete(2..10))),
            ("a<!-- -->11", None),
            ("41<!DOCTYPE html>", None),
            ("41</b>", None),
            ("[41]", Some(Mark::Partial(3))),
            ("[41] ", None),
        ] {
            assert_eq!(next(&[], text.as_bytes(), 0, None), mark, "{text}");
        }
        assert_eq!(next(b"4*", b"<!---->", 0, None), Some(Mark::Complete(0..7)));
        assert_eq!(next(&[], b"<!---->", 0, Some(0)), Some(Mark::Complete(0..7)));
    }
}
