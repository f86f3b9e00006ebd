//! Compressed blocks (RFC 8878, section 3.1.1.3).

use super::super::DecodeError;
use super::super::history::History;
use super::bits::Backward;
use super::fse::Table;
use super::literals::{self, Codes};
use crate::budget::{Account, Buffer};

/// Maximum size of a block, compressed and decompressed.
pub(super) const LARGEST_BLOCK: usize = 128 << 10;

/// State that the blocks of a frame share.
pub(super) struct Shared {
    codes: Codes,
    literals: Buffer,
    literal_lens: Option<Table>,
    offsets: Option<Table>,
    match_lens: Option<Table>,
    recent: Recent,
}

/// Parameters of one kind of code.
struct Kind {
    most_log: u32,
    most_symbol: usize,
    usual: &'static [i16],
    usual_log: u32,
}

const LITERAL_LENS: Kind = Kind {
    most_log: 9,
    most_symbol: 35,
    usual: &[
        4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1,
    ],
    usual_log: 6,
};
const OFFSETS: Kind = Kind {
    most_log: 8,
    // As far back as any window reaches that is accepted, and farther.
    most_symbol: 31,
    usual: &[1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1],
    usual_log: 5,
};
const MATCH_LENS: Kind = Kind {
    most_log: 9,
    most_symbol: 52,
    usual: &[
        1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
        1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1,
    ],
    usual_log: 6,
};

/// Base length and number of extra bits for each literal length code. Codes below are the length itself.
const LONG_LITERAL_LENS: [(u32, u8); 20] = [
    (16, 1),
    (18, 1),
    (20, 1),
    (22, 1),
    (24, 2),
    (28, 2),
    (32, 3),
    (40, 3),
    (48, 4),
    (64, 6),
    (128, 7),
    (256, 8),
    (512, 9),
    (1024, 10),
    (2048, 11),
    (4096, 12),
    (8192, 13),
    (16384, 14),
    (32768, 15),
    (65536, 16),
];
/// Base length and number of extra bits for each match length code. Codes below are the length minus 3.
const LONG_MATCH_LENS: [(u32, u8); 21] = [
    (35, 1),
    (37, 1),
    (39, 1),
    (41, 1),
    (43, 2),
    (47, 2),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 5),
    (131, 7),
    (259, 8),
    (515, 9),
    (1027, 10),
    (2051, 11),
    (4099, 12),
    (8195, 13),
    (16387, 14),
    (32771, 15),
    (65539, 16),
];

impl Shared {
    /// State of the first frame.
    pub(super) fn new(account: &Account) -> Self {
        Self {
            codes: Codes::default(),
            literals: Buffer::new(account),
            literal_lens: None,
            offsets: None,
            match_lens: None,
            recent: Recent::default(),
        }
    }

    /// Resets the state for another frame.
    pub(super) fn start(&mut self) {
        self.codes = Codes::default();
        (self.literal_lens, self.offsets, self.match_lens) = (None, None, None);
        self.recent = Recent::default();
    }

