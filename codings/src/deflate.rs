//! Decoder of the content encoding `deflate`.
//!
//! The name means the zlib format (RFC 1950), but servers also send bare deflate streams, and clients read both.

use super::inflate::Inflate;
use super::{DecodeError, Progress, Text};

/// Decoder of a body in `deflate`.
#[derive(Default)]
pub(super) enum Deflate {
    /// No byte has arrived.
    #[default]
    Before,
    /// The first byte of a possible zlib header has arrived.
    Wrapping(u8),
    /// Within the stream.
    Within(Box<Inflate>),
    /// Behind the end of the stream.
    Past,
}

impl Deflate {
    pub(super) fn push(&mut self, mut bytes: &[u8], text: &mut Text<'_>) -> Result<(), DecodeError> {
        loop {
            match self {
                Self::Before => {
                    let Some(&first) = bytes.first() else { return Ok(()) };
                    // A bare stream that begins so would be a stored block whose padding is not zero.
                    *self = if first & 0x0F == 8 && first >> 4 <= 7 {
                        bytes = bytes.get(1..).unwrap_or_default();
                        Self::Wrapping(first)
                    } else {
                        Self::Within(Inflate::raw(text.account())?)
                    };
                }
                Self::Wrapping(first) => {
                    let Some(&second) = bytes.first() else { return Ok(()) };
                    let first = *first;
                    let is_zlib = u16::from_be_bytes([first, second]).is_multiple_of(31);
                    let mut inflate =
                        if is_zlib { Inflate::zlib(text.account())? } else { Inflate::raw(text.account())? };
                    inflate.push(&mut [first].as_slice(), text, |_| {})?;
                    *self = Self::Within(inflate);
                }
                Self::Within(inflate) => {
                    if inflate.push(&mut bytes, text, |_| {})? {
                        *self = Self::Past;
                    }
                    return Ok(());
                }
                Self::Past => return Ok(()),
            }
        }
    }

    pub(super) fn progress(&self) -> Progress {
        match self {
            Self::Before => Progress::Complete,
            Self::Wrapping(_) | Self::Within(_) => Progress::Incomplete,
            Self::Past => Progress::Ended,
        }
    }
}
