//! Card numbers in the data objects of chip cards (EMV Book 3, annex A).
//!
//! A data object is a tag, a length and a value. Dumps contain it as hexadecimal text. The value of tag `5A` is the
//! PAN, padded with `F`. The value of tag `57`, or `9F6B` for contactless cards, is the equivalent of track 2: the PAN, `D`, an
//! expiry date, a service code and discretionary data. Spaces may separate the bytes.

use super::candidate::Digits;
use super::{MAX_DIGITS, MIN_DIGITS, View};
use std::ops::Range;

/// A number next to other digits, with its exact boundaries.
pub struct EmbeddedNumber {
    /// The range from the first digit to after the last digit.
    pub span: Range<usize>,
    /// The digits of the number.
    pub digits: Digits,
    /// The length of the value after the number, in bytes of the text.
    pub trailing_digits: usize,
}

/// The number of hexadecimal digits of tag `57` and its length. In a run of digits they precede the number.
const TAG_AND_LENGTH: usize = 4;

/// The maximum length of the value of tag `57` in bytes.
const LONGEST_TRACK2: usize = 19;

/// The number of bytes at the end of a run of digits that stay undecided until the byte after it is known.
pub const UNDECIDED_RUN_END: usize = MAX_DIGITS + TAG_AND_LENGTH;

/// The number of tag `5A` that contains the group of digits at `start`.
pub fn application_pan(view: View<'_>, start: usize) -> Option<EmbeddedNumber> {
    let spaced = view.before(start, 1) == b' ';
    let step: usize = if spaced { 3 } else { 2 };
    let pair = |distance: usize| [view.before(start, distance), view.before(start, distance.saturating_sub(1))];
    let is_tag = |distance: usize| pair(distance).eq_ignore_ascii_case(b"5A");
    let spaces = |distance: usize| !spaced || view.before(start, distance.saturating_sub(2)) == b' ';
    let (length, at) = if is_tag(step) {
        (length([view.at(start), view.at(start.saturating_add(1))])?, start.saturating_add(step))
    } else if pair(step).eq_ignore_ascii_case(b"0A") && is_tag(step.saturating_mul(2)) && spaces(step.saturating_mul(2))
    {
        (10, start)
    } else {
        return None;
    };
    (6..=10).contains(&length).then_some(())?;
    let mut digits = Digits::EMPTY;
    let mut end = at;
    let mut position = at;
    for nibble in 0..length.saturating_mul(2) {
        if spaced && nibble > 0 && nibble % 2 == 0 {
            (view.at(position) == b' ').then_some(())?;
            position = position.saturating_add(1);
        }
        let byte = view.at(position);
        position = position.saturating_add(1);
        let last = nibble.saturating_add(1) == length.saturating_mul(2);
        if byte.is_ascii_digit() {
            digits.extend(&[byte]).then_some(())?;
            end = position;
        } else if !(last && byte.eq_ignore_ascii_case(&b'F')) {
            return None;
        }
    }
    (MIN_DIGITS..=MAX_DIGITS).contains(&digits.len()).then_some(EmbeddedNumber {
        span: at..end,
        digits,
        trailing_digits: 0,
    })
}

/// The number of tag `57` or `9F6B` at the end of the run of digits before `end`.
pub fn track2(view: View<'_>, end: usize) -> Option<EmbeddedNumber> {
    view.at(end).eq_ignore_ascii_case(&b'D').then_some(())?;
    let run = (1..=UNDECIDED_RUN_END).take_while(|distance| view.before(end, *distance).is_ascii_digit()).count();
    (MIN_DIGITS..=run.min(MAX_DIGITS)).rev().find_map(|count| {
        let at = |distance: usize| view.before(end, count.saturating_add(distance));
        let is_tag = [at(4), at(3)].eq(b"57") || [at(6), at(5), at(4), at(3)].eq_ignore_ascii_case(b"9F6B");
        is_tag.then_some(())?;
        let length = length([at(2), at(1)]).filter(|length| *length <= LONGEST_TRACK2)?;
        let trailing_digits =
            length.saturating_mul(2).checked_sub(count).filter(|digits| *digits > SEPARATOR_AND_DATE)?;
        let start = end.checked_sub(count)?;
        let mut digits = Digits::EMPTY;
        digits.extend(view.window().get(start..end)?).then_some(EmbeddedNumber {
            span: start..end,
            digits,
            trailing_digits,
        })
    })
}

