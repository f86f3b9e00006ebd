//! Bit reader that can run out of input.

use super::super::DecodeError;
use crate::budget::Exhausted;

/// Reason why a decoding step does not complete.
pub(super) enum DecodeStop {
    /// More input is necessary.
    More,
    DecodeError(DecodeError),
}

impl From<Exhausted> for DecodeStop {
    fn from(exhausted: Exhausted) -> Self {
        Self::DecodeError(exhausted.into())
    }
}

pub(super) const BROKEN: DecodeStop = DecodeStop::DecodeError(DecodeError::Broken);

/// Bit reader, lowest bit of each byte first.
pub(super) struct Bits<'b> {
    bytes: &'b [u8],
    at: usize,
    kept: usize,
    end: usize,
}

impl<'b> Bits<'b> {
    /// Bits of `bytes` from position `at` on.
    pub(super) fn new(bytes: &'b [u8], at: usize) -> Self {
        Self { bytes, at, kept: at, end: bytes.len().saturating_mul(8) }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Commits the bits that were taken.
    pub(super) fn keep(&mut self) {
        self.kept = self.at;
    }

    /// Returns the bits that were taken since the last commit.
    pub(super) fn go_back(&mut self) {
        self.at = self.kept;
    }

    /// At least the next 32 bits, with zeros behind the end.
    pub(super) fn peek(&self) -> u64 {
        let from = self.at >> 3;
        let word = match self.bytes.get(from..).and_then(<[u8]>::first_chunk) {
            Some(&eight) => u64::from_le_bytes(eight),
            None => {
                let last = self.bytes.get(from..).unwrap_or_default();
                last.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte))
            }
        };
        word.wrapping_shr(self.at as u32 & 7)
    }

    pub(super) fn skip(&mut self, count: u32) -> Result<(), DecodeStop> {
        let at = self.at.wrapping_add(count as usize);
        if at > self.end {
            return Err(DecodeStop::More);
        }
        self.at = at;
        Ok(())
    }

    /// The next `count` bits, at most 24.
    pub(super) fn read(&mut self, count: u32) -> Result<u32, DecodeStop> {
        let word = self.peek() as u32;
        self.skip(count)?;
        Ok(word & 1_u32.wrapping_shl(count).wrapping_sub(1))
    }

    pub(super) fn flag(&mut self) -> Result<bool, DecodeStop> {
        Ok(self.read(1)? == 1)
    }

    /// Reads a number from 1 to 256.
    pub(super) fn count(&mut self) -> Result<usize, DecodeStop> {
        if !self.flag()? {
            return Ok(1);
        }
        let len = self.read(3)?;
        Ok(self.read(len)?.wrapping_add(1_u32.wrapping_shl(len)).wrapping_add(1) as usize)
    }

    /// Moves to the next byte boundary. The skipped bits must be zeros.
    pub(super) fn align(&mut self) -> Result<(), DecodeStop> {
        match self.read((self.at.wrapping_neg() & 7) as u32)? {
            0 => Ok(()),
            _ => Err(BROKEN),
        }
    }

    /// Takes up to `most` whole bytes.
    pub(super) fn bytes(&mut self, most: usize) -> &'b [u8] {
        let rest = self.bytes.get(self.at >> 3..).unwrap_or_default();
        let taken = rest.get(..most).unwrap_or(rest);
        self.at = self.at.wrapping_add(taken.len().wrapping_mul(8));
        taken
    }
}
