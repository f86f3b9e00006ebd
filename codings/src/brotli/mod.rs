//! Decoder of the content encoding `br` (RFC 7932).
//!
//! Own implementation: in the available decoder the dictionary alone takes 123 KB of the module. Each step takes all of its
//! bits, or none until they have all arrived. Therefore the output contains everything that the input determines.

mod bits;
mod blocks;
mod code;
mod command;
mod context;
mod dictionary;
mod header;

use self::bits::{BROKEN, Bits, DecodeStop};
use self::command::Command;
use self::header::Codes;
use super::history::History;
use super::{DecodeError, Progress, Text};
use crate::budget::{Account, Reservation};

/// Maximum number of decoded bytes before an output.
const MOST_UNSAID: usize = 64 << 10;

/// Decoder of a body in `br`.
#[derive(Default)]
pub(super) struct Brotli {
    /// Bytes of an incomplete step, and the number of bits of the first that are read.
    begun: Vec<u8>,
    at: usize,
    stream: Option<Box<Stream>>,
    has_ended: bool,
}

/// Memory of a stream apart from history and codes: the bytes of an incomplete step, at most the description of one code, and
/// temporary memory while it is read.
const FIXED: usize = 32 << 10;
/// Maximum output of a dictionary reference, with prefix and suffix.
const LONGEST_WORD: usize = 64;

/// State of a stream.
struct Stream {
    part: MetaBlockPart,
    is_last: bool,
    /// Remaining output of the metablock in bytes.
    to_come: usize,
    codes: Codes,
    recent: [usize; 4],
    history: History,
    _reservation: Reservation,
}

/// Part of the format that the next bits belong to.
enum MetaBlockPart {
    Window,
    Header,
    /// Remaining bytes of a metadata block.
    Metadata(usize),
    Plain,
    Codes,
    Command,
    Literals(Command),
    Distance(Command),
    Copy {
        distance: usize,
        left: usize,
    },
    End,
}

impl Brotli {
    pub(super) fn push(&mut self, bytes: &[u8], text: &mut Text<'_>) -> Result<(), DecodeError> {
        if self.has_ended || bytes.is_empty() {
            return Ok(());
        }
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => none.insert(Box::new(Stream::new(text.account())?)),
        };
        let mut whole = std::mem::take(&mut self.begun);
        let bytes = if whole.is_empty() {
            bytes
        } else {
            whole.try_reserve_exact(bytes.len()).map_err(|_| DecodeError::Memory)?;
            whole.extend_from_slice(bytes);
            &whole
        };
        let mut bits = Bits::new(bytes, self.at);
        loop {
            bits.keep();
            let stepped = stream.step(&mut bits);
            let is_halt = stepped.is_err();
            if is_halt || stream.history.unsaid().len() >= MOST_UNSAID {
                stream.history.say(text)?;
            }
            match stepped {
                Ok(false) => {}
                Ok(true) => {
                    stream.history.say(text)?;
                    self.has_ended = true;
                    self.stream = None;
                    return Ok(());
                }
                Err(DecodeStop::DecodeError(flaw)) => return Err(flaw),
                Err(DecodeStop::More) => {
                    bits.go_back();
                    break;
                }
            }
        }
        self.at = bits.at() & 7;
        let rest = bytes.get(bits.at() >> 3..).unwrap_or_default();
        self.begun = rest.to_vec();
        Ok(())
    }

    pub(super) fn progress(&self) -> Progress {
        match self.stream {
            _ if self.has_ended => Progress::Ended,
            None => Progress::Complete,
            Some(_) => Progress::Incomplete,
        }
    }
}

impl Stream {
    fn new(account: &Account) -> Result<Self, DecodeError> {
        Ok(Self {
            part: MetaBlockPart::Window,
            is_last: false,
            to_come: 0,
            codes: Codes::new(account),
            recent: [4, 11, 15, 16],
            history: History::new(account),
            _reservation: account.reserve(FIXED)?,
        })
    }

