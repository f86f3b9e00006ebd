//! Byte comparison with SIMD, 16 bytes at a time.
//!
//! Uses SSE2 on `x86_64` and `simd128` on WebAssembly. Other targets use loops that the compiler can vectorize.
//!
//! A `predicate` maps 16 bytes to 16 lanes. It selects the bytes whose lanes have the highest bit set. The comparisons
//! of [`Simd16`] set all bits of a lane for true and none for false, and a byte that is not ASCII selects itself.

#![allow(unsafe_code, reason = "the instructions of x86_64 are foreign functions")]

use std::hint::black_box;
use std::ops::BitOr;

/// The number of bytes in a block.
pub const BLOCK: usize = 64;

/// The number of bytes in a vector.
const LANES: usize = 16;

/// Sixteen bytes, or the results of a comparison.
#[derive(Clone, Copy)]
pub struct Simd16(machine::Bytes);

/// One byte in all lanes.
#[derive(Clone, Copy)]
pub struct Splat(machine::Bytes);

/// An inclusive range of bytes.
#[derive(Clone, Copy)]
pub struct ByteRange {
    first: Splat,
    width: Splat,
}

/// A bit mask of the bytes of `block` that `predicate` selects. The lowest bit belongs to the first byte.
#[inline(always)]
pub fn bits(block: &[u8; BLOCK], predicate: impl Fn(Simd16) -> Simd16) -> u64 {
    let (parts, _) = block.as_chunks::<LANES>();
    let bits = parts.iter().map(|part| machine::bits(predicate(Simd16(machine::load(part))).0));
    bits.rev().fold(0, |all, bits| (all << LANES) | u64::from(bits))
}

/// The bit mask of a `rest` that is shorter than a block.
#[inline(always)]
pub fn bits_of_rest(rest: &[u8], predicate: impl Fn(Simd16) -> Simd16) -> u64 {
    let after = u32::try_from(rest.len()).ok().and_then(|len| u64::MAX.checked_shl(len)).unwrap_or(0);
    if rest.is_empty() { 0 } else { bits(&padded(rest), predicate) & !after }
}

/// The number of bytes at the start of `part` that `predicate` selects.
#[inline(always)]
pub fn leading(part: &[u8; LANES], predicate: impl Fn(Simd16) -> Simd16) -> usize {
    usize::try_from(machine::bits(predicate(Simd16(machine::load(part))).0).trailing_ones()).unwrap_or(0)
}

/// True if `predicate` selects any byte of `text`.
#[inline(always)]
pub fn has(text: &[u8], predicate: impl Fn(Simd16) -> Simd16) -> bool {
    let (blocks, rest) = text.as_chunks::<BLOCK>();
    blocks.iter().any(|block| any_in(block, &predicate)) || (!rest.is_empty() && any_in(&padded(rest), &predicate))
}

/// True if `predicate` selects any byte of `block`.
#[inline(always)]
pub fn any_in(block: &[u8; BLOCK], predicate: impl Fn(Simd16) -> Simd16) -> bool {
    let (parts, _) = block.as_chunks::<LANES>();
    let lanes = parts.iter().map(|part| predicate(Simd16(machine::load(part)))).reduce(|one, other| one | other);
    lanes.is_some_and(|lanes| machine::bits(lanes.0) != 0)
}

/// The offset of the first byte of `text` that `predicate` selects.
#[inline(always)]
pub fn find(text: &[u8], predicate: impl Fn(Simd16) -> Simd16) -> Option<usize> {
    let (blocks, rest) = text.as_chunks::<BLOCK>();
    let mut start: usize = 0;
    for block in blocks {
        let found = bits(block, &predicate);
        if found != 0 {
            return start.checked_add(usize::try_from(found.trailing_zeros()).ok()?);
        }
        start = start.saturating_add(BLOCK);
    }
    let found = bits_of_rest(rest, predicate);
    if found == 0 { None } else { start.checked_add(usize::try_from(found.trailing_zeros()).ok()?) }
}

/// The offset of the last byte of `text` that `predicate` selects.
pub fn rfind(text: &[u8], predicate: impl Fn(Simd16) -> Simd16) -> Option<usize> {
    let (rest, blocks) = text.as_rchunks::<BLOCK>();
    let mut start = text.len();
    for block in blocks.iter().rev() {
        start = start.saturating_sub(BLOCK);
        if any_in(block, &predicate) {
            let position = bits(block, &predicate).checked_ilog2()?;
            return start.checked_add(usize::try_from(position).ok()?);
        }
    }
    usize::try_from(bits_of_rest(rest, predicate).checked_ilog2()?).ok()
}

