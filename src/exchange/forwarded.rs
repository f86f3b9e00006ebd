//! Recognition of body bytes that the host delivers a second time.
//!
//! The host has one buffer per direction for all filters of the chain. A filter in front, such as Envoy's ext_proc, may deliver
//! bytes itself and then continue the stream. The host then delivers its buffer to this filter: all bytes that this filter has
//! forwarded and a later filter has stopped. They are not new bytes of the body.

use crate::stream::MIN_FIRST_FORWARD;

/// The length and both ends of the forwarded bytes.
#[derive(Clone, Copy, Default)]
pub struct Forwarded {
    length: u64,
    first: Edge,
    last: Edge,
}

/// The kept length of each end.
const EDGE: usize = 32;

/// Up to [`EDGE`] bytes.
#[derive(Clone, Copy, Default)]
struct Edge {
    bytes: [u8; EDGE],
    length: usize,
}

impl Forwarded {
    /// Creates the summary of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        let first = bytes.get(..EDGE).unwrap_or(bytes);
        let last = bytes.get(bytes.len().saturating_sub(EDGE)..).unwrap_or_default();
        Self { length: u64::try_from(bytes.len()).unwrap_or(u64::MAX), first: Edge::of(first), last: Edge::of(last) }
    }

    /// The number of bytes.
    pub fn len(&self) -> u64 {
        self.length
    }

    /// Appends the bytes that were forwarded `next`.
    pub fn extend(&mut self, next: &Self) {
        self.length = self.length.saturating_add(next.length);
        self.first = self.first.followed_by(&next.first, true);
        self.last = self.last.followed_by(&next.last, false);
    }

    /// True if `chunk` may be all forwarded bytes. `is_between_members` means that they were compressed, and that the next byte would
    /// begin another compressed member.
    pub fn may_be(&self, chunk: &[u8], is_between_members: bool) -> bool {
        // Shorter chunks often repeat by chance. Between members they do not, because the next byte begins a member's header.
        chunk.len() >= if is_between_members { 1 } else { MIN_FIRST_FORWARD }
            && u64::try_from(chunk.len()).is_ok_and(|length| length == self.length)
            && chunk.starts_with(self.first.get())
            && chunk.ends_with(self.last.get())
    }
}

impl Edge {
    fn of(bytes: &[u8]) -> Self {
        let mut edge = Self { length: bytes.len(), ..Self::default() };
        edge.bytes.iter_mut().zip(bytes).for_each(|(slot, byte)| *slot = *byte);
        edge
    }

    fn get(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// The first or the last bytes of both, concatenated.
    fn followed_by(&self, other: &Self, first: bool) -> Self {
        let mut both = [0; 2 * EDGE];
        let length = self.length.saturating_add(other.length);
        both.iter_mut().zip(self.get().iter().chain(other.get())).for_each(|(slot, byte)| *slot = *byte);
        let both = both.get(..length).unwrap_or_default();
        Self::of(if first {
            both.get(..EDGE).unwrap_or(both)
        } else {
            both.get(length.saturating_sub(EDGE)..).unwrap_or_default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn forwarded_bytes_are_recognized(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 1..6)) {
            let mut forwarded = Forwarded::default();
            chunks.iter().for_each(|chunk| forwarded.extend(&Forwarded::of(chunk)));
            let all = chunks.concat();
            prop_assert_eq!(forwarded.may_be(&all, false), all.len() >= 8);
            prop_assert_eq!(forwarded.may_be(&all, true), !all.is_empty());
            prop_assert!(!forwarded.may_be(&[&all[..], b"x"].concat(), true));
            for place in (0..all.len().min(EDGE)).chain(all.len().saturating_sub(EDGE)..all.len()) {
                let mut other = all.clone();
                other[place] ^= 1;
                prop_assert!(!forwarded.may_be(&other, true));
            }
        }
    }
}