    /// Takes one step. `true` if it was the last one. A step without enough input can be repeated from the last committed bit.
    fn step(&mut self, bits: &mut Bits<'_>) -> Result<bool, DecodeStop> {
        match &mut self.part {
            MetaBlockPart::Window => {
                self.history.start(read_window(bits)?);
                self.part = MetaBlockPart::Header;
            }
            MetaBlockPart::Header => self.part = self.read_header(bits)?,
            MetaBlockPart::Metadata(0) => self.part = self.after_metablock(),
            MetaBlockPart::Metadata(left) => {
                let taken = bits.bytes(*left);
                if taken.is_empty() {
                    return Err(DecodeStop::More);
                }
                *left = left.saturating_sub(taken.len());
            }
            MetaBlockPart::Plain => {
                let taken = bits.bytes(self.to_come.min(MOST_UNSAID));
                if taken.is_empty() {
                    return Err(DecodeStop::More);
                }
                self.history.make_room(taken.len())?;
                self.history.extend(taken);
                self.to_come = self.to_come.saturating_sub(taken.len());
                if self.to_come == 0 {
                    self.part = self.after_metablock();
                }
            }
            MetaBlockPart::Codes => {
                if self.codes.read(bits)? {
                    self.part = MetaBlockPart::Command;
                }
            }
            MetaBlockPart::Command => {
                let command = Command::read(&mut self.codes, bits)?;
                if command.insert_len > self.to_come {
                    return Err(BROKEN);
                }
                self.part = MetaBlockPart::Literals(command);
            }
            MetaBlockPart::Literals(command) => {
                let mut left = command.insert_len.min(MOST_UNSAID);
                self.history.make_room(left)?;
                while left > 0 {
                    bits.keep();
                    let (last, before_last) = self.history.last_two();
                    match self.codes.literal(last, before_last, bits) {
                        Ok(literal) => self.history.push(literal),
                        // What came before it is taken all the same.
                        Err(DecodeStop::More) if left < command.insert_len.min(MOST_UNSAID) => {
                            bits.go_back();
                            break;
                        }
                        Err(halt) => return Err(halt),
                    }
                    left = left.saturating_sub(1);
                }
                let taken = command.insert_len.min(MOST_UNSAID).saturating_sub(left);
                command.insert_len = command.insert_len.saturating_sub(taken);
                self.to_come = self.to_come.saturating_sub(taken);
                if self.to_come == 0 {
                    self.part = self.after_metablock();
                } else if command.insert_len == 0 {
                    self.part = MetaBlockPart::Distance(*command);
                }
            }
            MetaBlockPart::Distance(command) => {
                let command = *command;
                self.part = self.read_distance(command, bits)?;
            }
            MetaBlockPart::Copy { distance, left } => {
                let now = (*left).min(MOST_UNSAID);
                self.history.make_room(now)?;
                self.history.repeat(*distance, now).map_err(DecodeStop::DecodeError)?;
                *left = left.saturating_sub(now);
                self.to_come = self.to_come.saturating_sub(now);
                if *left == 0 {
                    self.part = self.after_copy();
                }
            }
            MetaBlockPart::End => {
                bits.align()?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn read_header(&mut self, bits: &mut Bits<'_>) -> Result<MetaBlockPart, DecodeStop> {
        let is_last = bits.flag()?;
        if is_last && bits.flag()? {
            return Ok(MetaBlockPart::End);
        }
        let nibbles = match bits.read(2)? {
            3 => 0,
            more => more.wrapping_add(4),
        };
        if nibbles == 0 {
            if bits.flag()? {
                return Err(BROKEN);
            }
            let len_bytes = bits.read(2)?;
            let len = match len_bytes {
                0 => 0,
                _ => bits.read(len_bytes.wrapping_mul(8))?.wrapping_add(1),
            };
            if len_bytes > 1 && len.wrapping_sub(1).wrapping_shr(len_bytes.wrapping_sub(1).wrapping_mul(8)) == 0 {
                return Err(BROKEN);
            }
            bits.align()?;
            self.is_last = is_last;
            return Ok(MetaBlockPart::Metadata(len as usize));
        }
        let len = bits.read(nibbles.wrapping_mul(4))?;
        if nibbles > 4 && len.wrapping_shr(nibbles.wrapping_sub(1).wrapping_mul(4)) == 0 {
            return Err(BROKEN);
        }
        let is_plain = !is_last && bits.flag()?;
        if is_plain {
            bits.align()?;
        }
        self.is_last = is_last;
        self.to_come = (len as usize).wrapping_add(1);
        self.codes.start();
        Ok(if is_plain { MetaBlockPart::Plain } else { MetaBlockPart::Codes })
    }

    fn read_distance(&mut self, command: Command, bits: &mut Bits<'_>) -> Result<MetaBlockPart, DecodeStop> {
        let (symbol, distance) = command.distance(&mut self.codes, &self.recent, bits)?;
        let len = command.copy_len;
        let farthest = self.history.farthest();
        if let Some(beyond) = distance.checked_sub(farthest).filter(|&beyond| beyond > 0) {
            self.history.make_room(LONGEST_WORD)?;
            let said = self.history.append(|text| dictionary::append(len, beyond.wrapping_sub(1), text));
            self.to_come = said.and_then(|said| self.to_come.checked_sub(said)).ok_or(BROKEN)?;
            return Ok(self.after_copy());
        }
        if len > self.to_come {
            return Err(BROKEN);
        }
        if symbol != 0 {
            let [first, second, third, _] = self.recent;
            self.recent = [distance, first, second, third];
        }
        Ok(MetaBlockPart::Copy { distance, left: len })
    }

    fn after_copy(&self) -> MetaBlockPart {
        if self.to_come == 0 { self.after_metablock() } else { MetaBlockPart::Command }
    }

    fn after_metablock(&self) -> MetaBlockPart {
        if self.is_last { MetaBlockPart::End } else { MetaBlockPart::Header }
    }
}

/// Maximum distance of a reference in the stream.
fn read_window(bits: &mut Bits<'_>) -> Result<usize, DecodeStop> {
    let log = if !bits.flag()? {
        16
    } else {
        match bits.read(3)? {
            0 => match bits.read(3)? {
                0 => 17,
                // The mark of a format with larger windows, which HTTP does not have.
                1 => return Err(BROKEN),
                low => low.wrapping_add(8),
            },
            high => high.wrapping_add(17),
        }
    };
    Ok(1_usize.wrapping_shl(log).wrapping_sub(16))
}
