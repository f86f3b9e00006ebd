//! Unicode characters that look like ASCII digits, separators or mask characters.

use super::escape::in_number;
use super::lanes::Simd16;

/// The ASCII equivalent of a character that is not ASCII.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// The character is equivalent to this ASCII character.
    Ascii(u8),
    /// The character has no width and is ignored.
    ZeroWidth,
    /// The character has no equivalent.
    Other,
}

/// The zeros of the ranges of ten decimal digits (general category Nd, Unicode 16).
const ZEROS: [u32; 44] = [
    0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0, 0xf20,
    0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0,
    0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x11066, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6,
    0x1fbf0,
];

/// The characters that mask a digit, in the order of preference for each UTF-8 length: asterisks, and one look-alike
/// whose code point has as few hexadecimal digits as the digits of Indian scripts.
const MASKS: [char; 4] = ['\u{66d}', '\u{ff0a}', '\u{fbe}', '\u{1f7b6}'];

/// The no-break space of ISO/IEC 8859 and the Windows code pages. In UTF-8 this byte is a continuation byte.
pub const LATIN_SPACE: u8 = 0xa0;

/// True if the byte [`LATIN_SPACE`] at the start of `text`, which follows `before`, is a no-break space between digits,
/// masked or not. `None` if the decision needs bytes after `text`.
pub fn is_latin_space(before: Option<u8>, text: &[u8]) -> Option<bool> {
    let joins = text.first() == Some(&LATIN_SPACE) && before.is_some_and(in_number);
    if joins { text.get(1).copied().map(in_number) } else { Some(false) }
}

/// Selects the bytes that can start a character with an ASCII equivalent. Most letters are not selected.
#[inline(always)]
pub fn may_fold(bytes: Simd16) -> Simd16 {
    let two = bytes.is(0xc2) | bytes.is(0xd9) | bytes.is(0xdb) | bytes.is_within(0xdf, 0xe3);
    two | bytes.is(LATIN_SPACE) | bytes.is(0xea) | bytes.is_within(0xef, 0xf0)
}

/// The ASCII equivalent of `character`. `mask` is the ASCII mask character.
pub fn fold(character: char, mask: u8) -> Fold {
    let code = u32::from(character);
    let after = ZEROS.partition_point(|zero| *zero <= code);
    if let Some(zero) = after.checked_sub(1).and_then(|index| ZEROS.get(index))
        && let Ok(value) = u8::try_from(code.saturating_sub(*zero))
        && value < 10
    {
        return Fold::Ascii(b'0'.wrapping_add(value));
    }
    match code {
        0xa0 | 0x1680 | 0x2000..=0x200a | 0x202f | 0x205f | 0x3000 => Fold::Ascii(b' '),
        0x2010..=0x2015 | 0x2212 | 0x2e3a | 0x2e3b | 0xfe58 | 0xfe63 | 0xff0d => Fold::Ascii(b'-'),
        0xb7 => Fold::Ascii(b'.'),
        0xad | 0x180b..=0x180f | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f => Fold::ZeroWidth,
        // Variation selectors and the frame of a keycap, which turn a digit into an emoji.
        0x20e3 | 0xfe00..=0xfe0f | 0xfeff | 0xfff9..=0xfffb => Fold::ZeroWidth,
        _ if MASKS.contains(&character) => Fold::Ascii(mask),
        _ => Fold::Other,
    }
}

/// The characters that can mask a character of `length` bytes in UTF-8.
pub fn masks(length: usize) -> impl Iterator<Item = char> {
    MASKS.into_iter().filter(move |mask| mask.len_utf8() == length)
}

/// The first character of `text`, which is not ASCII, and its length. `None` if it is invalid UTF-8; an error if it is
/// incomplete.
pub fn character(text: &[u8]) -> Result<Option<(char, usize)>, Incomplete> {
    // A fast path for the most frequent length.
    if let [first @ 0xe0..=0xef, second @ 0x80..=0xbf, third @ 0x80..=0xbf, ..] = text {
        let bits = |byte: &u8| u32::from(byte & 0x3f);
        let code = (u32::from(first & 0xf) << 12) | (bits(second) << 6) | bits(third);
        return Ok(char::from_u32(code).filter(|_| code >= 0x800).map(|character| (character, 3)));
    }
    if text.get(1).is_some_and(|second| !matches!(second, 0x80..=0xbf)) {
        return Ok(None);
    }
    let length = match text.first() {
        Some(0xc2..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..) => 4,
        _ => 1,
    };
    match std::str::from_utf8(text.get(..length).unwrap_or(text)) {
        Ok(valid) => Ok(valid.chars().next().map(|character| (character, length))),
        Err(error) if error.error_len().is_none() => Err(Incomplete),
        Err(_) => Ok(None),
    }
}

/// The text ends within a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Incomplete;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::lanes;

    #[test]
    fn digits_spaces_and_dashes_fold_to_ascii() {
        for (character, byte) in
            [('４', b'4'), ('٤', b'4'), ('९', b'9'), ('\u{1d7d2}', b'4'), ('\u{a0}', b' '), ('–', b'-')]
        {
            assert_eq!(fold(character, b'*'), Fold::Ascii(byte), "{character}");
        }
        for character in ['\u{200b}', '\u{200e}', '\u{202e}', '\u{2066}', '\u{fe0f}', '\u{20e3}', '\u{ad}'] {
            assert_eq!(fold(character, b'*'), Fold::ZeroWidth, "{character:?}");
        }
        assert_eq!(fold('·', b'*'), Fold::Ascii(b'.'));
        assert_eq!(fold('é', b'*'), Fold::Other);
        assert_eq!(fold('卡', b'*'), Fold::Other);
    }

    #[test]
    fn each_length_has_a_mask_that_folds_to_the_mask_character() {
        for length in 2..=4 {
            assert!(masks(length).all(|mask| fold(mask, b'#') == Fold::Ascii(b'#')));
            assert!(masks(length).next().is_some());
        }
    }

    #[test]
    fn may_fold_selects_the_first_byte_of_every_folded_character() {
        let folds: Vec<u8> = (0..=u8::MAX).filter(|byte| lanes::has(&[*byte], may_fold)).collect();
        for character in (0x80..=0x10_ffff).filter_map(char::from_u32) {
            let first = character.encode_utf8(&mut [0; 4]).as_bytes()[0];
            assert!(folds.contains(&first) || fold(character, b'*') == Fold::Other, "{character:?}");
        }
    }

    #[test]
    fn zeros_are_sorted() {
        assert!(ZEROS.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn characters_are_read_as_the_standard_library_does() {
        for first in [0xe0, 0xe1, 0xed, 0xef_u8] {
            for (second, third) in
                (0x7f..=0xc0_u8).flat_map(|second| (0x7f..=0xc0_u8).map(move |third| (second, third)))
            {
                let text = [first, second, third];
                let expected = std::str::from_utf8(&text).ok().and_then(|text| Some((text.chars().next()?, 3)));
                assert_eq!(character(&text), Ok(expected), "{text:x?}");
            }
        }
    }

    #[test]
    fn characters_are_read_one_by_one() {
        assert_eq!(character("４1".as_bytes()), Ok(Some(('４', 3))));
        assert_eq!(character(b"\xef\xbc"), Err(Incomplete));
        assert_eq!(character(b"\xff"), Ok(None));
        assert_eq!(character(b"\xef\x41"), Ok(None));
    }
}
