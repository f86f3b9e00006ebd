//! Candidate numbers, and the bytes adjacent to them.

use super::emv::EmbeddedNumber;
use super::{CHAIN, LOOKAHEAD, LOOKBEHIND, MAX_DIGITS, SeparatorKind, View, text_before};
use std::ops::Range;

/// A number that could be a card number, with its position in a [`View`].
///
/// It contains digits. Therefore it does not implement `Debug`, `Display` or `Serialize`.
pub struct Candidate<'a> {
    pub(super) view: View<'a>,
    pub(super) span: Range<usize>,
    pub(super) digits: Digits,
    pub(super) shape: Shape,
    pub(super) separator: Option<SeparatorKind>,
}

/// One to 19 ASCII digits. Does not implement `Debug`, `Display` or `Serialize`.
#[derive(Clone, Copy)]
pub struct Digits {
    /// The digits, followed by other bytes that were copied with them.
    ascii: [u8; MAX_DIGITS + COPIED],
    len: usize,
}

/// The number of bytes in one copy, at least the length of any group. A copy of constant length is faster than one of
/// the group's length.
const COPIED: usize = MAX_DIGITS + 1;

/// The layout of a candidate's digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A single group: `4111111111111111`.
    Bare,
    /// Groups as printed on cards, with the same single separator throughout: `4111 1111 1111 1111`,
    /// `3782-822463-10005`.
    Canonical,
    /// Single digits with the same separator throughout, as the whole chain: `4 1 1 1 …`.
    DigitByDigit,
    /// Groups as printed on most cards, 4-4-4-4 or 4-6-5, between single spaces and dashes, as the whole chain: `4111-1111
    /// 1111-1111`.
    MixedSeparators,
    /// Up to six groups of any length with the same single space or dash throughout, as the whole chain.
    FreeGroups,
    /// Groups as printed on cards, with the same separator throughout that is not a single space, dash or dot: `4111 /
    /// 1111 / 1111 / 1111`.
    UncommonSeparator,
    /// A floating-point number with an exponent: `4.111111111111111e15`.
    Scientific,
    /// The PAN of the chip data object with tag 5A, as hexadecimal text.
    ApplicationPan,
    /// The PAN at the start of the chip data object with tag 57 or 9F6B. The field is the number of bytes of text after it
    /// in the object.
    Track2Equivalent(usize),
}

/// The bytes directly before or after a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// The end of the text, or a byte that is neither a letter nor a single separator before more digits.
    Open,
    /// An ASCII letter.
    Letter,
    /// A single separator followed by more digits.
    Group(Neighbour),
}

/// The digits next to a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// The separator between them and the candidate.
    pub separator: SeparatorKind,
    /// True if the nearest group consists of one to six zeros and ends the chain.
    pub zeros: bool,
}

impl<'a> Candidate<'a> {
    pub(super) fn of(view: View<'a>, number: EmbeddedNumber, shape: Shape) -> Self {
        Self { view, span: number.span, digits: number.digits, shape, separator: None }
    }

    /// The range in the view's window from the first digit to after the last digit.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// The digits without separators.
    pub fn digits(&self) -> &Digits {
        &self.digits
    }

    /// The layout of the digits.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The kind of separator between the groups; `None` for a candidate without separators.
    pub fn separator(&self) -> Option<SeparatorKind> {
        self.separator
    }

    /// The bytes directly before the first digit.
    pub fn left(&self) -> Edge {
        edge(self.view, self.span.start, -1)
    }

    /// The bytes directly after the last digit.
    pub fn right(&self) -> Edge {
        right(self.view, self.span.end)
    }

    /// The number of four-digit groups that follow or precede a grouped candidate with its own separator. At most two
    /// per side are counted.
    pub fn fours_beside(&self) -> u8 {
        let separator = match self.separator {
            Some(SeparatorKind::Space) => b' ',
            Some(SeparatorKind::Dash) => b'-',
            Some(SeparatorKind::Dot) => b'.',
            Some(SeparatorKind::Uncommon) | None => return 0,
        };
        let last = self.span.end.saturating_sub(1);
        fours(self.view, self.span.start, -1, separator).saturating_add(fours(self.view, last, 1, separator))
    }

    /// The text before the first digit, at most [`LOOKBEHIND`] bytes.
    pub fn before(&self) -> Vec<u8> {
        text_before(self.view.lookbehind(), self.view.window(), self.span.start, LOOKBEHIND)
    }

