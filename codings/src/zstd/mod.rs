//! Decoder of the content encoding `zstd` (RFC 8878).
//!
//! Own implementation: the available decoders hold back the last window of a frame until the frame ends, which delays
//! server-sent events. A block is decoded as soon as it is complete, which is the unit that a sender flushes.

mod bits;
mod block;
mod fse;
mod hash;
mod literals;

use self::block::{LARGEST_BLOCK, Shared};
use self::hash::Xxh64;
use super::history::History;
use super::{DecodeError, Progress, Text};
use crate::budget::{Account, Buffer, Reservation};

const FRAME: u32 = 0xFD2F_B528;
/// The lowest four bits are arbitrary.
const SKIPPABLE: u32 = 0x184D_2A50;

/// Maximum window in HTTP (RFC 9659).
const LARGEST_WINDOW: usize = 8 << 20;

/// Decoder of a body in `zstd`: consecutive frames.
#[derive(Default)]
pub(super) struct Zstd {
    part: FramePart,
    /// Bytes of an incomplete part.
    begun: Option<Buffer>,
    frame: Option<Box<Frame>>,
}

/// Part of the format that the next bytes belong to.
#[derive(Clone, Copy, Default)]
enum FramePart {
    /// Magic number of a frame.
    #[default]
    Magic,
    SkippableLen,
    /// Remaining bytes of a skippable frame.
    Skipped(usize),
    /// Frame header descriptor, which determines the length of the header.
    Descriptor,
    Header {
        descriptor: u8,
        len: usize,
    },
    BlockHeader,
    /// Remaining bytes of a raw block.
    Plain(usize),
    /// RLE block: one byte, and its number of repetitions.
    Repeated(usize),
    /// Compressed block of this size.
    Coded(usize),
    Checksum,
}

/// Memory of a frame apart from history, literals and input: the code tables, at most 11 KiB.
const FIXED: usize = 12 << 10;

/// State of a frame, reused for the next one.
struct Frame {
    has_checksum: bool,
    is_last_block: bool,
    /// Announced bytes that are not output yet.
    to_come: Option<u64>,
    shared: Shared,
    history: History,
    hash: Xxh64,
    _reservation: Reservation,
}

impl Zstd {
    pub(super) fn push(&mut self, mut bytes: &[u8], text: &mut Text<'_>) -> Result<(), DecodeError> {
        while !bytes.is_empty() {
            if let FramePart::Skipped(to_come) | FramePart::Plain(to_come) = &mut self.part {
                let (now, rest) = bytes.split_at(bytes.len().min(*to_come));
                bytes = rest;
                *to_come = to_come.saturating_sub(now.len());
                let is_over = *to_come == 0;
                match (self.part, &mut self.frame) {
                    (FramePart::Plain(_), Some(frame)) => {
                        frame.history.make_room(now.len())?;
                        frame.history.extend(now);
                        frame.say(text)?;
                        if is_over {
                            self.part = frame.after_block()?;
                        }
                    }
                    _ if is_over => self.part = FramePart::Magic,
                    _ => {}
                }
                continue;
            }
            let len = self.part.len();
            let missing = len.saturating_sub(self.begun_len());
            let (now, rest) = bytes.split_at(bytes.len().min(missing));
            bytes = rest;
            if now.len() < missing {
                self.begun.get_or_insert_with(|| Buffer::new(text.account())).extend(now, len)?;
            } else if let Some(mut whole) = self.begun.take_if(|begun| !begun.is_empty()) {
                whole.extend(now, len)?;
                self.part = self.take(&whole, text)?;
                whole.bytes().clear();
                self.begun = Some(whole);
            } else {
                self.part = self.take(now, text)?;
            }
        }
        Ok(())
    }

    pub(super) fn progress(&self) -> Progress {
        match self.part {
            FramePart::Magic if self.begun_len() == 0 => Progress::Complete,
            _ => Progress::Incomplete,
        }
    }

    fn begun_len(&self) -> usize {
        self.begun.as_ref().map_or(0, |begun| begun.len())
    }

