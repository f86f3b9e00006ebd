//! Block types and block counts (RFC 7932, section 6).

use super::bits::{BROKEN, Bits, DecodeStop};
use super::code::Code;
use crate::budget::Reservation;

/// Base length and number of extra bits for each block count code.
const LENS: [(u32, u8); 26] = [
    (1, 2),
    (5, 2),
    (9, 2),
    (13, 2),
    (17, 3),
    (25, 3),
    (33, 3),
    (41, 3),
    (49, 4),
    (65, 4),
    (81, 4),
    (97, 4),
    (113, 5),
    (145, 5),
    (177, 5),
    (209, 5),
    (241, 6),
    (305, 6),
    (369, 7),
    (497, 8),
    (753, 9),
    (1265, 10),
    (2289, 11),
    (4337, 12),
    (8433, 13),
    (16625, 24),
];

/// Blocks of one category: literals, commands or distances.
pub(super) struct Blocks {
    types: usize,
    of_types: Code,
    of_lens: Code,
    kind: usize,
    previous: usize,
    /// Number of remaining symbols in the block.
    left: u32,
}

impl Blocks {
    pub(super) fn read(bits: &mut Bits<'_>, reservation: &mut Reservation) -> Result<Self, DecodeStop> {
        let types = bits.count()?;
        if types == 1 {
            // One block that does not end: no metablock is so long.
            let (of_types, of_lens) = (Code::default(), Code::default());
            return Ok(Self { types, of_types, of_lens, kind: 0, previous: 1, left: u32::MAX });
        }
        if types > 256 {
            return Err(BROKEN);
        }
        let of_types = Code::read(types.wrapping_add(2), bits, reservation)?;
        let of_lens = Code::read(LENS.len(), bits, reservation)?;
        let left = read_len(&of_lens, bits)?;
        Ok(Self { types, of_types, of_lens, kind: 0, previous: 1, left })
    }

    /// Number of types.
    pub(super) fn types(&self) -> usize {
        self.types
    }

    /// Block type of the next symbol. Enters another block at the end of one.
    pub(super) fn kind(&mut self, bits: &mut Bits<'_>) -> Result<usize, DecodeStop> {
        if self.left == 0 {
            let symbol = self.of_types.symbol(bits)?;
            let len = read_len(&self.of_lens, bits)?;
            let kind = match symbol {
                0 => self.previous,
                1 => self.kind.wrapping_add(1),
                symbol => symbol.wrapping_sub(2),
            };
            self.previous = self.kind;
            self.kind = if kind >= self.types { kind.wrapping_sub(self.types) } else { kind };
            self.left = len;
            // Otherwise the block would be entered twice when its first symbol has not come.
            bits.keep();
        }
        Ok(self.kind)
    }

    /// Counts a symbol.
    pub(super) fn advance(&mut self) {
        self.left = self.left.saturating_sub(1);
    }
}

fn read_len(code: &Code, bits: &mut Bits<'_>) -> Result<u32, DecodeStop> {
    let &(base, more) = LENS.get(code.symbol(bits)?).ok_or(BROKEN)?;
    Ok(base.wrapping_add(bits.read(u32::from(more))?))
}