    /// The text after the last digit, at most [`LOOKAHEAD`] bytes, and whether it is complete.
    pub fn after(&self) -> (&'a [u8], bool) {
        let rest = self.view.window().get(self.span.end..).unwrap_or_default();
        match rest.get(..LOOKAHEAD) {
            Some(near) => (near, true),
            None => (rest, self.view.is_last()),
        }
    }

    /// True if the candidate's chain starts with two letters and two digits, as an IBAN does (`DE89 3704 0044 …`).
    /// Looks back at most 32 bytes.
    pub fn is_in_iban(&self) -> bool {
        let start = self.span.start;
        let mut distance: isize = -1;
        while distance.unsigned_abs() < CHAIN {
            let further = distance.saturating_sub(1);
            let joins = SeparatorKind::from_byte(self.view.around(start, distance)).is_some()
                && self.view.is_digit_like(start, further);
            if !joins && !self.view.is_digit_like(start, distance) {
                let letter = |offset: isize| self.view.around(start, distance.saturating_add(offset));
                let digit = |offset: isize| self.view.is_digit_like(start, distance.saturating_add(offset));
                let country = letter(0).is_ascii_alphabetic() && letter(-1).is_ascii_alphabetic();
                return country && !letter(-2).is_ascii_alphanumeric() && digit(1) && digit(2) && !digit(3);
            }
            distance = further;
        }
        false
    }
}

impl Digits {
    pub(super) const EMPTY: Self = Self { ascii: [b'0'; MAX_DIGITS + COPIED], len: 0 };

    /// These ASCII digits; `None` if there are more than 19.
    pub fn of(ascii: &[u8]) -> Option<Self> {
        let mut digits = Self::EMPTY;
        digits.extend(ascii).then_some(digits)
    }

    /// Appends digits. Returns false and appends nothing if there would be more than 19.
    pub(super) fn extend(&mut self, ascii: &[u8]) -> bool {
        self.extend_from(ascii, ascii.len())
    }

    /// Appends the first `len` bytes of `text`, which are digits. Returns false and appends nothing if there would be
    /// more than 19.
    #[inline]
    pub(super) fn extend_from(&mut self, text: &[u8], len: usize) -> bool {
        let end = self.len.saturating_add(len);
        if end > MAX_DIGITS {
            return false;
        }
        let free = self.ascii.get_mut(self.len..).unwrap_or_default();
        match (free.first_chunk_mut::<COPIED>(), text.first_chunk::<COPIED>()) {
            (Some(free), Some(text)) => *free = *text,
            _ => free.iter_mut().zip(text).take(len).for_each(|(slot, byte)| *slot = *byte),
        }
        self.len = end;
        true
    }

    /// The number of digits. At least [`MIN_DIGITS`](super::MIN_DIGITS) in a [`Candidate`].
    #[allow(clippy::len_without_is_empty, reason = "a candidate is never empty")]
    pub fn len(&self) -> usize {
        self.len
    }

    /// The digits as ASCII.
    pub fn ascii(&self) -> &[u8] {
        self.ascii.get(..self.len).unwrap_or_default()
    }

    /// The first two digits as a number.
    pub fn leading_two(&self) -> usize {
        let [tens, ones, ..] = self.ascii;
        usize::from(tens & 0xf).wrapping_mul(10).wrapping_add(usize::from(ones & 0xf))
    }

    /// The first six digits as a number, the notation of IIN tables (ISO/IEC 7812-1).
    pub fn leading_six(&self) -> u32 {
        let leading = self.ascii().iter().take(6);
        leading.fold(0, |value, digit| value.wrapping_mul(10).wrapping_add(u32::from(digit.wrapping_sub(b'0'))))
    }
}

/// The edge after the digits that end at `end`.
pub(super) fn right(view: View<'_>, end: usize) -> Edge {
    edge(view, end.saturating_sub(1), 1)
}

/// The edge next to the digit at `from`, in the direction of `step` (1 or -1).
fn edge(view: View<'_>, from: usize, step: isize) -> Edge {
    let byte = view.around(from, step);
    if byte.is_ascii_alphabetic() {
        return Edge::Letter;
    }
    let Some(separator) = SeparatorKind::from_byte(byte) else { return Edge::Open };
    if !view.is_digit_like(from, step.saturating_mul(2)) {
        return Edge::Open;
    }
    Edge::Group(Neighbour { separator, zeros: is_zeros(view, from, step) })
}

