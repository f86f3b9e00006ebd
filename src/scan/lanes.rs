//! Which bytes of a block are of a kind?
//!
//! Sixteen bytes are compared at once, with what every `x86_64` has (SSE2) and with `simd128` of WebAssembly; elsewhere with
//! loops that the compiler may do as well with.

#![allow(unsafe_code, reason = "the instructions of x86_64 are foreign functions")]

use std::hint::black_box;
use std::ops::BitOr;

/// How many bytes are looked at together.
pub const BLOCK: usize = 64;

/// How many bytes are compared at once.
const LANES: usize = 16;

/// Sixteen bytes, or the answers to a question about each: all bits set for yes, none for no.
#[derive(Clone, Copy)]
pub struct Lanes(machine::Bytes);

/// A byte in all of the lanes.
#[derive(Clone, Copy)]
pub struct Every(machine::Bytes);

/// The bytes between two, both included.
#[derive(Clone, Copy)]
pub struct Span {
    first: Every,
    further: Every,
}

/// A bit for each byte of `block`, the lowest for the first one: set when the highest bit of what `is` says of it is.
#[inline(always)]
pub fn bits(block: &[u8; BLOCK], is: impl Fn(Lanes) -> Lanes) -> u64 {
    let (parts, _) = block.as_chunks::<LANES>();
    let bits = parts.iter().map(|part| machine::bits(is(Lanes(machine::load(part))).0));
    bits.rev().fold(0, |all, bits| (all << LANES) | u64::from(bits))
}

/// The same for what is shorter than a block.
#[inline(always)]
pub fn bits_of_rest(rest: &[u8], is: impl Fn(Lanes) -> Lanes) -> u64 {
    let behind = u32::try_from(rest.len()).ok().and_then(|len| u64::MAX.checked_shl(len)).unwrap_or(0);
    if rest.is_empty() { 0 } else { bits(&padded(rest), is) & !behind }
}

/// How many bytes at the start of `part` there are of which the highest bit of what `is` says is set.
#[inline(always)]
pub fn leading(part: &[u8; LANES], is: impl Fn(Lanes) -> Lanes) -> usize {
    usize::try_from(machine::bits(is(Lanes(machine::load(part))).0).trailing_ones()).unwrap_or(0)
}

/// True when the highest bit of what `is` says of any byte of `text` is set: it is for yes, and for what is not ASCII.
#[inline(always)]
pub fn has(text: &[u8], is: impl Fn(Lanes) -> Lanes) -> bool {
    let (blocks, rest) = text.as_chunks::<BLOCK>();
    blocks.iter().any(|block| any_in(block, &is)) || (!rest.is_empty() && any_in(&padded(rest), &is))
}

/// The same of a block.
#[inline(always)]
pub fn any_in(block: &[u8; BLOCK], is: impl Fn(Lanes) -> Lanes) -> bool {
    let (parts, _) = block.as_chunks::<LANES>();
    let answers = parts.iter().map(|part| is(Lanes(machine::load(part)))).reduce(|one, other| one | other);
    answers.is_some_and(|answers| machine::bits(answers.0) != 0)
}

/// The first byte of `text` of which the highest bit of what `is` says is set.
#[inline(always)]
pub fn find(text: &[u8], is: impl Fn(Lanes) -> Lanes) -> Option<usize> {
    let (blocks, rest) = text.as_chunks::<BLOCK>();
    let mut start: usize = 0;
    for block in blocks {
        let found = bits(block, &is);
        if found != 0 {
            return start.checked_add(usize::try_from(found.trailing_zeros()).ok()?);
        }
        start = start.saturating_add(BLOCK);
    }
    let found = bits_of_rest(rest, is);
    if found == 0 { None } else { start.checked_add(usize::try_from(found.trailing_zeros()).ok()?) }
}

/// A block that begins with `text`, which is shorter, and is filled up with zeros.
#[cold]
pub fn padded(text: &[u8]) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    for (slot, byte) in block.iter_mut().zip(text) {
        *slot = *byte;
    }
    block
}

impl Every {
    /// For a loop over many blocks. V8 builds a constant anew wherever one is used, which takes longer than to compare with it;
    /// what is no constant stays in a register.
    #[inline(always)]
    pub fn kept(byte: u8) -> Self {
        Self(machine::all(black_box(byte)))
    }
}

impl From<u8> for Every {
    #[inline(always)]
    fn from(byte: u8) -> Self {
        Self(machine::all(byte))
    }
}

impl Span {
    /// The same for all between two bytes.
    #[inline(always)]
    pub fn kept(first: u8, last: u8) -> Self {
        Self { first: Every::kept(first), further: Every::kept(last.wrapping_sub(first)) }
    }
}

impl Lanes {
    /// Which bytes are this one.
    #[inline(always)]
    pub fn is(self, byte: impl Into<Every>) -> Self {
        Self(machine::equal(self.0, byte.into().0))
    }

    /// The same with ASCII letters in lower case. Signs become other ones.
    #[inline(always)]
    pub fn lower(self) -> Self {
        Self(machine::or(self.0, machine::all(0x20)))
    }

    /// Which bytes are among these, both ends included.
    #[inline(always)]
    pub fn is_within(self, first: u8, last: u8) -> Self {
        self.is_in(Span { first: first.into(), further: last.wrapping_sub(first).into() })
    }