/// The number of bytes of `text` that `predicate` selects.
pub fn count(text: &[u8], predicate: impl Fn(Simd16) -> Simd16) -> usize {
    let (blocks, rest) = text.as_chunks::<BLOCK>();
    let in_blocks = blocks.iter().map(|block| bits(block, &predicate).count_ones());
    let ones = in_blocks.fold(bits_of_rest(rest, &predicate).count_ones(), u32::saturating_add);
    usize::try_from(ones).unwrap_or(usize::MAX)
}

/// A block with the shorter `text` at its start, padded with zeros.
#[cold]
pub fn padded(text: &[u8]) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    for (slot, byte) in block.iter_mut().zip(text) {
        *slot = *byte;
    }
    block
}

impl Splat {
    /// A splat that stays in a register, for a loop over many blocks. V8 creates a constant again at each use, which
    /// takes longer than the comparison.
    #[inline(always)]
    pub fn hoisted(byte: u8) -> Self {
        Self(machine::splat(black_box(byte)))
    }
}

impl From<u8> for Splat {
    #[inline(always)]
    fn from(byte: u8) -> Self {
        Self(machine::splat(byte))
    }
}

impl ByteRange {
    /// A range that stays in registers, see [`Splat::hoisted`].
    #[inline(always)]
    pub fn hoisted(first: u8, last: u8) -> Self {
        Self { first: Splat::hoisted(first), width: Splat::hoisted(last.wrapping_sub(first)) }
    }
}

impl Simd16 {
    /// Selects the bytes that are equal to `byte`.
    #[inline(always)]
    pub fn is(self, byte: impl Into<Splat>) -> Self {
        Self(machine::eq(self.0, byte.into().0))
    }

    /// The bytes with ASCII letters in lowercase. Other bytes may change too.
    #[inline(always)]
    pub fn lower(self) -> Self {
        Self(machine::or(self.0, machine::splat(0x20)))
    }

    /// Selects the bytes from `first` to `last`, inclusive.
    #[inline(always)]
    pub fn is_within(self, first: u8, last: u8) -> Self {
        self.is_in(ByteRange { first: first.into(), width: last.wrapping_sub(first).into() })
    }

    /// Selects the bytes in `range`.
    #[inline(always)]
    pub fn is_in(self, range: ByteRange) -> Self {
        Self(machine::in_range(self.0, range.first.0, range.width.0))
    }
}

impl BitOr for Simd16 {
    type Output = Self;

    #[inline(always)]
    fn bitor(self, other: Self) -> Self {
        Self(machine::or(self.0, other.0))
    }
}

#[cfg(target_arch = "x86_64")]
mod machine {
    use super::LANES;
    use core::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128, _mm_set1_epi8, _mm_sub_epi8,
    };

    pub type Bytes = __m128i;

    #[inline(always)]
    pub fn load(bytes: &[u8; LANES]) -> Bytes {
        // SAFETY: both types have 16 bytes, and every bit pattern is valid.
        unsafe { core::mem::transmute::<[u8; LANES], Bytes>(*bytes) }
    }

    #[inline(always)]
    pub fn splat(byte: u8) -> Bytes {
        // SAFETY: every x86_64 CPU has SSE2.
        unsafe { _mm_set1_epi8(byte.cast_signed()) }
    }

    #[inline(always)]
    pub fn eq(one: Bytes, other: Bytes) -> Bytes {
        // SAFETY: every x86_64 CPU has SSE2.
        unsafe { _mm_cmpeq_epi8(one, other) }
    }

    #[inline(always)]
    pub fn in_range(bytes: Bytes, first: Bytes, width: Bytes) -> Bytes {
        // SAFETY: every x86_64 CPU has SSE2.
        unsafe {
            let above = _mm_sub_epi8(bytes, first);
            _mm_cmpeq_epi8(_mm_min_epu8(above, width), above)
        }
    }

    #[inline(always)]
    pub fn or(one: Bytes, other: Bytes) -> Bytes {
        // SAFETY: every x86_64 CPU has SSE2.
        unsafe { _mm_or_si128(one, other) }
    }

    #[inline(always)]
    pub fn bits(lanes: Bytes) -> u16 {
        // SAFETY: every x86_64 CPU has SSE2.
        let bits = unsafe { _mm_movemask_epi8(lanes) };
        u16::try_from(bits).unwrap_or(0)
    }
}

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod machine {
    use super::LANES;
    use core::arch::wasm32::{u8x16_bitmask, u8x16_eq, u8x16_le, u8x16_splat, u8x16_sub, v128, v128_or};

    pub type Bytes = v128;

    #[inline(always)]
    pub fn load(bytes: &[u8; LANES]) -> Bytes {
        // SAFETY: both types have 16 bytes, and every bit pattern is valid.
        unsafe { core::mem::transmute::<[u8; LANES], Bytes>(*bytes) }
    }

    #[inline(always)]
    pub fn splat(byte: u8) -> Bytes {
        u8x16_splat(byte)
    }

    #[inline(always)]
    pub fn eq(one: Bytes, other: Bytes) -> Bytes {
        u8x16_eq(one, other)
    }

    #[inline(always)]
    pub fn in_range(bytes: Bytes, first: Bytes, width: Bytes) -> Bytes {
        u8x16_le(u8x16_sub(bytes, first), width)
    }

    #[inline(always)]
    pub fn or(one: Bytes, other: Bytes) -> Bytes {
        v128_or(one, other)
    }

    #[inline(always)]
    pub fn bits(lanes: Bytes) -> u16 {
        u8x16_bitmask(lanes)
    }
}