/// The number of tag `57` or `9F6B` whose length is the group of digits at `start`, with spaces between the bytes.
pub fn spaced_track2(view: View<'_>, start: usize) -> Option<EmbeddedNumber> {
    may_be_spaced_length(view, start).then_some(())?;
    let length =
        length([view.at(start), view.at(start.saturating_add(1))]).filter(|length| *length <= LONGEST_TRACK2)?;
    let first = start.saturating_add(3);
    let mut digits = Digits::EMPTY;
    let mut end = first;
    let mut nibbles = 0..length.saturating_mul(2);
    loop {
        let nibble = nibbles.next()?;
        let at = first.saturating_add((nibble / 2).saturating_mul(3)).saturating_add(nibble % 2);
        (nibble % 2 == 1 || view.before(at, 1) == b' ').then_some(())?;
        match view.at(at) {
            digit @ b'0'..=b'9' => digits.extend(&[digit]).then_some(())?,
            b'D' | b'd' if digits.len() >= MIN_DIGITS => break,
            _ => return None,
        }
        end = at.saturating_add(1);
    }
    (nibbles.len() >= SEPARATOR_AND_DATE).then_some(())?;
    let value_end = first.saturating_add(length.saturating_mul(3)).saturating_sub(1);
    Some(EmbeddedNumber { span: first..end, digits, trailing_digits: value_end.saturating_sub(end) })
}

/// True if the byte at `start`, behind a space, may be the length of tag `57` or `9F6B`.
pub fn may_be_spaced_length(view: View<'_>, start: usize) -> bool {
    let tag = [6, 5, 4, 3, 2, 1].map(|distance| view.before(start, distance));
    match tag {
        [_, _, before, b'5', b'7', b' '] => !before.is_ascii_alphanumeric(),
        _ => tag.eq_ignore_ascii_case(b"9F 6B "),
    }
}

/// The minimum number of digits of the value after the number: the separator and the expiry date.
const SEPARATOR_AND_DATE: usize = 5;

/// The value of two hexadecimal digits.
fn length(digits: [u8; 2]) -> Option<usize> {
    let [high, low] = digits.map(|digit| char::from(digit).to_digit(16));
    usize::try_from(high?.wrapping_mul(16).wrapping_add(low?)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, find: impl Fn(View<'_>) -> Option<EmbeddedNumber>) -> Option<(String, usize)> {
        find(View::new(b"", text.as_bytes(), true, b'*'))
            .map(|number| (text[number.span].to_owned(), number.trailing_digits))
    }

    #[test]
    fn the_number_of_tag_5a_is_as_long_as_it_says() {
        for (text, start, number) in [
            ("5A0841111111111111119F02", 2, "4111111111111111"),
            ("5a08378282246310005F5F24", 2, "378282246310005"),
            ("9F01 5A 08 41 11 11 11 11 11 11 11 5F 24", 8, "41 11 11 11 11 11 11 11"),
            ("5A0A6799990100000000019F", 4, "6799990100000000019"),
            ("5A 0A 67 99 99 01 00 00 00 00 01 9F", 6, "67 99 99 01 00 00 00 00 01 9"),
        ] {
            let found = read(text, |view| application_pan(view, start));
            assert_eq!(found, Some((number.to_owned(), 0)), "{text}");
        }
        for text in ["5A0841111111111111", "5A054111111111", "5B084111111111111111", "5A08411111111111111D"] {
            assert_eq!(read(text, |view| application_pan(view, 2)), None, "{text}");
        }
    }

    #[test]
    fn the_bytes_of_tag_57_may_be_apart() {
        for (text, number, rest) in [
            ("57 13 41 11 11 11 11 11 11 11 D2 51 22 01 00 00 00 00 00 00 0F", "41 11 11 11 11 11 11 11", 33),
            ("9F 6B 11 37 82 82 24 63 10 00 5D 25 12 20 10 00 00 00 00 0F", "37 82 82 24 63 10 00 5", 28),
            ("57 0A 41 11 11 11 11 11 11 11 D2 51", "", 0),
            ("57 13 41 11 11 11 11 11 11 11D2 51 22", "", 0),
            ("57 13 41 11 11 11 11 A1", "", 0),
            ("A57 13 41 11 11 11 11 11 11 11 D2 51 22", "", 0),
        ] {
            let start = text.find(" 1").or(text.find(" 0")).unwrap() + 1;
            let expected = (rest > 0).then(|| (number.to_owned(), rest));
            assert_eq!(read(text, |view| spaced_track2(view, start)), expected, "{text}");
        }
    }

    #[test]
    fn the_number_of_tag_57_ends_at_the_separator() {
        let end = |text: &str| text.find('D').unwrap();
        for (text, number, rest) in [
            ("57134111111111111111D25122010000000000000F", "4111111111111111", 22),
            ("820258005711374245455400126D2512201", "374245455400126", 19),
            ("9f6b11374245455400126D2512201", "374245455400126", 19),
            ("570D374245455400126D25122010F", "", 0),
        ] {
            let expected = (rest > 0).then(|| (number.to_owned(), rest));
            assert_eq!(read(text, |view| track2(view, end(text))), expected, "{text}");
        }
    }
}
