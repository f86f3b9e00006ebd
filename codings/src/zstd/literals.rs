//! Literals of a block (RFC 8878, sections 3.1.1.3.1 and 4.2).

use super::super::DecodeError;
use super::bits::{Backward, top};
use super::block::LARGEST_BLOCK;
use super::fse::Table;
use crate::budget::Buffer;

/// Maximum length of a code.
const MOST_BITS: u32 = 11;

/// Codes of literals. The blocks of a frame may share them.
#[derive(Default)]
pub(super) struct Codes {
    /// Literal and code length, by the next bits.
    entries: Vec<(u8, u8)>,
    bits: u32,
}

/// Reads the literals at the front of `block` into `literals`, and returns the bytes behind them.
pub(super) fn read<'b>(block: &'b [u8], codes: &mut Codes, literals: &mut Buffer) -> Result<&'b [u8], DecodeError> {
    literals.bytes().clear();
    let &first = block.first().ok_or(DecodeError::Broken)?;
    let format = first >> 2 & 3;
    let is_coded = first & 2 != 0;
    let (header_len, size_bits) = match (is_coded, format) {
        (false, 0 | 2) => (1, 5),
        (false, 1) => (2, 12),
        (false, _) => (3, 20),
        (true, 0 | 1) => (3, 10),
        (true, 2) => (4, 14),
        (true, _) => (5, 18),
    };
    let (header, rest) = block.split_at_checked(header_len).ok_or(DecodeError::Broken)?;
    let header = header.iter().rev().fold(0_u64, |word, &byte| word << 8 | u64::from(byte));
    let sizes = if size_bits == 5 { header >> 3 } else { header >> 4 };
    let mask = 1_u64.wrapping_shl(size_bits).wrapping_sub(1);
    let len = (sizes & mask) as usize;
    if len > LARGEST_BLOCK {
        return Err(DecodeError::Broken);
    }
    // Four streams say up to three more before the last one is found to be too long.
    literals.make_room(len.saturating_add(3), LARGEST_BLOCK)?;
    let literals = literals.bytes();
    if !is_coded {
        let taken = if first & 1 == 0 { len } else { 1 };
        let (bytes, rest) = rest.split_at_checked(taken).ok_or(DecodeError::Broken)?;
        match bytes {
            &[byte] => literals.resize(len, byte),
            bytes => literals.extend_from_slice(bytes),
        }
        return Ok(rest);
    }
    let coded_len = (sizes.wrapping_shr(size_bits) & mask) as usize;
    let (mut coded, rest) = rest.split_at_checked(coded_len).ok_or(DecodeError::Broken)?;
    if first & 1 == 0 {
        coded = codes.read(coded)?;
    }
    if format == 0 {
        codes.decode(coded, len, literals)?;
    } else {
        let (&[a, b, c, d, e, f], mut streams) = coded.split_first_chunk().ok_or(DecodeError::Broken)?;
        let share = len.div_ceil(4);
        for stream_len in [[a, b], [c, d], [e, f]] {
            let stream_len = usize::from(u16::from_le_bytes(stream_len));
            let (stream, others) = streams.split_at_checked(stream_len).ok_or(DecodeError::Broken)?;
            codes.decode(stream, share, literals)?;
            streams = others;
        }
        let last = len.checked_sub(literals.len()).ok_or(DecodeError::Broken)?;
        codes.decode(streams, last, literals)?;
    }
    Ok(rest)
}