/// True if the group two steps from `from` is a run of at most [`LONGEST_FRACTION`] zeros that ends the chain.
fn is_zeros(view: View<'_>, from: usize, step: isize) -> bool {
    let mut at = step.saturating_mul(2);
    let mut len = 0;
    while len <= LONGEST_FRACTION && view.around(from, at) == b'0' {
        len = len.saturating_add(1);
        at = at.saturating_add(step);
    }
    let joined = SeparatorKind::from_byte(view.around(from, at)).is_some();
    let goes_on = joined && view.is_digit_like(from, at.saturating_add(step));
    let ends = !view.around(from, at).is_ascii_alphanumeric() && !view.is_digit_like(from, at);
    (1..=LONGEST_FRACTION).contains(&len) && ends && !goes_on
}

/// The number of four-digit groups next to the digit at `from`, in the direction of `step`, each after a `separator`. A
/// group of four hexadecimal digits counts if one of them is decimal. At most two groups are counted.
fn fours(view: View<'_>, from: usize, step: isize, separator: u8) -> u8 {
    let mut at: isize = 0;
    let mut count: u8 = 0;
    while count < 2 && view.around(from, at.saturating_add(step)) == separator {
        let place = |index: isize| at.saturating_add(step.saturating_mul(index.saturating_add(1)));
        let is_digit = |index: isize| view.is_digit_like(from, place(index));
        let in_group = |index: isize| is_digit(index) || view.around(from, place(index)).is_ascii_hexdigit();
        if !(1..=4).all(in_group) || !(1..=4).any(is_digit) {
            break;
        }
        if is_digit(5) || view.around(from, place(5)).is_ascii_alphanumeric() {
            break;
        }
        count = count.saturating_add(1);
        at = at.saturating_add(step.saturating_mul(5));
    }
    count
}

/// The longest run of zeros after a decimal point that does not count as a fraction.
const LONGEST_FRACTION: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    fn right(text: &str, digits: usize) -> Edge {
        edge(View::new(b"", text.as_bytes(), true, b'*'), digits - 1, 1)
    }

    fn left(lookbehind: &str) -> Edge {
        edge(View::new(lookbehind.as_bytes(), b"4111", true, b'*'), 0, -1)
    }

    fn group(separator: SeparatorKind, zeros: bool) -> Edge {
        Edge::Group(Neighbour { separator, zeros })
    }

    #[test]
    fn a_separator_without_digits_after_it_is_no_neighbour() {
        assert_eq!(right("4111. And", 4), Edge::Open);
        assert_eq!(right("4111 ", 4), Edge::Open);
        assert_eq!(right("4111\"", 4), Edge::Open);
        assert_eq!(left("id: "), Edge::Open);
        assert_eq!(left("id"), Edge::Letter);
        assert_eq!(right("4111x", 4), Edge::Letter);
    }

    #[test]
    fn groups_of_four_are_counted_up_to_two() {
        let right = |text: &str| fours(View::new(b"", text.as_bytes(), true, b'*'), 3, 1, b' ');
        let left = |lookbehind: &str| fours(View::new(lookbehind.as_bytes(), b"4111", true, b'*'), 0, -1, b' ');
        assert_eq!(right("4111 123"), 0);
        assert_eq!(right("4111 1234"), 1);
        assert_eq!(right("4111 1234-1234"), 1);
        assert_eq!(right("4111 1234 1234 1234"), 2);
        assert_eq!(right("4111 12345"), 0);
        assert_eq!(right("4111 533C 0A28 "), 2);
        assert_eq!(right("4111 cafe dead"), 0);
        assert_eq!(right("4111 **** 1"), 1);
        assert_eq!(left("1234 5678 "), 2);
        assert_eq!(left("12345 "), 0);
        assert_eq!(left("x123 "), 0);
    }

    #[test]
    fn a_fraction_of_zeros_is_distinguished_from_others() {
        assert_eq!(right("4111.0", 4), group(SeparatorKind::Dot, true));
        assert_eq!(right("4111.000000,", 4), group(SeparatorKind::Dot, true));
        assert_eq!(right("4111.0000000", 4), group(SeparatorKind::Dot, false));
        assert_eq!(right("4111.0e5", 4), group(SeparatorKind::Dot, false));
        assert_eq!(right("4111.01", 4), group(SeparatorKind::Dot, false));
        assert_eq!(right("4111.0.1", 4), group(SeparatorKind::Dot, false));
    }

    #[test]
    fn a_masked_group_is_a_neighbour() {
        assert_eq!(right("4111 **** 1", 4), group(SeparatorKind::Space, false));
        assert_eq!(right("4111 **", 4), Edge::Open);
    }
}
