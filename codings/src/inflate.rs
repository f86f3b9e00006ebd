//! Decoder of deflate streams (RFC 1951).

use super::{DecodeError, Text};
use crate::budget::{Account, Reservation};
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_COMPUTE_ADLER32, TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_IGNORE_ADLER32, TINFL_FLAG_PARSE_ZLIB_HEADER,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

/// Maximum distance of a reference in a deflate stream.
const WINDOW: usize = 32 << 10;

/// Decoder of one deflate stream.
pub(super) struct Inflate {
    decompressor: DecompressorOxide,
    window: [u8; WINDOW],
    /// Position of the next byte in the window.
    at: usize,
    flags: u32,
    _reservation: Reservation,
}

impl Inflate {
    /// Decoder of a bare stream.
    pub(super) fn raw(account: &Account) -> Result<Box<Self>, DecodeError> {
        Self::with(account, TINFL_FLAG_IGNORE_ADLER32)
    }

    /// Decoder of a stream in the zlib format.
    pub(super) fn zlib(account: &Account) -> Result<Box<Self>, DecodeError> {
        Self::with(account, TINFL_FLAG_PARSE_ZLIB_HEADER | TINFL_FLAG_COMPUTE_ADLER32)
    }

    fn with(account: &Account, flags: u32) -> Result<Box<Self>, DecodeError> {
        let reservation = account.reserve(size_of::<Self>())?;
        Ok(Box::new(Self {
            decompressor: DecompressorOxide::default(),
            window: [0; WINDOW],
            at: 0,
            flags: flags | TINFL_FLAG_HAS_MORE_INPUT,
            _reservation: reservation,
        }))
    }

    /// Resets the decoder for another stream of the same format.
    pub(super) fn restart(&mut self) {
        self.decompressor.init();
        // What the window holds is of the last stream, and the core does not look for how far back one may refer.
        self.window.fill(0);
        self.at = 0;
    }

    /// Takes bytes off the front of `bytes`, until there are no more or the stream ends. Returns `true` at the end of the
    /// stream. `said` gets all bytes that are appended to `text`.
    pub(super) fn push(
        &mut self,
        bytes: &mut &[u8],
        text: &mut Text<'_>,
        mut said: impl FnMut(&[u8]),
    ) -> Result<bool, DecodeError> {
        loop {
            let (status, taken, written) =
                decompress(&mut self.decompressor, bytes, &mut self.window, self.at, self.flags);
            *bytes = bytes.get(taken..).unwrap_or_default();
            let end = self.at.saturating_add(written);
            let new = self.window.get(self.at..end).unwrap_or_default();
            self.at = end % WINDOW;
            said(new);
            text.extend(new)?;
            match status {
                TINFLStatus::Done => return Ok(true),
                TINFLStatus::HasMoreOutput => {}
                TINFLStatus::NeedsMoreInput => return Ok(false),
                _ => return Err(DecodeError::Broken),
            }
        }
    }
}
