//! Which runs of groups are worth a verdict?

use super::candidate::{Candidate, Digits, Edge, Separator, Shape};
use super::{HORIZON, MAX_DIGITS, MIN_DIGITS, View, hot};

/// Walks the group starts of a view from left to right.
///
/// The caller judges the windows of each [`Step::Start`] and calls [`Starts::take`] when it takes one, so that the next
/// start lies behind it.
pub struct Starts<'a> {
    view: View<'a>,
    at: usize,
    in_chain: bool,
}

/// What [`Starts::advance`] came to.
pub enum Step<'a> {
    /// A group from which windows begin.
    Start(Windows<'a>),
    /// From this offset on more bytes are needed; nothing before it is open.
    Undecided(usize),
    /// Nothing in the view is open.
    End,
}

/// The candidates that begin at one group, shortest first.
pub struct Windows<'a> {
    view: View<'a>,
    start: usize,
    at: usize,
    digits: Digits,
    groups: u32,
    layout: u32,
    /// Whether the chain begins with the first group.
    opens: bool,
    /// Whether every group is one digit.
    spelled: bool,
    /// The longest group.
    longest: u32,
    separator: Option<Separator>,
    done: bool,
}

/// The group lengths that numbers are printed or typed in, four bits a group.
const CANONICAL: [u32; 13] =
    [0x4444, 0x465, 0x464, 0x456, 0x4445, 0x4_4443, 0x4_4442, 0x4_4441, 0x88, 0x6d, 0x4443, 0x4442, 0x4333];

/// The most groups in a canonical layout.
const CANONICAL_GROUPS: u32 = 5;

/// The most groups of a loose layout, and the fewest digits of the longest of them.
const LOOSE_GROUPS: u32 = 6;
const LOOSE_LONGEST: u32 = 3;

/// The lengths that the first group of a canonical layout has.
const CANONICAL_FIRST: [usize; 3] = [4, 6, 8];

/// The most digits that a mask leaves at the end of a number.
const KEPT_TAIL: usize = 4;

impl<'a> Starts<'a> {
    /// Starts at the beginning of the view's window.
    pub fn new(view: View<'a>) -> Self {
        Self { view, at: 0, in_chain: true }
    }

    /// The next group start that could be a number, in order.
    pub fn advance(&mut self) -> Step<'a> {
        loop {
            if !self.in_chain && !self.enter_chain() {
                return Step::End;
            }
            let Some(start) = self.group_start() else { continue };
            let end = digits_end(self.view, start, self.view.len());
            if end.saturating_sub(start) > MAX_DIGITS {
                self.at = end;
                continue;
            }
            if !self.is_decidable(start) {
                return Step::Undecided(start);
            }
            self.at = end;
            return Step::Start(Windows::new(self.view, start));
        }
    }

    /// Takes the window that ends at `end`: no further start lies before it.
    pub fn take(&mut self, end: usize) {
        self.at = end;
    }

    /// Moves to the next place where a chain may be; false when there is none.
    fn enter_chain(&mut self) -> bool {
        let dense = hot::next_dense(self.view.window(), self.at);
        if dense.is_none() && self.view.is_last() {
            return false;
        }
        self.at = self.chain_start(dense.unwrap_or(self.view.len()));
        self.in_chain = true;
        self.at < self.view.len()
    }

    /// The first byte of the chain that has a digit at `position` or ends there, not before the current position.
    fn chain_start(&self, position: usize) -> usize {
        let separator = |start, distance| Separator::from_byte(self.view.before(start, distance)).is_some();
        let mut start = position;
        while start > self.at {
            let joins = separator(start, 1) && !separator(start, 2);
            if !joins && !self.view.before(start, 1).is_ascii_digit() {
                break;
            }
            start = start.saturating_sub(1);
        }
        start
    }

    /// The next group start of the current chain; leaves the chain when there is none.
    fn group_start(&mut self) -> Option<usize> {
        while self.at < self.view.len() {
            let byte = self.view.at(self.at);
            if byte.is_ascii_digit() {
                if !self.view.is_digit_like(self.at, -1) {
                    return Some(self.at);
                }
                self.at = digits_end(self.view, self.at, self.view.len());
                continue;
            }
            let separator = Separator::from_byte(byte).is_some();
            self.at = self.at.saturating_add(1);
            if !separator || !self.view.at(self.at).is_ascii_digit() {
                break;
            }
        }
        self.in_chain = false;
        None
    }

    /// True when no byte behind the view can change what the windows from `start` are.
    fn is_decidable(&self, start: usize) -> bool {
        self.view.is_last() || start.saturating_add(HORIZON) <= self.view.len() || self.is_closed(start)
    }

    /// True when the chain that `start` lies in ends within the view, for good.
    fn is_closed(&self, start: usize) -> bool {
        let rest = self.view.window().get(start..).unwrap_or_default();
        let mut separated = false;
        for byte in rest {
            let separator = Separator::from_byte(*byte).is_some();
            if (separator && separated) || !(separator || self.view.may_be_digit(*byte)) {
                return true;
            }
            separated = separator;
        }
        false
    }
}

