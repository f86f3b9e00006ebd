//! Quick search for letter sequences in text.
//!
//! Three letters rule out most texts before they are split into words. The search handles a block at a time.

use super::lanes::{BLOCK, Splat, bits, padded};

/// Calls `is_match` with parts of `text` until it returns true, and with the bit masks of each lowercase letter of
/// `letters` in the first block of the part, in either case. Parts overlap, so three consecutive letters are together
/// in one of them.
pub fn any<const COUNT: usize>(
    text: &[u8],
    letters: [u8; COUNT],
    is_match: impl Fn(&[u8], [u64; COUNT]) -> bool,
) -> bool {
    let letters = letters.map(Splat::hoisted);
    let mut rest = text;
    while !rest.is_empty() {
        let block = rest.first_chunk::<BLOCK>().copied().unwrap_or_else(|| padded(rest));
        if is_match(rest, letters.map(|letter| bits(&block, |bytes| bytes.lower().is(letter)))) {
            return true;
        }
        rest = rest.get(BLOCK - 2..).unwrap_or_default();
    }
    false
}

/// The positions at which three letters follow each other.
#[inline(always)]
pub fn in_a_row(first: u64, second: u64, third: u64) -> u64 {
    first & (second >> 1) & (third >> 2)
}
