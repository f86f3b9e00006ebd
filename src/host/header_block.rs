//! A header map in the format of the proxy-wasm ABI.

/// A serialized header map (proxy-wasm ABI 0.2.1): the number of pairs, the lengths of each name and value, then the names and
/// values, each followed by a NUL. All numbers are 32 bits, little endian.
///
/// The block stays serialized, because most header maps are scanned once as a whole. Has no `Debug`: it may contain card numbers.
#[derive(Default)]
pub struct HeaderBlock {
    bytes: Vec<u8>,
    /// The [bits](name_bit) of all names, so that a lookup of an absent header is cheap.
    name_bits: u64,
}

impl HeaderBlock {
    /// Wraps the bytes of the proxy. A truncated block has fewer pairs.
    pub fn new(bytes: Vec<u8>) -> Self {
        let block = Self { bytes, name_bits: 0 };
        let name_bits = block.pairs().fold(0, |bits, (name, _)| bits | name_bit(name));
        Self { name_bits, ..block }
    }

    /// Serializes these pairs.
    pub fn of_pairs<N: AsRef<[u8]>, V: AsRef<[u8]>>(pairs: &[(N, V)]) -> Self {
        let mut bytes = number(pairs.len());
        for (name, value) in pairs {
            bytes.extend(number(name.as_ref().len()));
            bytes.extend(number(value.as_ref().len()));
        }
        for text in pairs.iter().flat_map(|(name, value)| [name.as_ref(), value.as_ref()]) {
            bytes.extend_from_slice(text);
            bytes.push(0);
        }
        Self::new(bytes)
    }

    /// The serialized block.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// All names and values, each followed by a NUL, for a scan of the whole map.
    pub fn texts(&self) -> &[u8] {
        self.parts().1
    }

    /// The number of pairs.
    pub fn count(&self) -> usize {
        self.bytes.first_chunk().map_or(0, length)
    }

    /// The names and values, in order.
    pub fn pairs(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let (lengths, mut texts) = self.parts();
        let mut take = move |length: usize| {
            let text = texts.get(..length)?;
            texts = texts.get(length.saturating_add(1)..).unwrap_or_default();
            Some(text)
        };
        lengths.chunks_exact(8).map_while(move |pair| {
            let (name, value) = (pair.first_chunk()?, pair.last_chunk()?);
            Some((take(length(name))?, take(length(value))?))
        })
    }

    /// The first value of the header `name`, which must be lowercase.
    pub fn get(&self, name: &[u8]) -> Option<&[u8]> {
        self.all(name).next()
    }

    /// All values of the header `name`, which must be lowercase.
    pub fn all<'b, 'n>(&'b self, name: &'n [u8]) -> Values<'b, 'n> {
        let (lengths, texts) = if self.name_bits & name_bit(name) == 0 { Default::default() } else { self.parts() };
        Values { lengths, texts, name }
    }

    /// The lengths section, and the names and values.
    fn parts(&self) -> (&[u8], &[u8]) {
        let (count, rest) = self.bytes.split_first_chunk().unwrap_or((&[0; 4], &[]));
        rest.split_at_checked(length(count).saturating_mul(8)).unwrap_or((&[], &[]))
    }
}

/// The values of one header.
pub struct Values<'b, 'n> {
    lengths: &'b [u8],
    texts: &'b [u8],
    name: &'n [u8],
}

impl<'b> Iterator for Values<'b, '_> {
    type Item = &'b [u8];

    fn next(&mut self) -> Option<Self::Item> {
        while let Some((pair, lengths)) = self.lengths.split_first_chunk::<8>() {
            self.lengths = lengths;
            let (name, value) = (length(pair.first_chunk()?), length(pair.last_chunk()?));
            let texts = self.texts;
            let values = texts.get(name.saturating_add(1)..)?;
            self.texts = values.get(value.saturating_add(1)..).unwrap_or_default();
            if name == self.name.len() && texts.starts_with(self.name) {
                return values.get(..value);
            }
        }
        None
    }
}

/// One of 64 bits, a hash of the length, first and last byte of a name.
fn name_bit(name: &[u8]) -> u64 {
    let ends = name.first().zip(name.last()).map_or(0, |(first, last)| first ^ last.rotate_left(2));
    let bit = usize::from(ends) ^ name.len();
    1 << (bit % 64)
}

fn length(bytes: &[u8; 4]) -> usize {
    usize::try_from(u32::from_le_bytes(*bytes)).unwrap_or(usize::MAX)
}

fn number(length: usize) -> Vec<u8> {
    u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pairs_survive_serialization(pairs in prop::collection::vec(("[a-z:]{1,9}", "[ -~]{0,30}"), 0..9)) {
            let block = HeaderBlock::of_pairs(&pairs);
            let actual: Vec<_> = block.pairs().map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
            let expected: Vec<_> = pairs.into_iter().map(|(name, value)| (name.into_bytes(), value.into_bytes())).collect();
            prop_assert_eq!(actual, expected);
        }

        #[test]
        fn a_malformed_block_is_bounded(bytes in prop::collection::vec(0_u8..20, 0..80)) {
            let block = HeaderBlock::new(bytes);
            prop_assert!(block.pairs().count() < 20);
            prop_assert!(block.all(b"").count() < 20);
        }
    }

    #[test]
    fn values_are_found_by_name() {
        let block = HeaderBlock::of_pairs(&[(":path", "/"), ("cookie", "a"), ("cookies", "c"), ("cookie", "b")]);
        assert_eq!(block.get(b"cookie"), Some(b"a".as_slice()));
        assert!(block.all(b"cookie").eq([b"a", b"b"]));
        assert_eq!(block.get(b"x"), None);
    }
}
