//! Prefix codes (RFC 7932, section 3).

use super::super::DecodeError;
use super::bits::{BROKEN, Bits, DecodeStop};
use crate::budget::Reservation;

/// Maximum length of a code.
const MOST_BITS: usize = 15;
/// Codes up to this length are in the first table, longer ones in a second table.
const ROOT_BITS: u32 = 8;
/// Marks an entry that refers to a second table, with its number of bits.
const LINK: u8 = 0x80;

/// Order of the code lengths of the code length code.
const ORDER: [usize; 18] = [1, 2, 3, 4, 0, 5, 17, 6, 16, 7, 8, 9, 10, 11, 12, 13, 14, 15];
/// Code length and its number of bits, by the next four bits.
const LENGTHS: [(u8, u8); 16] = [
    (0, 2),
    (4, 2),
    (3, 2),
    (2, 3),
    (0, 2),
    (4, 2),
    (3, 2),
    (1, 4),
    (0, 2),
    (4, 2),
    (3, 2),
    (2, 3),
    (0, 2),
    (4, 2),
    (3, 2),
    (5, 4),
];

#[derive(Clone, Copy, Default)]
struct Entry {
    value: u16,
    bits: u8,
}

/// Prefix code.
#[derive(Default)]
pub(super) struct Code {
    entries: Vec<Entry>,
    root_bits: u32,
}

impl Code {
    /// Reads a code for this many symbols, in memory of `reservation`.
    pub(super) fn read(symbols: usize, bits: &mut Bits<'_>, reservation: &mut Reservation) -> Result<Self, DecodeStop> {
        match bits.read(2)? {
            1 => Self::read_simple(symbols, bits, reservation),
            skipped => {
                let mut lengths = vec![0; symbols];
                Self::read_lengths(skipped as usize, &mut lengths, bits, reservation)?;
                Self::of(&occurring(&lengths), reservation)
            }
        }
    }

    /// Decodes the next symbol.
    pub(super) fn symbol(&self, bits: &mut Bits<'_>) -> Result<usize, DecodeStop> {
        let word = bits.peek() as usize;
        let mut entry = self.entry(word & 1_usize.wrapping_shl(self.root_bits).wrapping_sub(1));
        if entry.bits & LINK != 0 {
            let more = 1_usize.wrapping_shl(u32::from(entry.bits & !LINK)).wrapping_sub(1);
            entry = self.entry(usize::from(entry.value).wrapping_add(word >> ROOT_BITS & more));
        }
        bits.skip(u32::from(entry.bits))?;
        Ok(usize::from(entry.value))
    }

    fn entry(&self, index: usize) -> Entry {
        self.entries.get(index).copied().unwrap_or_default()
    }

    /// Simple code with up to four listed symbols.
    fn read_simple(symbols: usize, bits: &mut Bits<'_>, reservation: &mut Reservation) -> Result<Self, DecodeStop> {
        let width = symbols.saturating_sub(1).checked_ilog2().map_or(0, |log| log.wrapping_add(1));
        let count = bits.read(2)?.wrapping_add(1);
        let mut named = Vec::with_capacity(4);
        for _ in 0..count {
            let symbol = bits.read(width)? as u16;
            if usize::from(symbol) >= symbols || named.contains(&symbol) {
                return Err(BROKEN);
            }
            named.push(symbol);
        }
        let shape: &[u8] = match *named {
            [only] => return Ok(Self::only(only)),
            [_, _] => &[1, 1],
            [_, _, _] => &[1, 2, 2],
            _ if bits.flag()? => &[1, 2, 3, 3],
            _ => &[2, 2, 2, 2],
        };
        let mut symbols: Vec<(u16, u8)> = named.into_iter().zip(shape.iter().copied()).collect();
        symbols.sort_unstable();
        Self::of(&symbols, reservation)
    }

