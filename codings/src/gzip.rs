//! Decoder of the content encoding `gzip` (RFC 1952).

use super::checksum::Crc32;
use super::inflate::Inflate;
use super::{DecodeError, Progress, Text};

const MAGIC: [u8; 2] = [0x1F, 0x8B];
const DEFLATE: u8 = 8;
const HAS_HEADER_CRC: u8 = 0x02;
const HAS_EXTRA: u8 = 0x04;
const HAS_NAME: u8 = 0x08;
const HAS_COMMENT: u8 = 0x10;
const RESERVED: u8 = 0xE0;

/// Decoder of a body in `gzip`: consecutive members.
#[derive(Default)]
pub(super) struct Gzip {
    part: MemberPart,
    /// Number of received or of missing bytes of the part.
    count: u16,
    flags: u8,
    /// True once a member has ended.
    ended: bool,
    trailer: [u8; 8],
    crc: Crc32,
    len: u32,
    /// Reused for the next member.
    inflate: Option<Box<Inflate>>,
}

/// Part of the format that the next byte belongs to.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum MemberPart {
    /// The ten bytes at the start of a member.
    #[default]
    Fixed,
    ExtraLen,
    Extra,
    Name,
    Comment,
    /// Ignored: it covers only the header, not the text.
    HeaderCrc,
    Stream,
    Trailer,
    /// Bytes behind the last member.
    Rest,
}

impl Gzip {
    pub(super) fn push(&mut self, mut bytes: &[u8], text: &mut Text<'_>) -> Result<(), DecodeError> {
        loop {
            if self.part == MemberPart::Stream {
                self.inflate(&mut bytes, text)?;
            }
            let Some((&byte, rest)) = bytes.split_first().filter(|_| self.part != MemberPart::Rest) else {
                return Ok(());
            };
            bytes = rest;
            self.take(byte)?;
        }
    }

    pub(super) fn progress(&self) -> Progress {
        match self.part {
            MemberPart::Rest => Progress::Ended,
            MemberPart::Fixed if self.count == 0 => Progress::Complete,
            _ => Progress::Incomplete,
        }
    }

    fn inflate(&mut self, bytes: &mut &[u8], text: &mut Text<'_>) -> Result<(), DecodeError> {
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
            self.part = MemberPart::Trailer;
        }
        Ok(())
    }

    /// Takes one byte of the header or the trailer.
    fn take(&mut self, byte: u8) -> Result<(), DecodeError> {
        let at = usize::from(self.count);
        self.count = self.count.wrapping_add(1);
        match self.part {
            MemberPart::Fixed => match at {
                0 if byte == 0 && self.ended => self.count = 0,
                0 | 1 if MAGIC.get(at) != Some(&byte) => {
                    self.part = if self.ended { MemberPart::Rest } else { return Err(DecodeError::Broken) };
                }
                2 if byte != DEFLATE => return Err(DecodeError::Broken),
                3 if byte & RESERVED != 0 => return Err(DecodeError::Broken),
                3 => self.flags = byte,
                9 => self.enter_next(MemberPart::Fixed),
                _ => {}
            },
            MemberPart::ExtraLen if at == 0 => self.trailer = [byte, 0, 0, 0, 0, 0, 0, 0],
            MemberPart::ExtraLen => {
                let [low, ..] = self.trailer;
                self.part = MemberPart::Extra;
                self.count = u16::from_le_bytes([low, byte]);
                if self.count == 0 {
                    self.enter_next(MemberPart::Extra);
                }
            }
            MemberPart::Extra => {
                // Counts down.
                self.count = self.count.saturating_sub(2);
                if self.count == 0 {
                    self.enter_next(MemberPart::Extra);
                }
            }
            MemberPart::Name | MemberPart::Comment => {
                if byte == 0 {
                    self.enter_next(self.part);
                }
            }
            MemberPart::HeaderCrc if at == 0 => {}
            MemberPart::HeaderCrc => self.enter_next(MemberPart::HeaderCrc),
            MemberPart::Trailer => {
                if let Some(slot) = self.trailer.get_mut(at) {
                    *slot = byte;
                }
                if at == 7 {
                    self.end_member()?;
                }
            }
            MemberPart::Stream | MemberPart::Rest => {}
        }
        Ok(())
    }

    /// Part behind `part` in a header with these flags.
    fn enter_next(&mut self, part: MemberPart) {
        let order = [
            (MemberPart::Fixed, 0xFF),
            (MemberPart::ExtraLen, HAS_EXTRA),
            (MemberPart::Extra, 0),
            (MemberPart::Name, HAS_NAME),
            (MemberPart::Comment, HAS_COMMENT),
            (MemberPart::HeaderCrc, HAS_HEADER_CRC),
            (MemberPart::Stream, 0xFF),
        ];
        let after = order.iter().skip_while(|(other, _)| *other != part).skip(1);
        let next = after.into_iter().find(|(next, flag)| *next == MemberPart::Stream || self.flags & flag != 0);
        self.part = next.map_or(MemberPart::Stream, |&(next, _)| next);
        self.count = 0;
    }

    fn end_member(&mut self) -> Result<(), DecodeError> {
        let [a, b, c, d, e, f, g, h] = self.trailer;
        if u32::from_le_bytes([a, b, c, d]) != self.crc.value() || u32::from_le_bytes([e, f, g, h]) != self.len {
            return Err(DecodeError::Broken);
        }
        self.crc = Crc32::default();
        self.len = 0;
        self.ended = true;
        self.part = MemberPart::Fixed;
        self.count = 0;
        Ok(())
    }
}
