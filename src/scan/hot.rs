//! Where are digits dense enough for a number to be there at all?
//!
//! Between the digits of a candidate stands at most one separator, so of any two neighbouring bytes in it one is a
//! digit. A candidate has at least [`MIN_DIGITS`] bytes; looking at two bytes in every eleven cannot miss it.

use super::MIN_DIGITS;

/// The distance between two looks.
const STRIDE: usize = MIN_DIGITS - 1;

/// A digit of the first stretch from `from` on that could hold a candidate, at most a stride into it; `None` when no
/// candidate can lie in the rest of `bytes`.
pub fn next_dense(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    let looks = rest.chunks_exact(STRIDE).zip(rest.get(STRIDE..)?.iter().step_by(STRIDE));
    for (look, (chunk, next)) in looks.enumerate() {
        let behind = look.saturating_add(1).saturating_mul(STRIDE);
        if chunk.last().is_some_and(u8::is_ascii_digit) {
            return Some(from.saturating_add(behind).saturating_sub(1));
        }
        if next.is_ascii_digit() {
            return Some(from.saturating_add(behind));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
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

    #[test]
    fn text_without_digits_has_none() {
        assert_eq!(next_dense(b"the quick brown fox jumps over the lazy dog", 0), None);
        assert_eq!(next_dense(b"", 0), None);
        assert_eq!(next_dense(b"1", 5), None);
    }
}
