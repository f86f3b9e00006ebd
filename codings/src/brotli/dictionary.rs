//! Static dictionary (RFC 7932, section 8).

use super::super::Text;
use super::super::zstd::Zstd;
use crate::budget::MemoryBudget;
use std::sync::OnceLock;

/// Words by length, compressed: 55 KB in every module instead of 123.
const COMPRESSED: &[u8] = include_bytes!("dictionary.zst");
/// Decompressed size of the dictionary.
const LEN: usize = 122_784;

/// Decompressed at the first use.
static WORDS: OnceLock<Vec<u8>> = OnceLock::new();

/// Number of index bits for words of 4 letters, of 5, and so on.
const COUNT_BITS: [u8; 21] = [10, 10, 11, 11, 10, 10, 10, 10, 10, 9, 9, 8, 7, 7, 8, 7, 7, 6, 6, 5, 5];

/// Appends the word `number` of the length `len`, or fails if there is none.
pub(super) fn append(len: usize, number: usize, text: &mut Vec<u8>) -> Option<()> {
    let mut start = 0_usize;
    let shorter = len.checked_sub(4)?;
    for (&bits, len) in COUNT_BITS.iter().take(shorter).zip(4_usize..) {
        start = start.wrapping_add(len.wrapping_shl(u32::from(bits)));
    }
    let bits = u32::from(*COUNT_BITS.get(shorter)?);
    let index = number & 1_usize.wrapping_shl(bits).wrapping_sub(1);
    let &(prefix, change, suffix) = TRANSFORMS.get(number.wrapping_shr(bits))?;
    start = start.wrapping_add(index.wrapping_mul(len));
    let word = WORDS.get_or_init(words).get(start..start.wrapping_add(len))?;
    text.extend_from_slice(AFFIXES.get(usize::from(prefix))?);
    let at = text.len();
    let (skipped, dropped) = match change {
        1..=9 => (0, change),
        12.. => (change.wrapping_sub(11), 0),
        _ => (0, 0),
    };
    let word = word.get(usize::from(skipped).min(len)..)?;
    text.extend_from_slice(word.get(..word.len().saturating_sub(usize::from(dropped)))?);
    match change {
        10 => drop(raise(text.get_mut(at..)?)),
        11 => {
            let mut rest = text.get_mut(at..)?;
            while !rest.is_empty() {
                let raised = raise(rest).min(rest.len());
                rest = rest.get_mut(raised..)?;
            }
        }
        _ => {}
    }
    text.extend_from_slice(AFFIXES.get(usize::from(suffix))?);
    Some(())
}

/// Converts the first letter to uppercase, as the format defines it, and returns its number of bytes.
fn raise(letter: &mut [u8]) -> usize {
    let (at, flipped, len) = match letter.first() {
        Some(b'a'..=b'z') => (0, 32, 1),
        Some(0xC0..=0xDF) => (1, 32, 2),
        Some(0xE0..) => (2, 5, 3),
        _ => (0, 0, 1),
    };
    if let Some(byte) = letter.get_mut(at) {
        *byte ^= flipped;
    }
    len
}

fn words() -> Vec<u8> {
    let mut bytes = Vec::with_capacity(LEN);
    // Not a peer's: it is the same for all streams, and stays.
    let reservation = &mut MemoryBudget::new(usize::MAX).account().reservation();
    // A test holds it to be sound.
    let _ = Zstd::default().push(COMPRESSED, &mut Text { bytes: &mut bytes, most: LEN, reservation, copies: 1 });
    bytes
}

/// Prefixes and suffixes of words.
const AFFIXES: [&[u8]; 50] = [
    b"",
    b"\n",
    b" ",
    b"\"",
    b"'",
    b"(",
    b",",
    b".",
    b":",
    b"]",
    b"\n\t",
    b"\">",
    b", ",
    b". ",
    b"=\"",
    b"='",
    b"e ",
    b"s ",
    b"\xC2\xA0",
    b" a ",
    b"al ",
    b"ed ",
    b"er ",
    b"ly ",
    b" as ",
    b" at ",
    b" by ",
    b" in ",
    b" is ",
    b" of ",
    b" on ",
    b" to ",
    b"est ",
    b"ful ",
    b"ing ",
    b"ive ",
    b"ize ",
    b"ous ",
    b" and ",
    b" for ",
    b" not ",
    b" the ",
    b".com/",
    b"less ",
    b" from ",
    b" that ",
    b" with ",
    b". The ",
    b". This ",
    b" of the ",
];

