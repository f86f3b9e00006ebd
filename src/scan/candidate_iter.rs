//! Iterator over the candidates that start at one group.

use super::candidate::{self, Candidate, Digits, Edge, Shape};
use super::emv::{self, EmbeddedNumber};
use super::prefixed;
use super::separator::{GroupSeparator, SeparatorKind};
use super::{MAX_DIGITS, MIN_DIGITS, View, lanes};

/// The candidates that start at one group, shortest first. Candidates that do not consist of groups come before the
/// others.
pub struct CandidateIter<'a> {
    view: View<'a>,
    start: usize,
    at: usize,
    special: Special,
    digits: Digits,
    groups: u32,
    layout: u32,
    /// True if the first group is the start of a chain.
    starts_chain: bool,
    /// True if every group has a single digit.
    digit_by_digit: bool,
    /// The lengths of the longest and the shortest group.
    longest: u32,
    shortest: u32,
    separator: Option<GroupSeparator>,
    /// True if the groups have different separators.
    is_mixed: bool,
    done: bool,
}

/// The candidate that does not consist of groups, if there is one.
enum Special {
    /// The first group may be in a tag 5A, in a float, or in a string with a length prefix. This is not checked yet.
    Pending,
    /// The number in a tag 57.
    Track2(Box<EmbeddedNumber>),
    /// There is none, or it was returned.
    Done,
}

/// The group lengths in which numbers are printed or typed, four bits per group.
pub(super) const CANONICAL: [u32; 13] =
    [0x4444, 0x465, 0x464, 0x456, 0x4445, 0x4_4443, 0x4_4442, 0x4_4441, 0x88, 0x6d, 0x4443, 0x4442, 0x4333];

/// The canonical layout of two groups of different lengths.
const TWO_GROUPS: u32 = 0x6d;

/// The maximum number of groups in a canonical layout.
const CANONICAL_GROUPS: u32 = 5;

/// The maximum number of groups in [`Shape::FreeGroups`], and the minimum length of the longest one.
const MAX_FREE_GROUPS: u32 = 6;
const MIN_LONGEST_FREE_GROUP: u32 = 3;

/// The incomplete canonical layouts.
const CANONICAL_BEGIN: [u32; 10] = [0x4, 0x6, 0x8, 0x44, 0x45, 0x46, 0x43, 0x444, 0x433, 0x4444];

/// The canonical layouts of [`Shape::MixedSeparators`], and their first groups, from two on.
const MIXED: [u32; 2] = [0x4444, 0x465];
const MIXED_BEGIN: [u32; 3] = [0x44, 0x444, 0x46];

/// The group lengths of canonical layouts that are accepted with [`SeparatorKind::Uncommon`].
pub(super) const UNCOMMON_SEPARATOR_GROUP_LENS: std::ops::RangeInclusive<u32> = 2..=6;

/// The maximum number of digits that a mask leaves visible at the end of a number.
const VISIBLE_TAIL: usize = 4;

impl<'a> CandidateIter<'a> {
    /// The candidates that start at the group at `start`. A `long` group has too many digits for a candidate.
    pub(super) fn new(view: View<'a>, start: usize, long: bool) -> Self {
        Self {
            view,
            start,
            at: start,
            special: Special::Pending,
            digits: Digits::EMPTY,
            groups: 0,
            layout: 0,
            starts_chain: !(SeparatorKind::from_byte(view.before(start, 1)).is_some() && view.is_digit_like(start, -2)),
            digit_by_digit: true,
            longest: 0,
            shortest: u32::MAX,
            separator: None,
            is_mixed: false,
            done: long,
        }
    }

    /// The only candidate is `number`, the number of a tag 57.
    pub(super) fn of_track2(view: View<'a>, number: EmbeddedNumber) -> Self {
        let start = number.span.start;
        Self { special: Special::Track2(Box::new(number)), ..Self::new(view, start, true) }
    }

    /// The offset at which all candidates start.
    pub fn start(&self) -> usize {
        self.start
    }

