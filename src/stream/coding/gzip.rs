//! What does a body in `gzip` say (RFC 1952)?

use super::checksum::Crc32;
use super::inflate::Inflate;
use super::{Flaw, Progress, Text};

const MAGIC: [u8; 2] = [0x1F, 0x8B];
const DEFLATE: u8 = 8;
const HAS_HEADER_CRC: u8 = 0x02;
const HAS_EXTRA: u8 = 0x04;
const HAS_NAME: u8 = 0x08;
const HAS_COMMENT: u8 = 0x10;
const RESERVED: u8 = 0xE0;

/// A body in `gzip`: members, one after the other.
#[derive(Default)]
pub(super) struct Gzip {
    part: Part,
    /// How much of the part has come, or is still to come.
    count: u16,
    flags: u8,
    /// Whether a member has ended.
    ended: bool,
    trailer: [u8; 8],
    crc: Crc32,
    len: u32,
    /// Kept from member to member.
    inflate: Option<Box<Inflate>>,
}

/// What the next byte belongs to.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Part {
    /// The ten bytes that every member begins with.
    #[default]
    Fixed,
    ExtraLen,
    Extra,
    Name,
    Comment,
    /// Not looked at: what it covers changes no byte of the text.
    HeaderCrc,
    Stream,
    Trailer,
    /// What follows the last member.
    Rest,
}

impl Gzip {
    pub(super) fn push(&mut self, mut bytes: &[u8], text: &mut Text<'_>) -> Result<(), Flaw> {
        loop {
            if self.part == Part::Stream {
                self.inflate(&mut bytes, text)?;
            }
            let Some((&byte, rest)) = bytes.split_first().filter(|_| self.part != Part::Rest) else { return Ok(()) };
            bytes = rest;
            self.take(byte)?;
        }
    }

    pub(super) fn progress(&self) -> Progress {
        match self.part {
            Part::Rest => Progress::Ended,
            Part::Fixed if self.count == 0 => Progress::Complete,
            _ => Progress::Incomplete,
        }
    }

    fn inflate(&mut self, bytes: &mut &[u8], text: &mut Text<'_>) -> Result<(), Flaw> {
        let inflate = match &mut self.inflate {
            Some(inflate) => inflate,
            none => none.insert(Inflate::raw(text.account())?),
        };
        let (crc, len) = (&mut self.crc, &mut self.len);
        let ended = inflate.push(bytes, text, |said| {
            crc.update(said);
            // The length is kept modulo 2^32, so the cast may cut.
            *len = len.wrapping_add(said.len() as u32);
        })?;
        if ended {
            inflate.restart();
            self.part = Part::Trailer;
        }
        Ok(())
    }

    /// Takes one byte of what is around the stream.
    fn take(&mut self, byte: u8) -> Result<(), Flaw> {
        let at = usize::from(self.count);
        self.count = self.count.wrapping_add(1);
        match self.part {
            Part::Fixed => match at {
                0 if byte == 0 && self.ended => self.count = 0,
                0 | 1 if MAGIC.get(at) != Some(&byte) => {
                    self.part = if self.ended { Part::Rest } else { return Err(Flaw::Broken) };
                }
                2 if byte != DEFLATE => return Err(Flaw::Broken),
                3 if byte & RESERVED != 0 => return Err(Flaw::Broken),
                3 => self.flags = byte,
                9 => self.enter_next(Part::Fixed),
                _ => {}
            },
            Part::ExtraLen if at == 0 => self.trailer = [byte, 0, 0, 0, 0, 0, 0, 0],
            Part::ExtraLen => {
                let [low, ..] = self.trailer;
                self.part = Part::Extra;
                self.count = u16::from_le_bytes([low, byte]);
                if self.count == 0 {
                    self.enter_next(Part::Extra);
                }
            }
            Part::Extra => {
                // Counts down.
                self.count = self.count.saturating_sub(2);
                if self.count == 0 {
                    self.enter_next(Part::Extra);
                }
            }
            Part::Name | Part::Comment => {
                if byte == 0 {
                    self.enter_next(self.part);
                }
            }
            Part::HeaderCrc if at == 0 => {}
            Part::HeaderCrc => self.enter_next(Part::HeaderCrc),
            Part::Trailer => {
                if let Some(slot) = self.trailer.get_mut(at) {
                    *slot = byte;
                }
                if at == 7 {
                    self.end_member()?;
                }
            }
            Part::Stream | Part::Rest => {}
        }
        Ok(())
    }

    /// The part that follows `part` in a header with such flags.
    fn enter_next(&mut self, part: Part) {
        let order = [
            (Part::Fixed, 0xFF),
            (Part::ExtraLen, HAS_EXTRA),
            (Part::Extra, 0),
            (Part::Name, HAS_NAME),
            (Part::Comment, HAS_COMMENT),
            (Part::HeaderCrc, HAS_HEADER_CRC),
            (Part::Stream, 0xFF),
        ];
        let after = order.iter().skip_while(|(other, _)| *other != part).skip(1);
        let next = after.into_iter().find(|(next, flag)| *next == Part::Stream || self.flags & flag != 0);
        self.part = next.map_or(Part::Stream, |&(next, _)| next);
        self.count = 0;
    }

    fn end_member(&mut self) -> Result<(), Flaw> {
        let [a, b, c, d, e, f, g, h] = self.trailer;
        if u32::from_le_bytes([a, b, c, d]) != self.crc.value() || u32::from_le_bytes([e, f, g, h]) != self.len {
            return Err(Flaw::Broken);
        }
        self.crc = Crc32::default();
        self.len = 0;
        self.ended = true;
        self.part = Part::Fixed;
        self.count = 0;
        Ok(())
    }
}
