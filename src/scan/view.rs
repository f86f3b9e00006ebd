//! The bytes that the scanner can read.

use super::separator::{LONGEST_SEPARATOR, is_separator_byte};
use super::{MIN_DIGITS, lanes};
use std::ops::Range;

/// The window of undecided bytes, with some decided bytes before it.
///
/// Positions are offsets into the window. A byte outside of the view reads as NUL, which is not a digit, a separator or
/// a letter.
#[derive(Clone, Copy)]
pub struct View<'a> {
    lookbehind: &'a [u8],
    window: &'a [u8],
    last: bool,
    mask: u8,
}

impl<'a> View<'a> {
    /// A view of `window`, which follows `lookbehind` in the stream. `last` is true if nothing follows the window.
    /// `mask` is the mask character.
    pub fn new(lookbehind: &'a [u8], window: &'a [u8], last: bool, mask: u8) -> Self {
        Self { lookbehind, window, last, mask }
    }

    /// The undecided bytes.
    pub fn window(&self) -> &'a [u8] {
        self.window
    }

    /// The decided bytes before the window.
    pub fn lookbehind(&self) -> &'a [u8] {
        self.lookbehind
    }

    /// The length of the window in bytes.
    pub fn len(&self) -> usize {
        self.window.len()
    }

    /// True if the window is empty.
    pub fn is_empty(&self) -> bool {
        self.window.is_empty()
    }

    /// True if nothing follows the window.
    pub fn is_last(&self) -> bool {
        self.last
    }

    /// The byte at `position`.
    pub fn at(&self, position: usize) -> u8 {
        self.window.get(position).copied().unwrap_or(0)
    }

    /// The byte `distance` before `position`. The distance of the previous byte is 1.
    pub fn before(&self, position: usize, distance: usize) -> u8 {
        match position.checked_sub(distance) {
            Some(index) => self.at(index),
            None => {
                let back = distance.saturating_sub(position);
                let index = self.lookbehind.len().checked_sub(back);
                index.and_then(|i| self.lookbehind.get(i)).copied().unwrap_or(0)
            }
        }
    }

    /// The byte `distance` after `position`, or before it if negative.
    pub(super) fn around(&self, position: usize, distance: isize) -> u8 {
        if distance < 0 {
            self.before(position, distance.unsigned_abs())
        } else {
            self.at(position.saturating_add(distance.unsigned_abs()))
        }
    }

    /// True if `byte` is a digit, or a mask character that may be part of a mask.
    pub(super) fn may_be_digit(&self, byte: u8) -> bool {
        byte.is_ascii_digit() || byte == self.mask || byte == FILLER
    }

    /// True if the byte `distance` from `position` is a digit or a masked digit.
    pub fn is_digit_like(&self, position: usize, distance: isize) -> bool {
        let byte = self.around(position, distance);
        let may_be_masked = || self.is_masked(position, distance) || self.is_in_run_of(FILLER, position, distance);
        self.may_be_digit(byte) && (byte.is_ascii_digit() || may_be_masked())
    }

    /// True if the byte `distance` from `position` belongs to a mask: at least eight mask characters, or at least four
    /// after visible digits. Single separators between them are allowed.
    pub fn is_masked(&self, position: usize, distance: isize) -> bool {
        self.is_in_run_of(self.mask, position, distance)
    }

    /// The masks in the window, from left to right. A range starts at the first mask character and ends after the last
    /// one.
    pub fn masks(&self) -> impl Iterator<Item = Range<usize>> {
        let separated = |at: usize| super::SeparatorKind::from_byte(self.at(at)).is_some();
        let is_mask = |at: &usize| self.at(*at) == self.mask;
        let mut at: usize = 0;
        std::iter::from_fn(move || {
            loop {
                let rest = self.window.get(at..)?;
                let start = at.saturating_add(lanes::find(rest, |bytes| bytes.is(self.mask))?);
                let (mut run, mut end) = (1_usize, start.saturating_add(1));
                while let Some(next) = [0, 1].map(|gap| end.saturating_add(gap)).into_iter().find(is_mask)
                    && (next == end || separated(end))
                {
                    run = run.saturating_add(1);
                    end = next.saturating_add(1);
                }
                at = end;
                if hides_number(run, || self.follows_digit(self.mask, start, -1)) {
                    return Some(start..end);
                }
            }
        })
    }

    /// True if the byte `distance` from `position` belongs to a mask of this `character`.
    fn is_in_run_of(&self, character: u8, position: usize, distance: isize) -> bool {
        if self.around(position, distance) != character {
            return false;
        }
        let (left, first) = self.mask_run(character, position, distance, -1);
        let (right, _) = self.mask_run(character, position, distance, 1);
        let run = left.saturating_add(right).saturating_sub(1);
        hides_number(run, || self.follows_digit(character, position, first))
    }

    /// True if a digit or `character` is `distance` from `position`, or precedes a separator there.
    fn follows_digit(&self, character: u8, position: usize, distance: isize) -> bool {
        let mut at = distance;
        for _ in 0..LONGEST_SEPARATOR {
            let byte = self.around(position, at);
            if byte.is_ascii_digit() || byte == character {
                return true;
            }
            if !is_separator_byte(byte) {
                return false;
            }
            at = at.saturating_sub(1);
        }
        let byte = self.around(position, at);
        byte.is_ascii_digit() || byte == character
    }

    /// The number of mask characters in the run that starts `distance` from `position`, in the direction of `step`, up
    /// to [`WHOLE_MASK_RUN`]; and the distance of the first byte after them.
    fn mask_run(&self, character: u8, position: usize, distance: isize, step: isize) -> (usize, isize) {
        let mut run: usize = 0;
        let mut at = distance;
        while run < WHOLE_MASK_RUN {
            if self.around(position, at) != character {
                let separated = super::SeparatorKind::from_byte(self.around(position, at)).is_some();
                if run == 0 || !separated || self.around(position, at.saturating_add(step)) != character {
                    break;
                }
                at = at.saturating_add(step);
            }
            run = run.saturating_add(1);
            at = at.saturating_add(step);
        }
        (run, at)
    }
}

