//! Skipping of text with escapes that do not affect detection.
//!
//! Decoding takes several times as long as the search for escapes. Most escapes represent a character that ends a
//! chain, such as a quote or a line break, and so does their first byte. While all escapes are [harmless], the
//! undecoded text has its numbers at the same offsets as the decoded text. Any other escape ends the skipped part, so a
//! doubtful case costs only time.

use super::escape::{self, EscapeStarts, Escapes, LONGEST_REFERENCE, Unit};
use super::fold::{self, Fold};
use super::lanes::{self, BLOCK};
use super::markup::{self, Mark};
use super::separator::is_separator_byte;
use super::{CandidateStarts, Digits, View};
use std::ops::Range;

/// The length of the part of `view` that contains no number with `possible` digits: no chain with enough digits starts
/// in it.
pub fn skip_len(view: View<'_>, escapes: Escapes, possible: impl Fn(&Digits) -> bool) -> usize {
    if escapes.wide || escapes.quoted {
        return 0;
    }
    let harmless = harmless_len(view.lookbehind().last().copied(), view.window(), escapes);
    let mut harmless = view.window().get(..harmless).unwrap_or_default();
    if escapes.markup
        && let Some(mark) = markup::next(view.lookbehind(), harmless, 0, None)
    {
        let (Mark::Complete(Range { start, .. }) | Mark::Partial(start)) = mark;
        harmless = harmless.get(..start).unwrap_or_default();
    }
    let Some(end) = safe_cut(harmless) else { return 0 };
    CandidateStarts::new(view.up_to(end)).next_chain(possible).unwrap_or(end)
}

/// The minimum length after decoding of a `text` that [`skip_len`] skips.
pub fn decoded_len_min(text: &[u8], escapes: Escapes) -> usize {
    let starts = EscapeStarts::new(escapes);
    let escapes = lanes::count(text, |bytes| starts.contains(bytes));
    text.len().saturating_sub(escapes.saturating_mul(LONGEST_HARMLESS.saturating_sub(1)))
}

/// The maximum length of a harmless escape for one byte, for example `&nbsp;` or `\u000a`.
const LONGEST_HARMLESS: usize = 6;

/// The last offset in `text` at which no escape and no chain continues, at most its length. `None` if there is none
/// within `SAFE_CUT_LOOKBACK` bytes of the end.
pub fn safe_cut(text: &[u8]) -> Option<usize> {
    let near = text.get(text.len().saturating_sub(SAFE_CUT_LOOKBACK)..).unwrap_or_default();
    let after = near.iter().rev().take_while(|byte| !SAFE_CUT_BYTES.contains(byte)).count();
    (after < near.len()).then(|| text.len().saturating_sub(after))
}

/// Bytes that are not part of a chain, and of an escape only at its end.
const SAFE_CUT_BYTES: &[u8] = b"\0\n\r\t\"'<>=,:?!()[]{}";

/// The number of bytes in which a safe cut is searched.
const SAFE_CUT_LOOKBACK: usize = 256;

/// The length of `text`, which follows the byte `before`, up to its first escape or character that is not harmless.
fn harmless_len(before: Option<u8>, text: &[u8], escapes: Escapes) -> usize {
    let starts = EscapeStarts::new(escapes);
    let (blocks, rest) = text.as_chunks::<BLOCK>();
    let last = lanes::padded(rest);
    let mut start: usize = 0;
    let mut end: usize = 0;
    for block in blocks.iter().chain([&last]) {
        let mut marks = 0;
        if lanes::any_in(block, |bytes| starts.contains(bytes) | bytes) {
            marks = lanes::bits(block, |bytes| starts.contains(bytes));
            if !block.is_ascii() {
                marks |= lanes::bits(block, fold::may_fold);
            }
        }
        while marks != 0 {
            let mark = start.saturating_add(usize::try_from(marks.trailing_zeros()).unwrap_or(BLOCK));
            marks &= marks.wrapping_sub(1);
            if mark < end {
                continue;
            }
            match harmless(before, text, mark, escapes) {
                Some(length) => end = mark.saturating_add(length),
                None => return mark,
            }
        }
        start = start.saturating_add(BLOCK);
    }
    text.len()
}

