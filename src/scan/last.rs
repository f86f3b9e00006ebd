//! Where is the last byte of a kind, and how many are there?

use super::lanes::{self, BLOCK, Lanes};

/// The last byte of `text` of which the highest bit of what `is` says is set.
pub fn last(text: &[u8], is: impl Fn(Lanes) -> Lanes) -> Option<usize> {
    let (rest, blocks) = text.as_rchunks::<BLOCK>();
    let mut start = text.len();
    for block in blocks.iter().rev() {
        start = start.saturating_sub(BLOCK);
        if lanes::any_in(block, &is) {
            let position = lanes::bits(block, &is).checked_ilog2()?;
            return start.checked_add(usize::try_from(position).ok()?);
        }
    }
    usize::try_from(lanes::bits_of_rest(rest, is).checked_ilog2()?).ok()
}

/// How many bytes of `text` there are of which the highest bit of what `is` says is set.
pub fn count(text: &[u8], is: impl Fn(Lanes) -> Lanes) -> usize {
    let (blocks, rest) = text.as_chunks::<BLOCK>();
    let in_blocks = blocks.iter().map(|block| lanes::bits(block, &is).count_ones());
    let ones = in_blocks.fold(lanes::bits_of_rest(rest, &is).count_ones(), u32::saturating_add);
    usize::try_from(ones).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_last_is_found_wherever_it_is(length in 0..700_usize, at in prop::collection::vec(0..700_usize, 0..3)) {
            let mut text = vec![b'a'; length];
            for position in &at {
                if let Some(byte) = text.get_mut(*position) {
                    *byte = b'b';
                }
            }
            let is = |bytes: Lanes| bytes.is(b'b');
            prop_assert_eq!(last(&text, is), text.iter().rposition(|byte| *byte == b'b'));
            prop_assert_eq!(last(&text, |bytes| bytes.is_within(0, b'a')), text.iter().rposition(|byte| *byte == b'a'));
            prop_assert_eq!(count(&text, is), text.iter().filter(|byte| **byte == b'b').count());
        }
    }
}
