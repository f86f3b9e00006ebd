//! Header of a metablock (RFC 7932, section 9.2).

use super::bits::{BROKEN, Bits, DecodeStop};
use super::blocks::Blocks;
use super::code::Code;
use super::context::Mode;
use crate::budget::{Account, Reservation};

/// Number of contexts of a literal, and of a distance.
const LITERAL_CONTEXTS: usize = 64;
const DISTANCE_CONTEXTS: usize = 4;
/// Number of commands.
const COMMANDS: usize = 704;

/// Codes of a metablock, as far as they have been read.
pub(super) struct Codes {
    blocks: Vec<Blocks>,
    distance_bits: Option<DistanceBits>,
    modes: Vec<Mode>,
    literal_map: Map,
    distance_map: Map,
    literals: Vec<Code>,
    commands: Vec<Code>,
    distances: Vec<Code>,
    reservation: Reservation,
    /// Share of the reservation for complete parts. A part that is read again reserves its memory again.
    kept: usize,
}

/// Parameters of distance codes.
#[derive(Clone, Copy)]
pub(super) struct DistanceBits {
    pub postfix: u32,
    pub direct: usize,
}

impl Codes {
    /// Empty codes with memory from `account`.
    pub(super) fn new(account: &Account) -> Self {
        Self {
            blocks: Vec::new(),
            distance_bits: None,
            modes: Vec::new(),
            literal_map: Map::default(),
            distance_map: Map::default(),
            literals: Vec::new(),
            commands: Vec::new(),
            distances: Vec::new(),
            reservation: account.reservation(),
            kept: 0,
        }
    }

    /// Resets the codes for another metablock.
    pub(super) fn start(&mut self) {
        *self = Self::new(self.reservation.account());
    }

    /// Reads the next part. `true` if none is left.
    pub(super) fn read(&mut self, bits: &mut Bits<'_>) -> Result<bool, DecodeStop> {
        self.reservation.shrink_to(self.kept);
        let is_done = self.read_part(bits)?;
        self.kept = self.reservation.bytes();
        Ok(is_done)
    }

