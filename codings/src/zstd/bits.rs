//! Bit readers, forward and backward.

use super::super::DecodeError;

/// Forward bit reader, lowest bit first.
pub(super) struct Forward<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Forward<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next `count` bits, at most 16, with zeros behind the end.
    pub(super) fn peek(&self, count: u32) -> u32 {
        let word = (0..3).fold(0, |word: u32, index: usize| {
            let byte = self.bytes.get((self.at >> 3).wrapping_add(index)).copied().unwrap_or(0);
            word | u32::from(byte).wrapping_shl((index as u32).wrapping_mul(8))
        });
        word.wrapping_shr(self.at as u32 & 7) & 1_u32.wrapping_shl(count).wrapping_sub(1)
    }

    pub(super) fn skip(&mut self, count: u32) {
        self.at = self.at.wrapping_add(count as usize);
    }

    /// Bytes behind the byte of the last bit.
    pub(super) fn rest(self) -> Result<&'b [u8], DecodeError> {
        self.bytes.get(self.at.div_ceil(8)..).ok_or(DecodeError::Broken)
    }
}

/// Backward bit reader, highest bit first. A set bit marks the end.
pub(super) struct Backward<'b> {
    bytes: &'b [u8],
    /// Number of remaining bits.
    left: usize,
    /// True if more bits were read than there are.
    over: bool,
}

impl<'b> Backward<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Result<Self, DecodeError> {
        let last = bytes.last().filter(|&&last| last != 0).ok_or(DecodeError::Broken)?;
        let padding = (last.leading_zeros() as usize).wrapping_add(1);
        Ok(Self { bytes, left: bytes.len().wrapping_mul(8).wrapping_sub(padding), over: false })
    }

    /// At least the next 56 bits, at the top of a word, with zeros behind the end.
    pub(super) fn peek(&self) -> u64 {
        // The word that ends with the byte of the next bit.
        let end = self.left.div_ceil(8);
        let word = match end.checked_sub(8).and_then(|start| self.bytes.get(start..)?.first_chunk()) {
            Some(&eight) => u64::from_le_bytes(eight),
            None => (0..end).fold(0, |word: u64, index| {
                let byte = self.bytes.get(index).copied().unwrap_or(0);
                // They are moved up, so that the last one is at the top.
                word | u64::from(byte)
                    .wrapping_shl(((8_usize.wrapping_sub(end).wrapping_add(index)) as u32).wrapping_mul(8))
            }),
        };
        word.wrapping_shl(end.wrapping_mul(8).wrapping_sub(self.left) as u32)
    }

    pub(super) fn skip(&mut self, count: u32) {
        let left = self.left.checked_sub(count as usize);
        self.over |= left.is_none();
        self.left = left.unwrap_or(0);
    }

    /// The next `count` bits, at most 56.
    pub(super) fn read(&mut self, count: u32) -> u32 {
        let top = top(self.peek(), count);
        self.skip(count);
        top
    }

    pub(super) fn left(&self) -> usize {
        self.left
    }

    /// True if more bits were read than there are.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// True if exactly all bits were read.
    pub(super) fn is_at_end(&self) -> bool {
        self.left == 0 && !self.over
    }
}

/// The topmost `count` bits of `word`, at most 32.
pub(super) fn top(word: u64, count: u32) -> u32 {
    // In two steps, since a word cannot be shifted by all of its bits.
    (word >> 1).wrapping_shr(63_u32.wrapping_sub(count)) as u32
}