impl<'a> Windows<'a> {
    /// Where they begin.
    pub fn start(&self) -> usize {
        self.start
    }

    fn new(view: View<'a>, start: usize) -> Self {
        Self {
            view,
            start,
            at: start,
            digits: Digits::EMPTY,
            groups: 0,
            layout: 0,
            opens: !(Separator::from_byte(view.before(start, 1)).is_some() && view.is_digit_like(start, -2)),
            spelled: true,
            longest: 0,
            separator: None,
            done: false,
        }
    }

    /// Adds the group at the current position; false when it does not belong to any candidate.
    fn add_group(&mut self) -> bool {
        let limit = self.at.saturating_add(MAX_DIGITS).saturating_add(1);
        let end = digits_end(self.view, self.at, limit);
        let group = self.view.window().get(self.at..end).unwrap_or_default();
        if !self.digits.extend(group) || self.view.is_digit_like(end, 0) {
            return false;
        }
        let len = u32::try_from(group.len()).unwrap_or(u32::MAX);
        self.spelled &= len == 1;
        self.longest = self.longest.max(len);
        self.groups = self.groups.saturating_add(1);
        self.layout = self.layout.wrapping_shl(4) | len.min(0xf);
        self.at = end;
        true
    }

    /// Moves over the separator to the next group; false when no longer window can be a candidate.
    fn join_next(&mut self) -> bool {
        let Some(separator) = Separator::from_byte(self.view.at(self.at)) else { return false };
        if self.groups == 1 {
            self.separator = Some(separator);
            if !self.opens && !CANONICAL_FIRST.contains(&self.digits.len()) {
                return false;
            }
        }
        self.at = self.at.saturating_add(1);
        self.separator == Some(separator)
            && self.view.at(self.at).is_ascii_digit()
            && (self.groups < CANONICAL_GROUPS || (self.opens && (self.spelled || self.groups < LOOSE_GROUPS)))
    }

    /// The candidate that the groups so far make, if they have the shape of one.
    fn candidate(&self) -> Option<Candidate<'a>> {
        if self.digits.len() < MIN_DIGITS {
            return None;
        }
        let mut candidate = Candidate {
            view: self.view,
            span: self.start..self.at,
            digits: self.digits,
            shape: Shape::Bare,
            separator: self.separator,
        };
        if self.groups == 1 {
            return Some(candidate);
        }
        if self.groups <= CANONICAL_GROUPS && CANONICAL.contains(&self.layout) {
            candidate.shape = Shape::Canonical;
        } else if !self.opens || matches!(candidate.right(), Edge::Group(_)) {
            return None;
        } else if self.spelled {
            candidate.shape = Shape::DigitByDigit;
        } else if self.groups <= LOOSE_GROUPS && self.longest >= LOOSE_LONGEST && self.separator != Some(Separator::Dot)
        {
            candidate.shape = Shape::Loose;
        } else {
            return None;
        }
        (!self.begins_in_kept_tail()).then_some(candidate)
    }

    /// True when the first group belongs to the digits that a mask left visible at the end of a number.
    fn begins_in_kept_tail(&self) -> bool {
        let mut digits: usize = 0;
        let mut distance: isize = -1;
        while digits < KEPT_TAIL {
            if self.view.is_masked(self.start, distance) {
                return true;
            }
            let byte = self.view.around(self.start, distance);
            let further = distance.saturating_sub(1);
            if byte.is_ascii_digit() {
                digits = digits.saturating_add(1);
            } else if Separator::from_byte(byte).is_none() || !self.view.is_digit_like(self.start, further) {
                return false;
            }
            distance = further;
        }
        false
    }
}

impl<'a> Iterator for Windows<'a> {
    type Item = Candidate<'a>;

