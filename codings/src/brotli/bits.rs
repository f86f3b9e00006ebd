//! Which bits come next, and are they there already?

use super::super::DecodeError;
use crate::budget::Exhausted;

/// Why a step of decoding is not done.
pub(super) enum DecodeStop {
    /// More bytes must come first.
    More,
    DecodeError(DecodeError),
}

impl From<Exhausted> for DecodeStop {
    fn from(exhausted: Exhausted) -> Self {
        Self::DecodeError(exhausted.into())
    }
}

pub(super) const BROKEN: DecodeStop = DecodeStop::DecodeError(DecodeError::Broken);

/// Bits, the lowest of each byte first.
pub(super) struct Bits<'b> {
    bytes: &'b [u8],
    at: usize,
    kept: usize,
    end: usize,
}

impl<'b> Bits<'b> {
    /// The bits of `bytes` from the one at `at` on.
    pub(super) fn new(bytes: &'b [u8], at: usize) -> Self {
        Self { bytes, at, kept: at, end: bytes.len().saturating_mul(8) }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// What was taken until now is not given back any more.
    pub(super) fn keep(&mut self) {
        self.kept = self.at;
    }

    /// Gives back what was taken since.
    pub(super) fn go_back(&mut self) {
        self.at = self.kept;
    }

    /// The next 32 bits at least; zeros where there are none.
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

    /// The next `count` bits, 24 at most.
    pub(super) fn read(&mut self, count: u32) -> Result<u32, DecodeStop> {
        let word = self.peek() as u32;
        self.skip(count)?;
        Ok(word & 1_u32.wrapping_shl(count).wrapping_sub(1))
    }

    pub(super) fn flag(&mut self) -> Result<bool, DecodeStop> {
        Ok(self.read(1)? == 1)
    }

    /// A number from 1 to 256.
    pub(super) fn count(&mut self) -> Result<usize, DecodeStop> {
        if !self.flag()? {
            return Ok(1);
        }
        let len = self.read(3)?;
        Ok(self.read(len)?.wrapping_add(1_u32.wrapping_shl(len)).wrapping_add(1) as usize)
    }

    /// Goes to where the next byte begins. What is passed over must be zeros.
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