impl Codes {
    /// Reads the codes at the front of `bytes`, and returns the bytes behind them.
    fn read<'b>(&mut self, bytes: &'b [u8]) -> Result<&'b [u8], DecodeError> {
        let (&header, bytes) = bytes.split_first().ok_or(DecodeError::Broken)?;
        let mut weights = Vec::with_capacity(256);
        let rest = if let Some(count) = header.checked_sub(127) {
            let count = usize::from(count);
            let (pairs, rest) = bytes.split_at_checked(count.div_ceil(2)).ok_or(DecodeError::Broken)?;
            weights.extend(pairs.iter().flat_map(|pair| [pair >> 4, pair & 15]));
            weights.truncate(count);
            rest
        } else {
            let (coded, rest) = bytes.split_at_checked(usize::from(header)).ok_or(DecodeError::Broken)?;
            read_weights(coded, &mut weights)?;
            rest
        };
        self.assign(weights)?;
        Ok(rest)
    }

    /// Assigns a code to each literal. The last weight is implicit: it completes the sum.
    fn assign(&mut self, mut weights: Vec<u8>) -> Result<(), DecodeError> {
        let span = |weight: u8| if weight == 0 { 0 } else { 1_u32.wrapping_shl(u32::from(weight.wrapping_sub(1))) };
        if weights.iter().any(|&weight| u32::from(weight) > MOST_BITS) {
            return Err(DecodeError::Broken);
        }
        let sum: u32 = weights.iter().map(|&weight| span(weight)).fold(0, u32::wrapping_add);
        let bits = sum.checked_ilog2().ok_or(DecodeError::Broken)?.wrapping_add(1);
        let left = 1_u32.wrapping_shl(bits).wrapping_sub(sum);
        if bits > MOST_BITS || !left.is_power_of_two() {
            return Err(DecodeError::Broken);
        }
        weights.push(left.ilog2().wrapping_add(1) as u8);
        self.bits = bits;
        self.entries.clear();
        for weight in 1..=bits as u8 {
            let len = (bits as u8).wrapping_add(1).wrapping_sub(weight);
            for (literal, _) in weights.iter().enumerate().filter(|&(_, &other)| other == weight) {
                let filled = self.entries.len().wrapping_add(span(weight) as usize);
                self.entries.resize(filled, (literal as u8, len));
            }
        }
        Ok(())
    }

    /// Decodes `count` literals of `stream` and appends them.
    fn decode(&self, stream: &[u8], count: usize, literals: &mut Vec<u8>) -> Result<(), DecodeError> {
        if self.entries.is_empty() {
            return Err(DecodeError::Broken);
        }
        let mut bits = Backward::new(stream)?;
        let mut to_come = count;
        // Five codes fit into what is at hand at a time.
        while to_come >= 5 && bits.left() >= 56 {
            let mut word = bits.peek();
            let mut used = 0_u32;
            let five = [(); 5].map(|()| {
                let (literal, len) = self.entry(word);
                word = word.wrapping_shl(u32::from(len));
                used = used.wrapping_add(u32::from(len));
                literal
            });
            literals.extend_from_slice(&five);
            bits.skip(used);
            to_come = to_come.wrapping_sub(5);
        }
        for _ in 0..to_come {
            let (literal, len) = self.entry(bits.peek());
            literals.push(literal);
            bits.skip(u32::from(len));
        }
        if bits.is_at_end() { Ok(()) } else { Err(DecodeError::Broken) }
    }

    fn entry(&self, word: u64) -> (u8, u8) {
        self.entries.get(top(word, self.bits) as usize).copied().unwrap_or_default()
    }
}

/// Reads compressed weights: two states alternate until the bits are used up.
fn read_weights(coded: &[u8], weights: &mut Vec<u8>) -> Result<(), DecodeError> {
    let (table, rest) = Table::read(coded, 6, 12)?;
    let mut bits = Backward::new(rest)?;
    let mut turn = table.first(&mut bits);
    let mut other = table.first(&mut bits);
    if bits.is_over() {
        return Err(DecodeError::Broken);
    }
    while weights.len() < 254 {
        weights.push(table.symbol(turn));
        turn = table.next(turn, &mut bits);
        if bits.is_over() {
            weights.push(table.symbol(other));
            return Ok(());
        }
        std::mem::swap(&mut turn, &mut other);
    }
    Err(DecodeError::Broken)
}