    /// Which bytes are in `span`.
    #[inline(always)]
    pub fn is_in(self, span: Span) -> Self {
        Self(machine::within(self.0, span.first.0, span.further.0))
    }
}

impl BitOr for Lanes {
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
        // SAFETY: both are sixteen bytes, and any sixteen bytes are one.
        unsafe { core::mem::transmute::<[u8; LANES], Bytes>(*bytes) }
    }

    #[inline(always)]
    pub fn all(byte: u8) -> Bytes {
        // SAFETY: every x86_64 has SSE2.
        unsafe { _mm_set1_epi8(byte.cast_signed()) }
    }

    #[inline(always)]
    pub fn equal(one: Bytes, other: Bytes) -> Bytes {
        // SAFETY: every x86_64 has SSE2.
        unsafe { _mm_cmpeq_epi8(one, other) }
    }

    #[inline(always)]
    pub fn within(bytes: Bytes, first: Bytes, further: Bytes) -> Bytes {
        // SAFETY: every x86_64 has SSE2.
        unsafe {
            let above = _mm_sub_epi8(bytes, first);
            _mm_cmpeq_epi8(_mm_min_epu8(above, further), above)
        }
    }

    #[inline(always)]
    pub fn or(one: Bytes, other: Bytes) -> Bytes {
        // SAFETY: every x86_64 has SSE2.
        unsafe { _mm_or_si128(one, other) }
    }

    #[inline(always)]
    pub fn bits(answers: Bytes) -> u16 {
        // SAFETY: every x86_64 has SSE2.
        let bits = unsafe { _mm_movemask_epi8(answers) };
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
        // SAFETY: both are sixteen bytes, and any sixteen bytes are one.
        unsafe { core::mem::transmute::<[u8; LANES], Bytes>(*bytes) }
    }

    #[inline(always)]
    pub fn all(byte: u8) -> Bytes {
        u8x16_splat(byte)
    }

    #[inline(always)]
    pub fn equal(one: Bytes, other: Bytes) -> Bytes {
        u8x16_eq(one, other)
    }

    #[inline(always)]
    pub fn within(bytes: Bytes, first: Bytes, further: Bytes) -> Bytes {
        u8x16_le(u8x16_sub(bytes, first), further)
    }

    #[inline(always)]
    pub fn or(one: Bytes, other: Bytes) -> Bytes {
        v128_or(one, other)
    }

    #[inline(always)]
    pub fn bits(answers: Bytes) -> u16 {
        u8x16_bitmask(answers)
    }
}

#[cfg(not(any(target_arch = "x86_64", all(target_arch = "wasm32", target_feature = "simd128"))))]
mod machine {
    pub use super::portable::*;
}

/// The same without instructions of any one machine.
#[cfg(any(test, not(any(target_arch = "x86_64", all(target_arch = "wasm32", target_feature = "simd128")))))]
mod portable {
    use super::LANES;

    pub type Bytes = [u8; LANES];

    pub fn load(bytes: &[u8; LANES]) -> Bytes {
        *bytes
    }

    pub fn all(byte: u8) -> Bytes {
        [byte; LANES]
    }

    pub fn equal(one: Bytes, other: Bytes) -> Bytes {
        std::array::from_fn(|lane| if one.get(lane) == other.get(lane) { u8::MAX } else { 0 })
    }

    pub fn within(bytes: Bytes, first: Bytes, further: Bytes) -> Bytes {
        let above = |lane: usize| bytes.get(lane).zip(first.get(lane)).map(|(byte, first)| byte.wrapping_sub(*first));
        std::array::from_fn(|lane| if above(lane) <= further.get(lane).copied() { u8::MAX } else { 0 })
    }

    pub fn or(one: Bytes, other: Bytes) -> Bytes {
        (u128::from_ne_bytes(one) | u128::from_ne_bytes(other)).to_ne_bytes()
    }

    pub fn bits(answers: Bytes) -> u16 {
        answers.iter().rev().fold(0, |bits, answer| (bits << 1) | u16::from(answer >> 7))
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
        fn the_first_is_found_wherever_it_is(text in "a{0,150}[b-c]?.{0,9}", sought in prop::sample::select(vec![b'b', b'x'])) {
            let (text, is) = (text.as_bytes(), |bytes: Lanes| bytes.is(sought));
            prop_assert_eq!(find(text, is), text.iter().position(|byte| *byte == sought));
            prop_assert_eq!(has(text, is), text.contains(&sought));
        }

        #[test]
        fn every_machine_says_the_same(bytes in any::<[u8; LANES]>(), first in any::<u8>(), further in any::<u8>()) {
            let (here, there) = (machine::load(&bytes), portable::load(&bytes));
            let [one, other] = [first, further].map(machine::all);
            let [first, further] = [first, further].map(portable::all);
            let within = machine::bits(machine::within(here, one, other));
            prop_assert_eq!(within, portable::bits(portable::within(there, first, further)));
            let or = machine::bits(machine::or(machine::equal(here, one), machine::equal(here, other)));
            let same = portable::bits(portable::or(portable::equal(there, first), portable::equal(there, further)));
            prop_assert_eq!(or, same);
            let lower = machine::bits(machine::or(here, one));
            prop_assert_eq!(lower, portable::bits(portable::or(there, first)));
        }
    }
}
