//! Streaming decoders of HTTP content encodings, with bounded memory.
//!
//! A [`Decoder`] takes the bytes of a body with a `content-encoding` and says at once all that they determine: what a
//! sender has flushed is never kept back, so that server-sent events stay events.
//!
//! | coding | what it may be made of | state once a body has begun |
//! |---|---|---|
//! | `gzip`, `x-gzip` | members one after the other, each with its CRC checked | 43 KiB |
//! | `deflate` | a zlib stream with its checksum checked, or bare deflate, which servers send too | 43 KiB |
//! | `br` | one stream; a window of up to 16 MiB | what has been said, 1¼ windows and 256 KiB at most; and the codes of a metablock, 50 KiB as senders write them, 3 MiB at most |
//! | `zstd` | frames one after the other, skippable ones too, each with its checksum checked; a window of up to 8 MiB | what has been said, 1¼ windows and 256 KiB at most; and 270 KiB at most for a block |
//!
//! Every text on the way is bounded: no more than the given ratio comes out for what went in, see [`DecodeError::Ratio`].
//!
//! # Names of no coding
//!
//! `content-encoding: utf-8` says nothing of how the body is encoded, and neither does any other name that is no content
//! coding. Such a body is read as it stands. A coding that is known and not read here stays [`Unknown`].
//!
//! # What follows the end
//!
//! Some servers send a few bytes after the end of a gzip, deflate or br body. They are dropped: what is forwarded is what
//! was decoded, so nothing passes unread. After a gzip member that is whatever does not begin another member; zeros between
//! two members are padding, as Python's `gzip` reads them.

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

/// The most bytes that may come out before anybody asks how many have gone in: a short text of blanks is no bomb.
pub const INFLATE_FLOOR: usize = 1 << 20;

/// The most codings that may be laid over each other. Senders use one; two happen where a proxy encodes what is encoded.
pub const MOST_CODINGS: usize = 3;

/// How often what was decoded last is in memory until it is forwarded.
const COPIES: usize = 3;

/// Decodes one body.
///
/// Has no `Debug`: it holds bytes of the body. Takes no memory to speak of before the first byte has come.
pub struct Decoder {
    /// The last coding that was applied first: that is the one to undo first. `None` when their memory was taken away.
    layers: Rc<RefCell<Option<Vec<Layer>>>>,
    account: Account,
    inflate_ratio: u32,
    received: usize,
    flaw: Option<DecodeError>,
}

/// The progress of a decoder through its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// A member, a frame or a stream has begun and not ended. A broken body stays incomplete.
    Incomplete,
    /// All that came is complete, and another member or frame may follow. A body that has not begun is complete, too.
    Complete,
    /// The text has ended: nothing that may follow adds to it.
    Ended,
}

/// Why a body cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// It does not keep to its coding, or its checksum does not fit.
    Broken,
    /// More comes out of it than the ratio allows, once the first MiB is out.
    Ratio,
    /// The budget of memory is exhausted, and it holds more of that than others.
    Memory,
}

impl From<Exhausted> for DecodeError {
    fn from(Exhausted: Exhausted) -> Self {
        Self::Memory
    }
}

/// A `content-encoding` that names a coding that is not read here, or too many of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unknown;

impl Decoder {
    /// A decoder for a body with that `content-encoding`: several fields of the name are joined with commas. `None` when
    /// the body is read as it stands: nothing is named but `identity` and names of no coding, see [`names_no_coding`]. At most `inflate_ratio` bytes may come out for each one that went in.
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

    /// Decodes the next bytes and appends all that they determine. After an error the same error comes again, and what
    /// was appended until then is right as far as it goes.
    pub fn push(&mut self, bytes: &[u8], decoded: &mut Vec<u8>) -> Result<(), DecodeError> {
        if let Some(flaw) = self.flaw {
            return Err(flaw);
        }
        let pushed = self.push_sound(bytes, decoded);
        self.flaw = pushed.err();
        pushed
    }

    /// True when what has come is complete: nothing, or a whole encoded text.
    pub fn is_complete(&self) -> bool {
        self.progress() != Progress::Incomplete
    }

    /// The progress through all layers: a text goes on as long as each of them may.
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

/// True when a `content-encoding` has a name that is no content coding: of a charset, a media type, a transfer encoding of
/// mail. Senders put them there by mistake, and the body is read as it stands.
pub fn names_no_coding(content_encoding: &[u8]) -> bool {
    names(content_encoding).any(|name| !name::is_coding(name))
}

/// The names in a `content-encoding`.
fn names(content_encoding: &[u8]) -> impl Iterator<Item = &[u8]> {
    content_encoding.split(|&byte| byte == b',').map(<[u8]>::trim_ascii).filter(|name| !name.is_empty())
}

/// One coding and how much came out of it.
struct Layer {
    coding: Coding,
    said: usize,
}

impl Layer {
    /// `text` has room for all that the layer may ever say.
    fn push(&mut self, bytes: &[u8], mut text: Text<'_>) -> Result<(), DecodeError> {
        let before = text.bytes.len();
        text.most = before.saturating_add(text.most.saturating_sub(self.said));
        let pushed = self.coding.push(bytes, &mut text);
        self.said = self.said.saturating_add(text.bytes.len().saturating_sub(before));
        pushed
    }
}

/// A coding with its state.
enum Coding {
    Gzip(Gzip),
    Deflate(Deflate),
    Brotli(Brotli),
    Zstd(Zstd),
}

impl Coding {
    /// `None` for one that changes nothing, and for the name of no coding.
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

/// What a coding says, up to a bound.
struct Text<'t> {
    bytes: &'t mut Vec<u8>,
    most: usize,
    /// For those bytes, and for as many copies of them as there will be.
    reservation: &'t mut Reservation,
    copies: usize,
}

impl Text<'_> {
    /// The account that the coding takes its memory from.
    fn account(&self) -> &Account {
        self.reservation.account()
    }

    /// Appends `bytes`, or as many of them as there is room for.
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