    fn read_lengths(
        skipped: usize,
        lengths: &mut [u8],
        bits: &mut Bits<'_>,
        reservation: &mut Reservation,
    ) -> Result<(), DecodeStop> {
        let mut of_lengths = [0_u8; 18];
        let mut space = 32_i32;
        let mut count = 0_u32;
        for slot in ORDER.into_iter().skip(skipped) {
            let (len, width) = LENGTHS.get(bits.peek() as usize & 15).copied().unwrap_or_default();
            bits.skip(u32::from(width))?;
            if len > 0 {
                if let Some(slot) = of_lengths.get_mut(slot) {
                    *slot = len;
                }
                count = count.wrapping_add(1);
                space = space.wrapping_sub(32_i32.wrapping_shr(u32::from(len)));
                if space <= 0 {
                    break;
                }
            }
        }
        if space != 0 && count != 1 {
            return Err(BROKEN);
        }
        let code = match of_lengths.iter().position(|&len| len > 0) {
            Some(only) if count == 1 => Self::only(only as u16),
            _ => Self::of(&occurring(&of_lengths), reservation)?,
        };
        let mut space = 1_i32 << MOST_BITS;
        let mut at = 0_usize;
        let mut previous = 8_u8;
        let (mut repeat, mut repeated) = (0_usize, 0_u8);
        while at < lengths.len() && space > 0 {
            let len = code.symbol(bits)? as u8;
            let (value, end) = if let Some(more) = len.checked_sub(14).filter(|&more| more >= 2) {
                let value = if len == 16 { previous } else { 0 };
                if repeated != value {
                    (repeat, repeated) = (0, value);
                }
                let before = repeat;
                if repeat > 0 {
                    repeat = repeat.wrapping_sub(2).wrapping_shl(u32::from(more));
                }
                repeat = repeat.wrapping_add(bits.read(u32::from(more))? as usize).wrapping_add(3);
                (value, at.saturating_add(repeat.wrapping_sub(before)))
            } else {
                repeat = 0;
                if len != 0 {
                    previous = len;
                }
                (len, at.saturating_add(1))
            };
            let run = lengths.get_mut(at..end).ok_or(BROKEN)?;
            run.fill(value);
            at = end;
            if value != 0 {
                let taken = (1_i32 << MOST_BITS).wrapping_shr(u32::from(value));
                space = space.wrapping_sub(taken.wrapping_mul(run.len() as i32));
            }
        }
        if space == 0 { Ok(()) } else { Err(BROKEN) }
    }

    /// Code of one symbol, without bits.
    fn only(value: u16) -> Self {
        Self { entries: vec![Entry { value, bits: 0 }], root_bits: 0 }
    }

    /// Code of these symbols, in order, with their lengths.
    fn of(symbols: &[(u16, u8)], reservation: &mut Reservation) -> Result<Self, DecodeStop> {
        let mut counts = [0_u16; MOST_BITS + 1];
        for &(_, len) in symbols {
            if let Some(count) = counts.get_mut(usize::from(len)) {
                *count = count.wrapping_add(1);
            }
        }
        let longest = counts.iter().rposition(|&count| count > 0).unwrap_or(0) as u32;
        let root_bits = longest.min(ROOT_BITS);
        // The first code of each length, the highest bit first.
        let mut first = 0_u16;
        let mut next = counts.map(|count| {
            let code = first;
            first = first.wrapping_add(count).wrapping_shl(1);
            code
        });
        // Bits come lowest first, so the codes are turned round.
        let codes = symbols.iter().map(|&(value, len)| {
            let code = next.get_mut(usize::from(len)).map_or(0, |next| std::mem::replace(next, next.wrapping_add(1)));
            (value, len, usize::from(code.reverse_bits().wrapping_shr(16_u32.wrapping_sub(u32::from(len)))))
        });
        let codes: Vec<(u16, u8, usize)> = codes.collect();
        let root = 1_usize.wrapping_shl(root_bits);
        let mut entries = vec![Entry::default(); root];
        let is_long = |len: u8| u32::from(len) > ROOT_BITS;
        // Where a second table is needed, and for how many bits.
        for &(_, len, code) in codes.iter().filter(|&&(_, len, _)| is_long(len)) {
            if let Some(entry) = entries.get_mut(code & root.wrapping_sub(1)) {
                entry.bits = entry.bits.max(LINK | len.wrapping_sub(ROOT_BITS as u8));
            }
        }
        let mut end = root;
        for entry in &mut entries {
            if entry.bits & LINK != 0 {
                entry.value = end as u16;
                end = end.wrapping_add(1_usize.wrapping_shl(u32::from(entry.bits & !LINK)));
            }
        }
        reservation.grow_by(end.saturating_mul(size_of::<Entry>()))?;
        entries
            .try_reserve_exact(end.saturating_sub(root))
            .map_err(|_| DecodeStop::DecodeError(DecodeError::Memory))?;
        entries.resize(end, Entry::default());
        for (value, len, code) in codes {
            let (from, to, step) = if is_long(len) {
                let link = entries.get(code & root.wrapping_sub(1)).copied().unwrap_or_default();
                let start = usize::from(link.value);
                let end = start.wrapping_add(1_usize.wrapping_shl(u32::from(link.bits & !LINK)));
                (start.wrapping_add(code >> ROOT_BITS), end, u32::from(len).wrapping_sub(ROOT_BITS))
            } else {
                (code, root, u32::from(len))
            };
            let locations = entries.get_mut(from..to).unwrap_or_default();
            locations
                .iter_mut()
                .step_by(1_usize.wrapping_shl(step))
                .for_each(|place| *place = Entry { value, bits: len });
        }
        Ok(Self { entries, root_bits })
    }
}

/// Symbols with a code, and the lengths.
fn occurring(lengths: &[u8]) -> Vec<(u16, u8)> {
    (0..).zip(lengths.iter().copied()).filter(|&(_, len)| len > 0).collect()
}