    /// Takes a complete part and returns the next one.
    fn take(&mut self, bytes: &[u8], text: &mut Text<'_>) -> Result<FramePart, DecodeError> {
        let number = little_endian(bytes);
        match (self.part, &mut self.frame) {
            (FramePart::Magic, _) if number == u64::from(FRAME) => Ok(FramePart::Descriptor),
            (FramePart::Magic, _) if number & !15 == u64::from(SKIPPABLE) => Ok(FramePart::SkippableLen),
            (FramePart::SkippableLen, _) => match number as usize {
                0 => Ok(FramePart::Magic),
                len => Ok(FramePart::Skipped(len)),
            },
            (FramePart::Descriptor, _) => {
                let descriptor = number as u8;
                match header_len(descriptor) {
                    Some(len) => Ok(FramePart::Header { descriptor, len }),
                    None => Err(DecodeError::Broken),
                }
            }
            (FramePart::Header { descriptor, .. }, frame) => {
                let frame = match frame {
                    Some(frame) => frame,
                    none => none.insert(Box::new(Frame::new(text.account())?)),
                };
                frame.start(descriptor, bytes)?;
                Ok(FramePart::BlockHeader)
            }
            (FramePart::BlockHeader, Some(frame)) => {
                frame.is_last_block = number & 1 == 1;
                let len = (number >> 3) as usize;
                match number >> 1 & 3 {
                    _ if len > LARGEST_BLOCK => Err(DecodeError::Broken),
                    0 if len == 0 => frame.after_block(),
                    0 => Ok(FramePart::Plain(len)),
                    1 => Ok(FramePart::Repeated(len)),
                    2 if len > 0 => Ok(FramePart::Coded(len)),
                    _ => Err(DecodeError::Broken),
                }
            }
            (FramePart::Repeated(len), Some(frame)) => {
                frame.history.make_room(len)?;
                frame.history.fill(number as u8, len);
                frame.say(text)?;
                frame.after_block()
            }
            (FramePart::Coded(_), Some(frame)) => {
                frame.shared.decode(bytes, &mut frame.history)?;
                frame.say(text)?;
                frame.after_block()
            }
            (FramePart::Checksum, Some(frame)) if number == frame.hash.value() & 0xFFFF_FFFF => Ok(FramePart::Magic),
            _ => Err(DecodeError::Broken),
        }
    }
}

impl FramePart {
    /// Number of bytes of the complete part.
    fn len(self) -> usize {
        match self {
            Self::Magic | Self::SkippableLen | Self::Checksum => 4,
            Self::Descriptor | Self::Repeated(_) => 1,
            Self::BlockHeader => 3,
            Self::Header { len, .. } | Self::Coded(len) | Self::Skipped(len) | Self::Plain(len) => len,
        }
    }
}

impl Frame {
    fn new(account: &Account) -> Result<Self, DecodeError> {
        Ok(Self {
            has_checksum: false,
            is_last_block: false,
            to_come: None,
            shared: Shared::new(account),
            history: History::new(account),
            hash: Xxh64::default(),
            _reservation: account.reserve(FIXED)?,
        })
    }

    /// Begins a frame with this header. The history of earlier frames is dropped.
    fn start(&mut self, descriptor: u8, header: &[u8]) -> Result<(), DecodeError> {
        let (window, dictionary, content) = field_lens(descriptor);
        let (window, rest) = header.split_at_checked(window).ok_or(DecodeError::Broken)?;
        let (dictionary, content_len) = rest.split_at_checked(dictionary).ok_or(DecodeError::Broken)?;
        if dictionary.iter().any(|&byte| byte != 0) {
            return Err(DecodeError::Broken);
        }
        let to_come = match content {
            0 => None,
            2 => Some(little_endian(content_len).saturating_add(256)),
            _ => Some(little_endian(content_len)),
        };
        let window = match window.first() {
            Some(&byte) => {
                let base = 1_u64.wrapping_shl(u32::from(byte >> 3).wrapping_add(10));
                base.saturating_add((base >> 3).saturating_mul(u64::from(byte & 7)))
            }
            None => to_come.unwrap_or(0),
        };
        let window =
            usize::try_from(window).ok().filter(|&window| window <= LARGEST_WINDOW).ok_or(DecodeError::Broken)?;
        self.has_checksum = descriptor & 4 != 0;
        self.to_come = to_come;
        self.shared.start();
        self.history.start(window);
        self.hash = Xxh64::default();
        Ok(())
    }

    /// Outputs the bytes that the last block appended to the history.
    fn say(&mut self, text: &mut Text<'_>) -> Result<(), DecodeError> {
        let new = self.history.unsaid();
        if let Some(to_come) = &mut self.to_come {
            *to_come = to_come.checked_sub(new.len() as u64).ok_or(DecodeError::Broken)?;
        }
        if self.has_checksum {
            self.hash.update(new);
        }
        self.history.say(text)
    }

    /// Part behind a block.
    fn after_block(&self) -> Result<FramePart, DecodeError> {
        if !self.is_last_block {
            Ok(FramePart::BlockHeader)
        } else if self.to_come.is_some_and(|to_come| to_come > 0) {
            Err(DecodeError::Broken)
        } else if self.has_checksum {
            Ok(FramePart::Checksum)
        } else {
            Ok(FramePart::Magic)
        }
    }
}

/// Sizes of the window descriptor, the dictionary id and the content size in a header.
fn field_lens(descriptor: u8) -> (usize, usize, usize) {
    let is_single = descriptor & 0x20 != 0;
    let dictionary = match descriptor & 3 {
        3 => 4,
        len => usize::from(len),
    };
    let content = match descriptor >> 6 {
        0 => usize::from(is_single),
        1 => 2,
        2 => 4,
        _ => 8,
    };
    (usize::from(!is_single), dictionary, content)
}

/// Length of a header behind its descriptor, at least 1. `None` for unknown flags.
fn header_len(descriptor: u8) -> Option<usize> {
    let (window, dictionary, content) = field_lens(descriptor);
    (descriptor & 8 == 0).then(|| window.saturating_add(dictionary).saturating_add(content))
}

/// Up to eight bytes as a number, lowest first.
fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
}