/// The length of the escape or non-ASCII character at `mark` if it is harmless. It is harmless if it represents a
/// character that is not a bracket and not part of a number or of another escape. A separator is harmless if it does
/// not join digits.
fn harmless(before: Option<u8>, text: &[u8], mark: usize, escapes: Escapes) -> Option<usize> {
    let rest = text.get(mark..)?;
    let before = mark.checked_sub(1).map_or(before, |before| text.get(before).copied());
    if rest.first().is_some_and(|first| !first.is_ascii()) {
        if fold::is_latin_space(before, rest) != Some(false) {
            return None;
        }
        return match fold::character(rest) {
            Ok(Some((character, length))) => folds_to_itself(character).then_some(length),
            Ok(None) => Some(1),
            Err(_) => None,
        };
    }
    let unit = escape::unit(rest, false, escapes);
    let is_byte = matches!(unit, Unit::Byte(..));
    let (length, character) = match unit {
        Unit::Plain => return Some(1),
        Unit::Nothing(_) | Unit::Partial => return None,
        Unit::Byte(length, byte) => (length, char::from(byte)),
        Unit::Character(length, character) => (length, character),
    };
    let (escape, after) = rest.split_at_checked(length)?;
    let next = after.first().copied()?;
    let is_harmless = match character {
        _ if length > character.len_utf8().saturating_mul(LONGEST_HARMLESS) => false,
        // The last digits of the escape would be read as digits of the number.
        _ if next.is_ascii_digit() && escape.last().is_some_and(u8::is_ascii_digit) => false,
        // One byte of a multi-byte character, whose other bytes may be unescaped.
        '\u{80}'.. if is_byte => {
            let folds = u8::try_from(character).is_ok_and(|byte| lanes::has(&[byte], fold::may_fold));
            !folds && before.is_some_and(|before| before.is_ascii())
        }
        '\u{80}'.. => folds_to_itself(character),
        '&' => rest.starts_with(b"&") && begins_no_reference(after, escapes),
        '\\' => rest.starts_with(b"\\") && !b"u/bfx023".contains(&next) && !escapes.may_begin(next),
        _ if u8::try_from(character).is_ok_and(is_separator_byte) => {
            let in_number = |byte: u8| {
                byte.is_ascii_digit() || is_separator_byte(byte) || escapes.may_begin(byte) || !byte.is_ascii()
            };
            !before.is_none_or(in_number) || !in_number(next)
        }
        // The bytes before the colon may be the length of a bencode string.
        ':' => !next.is_ascii_digit(),
        _ => ENDS.contains(character),
    };
    is_harmless.then_some(length)
}

/// Characters that end a chain or an escape and have no other meaning.
const ENDS: &str = "\n\r\t\"'<>=,:?!()@$^~`";

fn folds_to_itself(character: char) -> bool {
    fold::fold(character, b'*') == Fold::Other
}