#[cfg(not(any(target_arch = "x86_64", all(target_arch = "wasm32", target_feature = "simd128"))))]
mod machine {
    pub use super::portable::*;
}

/// The operations without target-specific instructions.
#[cfg(any(test, not(any(target_arch = "x86_64", all(target_arch = "wasm32", target_feature = "simd128")))))]
mod portable {
    use super::LANES;

    pub type Bytes = [u8; LANES];

    pub fn load(bytes: &[u8; LANES]) -> Bytes {
        *bytes
    }

    pub fn splat(byte: u8) -> Bytes {
        [byte; LANES]
    }

    pub fn eq(one: Bytes, other: Bytes) -> Bytes {
        std::array::from_fn(|lane| if one.get(lane) == other.get(lane) { u8::MAX } else { 0 })
    }

    pub fn in_range(bytes: Bytes, first: Bytes, width: Bytes) -> Bytes {
        let above = |lane: usize| bytes.get(lane).zip(first.get(lane)).map(|(byte, first)| byte.wrapping_sub(*first));
        std::array::from_fn(|lane| if above(lane) <= width.get(lane).copied() { u8::MAX } else { 0 })
    }

    pub fn or(one: Bytes, other: Bytes) -> Bytes {
        (u128::from_ne_bytes(one) | u128::from_ne_bytes(other)).to_ne_bytes()
    }

    pub fn bits(lanes: Bytes) -> u16 {
        lanes.iter().rev().fold(0, |bits, lane| (bits << 1) | u16::from(lane >> 7))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn each_byte_has_its_bit(text in prop::collection::vec(any::<u8>(), 0..80), first in any::<u8>(), last in any::<u8>()) {
            let block = padded(&text);
            let (first, last) = (first.min(last), first.max(last));
            let found = bits(&block, |bytes| bytes.is_within(first, last) | bytes.is(b'5'));
            for (position, byte) in block.iter().enumerate() {
                let expected = (first..=last).contains(byte) || *byte == b'5';
                prop_assert_eq!((found >> position) & 1 == 1, expected, "{} {}", position, byte);
            }
        }

        #[test]
        fn the_first_is_found_at_any_offset(text in "a{0,150}[b-c]?.{0,9}", sought in prop::sample::select(vec![b'b', b'x'])) {
            let (text, is) = (text.as_bytes(), |bytes: Simd16| bytes.is(sought));
            prop_assert_eq!(find(text, is), text.iter().position(|byte| *byte == sought));
            prop_assert_eq!(has(text, is), text.contains(&sought));
        }

        #[test]
        fn the_last_is_found_at_any_offset(length in 0..700_usize, at in prop::collection::vec(0..700_usize, 0..3)) {
            let mut text = vec![b'a'; length];
            for position in &at {
                if let Some(byte) = text.get_mut(*position) {
                    *byte = b'b';
                }
            }
            let is = |bytes: Simd16| bytes.is(b'b');
            prop_assert_eq!(rfind(&text, is), text.iter().rposition(|byte| *byte == b'b'));
            prop_assert_eq!(rfind(&text, |bytes| bytes.is_within(0, b'a')), text.iter().rposition(|byte| *byte == b'a'));
            prop_assert_eq!(count(&text, is), text.iter().filter(|byte| **byte == b'b').count());
        }

        #[test]
        fn every_target_has_the_same_result(bytes in any::<[u8; LANES]>(), first in any::<u8>(), width in any::<u8>()) {
            let (here, there) = (machine::load(&bytes), portable::load(&bytes));
            let [one, other] = [first, width].map(machine::splat);
            let [first, width] = [first, width].map(portable::splat);
            let within = machine::bits(machine::in_range(here, one, other));
            prop_assert_eq!(within, portable::bits(portable::in_range(there, first, width)));
            let or = machine::bits(machine::or(machine::eq(here, one), machine::eq(here, other)));
            let same = portable::bits(portable::or(portable::eq(there, first), portable::eq(there, width)));
            prop_assert_eq!(or, same);
            let lower = machine::bits(machine::or(here, one));
            prop_assert_eq!(lower, portable::bits(portable::or(there, first)));
        }
    }
}
