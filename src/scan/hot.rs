//! Where are digits dense enough for a number to be there at all?
//!
//! Where the digits of a candidate are joined by single bytes, one of any two neighbours is a digit; wider joints stand
//! between the groups of few layouts. A candidate has at least [`MIN_DIGITS`] bytes; looking at three bytes in every eleven
//! cannot miss it.

use super::MIN_DIGITS;

/// The distance between two looks.
const STRIDE: usize = MIN_DIGITS - 1;

/// A digit of the first stretch from `from` on that could hold a candidate, at most a stride into it; `None` when no
/// candidate can lie in the rest of `bytes`.
pub fn next_dense(bytes: &[u8], from: usize) -> Option<usize> {
    let first = from.saturating_add(STRIDE).saturating_sub(1);
    let looks = bytes.get(first..)?.chunks(STRIDE);
    for (look, chunk) in looks.enumerate() {
        let seen = chunk.get(..LOOK).unwrap_or(chunk);
        if let Some(digit) = seen.iter().position(u8::is_ascii_digit) {
            return Some(first.saturating_add(look.saturating_mul(STRIDE)).saturating_add(digit));
        }
    }
    None
}

/// The bytes of a look.
const LOOK: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::window::{CANONICAL, SPREAD};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_dense_stretch_is_passed_over(before in "[a-z ]{0,40}", digits in "[0-9]{12,19}", after in "[a-z]{0,40}") {
            let text = format!("{before}{digits}{after}");
            let found = next_dense(text.as_bytes(), 0).expect("digits are there");
            prop_assert!(found >= before.len() && found < before.len() + digits.len());
        }

        #[test]
        fn grouped_digits_are_dense(before in "[a-z]{0,40}", groups in prop::collection::vec("[0-9]{1,6}", 12..16)) {
            let text = format!("{before}{}", groups.join("-"));
            prop_assert!(next_dense(text.as_bytes(), 0).is_some());
        }
    }

    /// Every layout that a wide joint may have, wherever the looks fall.
    #[test]
    fn wide_joints_are_dense_enough() {
        let lengths = |layout: u32| -> Vec<u32> {
            format!("{layout:x}").chars().map(|length| length.to_digit(16).unwrap()).collect()
        };
        let printed = CANONICAL.map(lengths).into_iter();
        let spread = printed.filter(|lengths| lengths.iter().all(|length| SPREAD.contains(length)));
        let layouts: Vec<Vec<u32>> = spread.chain([vec![1; MIN_DIGITS]]).collect();
        for (layout, joint, before) in layouts.iter().flat_map(|layout| {
            [" - ", "  ", "/"]
                .into_iter()
                .flat_map(move |joint| (0..=STRIDE).map(move |before| (layout, joint, before)))
        }) {
            let groups: Vec<String> = layout.iter().map(|length| "4".repeat(*length as usize)).collect();
            let text = format!("{}{}{}", "a".repeat(before), groups.join(joint), "a".repeat(20));
            assert!(next_dense(text.as_bytes(), 0).is_some_and(|at| at < text.len() - 20), "{text}");
        }
    }

    #[test]
    fn text_without_digits_has_none() {
        assert_eq!(next_dense(b"the quick brown fox jumps over the lazy dog", 0), None);
        assert_eq!(next_dense(b"", 0), None);
        assert_eq!(next_dense(b"1", 5), None);
    }
}