/// True if an ampersand before `text` does not start a character reference, also after the escapes in `text` are
/// decoded.
fn begins_no_reference(text: &[u8], escapes: Escapes) -> bool {
    let longest = LONGEST_REFERENCE.saturating_sub(1);
    let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'#';
    let name = text.iter().take(longest).take_while(is_name).count();
    name == longest || text.get(name).is_some_and(|next| *next != b';' && !escapes.may_begin(*next))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::{Decoded, NextStart};
    use proptest::prelude::*;

    /// The start of the first number whose digits have an even sum, after decoding.
    fn first_number(text: &[u8], escapes: Escapes) -> Option<usize> {
        let decoded = Decoded::new(text, true, escapes, b'*');
        match CandidateStarts::new(View::new(b"", decoded.text(), true, b'*')).advance_to(is_even) {
            NextStart::Start(candidates) => Some(decoded.start(candidates.start())),
            _ => None,
        }
    }

    fn is_even(digits: &Digits) -> bool {
        digits.ascii().iter().fold(0, |sum: u8, digit| sum ^ digit) & 1 == 0
    }

    fn skipped(text: &[u8], escapes: Escapes) -> usize {
        skip_len(View::new(b"", text, false, b'*'), escapes, is_even)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8000))]

        #[test]
        fn no_number_is_skipped(
            text in prop::collection::vec(
                prop_oneof![
                    4 => "[0-9]{1,16}",
                    2 => "[0-9]{12,19}[, \"&%]",
                    4 => "[ .*_|/,;#x&%+\\\\-]",
                    3 => "(&(amp;)?|%(25)?|\\\\{1,3})?(n?bsp;|#5[0-9];|#x3[0-9];|u003[0-9]|u\\{3[0-9]\\}|x3[0-9]|x[cC]2|xa0|06[0-7]|055|240|302|ndash;|shy;|3[0-9]|2[0D5]|C2|A0|[nrtbfu\"/]|lt;|eacute;)",
                    1 => "[a-fA-F;#]{1,5}",
                    1 => "<!-- ?-->|<!\\[CDATA\\[|\\]\\]>|<|!|\\]",
                    1 => "\u{a0}|\u{e9}|\u{ff14}|\u{200b}|\u{4e2d}|\u{2013}",
                ],
                0..24,
            ),
            raw in prop::option::of((0..60_usize, 0x80..=0xff_u8)),
            plus in any::<bool>(),
            markup in any::<bool>(),
        ) {
            let mut text = text.concat().into_bytes();
            if let Some((at, byte)) = raw {
                text.insert(at.min(text.len()), byte);
            }
            let escapes = Escapes { plus, markup, ..Escapes::TEXT };
            let len = skipped(&text, escapes);
            let first = first_number(&text, escapes);
            prop_assert!(first.is_none_or(|first| len <= first), "{} {len} {first:?}", text.escape_ascii());
        }

        /// The parts before and after a safe cut can be decoded separately.
        #[test]
        fn a_safe_cut_splits_no_escape_and_no_chain(text in "([0-9 %&\\\\;#a-f+]|&amp;|\\\\[nu\"]|[\"',<>=:\n(){}]|&#52;|%2534|\u{e9}|\u{ff14}){0,40}") {
            let Some(at) = safe_cut(text.as_bytes()) else { return Ok(()) };
            let read = |part: &[u8]| Decoded::new(part, true, Escapes::FORM, b'*').text().to_vec();
            let (before, after) = text.as_bytes().split_at(at);
            prop_assert_eq!([read(before), read(after)].concat(), read(text.as_bytes()), "{}", text);
        }
    }

    #[test]
    fn usual_escapes_are_harmless() {
        for text in [
            "{\\\"order\\\":10000001,\\\"at\\\":\\\"2026-08-17\\\",\\n \\\"ms\\\":1748503543012}",
            "<a href=\"/p/1?page=2&amp;sort=price\">12.99&nbsp;EUR</a> &copy;\n",
            "q=caf%C3%A9%20au+lait&tz=%2B1,",
            "{\"name\":\"Zo\\u00eb Mu\u{308}ller\",\"path\":\"C:\\\\Temp\"}",
        ] {
            assert_eq!(skipped(text.as_bytes(), Escapes::TEXT), text.len(), "{text}");
        }
    }

    #[test]
    fn possible_parts_of_a_number_are_not_skipped() {
        for (text, len) in [
            ("a=&#52;", 2),
            ("a=%34", 2),
            ("a=\\u0034", 2),
            ("a=12&nbsp;34", 2),
            ("a=\u{ff14}", 2),
            ("a=&amp;#52;", 2),
            ("a=%2534", 2),
            ("a=\\\\u0034", 2),
            ("a, 4111 1111 1111 1111, ", 3),
            ("a=%", 2),
        ] {
            assert_eq!(skipped(text.as_bytes(), Escapes::TEXT), len, "{text}");
        }
    }
}
