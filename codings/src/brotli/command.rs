//! Insert-and-copy commands and distances (RFC 7932, sections 4 and 5).

use super::bits::{BROKEN, Bits, DecodeStop};
use super::header::Codes;

/// Base length and number of extra bits for each insert length code.
const INSERT_LENS: [(u32, u8); 24] = [
    (0, 0),
    (1, 0),
    (2, 0),
    (3, 0),
    (4, 0),
    (5, 0),
    (6, 1),
    (8, 1),
    (10, 2),
    (14, 2),
    (18, 3),
    (26, 3),
    (34, 4),
    (50, 4),
    (66, 5),
    (98, 5),
    (130, 6),
    (194, 7),
    (322, 8),
    (578, 9),
    (1090, 10),
    (2114, 12),
    (6210, 14),
    (22594, 24),
];
/// Base length and number of extra bits for each copy length code.
const COPY_LENS: [(u32, u8); 24] = [
    (2, 0),
    (3, 0),
    (4, 0),
    (5, 0),
    (6, 0),
    (7, 0),
    (8, 0),
    (9, 0),
    (10, 1),
    (12, 1),
    (14, 2),
    (18, 2),
    (22, 3),
    (30, 3),
    (38, 4),
    (54, 4),
    (70, 5),
    (102, 5),
    (134, 6),
    (198, 7),
    (326, 8),
    (582, 9),
    (1094, 10),
    (2118, 24),
];
/// First insert and copy length code by the upper bits of a command, in eighths.
const CELLS: [(usize, usize); 11] =
    [(0, 0), (0, 1), (0, 0), (0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (1, 2), (2, 1), (2, 2)];
/// Commands below this one use the last distance.
const WITH_DISTANCE: usize = 128;

/// Insert-and-copy command.
#[derive(Clone, Copy)]
pub(super) struct Command {
    pub insert_len: usize,
    pub copy_len: usize,
    repeats_distance: bool,
}

impl Command {
    pub(super) fn read(codes: &mut Codes, bits: &mut Bits<'_>) -> Result<Self, DecodeStop> {
        let symbol = codes.command(bits)?;
        let &(insert, copy) = CELLS.get(symbol >> 6).ok_or(BROKEN)?;
        let insert_len = read_len(&INSERT_LENS, insert << 3 | symbol >> 3 & 7, bits)?;
        let copy_len = read_len(&COPY_LENS, copy << 3 | symbol & 7, bits)?;
        codes.advance_command();
        Ok(Self { insert_len, copy_len, repeats_distance: symbol < WITH_DISTANCE })
    }

    /// Distance symbol, and its distance after the `recent` distances.
    pub(super) fn distance(
        self,
        codes: &mut Codes,
        recent: &[usize; 4],
        bits: &mut Bits<'_>,
    ) -> Result<(usize, usize), DecodeStop> {
        let [first, second, third, fourth] = *recent;
        if self.repeats_distance {
            return Ok((0, first));
        }
        let symbol = codes.distance(self.copy_len, bits)?;
        let far = |from: usize, by: isize| from.checked_add_signed(by).filter(|&distance| distance > 0).ok_or(BROKEN);
        let distance = match symbol {
            0 => first,
            1 => second,
            2 => third,
            3 => fourth,
            4 => far(first, -1)?,
            5 => far(first, 1)?,
            6 => far(first, -2)?,
            7 => far(first, 2)?,
            8 => far(first, -3)?,
            9 => far(first, 3)?,
            10 => far(second, -1)?,
            11 => far(second, 1)?,
            12 => far(second, -2)?,
            13 => far(second, 2)?,
            14 => far(second, -3)?,
            15 => far(second, 3)?,
            _ => read_distance(symbol, codes, bits)?,
        };
        codes.advance_distance();
        Ok((symbol, distance))
    }
}

fn read_len(lens: &[(u32, u8)], code: usize, bits: &mut Bits<'_>) -> Result<usize, DecodeStop> {
    let &(base, more) = lens.get(code).ok_or(BROKEN)?;
    Ok(base.wrapping_add(bits.read(u32::from(more))?) as usize)
}

/// Direct distance code.
fn read_distance(symbol: usize, codes: &Codes, bits: &mut Bits<'_>) -> Result<usize, DecodeStop> {
    let described = codes.distance_bits();
    let number = symbol.wrapping_sub(15);
    let Some(code) = number.checked_sub(described.direct.wrapping_add(1)) else { return Ok(number) };
    let high = code.wrapping_shr(described.postfix);
    let low = code & 1_usize.wrapping_shl(described.postfix).wrapping_sub(1);
    let more = (high >> 1).wrapping_add(1) as u32;
    let offset = ((high & 1) | 2).wrapping_shl(more).wrapping_sub(4);
    let offset = offset.wrapping_add(bits.read(more)? as usize).wrapping_shl(described.postfix);
    Ok(offset.wrapping_add(low).wrapping_add(described.direct).wrapping_add(1))
}
