//! Search for the groups at which a candidate can start.

use super::candidate_iter::{CandidateIter, digits_end};
use super::emv::{self, UNDECIDED_RUN_END};
use super::iso8583;
use super::prefilter::{self, ByteClasses};
use super::prefixed;
use super::separator::{GroupSeparator, LONGEST_SEPARATOR, is_separator_byte};
use super::{Digits, HORIZON, MAX_DIGITS, MIN_DIGITS, View, table_row};
use std::ops::Range;

/// Iterator over the groups of a view at which candidates start, from left to right.
///
/// The caller judges the candidates of each [`NextStart::Start`]. When it accepts one, it calls
/// [`CandidateStarts::skip_to`], so that the next start is after it.
pub struct CandidateStarts<'a> {
    view: View<'a>,
    classes: ByteClasses,
    at: usize,
    in_chain: bool,
    /// A run of digits whose start was handled. Its end may still contain the number of a tag 57.
    passed_run: Option<Range<usize>>,
}

/// The result of [`CandidateStarts::advance`].
pub enum NextStart<'a> {
    /// Candidates start at this group.
    Start(CandidateIter<'a>),
    /// The bytes from this offset on are undecided, and more bytes are needed. All bytes before it are decided.
    Undecided(usize),
    /// All bytes of the view are decided.
    End,
}

/// The number of bytes from a letter on that decide whether it is the exponent of a float or the start of a row of
/// hexadecimal groups.
const HEXADECIMAL: usize = 11;

impl<'a> CandidateStarts<'a> {
    /// Starts at the beginning of the view's window.
    pub fn new(view: View<'a>) -> Self {
        Self { view, classes: ByteClasses::new(), at: 0, in_chain: true, passed_run: None }
    }

