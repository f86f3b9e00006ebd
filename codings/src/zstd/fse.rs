//! Finite state entropy tables (RFC 8878, section 4.1).

use super::super::DecodeError;
use super::bits::{Backward, Forward};

/// State: its symbol, and the parameters of the next state.
#[derive(Clone, Copy, Default)]
struct State {
    symbol: u8,
    bits: u8,
    base: u16,
}

/// Table, with a power of two of states.
#[derive(Default)]
pub(super) struct Table {
    states: Vec<State>,
    log: u32,
}

impl Table {
    /// Table with `symbol` only.
    pub(super) fn only(symbol: u8) -> Self {
        Self { states: vec![State { symbol, bits: 0, base: 0 }], log: 0 }
    }

    /// Reads a description at the front of `bytes`, and returns the table and the bytes behind it. The table has at most
    /// 2^`most_log` states, for symbols up to `most_symbol`.
    pub(super) fn read(bytes: &[u8], most_log: u32, most_symbol: usize) -> Result<(Self, &[u8]), DecodeError> {
        let mut bits = Forward::new(bytes);
        let log = bits.peek(4).wrapping_add(5);
        bits.skip(4);
        if log > most_log {
            return Err(DecodeError::Broken);
        }
        let mut counts = Vec::with_capacity(most_symbol.wrapping_add(1));
        let mut width = log.wrapping_add(1);
        // One more than the states that are still to be given away.
        let mut remaining = 1_i32.wrapping_shl(log).wrapping_add(1);
        while remaining > 1 {
            if counts.len() > most_symbol {
                return Err(DecodeError::Broken);
            }
            while remaining < 1_i32.wrapping_shl(width.wrapping_sub(1)) {
                width = width.wrapping_sub(1);
            }
            let threshold = 1_i32.wrapping_shl(width.wrapping_sub(1));
            // So many values are written with one bit less.
            let short = threshold.wrapping_mul(2).wrapping_sub(1).wrapping_sub(remaining);
            let value = bits.peek(width) as i32;
            let low = value & threshold.wrapping_sub(1);
            let count = if low < short {
                bits.skip(width.wrapping_sub(1));
                low
            } else {
                bits.skip(width);
                if value >= threshold { value.wrapping_sub(short) } else { value }
            };
            let count = count.wrapping_sub(1);
            remaining = remaining.wrapping_sub(count.abs());
            counts.push(count as i16);
            let mut more = count == 0;
            while more {
                let zeros = bits.peek(2) as usize;
                bits.skip(2);
                counts.resize(counts.len().wrapping_add(zeros), 0);
                more = zeros == 3 && counts.len() <= most_symbol;
            }
        }
        if remaining != 1 || counts.len() > most_symbol.wrapping_add(1) {
            return Err(DecodeError::Broken);
        }
        Ok((Self::of(&counts, log)?, bits.rest()?))
    }

    /// Table with this many states for each symbol. -1 means one state of the lowest probability.
    pub(super) fn of(counts: &[i16], log: u32) -> Result<Self, DecodeError> {
        let size = 1_usize.wrapping_shl(log);
        let mask = size.wrapping_sub(1);
        let mut states = vec![State::default(); size];
        let mut rare = size;
        for (symbol, _) in counts.iter().enumerate().filter(|&(_, &count)| count == -1) {
            rare = rare.checked_sub(1).ok_or(DecodeError::Broken)?;
            states.get_mut(rare).ok_or(DecodeError::Broken)?.symbol = symbol as u8;
        }
        let step = (size >> 1).wrapping_add(size >> 3).wrapping_add(3);
        let mut at = 0;
        for (symbol, &count) in counts.iter().enumerate() {
            for _ in 0..count {
                states.get_mut(at).ok_or(DecodeError::Broken)?.symbol = symbol as u8;
                at = at.wrapping_add(step) & mask;
                // Ends: the step has no divisor in common with the size, and the first place is never a rare one's
                // unless all are.
                while at >= rare && rare > 0 {
                    at = at.wrapping_add(step) & mask;
                }
            }
        }
        if at != 0 {
            return Err(DecodeError::Broken);
        }
        let mut next: Vec<u16> = counts.iter().map(|&count| count.unsigned_abs()).collect();
        for state in &mut states {
            let next = next.get_mut(usize::from(state.symbol)).filter(|next| **next > 0).ok_or(DecodeError::Broken)?;
            let bits = log.wrapping_sub(next.ilog2());
            state.bits = bits as u8;
            state.base = (u32::from(*next).wrapping_shl(bits) as usize).wrapping_sub(size) as u16;
            *next = next.wrapping_add(1);
        }
        Ok(Self { states, log })
    }

    /// Initial state, from `bits`.
    pub(super) fn first(&self, bits: &mut Backward<'_>) -> usize {
        bits.read(self.log) as usize
    }

    /// Symbol of a state.
    pub(super) fn symbol(&self, state: usize) -> u8 {
        self.states.get(state).map_or(0, |state| state.symbol)
    }

    /// Next state.
    pub(super) fn next(&self, state: usize, bits: &mut Backward<'_>) -> usize {
        let state = self.states.get(state).copied().unwrap_or_default();
        usize::from(state.base).wrapping_add(bits.read(u32::from(state.bits)) as usize)
    }
}