/// Transforms of words: prefix, operation and suffix. Operations: 0 is identity, 1 to 9 omit that many last bytes, 10 converts
/// the first letter to uppercase, 11 all letters, 12 to 20 omit the first one to nine bytes.
const TRANSFORMS: [(u8, u8, u8); 121] = [
    (0, 0, 0),
    (0, 0, 2),
    (2, 0, 2),
    (0, 12, 0),
    (0, 10, 2),
    (0, 0, 41),
    (2, 0, 0),
    (17, 0, 2),
    (0, 0, 29),
    (0, 10, 0),
    (0, 0, 38),
    (0, 13, 0),
    (0, 1, 0),
    (12, 0, 2),
    (0, 0, 12),
    (2, 10, 2),
    (0, 0, 27),
    (0, 0, 31),
    (16, 0, 2),
    (0, 0, 3),
    (0, 0, 7),
    (0, 0, 11),
    (0, 0, 1),
    (0, 3, 0),
    (0, 0, 9),
    (0, 0, 39),
    (0, 14, 0),
    (0, 2, 0),
    (0, 0, 19),
    (0, 0, 45),
    (2, 10, 0),
    (0, 0, 13),
    (7, 0, 0),
    (2, 0, 12),
    (0, 15, 0),
    (0, 0, 46),
    (0, 0, 4),
    (0, 0, 44),
    (0, 0, 26),
    (0, 16, 0),
    (0, 17, 0),
    (41, 0, 0),
    (0, 4, 0),
    (0, 0, 47),
    (0, 11, 0),
    (0, 0, 30),
    (0, 0, 24),
    (0, 0, 28),
    (0, 7, 0),
    (0, 1, 34),
    (0, 0, 10),
    (0, 0, 8),
    (2, 0, 13),
    (0, 0, 21),
    (0, 20, 0),
    (0, 18, 0),
    (0, 6, 0),
    (0, 0, 5),
    (0, 10, 12),
    (0, 8, 0),
    (0, 0, 25),
    (0, 0, 23),
    (41, 0, 29),
    (0, 5, 0),
    (0, 9, 0),
    (2, 10, 12),
    (0, 10, 3),
    (7, 0, 5),
    (0, 11, 2),
    (0, 10, 11),
    (0, 0, 14),
    (2, 0, 7),
    (42, 0, 0),
    (41, 0, 49),
    (0, 10, 4),
    (0, 0, 48),
    (0, 0, 6),
    (7, 0, 2),
    (0, 10, 5),
    (0, 10, 7),
    (0, 0, 40),
    (2, 0, 14),
    (0, 0, 22),
    (2, 11, 2),
    (0, 0, 20),
    (2, 11, 0),
    (0, 0, 15),
    (0, 11, 3),
    (0, 10, 13),
    (2, 0, 5),
    (0, 0, 33),
    (2, 10, 13),
    (0, 0, 35),
    (0, 0, 43),
    (0, 11, 4),
    (0, 0, 32),
    (2, 10, 7),
    (0, 11, 11),
    (2, 0, 15),
    (0, 10, 6),
    (0, 0, 36),
    (0, 11, 7),
    (18, 0, 0),
    (2, 0, 6),
    (0, 10, 14),
    (0, 11, 14),
    (0, 0, 37),
    (0, 11, 12),
    (0, 10, 15),
    (2, 10, 6),
    (2, 11, 14),
    (2, 11, 12),
    (0, 11, 6),
    (0, 11, 5),
    (0, 11, 13),
    (2, 11, 7),
    (0, 11, 15),
    (2, 11, 13),
    (2, 10, 14),
    (2, 11, 15),
    (2, 10, 15),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_those_of_the_format() {
        assert!(words() == brotli_decompressor::dictionary::kBrotliDictionary);
    }

    #[test]
    fn words_are_changed_as_the_format_says() {
        let length_4 = |number: usize| {
            let mut text = Vec::new();
            append(4, number << 10, &mut text).map(|()| String::from_utf8_lossy(&text).into_owned())
        };
        assert_eq!(length_4(0).as_deref(), Some("time"));
        assert_eq!(length_4(2).as_deref(), Some(" time "));
        assert_eq!(length_4(3).as_deref(), Some("ime"));
        assert_eq!(length_4(4).as_deref(), Some("Time "));
        assert_eq!(length_4(44).as_deref(), Some("TIME"));
        assert_eq!(length_4(120).as_deref(), Some(" Time='"));
        assert_eq!(length_4(121), None);
        assert_eq!(append(3, 0, &mut Vec::new()), None);
        assert_eq!(append(25, 0, &mut Vec::new()), None);
    }
}
