//! Where is the last byte of a kind?

/// How many bytes are looked at together.
const BLOCK: usize = 256;

/// The last byte of `text` that is of a kind. `is` has no branches, so that a block at a time is looked at.
pub fn last(text: &[u8], is: impl Fn(u8) -> bool) -> Option<usize> {
    let mut start = text.len();
    for block in text.rchunks(BLOCK) {
        start = start.saturating_sub(block.len());
        if block.iter().fold(0, |any, byte| any | u8::from(is(*byte))) != 0 {
            return block.iter().rposition(|byte| is(*byte)).map(|position| start.saturating_add(position));
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
        fn the_last_is_found_wherever_it_is(length in 0..700_usize, at in prop::collection::vec(0..700_usize, 0..3)) {
            let mut text = vec![b'a'; length];
            for position in &at {
                if let Some(byte) = text.get_mut(*position) {
                    *byte = b'b';
                }
            }
            prop_assert_eq!(last(&text, |byte| byte == b'b'), text.iter().rposition(|byte| *byte == b'b'));
        }
    }
}
