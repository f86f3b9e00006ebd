//! Cheap reject of bytes without a candidate number.
//!
//! The prefilter looks for chains: digits with at most [`LONGEST_SEPARATOR`] separator bytes between them. It turns a
//! block of bytes into bit masks and counts the digits of each chain. Chains with too few digits are skipped.

use super::lanes::{BLOCK, ByteRange, Simd16, Splat, bits, padded};
use super::separator::LONGEST_SEPARATOR;
use super::{MAX_DIGITS, MIN_DIGITS};
use std::ops::Range;

/// The offset of the first chain from `from` on that has enough digits for a number. A chain that is a single run of at
/// most [`MAX_DIGITS`] digits is skipped if `is_excluded` returns true for it. Bytes before `from` are not part of a
/// chain.
#[inline]
pub fn next_chain(
    classes: &ByteClasses,
    bytes: &[u8],
    from: usize,
    is_excluded: impl Fn(Range<usize>) -> bool,
) -> Option<usize> {
    let mut at = from;
    loop {
        let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
        let end;
        let block = match rest.first_chunk::<BLOCK>() {
            Some(block) => block,
            None => {
                end = padded(rest);
                &end
            }
        };
        let digits = bits(block, |bytes| bytes.is_in(classes.digits));
        let near_digits = (0..LONGEST_SEPARATOR).fold(digits, |near, _| (near << 1) | digits);
        if may_contain_number(digits, near_digits) {
            let chains = near_digits & bits(block, |bytes| classes.in_chain(bytes));
            let is_excluded = |run: Range<usize>| is_excluded(run.start.saturating_add(at)..run.end.saturating_add(at));
            match first_chain(chains, digits, rest, is_excluded) {
                FirstChain::Found(start) => return Some(at.saturating_add(start)),
                FirstChain::Truncated(start) => {
                    at = at.saturating_add(start);
                    continue;
                }
                FirstChain::None => {}
            }
        }
        at = at.saturating_add(STRIDE);
    }
}

/// The distance between the starts of two blocks. Blocks overlap, so the first [`MIN_CHAIN_LEN`] bytes of every chain
/// are together in one block.
const STRIDE: usize = BLOCK - MIN_CHAIN_LEN + 1;

/// The classes of bytes in a chain.
pub struct ByteClasses {
    digits: ByteRange,
    /// Digits, dashes, dots and slashes.
    dash_to_nine: ByteRange,
    /// The asterisk and the plus sign.
    asterisk_to_plus: ByteRange,
    others: [Splat; 3],
}

impl ByteClasses {
    /// Loads the classes once for repeated searches.
    #[inline(always)]
    pub fn new() -> Self {
        Self {
            digits: ByteRange::hoisted(b'0', b'9'),
            dash_to_nine: ByteRange::hoisted(b'-', b'9'),
            asterisk_to_plus: ByteRange::hoisted(b'*', b'+'),
            others: [b' ', b'_', b'|'].map(Splat::hoisted),
        }
    }

    /// Selects digits and separator bytes.
    #[inline(always)]
    fn in_chain(&self, bytes: Simd16) -> Simd16 {
        let signs = bytes.is_in(self.dash_to_nine) | bytes.is_in(self.asterisk_to_plus);
        self.others.iter().fold(signs, |any, other| any | bytes.is(*other))
    }
}

/// Returns false if no chain in a block has enough `digits` and no chain reaches the end of the block. `near_digits`
/// are the digits and the [`LONGEST_SEPARATOR`] bytes after each, up to the end of the block.
#[inline(always)]
fn may_contain_number(digits: u64, near_digits: u64) -> bool {
    let runs = long_runs(near_digits);
    let long = runs & (runs >> LONGEST_SEPARATOR) != 0;
    (long && digits.count_ones() >= MIN_FLOAT_DIGITS) || near_digits >= !0 << (BLOCK - MIN_CHAIN_LEN)
}

/// The minimum length in bytes of a chain with a number: `4.111111111`, the start of a float whose exponent adds
/// digits.
const MIN_CHAIN_LEN: usize = 11;

/// The minimum number of digits of a chain with a number, and of a chain that ends in a float with an exponent.
const MIN_CHAIN_DIGITS: u32 = 12;
const MIN_FLOAT_DIGITS: u32 = 10;
const _: () = assert!(MIN_CHAIN_DIGITS as usize == MIN_DIGITS);

/// Sets the bit of each position at which at least [`MIN_CHAIN_LEN`] set bits begin.
#[inline(always)]
fn long_runs(runs: u64) -> u64 {
    let two = runs & (runs >> 1);
    let four = two & (two >> 2);
    let eight = four & (four >> 4);
    eight & (four >> (MIN_CHAIN_LEN - 4))
}

/// The first relevant chain that starts in a block.
enum FirstChain {
    /// A chain with enough digits starts at this offset.
    Found(usize),
    /// A chain starts at this offset and reaches the end of the block before it has enough digits. A block from this
    /// offset on decides.
    Truncated(usize),
    /// The block has no such chain.
    None,
}

