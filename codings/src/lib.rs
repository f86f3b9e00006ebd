//! Streaming decoders of HTTP content encodings, with bounded memory.
//!
//! A [`Decoder`] takes the bytes of a body with a `content-encoding` and outputs at once all bytes that they determine. It does
//! not hold back flushed data, so server-sent events are not delayed.
//!
//! | content encoding | structure | memory of a started body |
//! |---|---|---|
//! | `gzip`, `x-gzip` | consecutive members, each with a verified CRC | 43 KiB |
//! | `deflate` | a zlib stream with a verified checksum, or bare deflate, which servers send too | 43 KiB |
//! | `br` | one stream; a window of up to 16 MiB | history of at most 1¼ windows and 256 KiB; codes of a metablock, usually 50 KiB, at most 3 MiB |
//! | `zstd` | consecutive frames, also skippable ones, each with a verified checksum; a window of up to 8 MiB | history of at most 1¼ windows and 256 KiB; at most 270 KiB for a block |
//!
//! The output of each layer is bounded by a ratio to the input, see [`DecodeError::Ratio`].
//!
//! # Unrelated names
//!
//! `content-encoding: utf-8` does not name a content encoding. A body with such a name is read without decoding. A known
//! content encoding without a decoder here is [`Unknown`].
//!
//! # Trailing bytes
//!
//! Some servers send a few bytes after the end of a gzip, deflate or br body. They are dropped: only decoded bytes are
//! forwarded, so none passes uninspected. Behind a gzip member these are bytes that do not begin another member. Zeros between
//! two members are padding, as in Python's `gzip`.

#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        clippy::unwrap_used,
        reason = "a test that panics has failed, which is its purpose"
    )
)]

mod brotli;
mod budget;
mod checksum;
mod deflate;
mod gzip;
mod history;
mod inflate;
mod name;
mod zstd;

use self::brotli::Brotli;
use self::deflate::Deflate;
use self::gzip::Gzip;
use self::zstd::Zstd;
pub use budget::{Account, Buffer, Exhausted, MemoryBudget, Reservation};
use std::cell::RefCell;
use std::rc::Rc;

/// Output size from which the ratio is checked: a short text of blanks is not a decompression bomb.
pub const INFLATE_FLOOR: usize = 1 << 20;

/// Maximum number of content encodings of a body. Senders use one; a proxy may add a second.
pub const MOST_CODINGS: usize = 3;

/// Number of copies of decoded bytes in memory until they are forwarded.
const COPIES: usize = 3;

/// Decoder of one body.
///
/// No `Debug`: it contains bytes of the body. It reserves no memory before the first byte.
pub struct Decoder {
    /// Content encodings, in decoding order: the one that was applied last comes first. `None` if the budget dropped their
    /// memory.
    layers: Rc<RefCell<Option<Vec<Layer>>>>,
    account: Account,
    inflate_ratio: u32,
    received: usize,
    flaw: Option<DecodeError>,
}

/// Progress of a decoder through its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Within a member, a frame or a stream. A broken body stays incomplete.
    Incomplete,
    /// Everything received is complete; another member or frame may follow. Also the state before the first byte.
    Complete,
    /// The text has ended: further bytes add nothing to it.
    Ended,
}

/// Reason for a failed decoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// Invalid data or a wrong checksum.
    Broken,
    /// The output exceeds the ratio, after the first MiB.
    Ratio,
    /// The memory budget is exhausted, and this body uses more of it than others.
    Memory,
}

impl From<Exhausted> for DecodeError {
    fn from(Exhausted: Exhausted) -> Self {
        Self::Memory
    }
}

/// Error: an unsupported content encoding, or too many of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unknown;

impl Decoder {
    /// Decoder for a body with this `content-encoding`; several fields are joined with commas. `None` if there is nothing to
    /// decode: only `identity` or unrelated names, see [`names_no_coding`]. `inflate_ratio` limits the output per input byte.
    pub fn of(content_encoding: &[u8], inflate_ratio: u32, budget: &MemoryBudget) -> Result<Option<Self>, Unknown> {
        let mut layers = Vec::new();
        let mut is_framed = false;
        for name in names(content_encoding) {
            if let Some(coding) = Coding::of(name)? {
                layers.push(Layer { coding, said: 0 });
            }
            is_framed |= name::is_framing(name);
        }
        if layers.len() > MOST_CODINGS || is_framed && !layers.is_empty() {
            return Err(Unknown);
        }
        // They are named in the order in which they were applied.
        layers.reverse();
        if layers.is_empty() {
            return Ok(None);
        }
        let account = budget.account();
        let layers = Rc::new(RefCell::new(Some(layers)));
        account.put_at_stake(&layers);
        Ok(Some(Self { layers, account, inflate_ratio, received: 0, flaw: None }))
    }

    /// Decodes the next bytes and appends all bytes that they determine. After an error the same error recurs. Bytes that were
    /// appended before the error are correct.
    pub fn push(&mut self, bytes: &[u8], decoded: &mut Vec<u8>) -> Result<(), DecodeError> {
        if let Some(flaw) = self.flaw {
            return Err(flaw);
        }
        let pushed = self.push_sound(bytes, decoded);
        self.flaw = pushed.err();
        pushed
    }

    /// True if the received bytes are complete: nothing, or a complete encoded text.
    pub fn is_complete(&self) -> bool {
        self.progress() != Progress::Incomplete
    }