    fn read_part(&mut self, bits: &mut Bits<'_>) -> Result<bool, DecodeStop> {
        let reservation = &mut self.reservation;
        if self.blocks.len() < 3 {
            self.blocks.push(Blocks::read(bits, reservation)?);
            return Ok(false);
        }
        let [literal_types, command_types, distance_types] =
            [0, 1, 2].map(|which: usize| self.blocks.get(which).map_or(1, Blocks::types));
        let Some(distance_bits) = self.distance_bits else {
            let postfix = bits.read(2)?;
            let direct = bits.read(4)?.wrapping_shl(postfix) as usize;
            self.distance_bits = Some(DistanceBits { postfix, direct });
            return Ok(false);
        };
        if self.modes.len() < literal_types {
            self.modes.push(Mode::of(bits.read(2)?));
            return Ok(false);
        }
        if !self.literal_map.is_done {
            self.literal_map.read(literal_types.wrapping_mul(LITERAL_CONTEXTS), bits, reservation)?;
            return Ok(false);
        }
        if !self.distance_map.is_done {
            self.distance_map.read(distance_types.wrapping_mul(DISTANCE_CONTEXTS), bits, reservation)?;
            return Ok(false);
        }
        let distances =
            distance_bits.direct.wrapping_add(16).wrapping_add(48_usize.wrapping_shl(distance_bits.postfix));
        for (codes, count, symbols) in [
            (&mut self.literals, self.literal_map.codes, 256),
            (&mut self.commands, command_types, COMMANDS),
            (&mut self.distances, self.distance_map.codes, distances),
        ] {
            if codes.len() < count {
                codes.push(Code::read(symbols, bits, reservation)?);
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Decodes the literal after these two bytes.
    pub(super) fn literal(&mut self, last: u8, before: u8, bits: &mut Bits<'_>) -> Result<u8, DecodeStop> {
        let blocks = self.blocks.first_mut().ok_or(BROKEN)?;
        let kind = blocks.kind(bits)?;
        let mode = self.modes.get(kind).ok_or(BROKEN)?;
        let context = kind.wrapping_mul(LITERAL_CONTEXTS).wrapping_add(mode.context(last, before));
        let code = self.literals.get(self.literal_map.code(context)).ok_or(BROKEN)?;
        let literal = code.symbol(bits)?;
        blocks.advance();
        Ok(literal as u8)
    }

    /// Decodes the symbol of a command.
    pub(super) fn command(&mut self, bits: &mut Bits<'_>) -> Result<usize, DecodeStop> {
        let kind = self.blocks.get_mut(1).ok_or(BROKEN)?.kind(bits)?;
        self.commands.get(kind).ok_or(BROKEN)?.symbol(bits)
    }

    /// Counts a command.
    pub(super) fn advance_command(&mut self) {
        self.blocks.get_mut(1).map(Blocks::advance);
    }

    /// Decodes the distance symbol of a copy of this length.
    pub(super) fn distance(&mut self, copy_len: usize, bits: &mut Bits<'_>) -> Result<usize, DecodeStop> {
        let kind = self.blocks.get_mut(2).ok_or(BROKEN)?.kind(bits)?;
        let context = copy_len.saturating_sub(2).min(DISTANCE_CONTEXTS - 1);
        let context = kind.wrapping_mul(DISTANCE_CONTEXTS).wrapping_add(context);
        self.distances.get(self.distance_map.code(context)).ok_or(BROKEN)?.symbol(bits)
    }

    /// Counts a distance.
    pub(super) fn advance_distance(&mut self) {
        self.blocks.get_mut(2).map(Blocks::advance);
    }

    pub(super) fn distance_bits(&self) -> DistanceBits {
        self.distance_bits.unwrap_or(DistanceBits { postfix: 0, direct: 0 })
    }
}

/// Context map: the code of each context.
#[derive(Default)]
struct Map {
    /// Number of codes.
    codes: usize,
    /// Code of the map itself, and the longest run of zeros that has a symbol.
    code: Option<(Code, usize)>,
    entries: Vec<u8>,
    is_done: bool,
}

impl Map {
    fn code(&self, context: usize) -> usize {
        self.entries.get(context).copied().map_or(0, usize::from)
    }

    /// Reads the next part of a map for this many contexts.
    fn read(&mut self, contexts: usize, bits: &mut Bits<'_>, reservation: &mut Reservation) -> Result<(), DecodeStop> {
        let Some((code, runs)) = &self.code else {
            let codes = bits.count()?;
            if codes > 256 {
                return Err(BROKEN);
            }
            if codes == 1 {
                self.is_done = true;
            } else {
                let runs = if bits.flag()? { bits.read(4)?.wrapping_add(1) as usize } else { 0 };
                let code = Code::read(codes.wrapping_add(runs), bits, reservation)?;
                reservation.grow_by(contexts)?;
                self.entries.reserve_exact(contexts);
                self.code = Some((code, runs));
            }
            self.codes = codes;
            return Ok(());
        };
        if self.entries.len() < contexts {
            let symbol = code.symbol(bits)?;
            if symbol == 0 || symbol > *runs {
                self.entries.push(symbol.saturating_sub(*runs) as u8);
            } else {
                let zeros = bits.read(symbol as u32)?.wrapping_add(1_u32.wrapping_shl(symbol as u32));
                let filled = self.entries.len().saturating_add(zeros as usize);
                if filled > contexts {
                    return Err(BROKEN);
                }
                self.entries.resize(filled, 0);
            }
            return Ok(());
        }
        if bits.flag()? {
            move_to_front(&mut self.entries);
        }
        self.is_done = true;
        Ok(())
    }
}

/// Inverse move-to-front transform.
fn move_to_front(entries: &mut [u8]) {
    let mut list: Vec<u8> = (0..=255).collect();
    for entry in entries {
        let index = usize::from(*entry);
        *entry = list.get(index).copied().unwrap_or(0);
        if let Some(front) = list.get_mut(..=index) {
            front.rotate_right(1);
        }
    }
}
