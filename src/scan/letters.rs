//! Do some letters stand in a row?
//!
//! Asked before a text is taken apart into words: three letters rule out most of them, and a block is looked at in one go.

use super::lanes::{BLOCK, Splat, bits, padded};

/// True when `is` says so of a part of `text` and of where each of the `letters`, which are in lower case, stands at the start of
/// that, in whichever case. Three in a row lie in one part.
pub fn any<const COUNT: usize>(text: &[u8], letters: [u8; COUNT], is: impl Fn(&[u8], [u64; COUNT]) -> bool) -> bool {
    let letters = letters.map(Splat::hoisted);
    let mut rest = text;
    while !rest.is_empty() {
        let block = rest.first_chunk::<BLOCK>().copied().unwrap_or_else(|| padded(rest));
        if is(rest, letters.map(|letter| bits(&block, |bytes| bytes.lower().is(letter)))) {
            return true;
        }
        rest = rest.get(BLOCK - 2..).unwrap_or_default();
    }
    false
}

/// Where three letters stand in a row.
#[inline(always)]
pub fn in_a_row(first: u64, second: u64, third: u64) -> u64 {
    first & (second >> 1) & (third >> 2)
}