    /// The next candidate with `possible` digits.
    #[inline]
    pub fn next_possible(&mut self, possible: impl Fn(&Digits) -> bool) -> Option<Candidate<'a>> {
        while !matches!(self.special, Special::Done) {
            if let Some(candidate) = self.special().filter(|candidate| possible(&candidate.digits)) {
                return Some(candidate);
            }
        }
        while !self.done {
            if !self.add_group() {
                self.done = true;
                return None;
            }
            let candidate = self.candidate(&possible);
            self.done = !self.join_next();
            if candidate.is_some() {
                return candidate;
            }
        }
        None
    }

    fn special(&mut self) -> Option<Candidate<'a>> {
        let (view, start) = (self.view, self.start);
        match std::mem::replace(&mut self.special, Special::Done) {
            Special::Done => None,
            Special::Pending => {
                let tagged = matches!(view.before(start, 1), b'A' | b'a' | b' ');
                let number = tagged.then(|| emv::application_pan(view, start)).flatten();
                let spaced = || emv::spaced_track2(view, start).map(|number| of_track2(view, number));
                number
                    .map(|number| Candidate::of(view, number, Shape::ApplicationPan))
                    .or_else(|| if tagged { spaced() } else { None })
                    .or_else(|| scientific(view, start))
                    .or_else(|| Some(Candidate::of(view, prefixed::number(view, start)?, Shape::Bare)))
            }
            Special::Track2(number) => Some(of_track2(view, *number)),
        }
    }

    /// Adds the group at the current position. Returns false if the group cannot be part of a candidate.
    fn add_group(&mut self) -> bool {
        let rest = self.view.window().get(self.at..).unwrap_or_default();
        let len = leading_digits(rest, MAX_DIGITS.saturating_add(1));
        let end = self.at.saturating_add(len);
        if !self.digits.extend_from(rest, len) || self.view.is_digit_like(end, 0) {
            return false;
        }
        let len = u32::try_from(len).unwrap_or(u32::MAX);
        self.digit_by_digit &= len == 1;
        self.longest = self.longest.max(len);
        self.shortest = self.shortest.min(len);
        self.groups = self.groups.saturating_add(1);
        self.layout = self.layout.wrapping_shl(4) | len.min(0xf);
        self.at = end;
        true
    }

    /// Moves over the separator to the next group. Returns false if no longer candidate is possible.
    fn join_next(&mut self) -> bool {
        let rest = self.view.window().get(self.at..).unwrap_or_default();
        let Some(separator) = GroupSeparator::read(rest) else { return false };
        let is_uncommon = separator.kind() == SeparatorKind::Uncommon;
        if self.groups == 1 {
            if is_uncommon && self.is_joined_before(separator) {
                return false;
            }
            self.separator = Some(separator);
        }
        self.at = self.at.saturating_add(separator.len());
        let may_be_digit_by_digit = self.digit_by_digit && (is_uncommon || self.starts_chain);
        let may_be_free_groups = !is_uncommon && self.starts_chain && self.groups < MAX_FREE_GROUPS;
        if self.separator != Some(separator) || self.is_mixed {
            self.is_mixed = self.may_mix(separator.kind());
            return self.is_mixed;
        }
        may_be_digit_by_digit || may_be_free_groups || CANONICAL_BEGIN.contains(&self.layout)
    }

    /// True if `next` may follow the groups so far, between which there are other separators.
    fn may_mix(&self, next: SeparatorKind) -> bool {
        let is_common = |kind| matches!(kind, SeparatorKind::Space | SeparatorKind::Dash);
        let is_first_common = self.separator.is_some_and(|first| is_common(first.kind()));
        self.starts_chain && is_first_common && is_common(next) && MIXED_BEGIN.contains(&self.layout)
    }

    /// The candidate that consists of the groups so far, if they have a [`Shape`] and `possible` digits.
    fn candidate(&self, possible: impl Fn(&Digits) -> bool) -> Option<Candidate<'a>> {
        if self.digits.len() < MIN_DIGITS {
            return None;
        }
        let kind = self.separator.map(GroupSeparator::kind);
        let shape = match kind {
            None => Shape::Bare,
            Some(_) if self.is_mixed => self.mixed_separators_shape()?,
            Some(SeparatorKind::Uncommon) => self.uncommon_separator_shape()?,
            Some(kind) => self.common_separator_shape(kind)?,
        };
        if !possible(&self.digits) || (kind.is_some() && self.starts_in_visible_tail()) {
            return None;
        }
        let separator = if self.is_mixed { Some(SeparatorKind::Uncommon) } else { kind };
        Some(Candidate { view: self.view, span: self.start..self.at, digits: self.digits, shape, separator })
    }

    fn common_separator_shape(&self, kind: SeparatorKind) -> Option<Shape> {
        if self.groups <= CANONICAL_GROUPS && CANONICAL.contains(&self.layout) {
            Some(Shape::Canonical)
        } else if !self.starts_chain || matches!(candidate::right(self.view, self.at), Edge::Group(_)) {
            None
        } else if self.digit_by_digit {
            Some(Shape::DigitByDigit)
        } else {
            let is_free_groups =
                self.groups <= MAX_FREE_GROUPS && self.longest >= MIN_LONGEST_FREE_GROUP && kind != SeparatorKind::Dot;
            is_free_groups.then_some(Shape::FreeGroups)
        }
    }

    fn mixed_separators_shape(&self) -> Option<Shape> {
        let is_whole = !matches!(candidate::right(self.view, self.at), Edge::Group(_));
        (is_whole && MIXED.contains(&self.layout)).then_some(Shape::MixedSeparators)
    }

    fn uncommon_separator_shape(&self) -> Option<Shape> {
        if self.continues() {
            return None;
        }
        // UnionPay prints its 19 digits in two groups, which programs pad with spaces.
        let is_unionpay = self.layout == TWO_GROUPS && self.separator.is_some_and(GroupSeparator::is_two_spaces);
        let canonical = self.groups <= CANONICAL_GROUPS
            && CANONICAL.contains(&self.layout)
            && UNCOMMON_SEPARATOR_GROUP_LENS.contains(&self.shortest)
            && (UNCOMMON_SEPARATOR_GROUP_LENS.contains(&self.longest) || is_unionpay);
        if self.digit_by_digit { Some(Shape::DigitByDigit) } else { canonical.then_some(Shape::UncommonSeparator) }
    }

    /// True if the chain continues on either side with the separator of the groups.
    fn continues(&self) -> bool {
        let Some(separator) = self.separator else { return false };
        let (len, view) = (separator.len(), self.view);
        let ahead = (0..len).map(|distance| view.at(self.at.saturating_add(distance)));
        let digits = isize::try_from(len).unwrap_or(isize::MAX);
        self.is_joined_before(separator) || (ahead.eq(separator.bytes()) && view.is_digit_like(self.at, digits))
    }

    /// True if `separator` and more digits precede the first group.
    fn is_joined_before(&self, separator: GroupSeparator) -> bool {
        let (len, view) = (separator.len(), self.view);
        let back = (1..=len).rev().map(|distance| view.before(self.start, distance));
        let digits = isize::try_from(len).unwrap_or(isize::MAX);
        back.eq(separator.bytes()) && view.is_digit_like(self.start, digits.saturating_neg().saturating_sub(1))
    }

    /// True if the first group is among the digits that a mask left visible at the end of a number.
    fn starts_in_visible_tail(&self) -> bool {
        let mut digits: usize = 0;
        let mut distance: isize = -1;
        while digits < VISIBLE_TAIL {
            if self.view.is_masked(self.start, distance) {
                return true;
            }
            let byte = self.view.around(self.start, distance);
            let further = distance.saturating_sub(1);
            if byte.is_ascii_digit() {
                digits = digits.saturating_add(1);
            } else if SeparatorKind::from_byte(byte).is_none() || !self.view.is_digit_like(self.start, further) {
                return false;
            }
            distance = further;
        }
        false
    }
}