    /// Moves to the next group at which a candidate starts.
    pub fn advance(&mut self) -> NextStart<'a> {
        self.advance_to(|_| true)
    }

    /// Moves to the next group at which a candidate with `possible` digits starts.
    #[inline]
    pub fn advance_to(&mut self, possible: impl Fn(&Digits) -> bool) -> NextStart<'a> {
        loop {
            if let Some(step) = self.passed_run.take().and_then(|run| self.check_run_end(&run)) {
                return step;
            }
            if !self.in_chain {
                if !self.enter_chain(&possible) {
                    return NextStart::End;
                }
                continue;
            }
            let Some(run) = self.next_run() else { continue };
            // A mask leaves fewer digits visible than a number has.
            let is_whole = run.len() >= MIN_DIGITS && !self.view.before(run.start, 1).is_ascii_digit();
            if !is_whole && self.view.is_digit_like(run.start, -1) {
                self.pass(run);
                continue;
            }
            if self.is_no_number(&run, &possible) {
                self.at = run.end.saturating_add(1);
                self.in_chain = false;
                continue;
            }
            let long = run.len() > MAX_DIGITS;
            let is_long_enough = || run.len() >= UNDECIDED_RUN_END.max(iso8583::decisive_digits(self.view, run.start));
            let decidable = if long { !self.is_open(&run) || is_long_enough() } else { self.is_decidable(run.start) };
            if !decidable {
                return NextStart::Undecided(run.start);
            }
            let start = run.start;
            let may_begin = table_row::may_begin(self.view, &run, &possible);
            self.pass(run);
            if may_begin && CandidateIter::new(self.view, start, long).next_possible(&possible).is_some() {
                return NextStart::Start(CandidateIter::new(self.view, start, long));
            }
        }
    }

    /// Continues at `end`, the end of an accepted candidate.
    pub fn skip_to(&mut self, end: usize) {
        self.at = end;
        if let Some(run) = &mut self.passed_run {
            run.start = run.start.max(end);
        }
    }

    /// True if `run` has the length of a number, cannot be extended by the bytes after it, and does not have `possible`
    /// digits. This applies to most timestamps and identifiers in a table.
    #[inline]
    fn is_no_number(&self, run: &Range<usize>, possible: impl Fn(&Digits) -> bool) -> bool {
        let next = self.view.at(run.end);
        (MIN_DIGITS..=MAX_DIGITS).contains(&run.len())
            && run.end < self.view.len()
            && !(is_separator_byte(next) || next.is_ascii_alphabetic() || self.view.may_be_digit(next))
            // The last letter of tag 5A in a chip data object.
            && !self.view.before(run.start, 1).eq_ignore_ascii_case(&b'A')
            && !self.may_be_number(run, possible)
            && !prefixed::may_be(self.view, run.start)
    }

    /// True if the digits of `run` alone are `possible`.
    #[inline]
    fn may_be_number(&self, run: &Range<usize>, possible: impl Fn(&Digits) -> bool) -> bool {
        let mut digits = Digits::EMPTY;
        let text = self.view.window().get(run.start..).unwrap_or_default();
        digits.extend_from(text, run.len()) && possible(&digits)
    }

    /// Moves to the end of `run`.
    fn pass(&mut self, run: Range<usize>) {
        self.at = run.end;
        self.passed_run = Some(run);
    }

    /// Checks whether the part of `run` after the last accepted candidate ends with the number of a chip data object.
    fn check_run_end(&mut self, run: &Range<usize>) -> Option<NextStart<'a>> {
        if run.is_empty() {
            return None;
        }
        if self.is_open(run) {
            return Some(NextStart::Undecided(run.end.saturating_sub(UNDECIDED_RUN_END).max(run.start)));
        }
        let number = emv::track2(self.view, run.end).filter(|number| run.start <= number.span.start)?;
        Some(NextStart::Start(CandidateIter::of_track2(self.view, number)))
    }

    /// Moves to the next chain that may contain a number, or to the chain at the end of the view. Returns false if
    /// there is none.
    fn enter_chain(&mut self, possible: impl Fn(&Digits) -> bool) -> bool {
        match self.next_chain(possible) {
            Some(start) => self.at = start,
            None if self.view.is_last() => return false,
            None => self.at = self.last_chain(),
        }
        self.in_chain = true;
        self.at < self.view.len()
    }

    /// The first digit of the next chain that may contain a number with `possible` digits.
    fn next_chain(&self, possible: impl Fn(&Digits) -> bool) -> Option<usize> {
        let is_excluded = |run: Range<usize>| {
            !self.view.may_be_digit(self.view.before(run.start, 1)) && self.is_no_number(&run, &possible)
        };
        prefilter::next_chain(&self.classes, self.view.window(), self.at, is_excluded)
    }

    /// The first digit of the chain at the end of the view, from the current position on; the end of the view if it
    /// does not end in a chain.
    fn last_chain(&self) -> usize {
        let end = self.view.len();
        let rest = self.view.window().get(self.at..).unwrap_or_default();
        let mut start = end;
        let mut separator: usize = 0;
        for (distance, byte) in rest.iter().rev().enumerate() {
            if byte.is_ascii_digit() {
                separator = 0;
                start = end.saturating_sub(distance).saturating_sub(1);
            } else {
                separator = separator.saturating_add(1);
                if separator > LONGEST_SEPARATOR || !is_separator_byte(*byte) {
                    break;
                }
            }
        }
        start
    }

    /// The next run of digits in the current chain. Leaves the chain if there is none.
    fn next_run(&mut self) -> Option<Range<usize>> {
        while self.at < self.view.len() {
            if self.view.at(self.at).is_ascii_digit() {
                return Some(self.at..digits_end(self.view, self.at));
            }
            let rest = self.view.window().get(self.at..).unwrap_or_default();
            let Some(separator) = GroupSeparator::read(rest) else {
                self.at = self.at.saturating_add(1);
                break;
            };
            self.at = self.at.saturating_add(separator.len());
        }
        self.in_chain = false;
        None
    }

    /// True if bytes after the view may extend `run`.
    fn is_open(&self, run: &Range<usize>) -> bool {
        run.end == self.view.len() && !self.view.is_last()
    }

    /// True if bytes after the view cannot change the candidates that start at `start`.
    fn is_decidable(&self, start: usize) -> bool {
        self.view.is_last() || start.saturating_add(HORIZON) <= self.view.len() || self.is_closed(start)
    }

    /// True if the chain that contains `start` ends within the view.
    fn is_closed(&self, start: usize) -> bool {
        let rest = self.view.window().get(start..).unwrap_or_default();
        let mut separator: usize = 0;
        for (position, byte) in rest.iter().enumerate() {
            if self.view.may_be_digit(*byte) {
                separator = 0;
                continue;
            }
            separator = separator.saturating_add(1);
            if separator > LONGEST_SEPARATOR {
                return true;
            }
            if !is_separator_byte(*byte) {
                return !byte.is_ascii_hexdigit() || position.saturating_add(HEXADECIMAL) <= rest.len();
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::Shape;
    use proptest::prelude::*;

    /// All candidates of `text` as (text, shape), without any being accepted.
    fn candidates(text: &str) -> Vec<(String, Shape)> {
        let mut starts = CandidateStarts::new(View::new(b"", text.as_bytes(), true, b'*'));
        let mut found = Vec::new();
        loop {
            match starts.advance() {
                NextStart::Start(candidates) => {
                    found.extend(candidates.map(|c| (text[c.span()].to_owned(), c.shape())))
                }
                NextStart::Undecided(_) => panic!("the view is the last"),
                NextStart::End => return found,
            }
        }
    }

    fn texts(text: &str) -> Vec<String> {
        candidates(text).into_iter().map(|(text, _)| text).collect()
    }

    fn undecided(text: &str) -> Option<usize> {
        let mut starts = CandidateStarts::new(View::new(b"", text.as_bytes(), false, b'*'));
        loop {
            match starts.advance() {
                NextStart::Start(_) => {}
                NextStart::Undecided(from) => return Some(from),
                NextStart::End => return None,
            }
        }
    }

    /// True if a candidate with `possible` digits starts at `start`.
    fn begins(view: View<'_>, start: usize, possible: impl Fn(&Digits) -> bool) -> bool {
        let length = digits_end(view, start) - start;
        let track2 = emv::track2(view, start + length).is_some_and(|number| number.span.start == start);
        CandidateIter::new(view, start, length > MAX_DIGITS).next_possible(possible).is_some() || track2
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        /// [`CandidateStarts::advance_to`] skips exactly the starts without `possible` digits.
        #[test]
        fn only_starts_without_possible_digits_are_skipped(
            text in "([0-9]{1,21}|5A08|[57]{2}13|[ ./,_*F\"aAdDeExX-]{1,3}){0,16}",
            last in any::<bool>(),
        ) {
            let possible = |digits: &Digits| digits.ascii().iter().map(|digit| u32::from(*digit)).sum::<u32>() % 3 == 0;
            let view = View::new(b"", text.as_bytes(), last, b'*');
            let (mut quick, mut slow) = (CandidateStarts::new(view), CandidateStarts::new(view));
            loop {
                let next = loop {
                    let step = slow.advance();
                    let passed = matches!(&step, NextStart::Start(candidates) if !begins(view, candidates.start(), possible));
                    if !passed {
                        break step;
                    }
                };
                match (quick.advance_to(possible), next) {
                    (NextStart::Start(one), NextStart::Start(other)) => prop_assert_eq!(one.start(), other.start(), "{}", text),
                    (NextStart::Undecided(one), NextStart::Undecided(other)) => {
                        prop_assert!(one >= other, "{}", text);
                        break;
                    }
                    (NextStart::End | NextStart::Start(_), NextStart::Undecided(_)) | (NextStart::End, NextStart::End) => break,
                    _ => prop_assert!(false, "{}", text),
                }
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
        let mixed = "4111-1111 1111-1111";
        assert_eq!(candidates(mixed), [(mixed.into(), Shape::MixedSeparators)]);
        let two_groups = "622828  4447599509420";
        assert_eq!(candidates(two_groups)[0], (two_groups.into(), Shape::UncommonSeparator));
    }

    #[test]
    fn a_failed_start_does_not_hide_the_next() {
        assert!(texts("2026 4111 1111 1111 1111").contains(&"4111 1111 1111 1111".to_owned()));
        assert!(texts("4111 1111 1111 1111 12/26").contains(&"4111 1111 1111 1111".to_owned()));
        assert!(texts("4111111111111111 1234").contains(&"4111111111111111".to_owned()));
    }

    #[test]
    fn candidates_do_not_begin_or_end_inside_a_group() {
        assert!(texts("14111111111111111222").is_empty());
        assert!(texts("4111 1111 1111 11112222222222222222").is_empty());
        assert_eq!(texts("41111111111111111111 4111111111111111"), ["4111111111111111"]);
    }

    #[test]
    fn separators_are_single_and_uniform() {
        assert!(texts("4111   1111   1111   1111").is_empty());
        assert!(texts("4111-1111.1111-1111").is_empty());
        assert!(texts("4111-1111 1111-1111 1").is_empty());
        assert!(texts("4111, 1111, 1111, 1111").is_empty());
        assert!(texts("4111/1111/1111/1111/1111").is_empty());
        assert!(texts("1/4111/1111/1111/1111").is_empty());
    }

    #[test]
    fn groups_as_on_cards_may_have_any_uniform_separator() {
        for separator in ["  ", "--", "..", "_", "/", "*", "|", "+", " - ", " / ", "| ", " *"] {
            let text = ["4111", "1111", "1111", "1111"].join(separator);
            assert_eq!(candidates(&text), [(text.clone(), Shape::UncommonSeparator)]);
        }
        let spelled = ["4"; 16].join(" - ");
        assert_eq!(candidates(&spelled), [(spelled.clone(), Shape::DigitByDigit)]);
        assert!(texts("411 111111 1/111 1111").is_empty());
    }

    #[test]
    fn a_float_is_written_out() {
        assert_eq!(candidates("4.111111111111111e15")[0], ("4.111111111111111e15".into(), Shape::Scientific));
        for text in ["4.111111111111111e14", "4.111111111111111e99", "0.4.111111111111111e15", "4.111111111111111e15f"]
        {
            assert!(!candidates(text).iter().any(|(_, shape)| *shape == Shape::Scientific), "{text}");
        }
    }

    #[test]
    fn a_float_at_the_end_of_a_truncated_text_needs_no_exponent() {
        let floats = |text: &str| candidates(text).iter().any(|(_, shape)| *shape == Shape::Scientific);
        for end in ["", "e", "E", "e+", "e1", "E+1"] {
            assert!(floats(&format!("4.111111111111111{end}")), "{end}");
            assert!(floats(&format!("0.4111111111111111{end}")), "{end}");
        }
        assert!(floats("4111111111111111e"));
        for text in [
            "4111111111111111.0",
            "4.111111111111111 ",
            "4.111111111111111e ",
            "4.111111111111111e-",
            "4.111111111111111e2",
            "4.",
        ] {
            assert!(!floats(text), "{text}");
        }
    }

    #[test]
    fn numbers_in_data_objects_may_touch_other_digits() {
        let shapes =
            |text: &str| candidates(text).into_iter().filter(|(_, shape)| *shape != Shape::Bare).collect::<Vec<_>>();
        assert_eq!(
            shapes("8202580057134111111111111111D25122010000000000000F"),
            [("4111111111111111".into(), Shape::Track2Equivalent(22))]
        );
        assert_eq!(shapes("9F265A0841111111111111115713"), [("4111111111111111".into(), Shape::ApplicationPan)]);
        assert_eq!(
            shapes("5A08411111111111111157114111111111111111D2512201000000000F"),
            [
                ("4111111111111111".into(), Shape::ApplicationPan),
                ("4111111111111111".into(), Shape::Track2Equivalent(18)),
            ]
        );
    }

    #[test]
    fn visible_digits_of_a_mask_are_no_start() {
        assert!(texts("5500 00** **** 4111 1111 1111 1111").is_empty());
        assert!(texts("**** **** *005 4111 1111 1111 1111").is_empty());
        // The mask is too short to hide a number without visible digits.
        assert_eq!(texts("**** 4111 1111 1111 1111 ****"), ["4111 1111 1111 1111"]);
        assert!(texts("**** *005 4111 1111 1111 1111").contains(&"4111 1111 1111 1111".to_owned()));
        assert_eq!(texts("411111******4111111111111111"), ["4111111111111111"]);
        assert_eq!(texts("**** **** **** 0005 4111 1111 1111 1111"), ["4111 1111 1111 1111"]);
        assert_eq!(texts("**4111 1111 1111 1111**"), ["4111 1111 1111 1111"]);
        assert_eq!(texts("************1111 4111111111111111"), ["4111111111111111"]);
    }

    #[test]
    fn only_an_extensible_end_is_undecided() {
        assert_eq!(undecided("{\"a\":1}"), None);
        assert_eq!(undecided("page 4"), Some(5));
        assert_eq!(undecided("page 4 "), Some(5));
        assert_eq!(undecided("page 4  "), Some(5));
        assert_eq!(undecided("page 4    "), None);
        assert_eq!(undecided("page 4,"), None);
        assert_eq!(undecided("hello "), None);
        assert_eq!(undecided("4111111111111111\""), None);
        assert_eq!(undecided("4111 1111 1111 1111 "), Some(0));
        assert_eq!(undecided("411111111111111111111111"), Some(1));
        assert_eq!(undecided("411111111111111111111111,"), None);
    }
}