/// True if a run of this many mask characters hides the digits of a number. Truncation leaves six or eight digits
/// visible before the mask, or none and hides at least eight. Any other run is punctuation, and the digits after it are
/// not a remainder.
fn hides_number(run: usize, follows_digit: impl FnOnce() -> bool) -> bool {
    run >= WHOLE_MASK_RUN || (run >= MASK_RUN && follows_digit())
}

/// The last `longest` bytes before `position` of `text`, which follows `lookbehind`.
pub fn text_before(lookbehind: &[u8], text: &[u8], position: usize, longest: usize) -> Vec<u8> {
    let near = text.get(position.saturating_sub(longest)..position).unwrap_or_default();
    let missing = longest.saturating_sub(near.len());
    let far = lookbehind.get(lookbehind.len().saturating_sub(missing)..).unwrap_or_default();
    [far, near].concat()
}

/// The mask character in hexadecimal text.
pub const FILLER: u8 = b'F';

/// The ASCII mask characters.
pub const MASK_CHARACTERS: [u8; 5] = [b'*', b'#', b'x', b'X', FILLER];

/// The minimum length of a mask after visible digits. Truncation of a 16-digit number to its first eight and last four
/// digits hides four, and no permitted truncation hides fewer.
const MASK_RUN: usize = 4;

/// The minimum length of a mask without visible digits before it: the shortest number without its last four digits.
const WHOLE_MASK_RUN: usize = MIN_DIGITS - 4;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bytes_before_the_window_come_from_the_lookbehind() {
        let view = View::new(b"abc", b"def", true, b'*');
        assert_eq!(view.before(1, 1), b'd');
        assert_eq!(view.before(0, 1), b'c');
        assert_eq!(view.before(1, 4), b'a');
        assert_eq!(view.before(1, 5), 0);
        assert_eq!(view.at(3), 0);
    }

    #[test]
    fn a_mask_is_four_characters_with_single_separators_at_most() {
        let masked = |text: &str, at| View::new(b"", text.as_bytes(), true, b'*').is_masked(at, 0);
        assert!(masked("********1111", 0));
        assert!(masked("11** **** 1111", 2));
        assert!(masked("11** **** 1111", 8));
        assert!(masked("1 * * * *", 4));
        assert!(masked("1****1111", 1));
        assert!(masked("11**/****/1111", 5));
        assert!(!masked("****4111111111111111", 0));
        assert!(!masked("BM*******4111", 2));
        assert!(!masked("* * * *", 4));
        assert!(!masked("***1111", 0));
        assert!(!masked("**4111**", 0));
        assert!(!masked("**  **", 0));
        assert!(!masked("1111", 0));
    }

    proptest! {
        #[test]
        fn masks_are_where_their_characters_are(text in "[*x .a1-]{0,40}|[*]{0,24}[1 ]{0,2}[* ]{0,24}") {
            let view = View::new(b"", text.as_bytes(), true, b'*');
            let masks: Vec<_> = view.masks().collect();
            for at in 0..text.len() {
                let in_mask = view.at(at) == b'*' && masks.iter().any(|mask| mask.contains(&at));
                prop_assert_eq!(in_mask, view.is_masked(at, 0), "{} {}", text, at);
            }
        }
    }

    #[test]
    fn a_mask_may_begin_before_the_window() {
        let view = View::new(b"411111***", b"***1111", true, b'*');
        assert!(view.is_masked(0, 0));
        assert!(view.is_masked(3, -1));
    }
}