    /// Decodes `block` and appends the result to `history`, to which it may refer.
    pub(super) fn decode(&mut self, block: &[u8], history: &mut History) -> Result<(), DecodeError> {
        let rest = literals::read(block, &mut self.codes, &mut self.literals)?;
        let (count, rest) = read_count(rest)?;
        if count == 0 {
            history.make_room(self.literals.len())?;
            history.extend(&self.literals);
            return if rest.is_empty() { Ok(()) } else { Err(DecodeError::Broken) };
        }
        let (&modes, rest) = rest.split_first().ok_or(DecodeError::Broken)?;
        if modes & 3 != 0 {
            return Err(DecodeError::Broken);
        }
        let rest = LITERAL_LENS.read(modes >> 6, rest, &mut self.literal_lens)?;
        let rest = OFFSETS.read(modes >> 4 & 3, rest, &mut self.offsets)?;
        let rest = MATCH_LENS.read(modes >> 2 & 3, rest, &mut self.match_lens)?;
        let (Some(literal_lens), Some(offsets), Some(match_lens)) =
            (&self.literal_lens, &self.offsets, &self.match_lens)
        else {
            return Err(DecodeError::Broken);
        };
        let mut bits = Backward::new(rest)?;
        let mut literals: &[u8] = &self.literals;
        let mut literal_state = literal_lens.first(&mut bits);
        let mut offset_state = offsets.first(&mut bits);
        let mut match_state = match_lens.first(&mut bits);
        for to_come in (0..count).rev() {
            let offset_bits = u32::from(offsets.symbol(offset_state));
            let offset = 1_u32.wrapping_shl(offset_bits).wrapping_add(bits.read(offset_bits));
            let match_len = len(match_lens.symbol(match_state), 32, 3, &LONG_MATCH_LENS, &mut bits);
            let literal_len = len(literal_lens.symbol(literal_state), 16, 0, &LONG_LITERAL_LENS, &mut bits);
            if to_come > 0 {
                literal_state = literal_lens.next(literal_state, &mut bits);
                match_state = match_lens.next(match_state, &mut bits);
                offset_state = offsets.next(offset_state, &mut bits);
            }
            let (said, others) = literals.split_at_checked(literal_len).ok_or(DecodeError::Broken)?;
            literals = others;
            // A block that says too much is refused below, one that is made for that before it takes memory.
            history.make_room(literal_len.saturating_add(match_len.min(LARGEST_BLOCK)))?;
            history.extend(said);
            let offset = self.recent.offset(offset, literal_len == 0);
            if history.unsaid().len().saturating_add(match_len) > LARGEST_BLOCK {
                return Err(DecodeError::Broken);
            }
            history.repeat(offset as usize, match_len)?;
        }
        history.make_room(literals.len())?;
        history.extend(literals);
        if bits.is_at_end() && history.unsaid().len() <= LARGEST_BLOCK { Ok(()) } else { Err(DecodeError::Broken) }
    }
}

impl Kind {
    /// Reads the code table at the front of `bytes` into `table`, and returns the bytes behind it.
    fn read<'b>(&self, mode: u8, bytes: &'b [u8], table: &mut Option<Table>) -> Result<&'b [u8], DecodeError> {
        match mode {
            0 => {
                *table = Some(Table::of(self.usual, self.usual_log)?);
                Ok(bytes)
            }
            1 => {
                let (&symbol, rest) = bytes.split_first().ok_or(DecodeError::Broken)?;
                if usize::from(symbol) > self.most_symbol {
                    return Err(DecodeError::Broken);
                }
                *table = Some(Table::only(symbol));
                Ok(rest)
            }
            2 => {
                let (read, rest) = Table::read(bytes, self.most_log, self.most_symbol)?;
                *table = Some(read);
                Ok(rest)
            }
            // Those of the last block, which must have had some.
            _ => Ok(bytes),
        }
    }
}

/// Number of sequences, and the bytes behind it.
fn read_count(bytes: &[u8]) -> Result<(u32, &[u8]), DecodeError> {
    match *bytes {
        [255, low, high, ref rest @ ..] => Ok((u32::from(u16::from_le_bytes([low, high])).wrapping_add(0x7F00), rest)),
        [high @ 128..=254, low, ref rest @ ..] => Ok((u32::from(u16::from_be_bytes([high & 0x7F, low])), rest)),
        [count @ 0..=127, ref rest @ ..] => Ok((u32::from(count), rest)),
        _ => Err(DecodeError::Broken),
    }
}

/// Length of `code`, with its extra bits.
fn len(code: u8, shorts: u8, least: u8, longs: &[(u32, u8)], bits: &mut Backward<'_>) -> usize {
    match code.checked_sub(shorts).and_then(|index| longs.get(usize::from(index))) {
        None => usize::from(code).wrapping_add(usize::from(least)),
        Some(&(base, more)) => base.wrapping_add(bits.read(u32::from(more))) as usize,
    }
}

/// The last three offsets, latest first.
struct Recent(u32, u32, u32);

impl Default for Recent {
    fn default() -> Self {
        Self(1, 4, 8)
    }
}

impl Recent {
    /// Offset of `value`. Without literals in front, the last offset is useless, and the small values mean others.
    fn offset(&mut self, value: u32, bare: bool) -> u32 {
        let Self(first, second, third) = *self;
        *self = match (value, bare) {
            (1, false) => Self(first, second, third),
            (2, false) | (1, true) => Self(second, first, third),
            (3, false) | (2, true) => Self(third, first, second),
            (3, true) => Self(first.wrapping_sub(1), first, second),
            _ => Self(value.wrapping_sub(3), first, second),
        };
        self.0
    }
}
