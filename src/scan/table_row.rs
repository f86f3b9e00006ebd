//! Quick rejection of groups inside a long row of groups.
//!
//! A candidate may start at each group of a row with the same separator. This module rejects a start by the bit masks
//! of a block, before the groups are read one by one. Most rows are numbered lists, tables and serial numbers.

use super::candidate::Digits;
use super::emv;
use super::lanes::{BLOCK, bits};
use super::separator::{SeparatorKind, is_separator_byte};
use super::{MIN_DIGITS, View};
use std::ops::Range;

/// The bits of four four-digit groups with one byte between them, and the mask that includes that byte after the last
/// group.
const FOUR_GROUPS: u64 = 0xf | (0xf << 5) | (0xf << 10) | (0xf << 15);
const FOUR_GROUPS_AND_END: u64 = 0xf_ffff;

/// The offsets of the separators between the groups, and the offset after the last group.
const SEPARATORS: [usize; 3] = [4, 9, 14];
const END: usize = 19;

/// The lengths of a first group, other than four, with which a canonical layout starts.
const OTHER_FIRST_GROUP_LENS: [usize; 2] = [6, 8];

/// The lengths of a fifth group that extend four four-digit groups to a canonical layout.
const FIFTH_GROUP_LENS: std::ops::RangeInclusive<u32> = 1..=3;

/// False if the group at `run` is inside a row, with a separator and digits on both sides, and no candidate that starts
/// there has `possible` digits.
#[inline]
pub fn may_begin(view: View<'_>, run: &Range<usize>, possible: impl Fn(&Digits) -> bool) -> bool {
    let next = view.at(run.end);
    let continues = view.at(run.end.saturating_add(1)).is_ascii_digit();
    let joined = SeparatorKind::from_byte(next).is_some() && continues;
    let in_row =
        joined && SeparatorKind::from_byte(view.before(run.start, 1)).is_some() && view.is_digit_like(run.start, -2);
    if !in_row {
        // A group between two equal separators of another kind is a part of a longer chain.
        let is_inside = continues && is_separator_byte(next) && view.before(run.start, 1) == next;
        return joined || !is_inside || run.len() >= MIN_DIGITS || !view.is_digit_like(run.start, -2);
    }
    if run.len() != 4 {
        if run.len() == 2 && emv::may_be_spaced_length(view, run.start) {
            return true;
        }
        let is_float = run.len() == 1 && next == b'.';
        return is_float || run.len() >= MIN_DIGITS || OTHER_FIRST_GROUP_LENS.contains(&run.len());
    }
    let Some(block) = view.window().get(run.start..).and_then(<[u8]>::first_chunk::<BLOCK>) else { return true };
    let digits = bits(block, |bytes| bytes.is_within(b'0', b'9'));
    if digits & FOUR_GROUPS_AND_END != FOUR_GROUPS {
        return true;
    }
    if SEPARATORS.iter().any(|separator| block.get(*separator) != Some(&next)) {
        return false;
    }
    let fifth = (digits >> END >> 1).trailing_ones();
    if block.get(END) == Some(&next) && FIFTH_GROUP_LENS.contains(&fifth) {
        return true;
    }
    let mut number = Digits::EMPTY;
    for group in block.chunks(5).take(4) {
        number.extend_from(group, 4);
    }
    possible(&number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::candidate_iter::CandidateIter;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn no_candidate_is_rejected(
            groups in prop::collection::vec(prop_oneof![6 => "[0-9]{4}", 1 => "[0-9]{1,8}", 1 => "[*]{4}"], 4..20),
            separator in "[ ./_*-]",
            other in prop::sample::select(vec![" ", "-", ".", "  ", "/", "x", "e"]),
            at in 0..20_usize,
        ) {
            let mut text = groups.join(&separator);
            if let Some((before, after)) = text.split_at_checked(at * 5) {
                text = format!("{before}{other}{after}");
            }
            let text = text + &" ".repeat(70);
            let view = View::new(b"", text.as_bytes(), true, b'*');
            let possible = |digits: &Digits| digits.ascii().iter().map(|digit| u32::from(*digit)).sum::<u32>() % 3 == 0;
            let mut start = 0;
            while let Some(digit) = text[start..].find(|c: char| c.is_ascii_digit()) {
                start += digit;
                let len = text[start..].find(|c: char| !c.is_ascii_digit()).unwrap();
                let any = CandidateIter::new(view, start, len > 19).next_possible(possible).is_some();
                prop_assert!(!any || may_begin(view, &(start..start + len), possible), "{} {}", text, start);
                start += len;
            }
        }
    }

    #[test]
    fn a_row_of_groups_begins_a_number_where_its_digits_may() {
        let text = format!("1234{}{}", "-1234".repeat(4), " ".repeat(64));
        let view = View::new(b"", text.as_bytes(), true, b'*');
        assert!(may_begin(view, &(0..4), |_| false), "the first of a row may have any layout");
        assert!(!may_begin(view, &(5..9), |_| false));
        assert!(may_begin(view, &(5..9), |digits| digits.ascii() == b"1234123412341234"));
    }
}