impl<'a> Iterator for CandidateIter<'a> {
    type Item = Candidate<'a>;

    fn next(&mut self) -> Option<Candidate<'a>> {
        self.next_possible(|_| true)
    }
}

fn of_track2(view: View<'_>, number: EmbeddedNumber) -> Candidate<'_> {
    let shape = Shape::Track2Equivalent(number.trailing_digits);
    Candidate::of(view, number, shape)
}

/// The number of digits at the start of `text`, at most `most`.
#[inline]
pub(super) fn leading_digits(text: &[u8], most: usize) -> usize {
    let mut count: usize = 0;
    while count < most
        && let Some(part) = text.get(count..).and_then(<[u8]>::first_chunk)
    {
        let digits = lanes::leading(part, |bytes| bytes.is_within(b'0', b'9'));
        count = count.saturating_add(digits);
        if digits < part.len() {
            return count.min(most);
        }
    }
    let rest = text.get(count..most.max(count).min(text.len())).unwrap_or_default();
    count.saturating_add(rest.iter().take_while(|byte| byte.is_ascii_digit()).count()).min(most)
}

/// The end of the run of digits at `start`.
pub(super) fn digits_end(view: View<'_>, start: usize) -> usize {
    let run = view.window().get(start..).unwrap_or_default();
    start.saturating_add(leading_digits(run, run.len()))
}

/// The integer that the float at `start` represents: `4.111111111111111e15`, `4111111111111111e0`,
/// `0.4111111111111111e16`, `411111111111111100e-2`. A float at the end of a truncated text counts as if its exponent
/// were there.
fn scientific(view: View<'_>, start: usize) -> Option<Candidate<'_>> {
    let text = view.window().get(start..)?;
    let whole = leading_digits(text, LONGEST_MANTISSA);
    let (point, fraction) = match text.get(whole..)? {
        [b'.', rest @ ..] => (1, leading_digits(rest, LONGEST_MANTISSA)),
        _ => (0, 0),
    };
    let mantissa = whole.saturating_add(point).saturating_add(fraction);
    let exponent = Exponent::read(text.get(mantissa..)?);
    let end = start.saturating_add(mantissa).saturating_add(exponent.len);
    // `4111111111111111.0` is a number that went through a spreadsheet.
    let is_incomplete = fraction == 0 || whole < MIN_DIGITS;
    let is_truncated = view.is_last() && end == view.len() && is_incomplete && exponent.may_continue_as(fraction);
    let fits = (point == 0 || fraction > 0)
        && (exponent.digits > 0 || is_truncated)
        && view.before(start, 1) != b'.'
        && !view.at(end).is_ascii_alphanumeric();
    fits.then_some(())?;
    let shift = if is_truncated { fraction } else { exponent.value };
    let is_negative = exponent.is_negative;
    // The number of digits before the decimal point after the exponent is applied.
    let before_point = if is_negative { whole.checked_sub(shift)? } else { whole.saturating_add(shift) };
    let written: Vec<u8> = text.get(..mantissa)?.iter().copied().filter(u8::is_ascii_digit).collect();
    let leading_zeros = written.iter().take_while(|digit| **digit == b'0').count();
    let length = before_point.checked_sub(leading_zeros)?;
    let significant = written.get(leading_zeros..)?;
    let (number, rest) = significant.split_at_checked(length).unwrap_or((significant, &[]));
    let zeros = ZEROS.get(..length.checked_sub(number.len())?)?;
    let mut digits = Digits::EMPTY;
    let is_number = (MIN_DIGITS..=MAX_DIGITS).contains(&length)
        && number.len() >= MIN_MANTISSA_DIGITS
        && rest.iter().all(|digit| *digit == b'0')
        && digits.extend(number)
        && digits.extend(zeros);
    is_number.then_some(Candidate { view, span: start..end, digits, shape: Shape::Scientific, separator: None })
}

/// The exponent of a float.
struct Exponent {
    /// The length in bytes, with `e` and sign. It is zero if there is no exponent.
    len: usize,
    /// The number of digits, at most [`LONGEST_EXPONENT`].
    digits: usize,
    value: usize,
    is_negative: bool,
}

impl Exponent {
    /// Reads the exponent at the start of `text`.
    fn read(text: &[u8]) -> Self {
        let mut exponent = Self { len: 0, digits: 0, value: 0, is_negative: false };
        let [b'e' | b'E', rest @ ..] = text else { return exponent };
        let sign = usize::from(matches!(rest.first(), Some(b'+' | b'-')));
        exponent.is_negative = rest.first() == Some(&b'-');
        let digits = rest.get(sign..).unwrap_or_default();
        exponent.digits = leading_digits(digits, LONGEST_EXPONENT);
        exponent.len = sign.saturating_add(exponent.digits).saturating_add(1);
        exponent.value = decimal(digits.get(..exponent.digits).unwrap_or_default());
        exponent
    }

    /// True if more digits make this exponent the `wanted` one. An exponent of zero may be absent: the mantissa alone is
    /// an integer then.
    fn may_continue_as(&self, wanted: usize) -> bool {
        let mut rest = wanted;
        let mut is_beginning = self.digits == 0;
        while rest > 9 {
            rest /= 10;
            is_beginning |= self.digits > 0 && rest == self.value;
        }
        !self.is_negative && is_beginning && (self.len > 0 || wanted > 0)
    }
}

/// The value of decimal `digits`.
fn decimal(digits: &[u8]) -> usize {
    digits
        .iter()
        .fold(0, |value: usize, digit| value.saturating_mul(10).saturating_add(usize::from(digit.wrapping_sub(b'0'))))
}

/// The maximum number of digits before the decimal point of a float, after it, and of its exponent.
const LONGEST_MANTISSA: usize = 24;
const LONGEST_EXPONENT: usize = 3;

/// The minimum number of digits that a float contains. The others are zeros.
const MIN_MANTISSA_DIGITS: usize = 10;

/// The zeros that the exponent of a float implies.
const ZEROS: &[u8; MAX_DIGITS] = &[b'0'; MAX_DIGITS];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_incomplete_canonical_layout_is_listed() {
        let begin =
            |layout: u32| std::iter::successors(Some(layout >> 4), |layout| Some(layout >> 4)).take_while(|l| *l > 0);
        let mut begins: Vec<u32> = CANONICAL.into_iter().flat_map(begin).collect();
        let mut known = CANONICAL_BEGIN.to_vec();
        begins.sort_unstable();
        begins.dedup();
        known.sort_unstable();
        assert_eq!(begins, known);
    }

    #[test]
    fn leading_digits_are_counted() {
        for length in 0..70 {
            for behind in ["", "a", "aaaaaaaaaaaaaaaaaaaa"] {
                let text = format!("{}{behind}", "4".repeat(length));
                assert_eq!(leading_digits(text.as_bytes(), 20), length.min(20));
                assert_eq!(leading_digits(text.as_bytes(), 99), length);
            }
        }
    }
}