    /// Progress through all layers: the text continues as long as every layer does.
    pub fn progress(&self) -> Progress {
        if self.flaw.is_some() {
            return Progress::Incomplete;
        }
        let Ok(layers) = self.layers.try_borrow() else { return Progress::Incomplete };
        let Some(layers) = &*layers else { return Progress::Incomplete };
        let layers = || layers.iter().map(|layer| layer.coding.progress());
        if layers().any(|progress| progress == Progress::Incomplete) {
            Progress::Incomplete
        } else if layers().any(|progress| progress == Progress::Ended) {
            Progress::Ended
        } else {
            Progress::Complete
        }
    }

    fn push_sound(&mut self, bytes: &[u8], decoded: &mut Vec<u8>) -> Result<(), DecodeError> {
        self.received = self.received.saturating_add(bytes.len());
        let ratio = usize::try_from(self.inflate_ratio).unwrap_or(usize::MAX);
        let allowed = self.received.saturating_mul(ratio).max(INFLATE_FLOOR);
        let mut layers = self.layers.try_borrow_mut().map_err(|_| DecodeError::Memory)?;
        let layers = layers.as_mut().ok_or(DecodeError::Memory)?;
        let Some((last, others)) = layers.split_last_mut() else { return Ok(()) };
        let account = &self.account;
        let mut encoded = (Vec::new(), account.passing());
        let mut flawed = Ok(());
        for (index, layer) in others.iter_mut().enumerate() {
            let (mut text, mut reservation) = (Vec::new(), account.passing());
            let next = if index == 0 { bytes } else { &encoded.0 };
            let into = Text { bytes: &mut text, most: allowed, reservation: &mut reservation, copies: 1 };
            flawed = flawed.and(layer.push(next, into));
            encoded = (text, reservation);
        }
        // What came out before a flaw is still said: it does not depend on how the body was cut.
        let reservation = &mut account.passing();
        let into = Text { bytes: decoded, most: allowed, reservation, copies: COPIES };
        last.push(if others.is_empty() { bytes } else { &encoded.0 }, into).and(flawed)
    }
}

/// True if a `content-encoding` has a name that is not a content encoding, such as a charset, a media type or a transfer
/// encoding of mail. Senders write these by mistake, and the body is read without decoding.
pub fn names_no_coding(content_encoding: &[u8]) -> bool {
    names(content_encoding).any(|name| !name::is_coding(name))
}

/// Names in a `content-encoding`.
fn names(content_encoding: &[u8]) -> impl Iterator<Item = &[u8]> {
    content_encoding.split(|&byte| byte == b',').map(<[u8]>::trim_ascii).filter(|name| !name.is_empty())
}

/// One content encoding, and its number of output bytes.
struct Layer {
    coding: Coding,
    said: usize,
}

impl Layer {
    /// `text` has room for the maximum output of the layer.
    fn push(&mut self, bytes: &[u8], mut text: Text<'_>) -> Result<(), DecodeError> {
        let before = text.bytes.len();
        text.most = before.saturating_add(text.most.saturating_sub(self.said));
        let pushed = self.coding.push(bytes, &mut text);
        self.said = self.said.saturating_add(text.bytes.len().saturating_sub(before));
        pushed
    }
}

/// Content encoding with its state.
enum Coding {
    Gzip(Gzip),
    Deflate(Deflate),
    Brotli(Brotli),
    Zstd(Zstd),
}

impl Coding {
    /// `None` for `identity` and for unrelated names.
    fn of(name: &[u8]) -> Result<Option<Self>, Unknown> {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        if is("identity") || !name::is_coding(name) {
            Ok(None)
        } else if is("gzip") || is("x-gzip") {
            Ok(Some(Self::Gzip(Gzip::default())))
        } else if is("deflate") {
            Ok(Some(Self::Deflate(Deflate::default())))
        } else if is("br") {
            Ok(Some(Self::Brotli(Brotli::default())))
        } else if is("zstd") {
            Ok(Some(Self::Zstd(Zstd::default())))
        } else {
            Err(Unknown)
        }
    }

    fn push(&mut self, bytes: &[u8], text: &mut Text<'_>) -> Result<(), DecodeError> {
        if bytes.is_empty() {
            return Ok(());
        }
        match self {
            Self::Gzip(gzip) => gzip.push(bytes, text),
            Self::Deflate(deflate) => deflate.push(bytes, text),
            Self::Brotli(brotli) => brotli.push(bytes, text),
            Self::Zstd(zstd) => zstd.push(bytes, text),
        }
    }

    fn progress(&self) -> Progress {
        match self {
            Self::Gzip(gzip) => gzip.progress(),
            Self::Deflate(deflate) => deflate.progress(),
            Self::Brotli(brotli) => brotli.progress(),
            Self::Zstd(zstd) => zstd.progress(),
        }
    }
}

/// Output of a decoder, up to a limit.
struct Text<'t> {
    bytes: &'t mut Vec<u8>,
    most: usize,
    /// Reservation for the bytes and their future copies.
    reservation: &'t mut Reservation,
    copies: usize,
}

impl Text<'_> {
    /// Memory account of the decoder.
    fn account(&self) -> &Account {
        self.reservation.account()
    }

    /// Appends `bytes`, or as many of them as fit.
    fn extend(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let room = self.most.saturating_sub(self.bytes.len());
        match bytes.get(..room) {
            Some(fitting) if fitting.len() < bytes.len() => {
                self.append(fitting)?;
                Err(DecodeError::Ratio)
            }
            _ => self.append(bytes),
        }
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        self.reservation.make_room(self.bytes, bytes.len(), self.most, self.copies)?;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