/// The first of the `chains` at the start of `text` that has enough `digits` or reaches the end of the block. Chains
/// for which `is_excluded` returns true are skipped.
#[inline(always)]
fn first_chain(chains: u64, digits: u64, text: &[u8], is_excluded: impl Fn(Range<usize>) -> bool) -> FirstChain {
    let mut rest = long_runs(chains);
    while rest != 0 {
        let start = rest.trailing_zeros();
        let end = start.saturating_add(chains.wrapping_shr(start).trailing_ones());
        let after = u64::MAX.checked_shl(end).unwrap_or(0);
        let count = (digits & u64::MAX.wrapping_shl(start) & !after).count_ones();
        let run = offset(start)..offset(end);
        let is_run = start.saturating_add(count) == end && run.len() <= MAX_DIGITS;
        let is_truncated = after == 0 && start > 0;
        if (is_run || count < MIN_CHAIN_DIGITS) && is_truncated {
            return FirstChain::Truncated(run.start);
        }
        let ends_in_digit = digits.wrapping_shr(end.wrapping_sub(1)) & 1 == 1;
        let is_float = count >= MIN_FLOAT_DIGITS && ends_in_digit && matches!(text.get(run.end), Some(b'e' | b'E'));
        if (count >= MIN_CHAIN_DIGITS || is_float) && !(is_run && is_excluded(run.clone())) {
            return FirstChain::Found(run.start);
        }
        rest &= after;
    }
    FirstChain::None
}

fn offset(bit: u32) -> usize {
    usize::try_from(bit).unwrap_or(BLOCK)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::candidate_iter::{CANONICAL, UNCOMMON_SEPARATOR_GROUP_LENS};
    use crate::scan::separator::is_separator_byte;
    use proptest::prelude::*;

    /// The reference implementation of [`next_chain`], one byte at a time.
    fn bytewise(text: &[u8], from: usize, is_excluded: impl Fn(Range<usize>) -> bool) -> Option<usize> {
        let mut start = from;
        while start < text.len() {
            let (mut digits, mut separator, mut at) = (0, 0, start);
            while at < text.len() && (text[at].is_ascii_digit() || is_separator_byte(text[at])) && separator < 4 {
                let digit = text[at].is_ascii_digit();
                separator = if digit { 0 } else { separator + 1 };
                digits += usize::from(digit);
                at += 1;
            }
            let exponent = separator == 0 && text.get(at).is_some_and(|byte| byte.eq_ignore_ascii_case(&b'e'));
            let passed = (1..=MAX_DIGITS).contains(&digits) && digits == at - start && is_excluded(start..at);
            if !passed
                && text[start].is_ascii_digit()
                && (digits >= 12 || (digits >= 10 && at - start >= MIN_CHAIN_LEN && exponent))
            {
                return Some(start);
            }
            start = if text[start].is_ascii_digit() { at } else { start + 1 };
        }
        None
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn chains_are_found_wherever_blocks_end(
            text in "([0-9]{1,5}([ .*+_|/-]{0,4}|[,ea ])|[0-9]{12,20}[,e ]|[a-z]{0,40}){0,60}",
            from in 0..90_usize,
            passed in 0..=3_u8,
        ) {
            let text = text.as_bytes();
            let is_excluded = |run: Range<usize>| text[run.start] % 4 < passed && text[run.end - 1] % 4 < passed;
            let found = next_chain(&ByteClasses::new(), text, from, is_excluded);
            prop_assert_eq!(found, bytewise(text, from, is_excluded), "{}", text.escape_ascii());
        }

        #[test]
        fn no_number_is_passed_over(before in "[a-z ]{0,80}", digits in "[0-9]{12,19}", after in "[a-z]{0,80}") {
            let text = format!("{before}{digits}{after}");
            prop_assert_eq!(next_chain(&ByteClasses::new(), text.as_bytes(), 0, |_| false), Some(before.len()));
        }

        #[test]
        fn runs_have_as_many_bits_as_they_should(text in any::<u64>(), more in any::<u64>()) {
            let runs = text | more;
            let expected = (0..64).filter(|at| (*at..*at + MIN_CHAIN_LEN).all(|bit| bit < 64 && (runs >> bit) & 1 == 1));
            prop_assert_eq!(long_runs(runs), expected.fold(0, |all, at| all | (1 << at)));
        }
    }

    #[test]
    fn text_without_enough_digits_has_none() {
        for text in ["the quick brown fox jumps over the lazy dog", "", "2026-01-15T10:22:00Z", "+1 555 123 4567", "1"]
        {
            assert_eq!(next_chain(&ByteClasses::new(), text.as_bytes(), 0, |_| false), None, "{text}");
        }
        assert_eq!(next_chain(&ByteClasses::new(), b"1", 5, |_| false), None);
    }

    /// Every layout with an uncommon separator, at each offset in a block.
    #[test]
    fn uncommon_separators_are_found() {
        let lengths = |layout: u32| -> Vec<u32> {
            format!("{layout:x}").chars().map(|length| length.to_digit(16).unwrap()).collect()
        };
        let printed = CANONICAL.map(lengths).into_iter();
        let layouts =
            printed.filter(|lengths| lengths.iter().all(|length| UNCOMMON_SEPARATOR_GROUP_LENS.contains(length)));
        let layouts: Vec<Vec<u32>> = layouts.chain([vec![1; MIN_DIGITS]]).collect();
        for (layout, separator, before) in layouts.iter().flat_map(|layout| {
            [" - ", "  ", "/", "|", " | "]
                .into_iter()
                .flat_map(move |separator| (0..=BLOCK).map(move |before| (layout, separator, before)))
        }) {
            let groups: Vec<String> = layout.iter().map(|length| "4".repeat(*length as usize)).collect();
            let text = format!("{}{}{}", "a".repeat(before), groups.join(separator), "a".repeat(20));
            assert_eq!(next_chain(&ByteClasses::new(), text.as_bytes(), 0, |_| false), Some(before), "{text}");
        }
    }

    #[test]
    fn text_without_digits_has_none() {
        assert_eq!(next_chain(&ByteClasses::new(), b"the quick brown fox jumps over the lazy dog", 0, |_| false), None);
        assert_eq!(next_chain(&ByteClasses::new(), b"", 0, |_| false), None);
        assert_eq!(next_chain(&ByteClasses::new(), b"1", 5, |_| false), None);
    }
}
