//! What does an encoded body say, as far as it has come?
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
//! Every text on the way is bounded: no more than the given ratio comes out for what went in, see [`Flaw::Ratio`].
//!
//! # What follows the end
//!
//! Some servers send a few bytes after the end of a gzip, deflate or br body. They are dropped: what is forwarded is what
//! was decoded, so nothing passes unread. After a gzip member that is whatever does not begin another member; zeros between
//! two members are padding, as Python's `gzip` reads them.

mod brotli;
mod checksum;
mod deflate;
mod gzip;
mod history;
mod inflate;
mod zstd;

use self::brotli::Brotli;
use self::deflate::Deflate;
use self::gzip::Gzip;
use self::zstd::Zstd;

/// The most bytes that may come out before anybody asks how many have gone in: a short text of blanks is no bomb.
pub const INFLATE_FLOOR: usize = 1 << 20;

/// The most codings that may be laid over each other. Senders use one; two happen where a proxy encodes what is encoded.
pub const MOST_CODINGS: usize = 3;

/// Decodes one body.
///
/// Has no `Debug`: it holds bytes of the body. Takes no memory to speak of before the first byte has come.
pub struct Decoder {
    /// The last coding that was applied first: that is the one to undo first.
    layers: Vec<Layer>,
    inflate_ratio: u32,
    received: usize,
    flaw: Option<Flaw>,
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
pub enum Flaw {
    /// It does not keep to its coding, or its checksum does not fit.
    Broken,
    /// More comes out of it than the ratio allows, once the first MiB is out.
    Ratio,
}

/// A `content-encoding` that names a coding that is not known, or too many of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unknown;

impl Decoder {
    /// A decoder for a body with that `content-encoding`: several fields of the name are joined with commas. `None` when
    /// nothing but `identity` is named. At most `inflate_ratio` bytes may come out for each one that went in.
    pub fn of(content_encoding: &[u8], inflate_ratio: u32) -> Result<Option<Self>, Unknown> {
        let mut layers = Vec::new();
        for name in content_encoding.split(|&byte| byte == b',') {
            if let Some(coding) = Coding::of(name.trim_ascii())? {
                layers.push(Layer { coding, said: 0 });
            }
        }
        if layers.len() > MOST_CODINGS {
            return Err(Unknown);
        }
        // They are named in the order in which they were applied.
        layers.reverse();
        Ok((!layers.is_empty()).then_some(Self { layers, inflate_ratio, received: 0, flaw: None }))
    }

    /// Decodes the next bytes and appends all that they determine. After an error the same error comes again, and what
    /// was appended until then is right as far as it goes.
    pub fn push(&mut self, bytes: &[u8], decoded: &mut Vec<u8>) -> Result<(), Flaw> {
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
        let layers = || self.layers.iter().map(|layer| layer.coding.progress());
        if layers().any(|progress| progress == Progress::Incomplete) {
            Progress::Incomplete
        } else if layers().any(|progress| progress == Progress::Ended) {
            Progress::Ended
        } else {
            Progress::Complete
        }
    }

    fn push_sound(&mut self, bytes: &[u8], decoded: &mut Vec<u8>) -> Result<(), Flaw> {
        self.received = self.received.saturating_add(bytes.len());
        let ratio = usize::try_from(self.inflate_ratio).unwrap_or(usize::MAX);
        let allowed = self.received.saturating_mul(ratio).max(INFLATE_FLOOR);
        let Some((last, others)) = self.layers.split_last_mut() else { return Ok(()) };
        let mut encoded = Vec::new();
        let mut flawed = Ok(());
        for (index, layer) in others.iter_mut().enumerate() {
            let mut text = Vec::new();
            let next = if index == 0 { bytes } else { &encoded };
            flawed = flawed.and(layer.push(next, allowed, &mut text));
            encoded = text;
        }
        // What came out before a flaw is still said: it does not depend on how the body was cut.
        last.push(if others.is_empty() { bytes } else { &encoded }, allowed, decoded).and(flawed)
    }
}

/// One coding and how much came out of it.
struct Layer {
    coding: Coding,
    said: usize,
}

impl Layer {
    fn push(&mut self, bytes: &[u8], allowed: usize, decoded: &mut Vec<u8>) -> Result<(), Flaw> {
        let before = decoded.len();
        let most = before.saturating_add(allowed.saturating_sub(self.said));
        let pushed = self.coding.push(bytes, &mut Text { bytes: decoded, most });
        self.said = self.said.saturating_add(decoded.len().saturating_sub(before));
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
    /// `None` for one that changes nothing.
    fn of(name: &[u8]) -> Result<Option<Self>, Unknown> {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        if name.is_empty() || is("identity") {
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

    fn push(&mut self, bytes: &[u8], text: &mut Text<'_>) -> Result<(), Flaw> {
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
}

impl Text<'_> {
    /// Appends `bytes`, or as many of them as there is room for.
    fn extend(&mut self, bytes: &[u8]) -> Result<(), Flaw> {
        let room = self.most.saturating_sub(self.bytes.len());
        match bytes.get(..room) {
            Some(fitting) if fitting.len() < bytes.len() => {
                self.bytes.extend_from_slice(fitting);
                Err(Flaw::Ratio)
            }
            _ => {
                self.bytes.extend_from_slice(bytes);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests;
