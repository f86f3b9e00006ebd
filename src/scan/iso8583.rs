//! The card number of a payment message (ISO 8583) in text.
//!
//! A message type of four digits and a bitmap of 16 or 32 hexadecimal digits precede field 2: the length of the number in two
//! digits and the number. The six digits of field 3 follow it directly: `0200F230…0000164111…000000`. A space may follow the
//! bitmap.

use super::candidate_iter::digits_end;
use super::emv::EmbeddedNumber;
use super::{Digits, MAX_DIGITS, MIN_DIGITS, View};

/// The digits of the message type; of it and the first bitmap; of it and both bitmaps.
const TYPE: usize = 4;
const HEAD: usize = TYPE + 16;
const LONG_HEAD: usize = HEAD + 16;

/// The fewest zeros of a bitmap without letters. Other digits are those of a long number.
const FEWEST_ZEROS: usize = 6;

/// The digits of the length, and those of field 3.
const LENGTH: usize = 2;
const PROCESSING_CODE: usize = 6;

/// The number of the message whose field 2 is in the run of digits at `start`.
pub fn number(view: View<'_>, start: usize) -> Option<EmbeddedNumber> {
    let end = digits_end(view, start);
    // Field 2 and field 3 are longer than any number.
    (end.saturating_sub(start) > MAX_DIGITS).then_some(())?;
    fields(view, start).into_iter().flatten().find_map(|field| {
        let first = field.saturating_add(LENGTH);
        let length = std::str::from_utf8(view.window().get(field..first)?).ok()?.parse().ok()?;
        let span = first..first.saturating_add(length);
        let fits = (MIN_DIGITS..=MAX_DIGITS).contains(&length) && span.end.saturating_add(PROCESSING_CODE) <= end;
        let digits = Digits::of(view.window().get(span.clone())?)?;
        fits.then_some(EmbeddedNumber { span, digits, trailing_digits: 0 })
    })
}

/// The number of digits at `start` that decide whether they contain the number of a message.
pub fn decisive_digits(view: View<'_>, start: usize) -> usize {
    let last = fields(view, start).into_iter().flatten().last();
    last.map_or(0, |field| field.saturating_sub(start).saturating_add(LENGTH + MAX_DIGITS + PROCESSING_CODE))
}

/// The offsets at which field 2 may begin, in the run of digits at `start`.
fn fields(view: View<'_>, start: usize) -> [Option<usize>; 2] {
    let hexadecimal_before = |end: usize| {
        let is_hexadecimal = |distance: &usize| view.before(start, end.saturating_add(*distance)).is_ascii_hexdigit();
        (1..=LONG_HEAD).take_while(is_hexadecimal).count()
    };
    let spaced = if view.before(start, 1) == b' ' { hexadecimal_before(1) } else { 0 };
    let is_spaced = matches!(spaced, HEAD | LONG_HEAD);
    let distance = if is_spaced { spaced.saturating_add(1) } else { hexadecimal_before(0) };
    let head_at = |index: usize| match distance.checked_sub(index) {
        None | Some(0) => view.at(start.saturating_add(index).saturating_sub(distance)),
        Some(before) => view.before(start, before),
    };
    let is_bitmap = || {
        let mut bitmap = (TYPE..HEAD).map(head_at);
        let zeros = bitmap.clone().filter(|digit| *digit == b'0').count();
        zeros >= FEWEST_ZEROS || bitmap.any(|digit| digit.is_ascii_alphabetic())
    };
    if !is_message_type([0, 1, 2, 3].map(head_at)) || !may_precede(view, start, distance) || !is_bitmap() {
        return [None, None];
    }
    if is_spaced {
        return [Some(start), None];
    }
    let has_second_bitmap = char::from(head_at(TYPE)).to_digit(16).is_some_and(|first| first & 8 != 0);
    let field = |head: usize| Some(start.saturating_add(head.checked_sub(distance)?));
    [field(HEAD), field(LONG_HEAD).filter(|_| has_second_bitmap)]
}

/// True if `digits` are a message type: version, class, function and origin.
fn is_message_type(digits: [u8; TYPE]) -> bool {
    matches!(digits, [b'0'..=b'2' | b'8' | b'9', b'1'..=b'8', b'0'..=b'9', b'0'..=b'5'])
}

/// True if a message may begin `distance` before `start`: behind the start of a text, a sign or `ISO`.
fn may_precede(view: View<'_>, start: usize, distance: usize) -> bool {
    let before = [3, 2, 1].map(|further| view.before(start, distance.saturating_add(further)));
    let [.., byte] = before;
    before.eq_ignore_ascii_case(b"ISO")
        || matches!(byte, 0..=b' ' | b'"' | b'\'' | b',' | b':' | b'=' | b'>' | b'[' | b'(')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        let runs = text.char_indices().filter(|(at, c)| {
            c.is_ascii_digit() && !at.checked_sub(1).is_some_and(|before| text.as_bytes()[before].is_ascii_digit())
        });
        let view = View::new(b"", text.as_bytes(), true, b'*');
        runs.filter_map(|(start, _)| number(view, start)).map(|number| text[number.span].to_owned()).next()
    }

    #[test]
    fn the_number_is_in_field_2() {
        for (text, number) in [
            ("0200F23000000000000C164111111111111111000000000000001000", Some("4111111111111111")),
            ("ISO02007230000000000000 1641111111111111110000000000000", Some("4111111111111111")),
            ("msg=0100723000000000000015378282246310005003000", Some("378282246310005")),
            ("0200C2300000000000000000000000000000164111111111111111000000", Some("4111111111111111")),
            ("0200F2300000000000C0 0000 164111111111111111000000", None),
            ("0200F23000000000000C164111111111111111", None),
            ("0200723154128918805116411111111111111100000000000000", None),
            ("0300F23000000000000C204111111111111111000000000000", None),
            ("0909F23000000000000C164111111111111111000000000000", None),
            ("AB0200F23000000000000C164111111111111111000000", None),
            ("0200F23000000000000 164111111111111111000000", None),
        ] {
            assert_eq!(read(text).as_deref(), number, "{text}");
        }
    }
}