    fn next(&mut self) -> Option<Candidate<'a>> {
        while !self.done {
            if !self.add_group() {
                self.done = true;
                return None;
            }
            let candidate = self.candidate();
            self.done = !self.join_next();
            if candidate.is_some() {
                return candidate;
            }
        }
        None
    }
}

/// The end of the run of digits at `start`, looking no further than `limit`.
fn digits_end(view: View<'_>, start: usize, limit: usize) -> usize {
    let run = view.window().get(start..limit.min(view.len())).unwrap_or_default();
    let digits = run.iter().take_while(|byte| byte.is_ascii_digit()).count();
    start.saturating_add(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The candidates of `text`, as (text, shape), when no window is ever taken.
    fn candidates(text: &str) -> Vec<(String, Shape)> {
        let mut starts = Starts::new(View::new(b"", text.as_bytes(), true, b'*'));
        let mut found = Vec::new();
        loop {
            match starts.advance() {
                Step::Start(windows) => found.extend(windows.map(|c| (text[c.span()].to_owned(), c.shape()))),
                Step::Undecided(_) => panic!("the view is the last"),
                Step::End => return found,
            }
        }
    }

    fn texts(text: &str) -> Vec<String> {
        candidates(text).into_iter().map(|(text, _)| text).collect()
    }

    fn undecided(text: &str) -> Option<usize> {
        let mut starts = Starts::new(View::new(b"", text.as_bytes(), false, b'*'));
        loop {
            match starts.advance() {
                Step::Start(_) => {}
                Step::Undecided(from) => return Some(from),
                Step::End => return None,
            }
        }
    }

    #[test]
    fn every_shape_is_seen() {
        assert_eq!(candidates("4111111111111111"), [("4111111111111111".into(), Shape::Bare)]);
        assert_eq!(candidates("n: 4111-1111-1111-1111."), [("4111-1111-1111-1111".into(), Shape::Canonical)]);
        assert_eq!(candidates("3782 822463 10005"), [("3782 822463 10005".into(), Shape::Canonical)]);
        let spaced = "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1";
        assert_eq!(candidates(spaced), [(spaced.into(), Shape::DigitByDigit)]);
    }

    #[test]
    fn a_failed_start_does_not_hide_the_next() {
        assert!(texts("2026 4111 1111 1111 1111").contains(&"4111 1111 1111 1111".to_owned()));
        assert!(texts("4111 1111 1111 1111 12/26").contains(&"4111 1111 1111 1111".to_owned()));
        assert!(texts("4111111111111111 1234").contains(&"4111111111111111".to_owned()));
    }

    #[test]
    fn windows_do_not_begin_or_end_inside_a_group() {
        assert!(texts("14111111111111111222").is_empty());
        assert!(texts("4111 1111 1111 11112222222222222222").is_empty());
        assert_eq!(texts("41111111111111111111 4111111111111111"), ["4111111111111111"]);
    }

    #[test]
    fn separators_are_single_and_uniform() {
        assert!(texts("4111  1111  1111  1111").is_empty());
        assert!(texts("4111-1111 1111-1111").is_empty());
        assert!(texts("4111/1111/1111/1111").is_empty());
    }

    #[test]
    fn remains_of_a_mask_are_no_start() {
        assert!(texts("5500 00** **** 4111 1111 1111 1111").is_empty());
        assert!(texts("**** *005 4111 1111 1111 1111").is_empty());
        assert_eq!(texts("**** **** **** 0005 4111 1111 1111 1111"), ["4111 1111 1111 1111"]);
        assert_eq!(texts("**4111 1111 1111 1111**"), ["4111 1111 1111 1111"]);
        assert_eq!(texts("************1111 4111111111111111"), ["4111111111111111"]);
    }

    #[test]
    fn a_tail_waits_only_while_it_can_still_grow() {
        assert_eq!(undecided("{\"a\":1}"), None);
        assert_eq!(undecided("page 4"), Some(5));
        assert_eq!(undecided("page 4 "), Some(5));
        assert_eq!(undecided("page 4  "), None);
        assert_eq!(undecided("page 4,"), None);
        assert_eq!(undecided("hello "), None);
        assert_eq!(undecided("4111111111111111\""), None);
        assert_eq!(undecided("4111 1111 1111 1111 "), Some(0));
        assert_eq!(undecided("411111111111111111111111"), None);
    }
}
