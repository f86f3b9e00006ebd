//! Card numbers with their positions.

use crate::visible_digits::VisibleDigits;
use panveil::mask::Form;
use panveil::scan::{Decoded, Escapes};
use panveil::stream::Finding;
use panveil::verdict::Brand;
use std::borrow::Cow;

/// Card number in a text.
///
/// Has no `Debug` and no `Serialize`: it may contain digits.
pub struct Card {
    /// Brand.
    pub brand: &'static str,
    /// Number of digits.
    pub digits: u8,
    /// The number, with the digits that may be shown.
    pub number: String,
    /// Line of its first digit, counted from 1.
    pub line: u64,
    /// Column of its first digit in characters, counted from 1.
    pub column: u64,
    /// Length of its spelling in characters.
    pub characters: u64,
    /// Offset in bytes.
    pub offset: u64,
    /// Length of its spelling in bytes.
    pub length: u64,
}

/// Position in a text that is read in pieces.
pub struct TextPosition {
    line: u64,
    column: u64,
    offset: u64,
}

impl TextPosition {
    /// Beginning of the text.
    pub const START: Self = Self { line: 1, column: 1, offset: 0 };

    /// Advances by `bytes`.
    pub fn advance(&mut self, bytes: &[u8]) {
        self.offset = self.offset.saturating_add(size(bytes.len()));
        let newlines = count(bytes, |byte| byte == b'\n');
        let in_line = if newlines == 0 {
            bytes
        } else {
            self.line = self.line.saturating_add(newlines);
            self.column = 1;
            bytes.rsplit(|byte| *byte == b'\n').next().unwrap_or_default()
        };
        self.column = self.column.saturating_add(characters(in_line));
    }

    /// Card number at this position with this spelling.
    pub fn card(&self, finding: &Finding, spelling: &[u8], digits: VisibleDigits) -> Card {
        Card {
            brand: finding.detection.kind.brand().map_or("", Brand::as_str),
            digits: finding.detection.kind.length(),
            number: digits.number(&decoded(finding, spelling), usize::from(finding.detection.kind.length())),
            line: self.line,
            column: self.column,
            characters: characters(spelling),
            offset: self.offset,
            length: size(spelling.len()),
        }
    }
}

/// Spelling in ASCII digits.
fn decoded<'s>(finding: &Finding, spelling: &'s [u8]) -> Cow<'s, [u8]> {
    match finding.form {
        Form::Text | Form::Digits | Form::Hexadecimal | Form::Scientific | Form::Rewritten(_) => {
            Cow::Borrowed(spelling)
        }
        Form::Encoded(_) => Cow::Owned(Decoded::new(spelling, true, Escapes::FORM, b'*').text().to_vec()),
    }
}

/// Number of characters in UTF-8 text. Each byte of other text counts as one or none.
fn characters(bytes: &[u8]) -> u64 {
    const CONTINUATION: std::ops::RangeInclusive<u8> = 0x80..=0xbf;

    count(bytes, |byte| !CONTINUATION.contains(&byte))
}

/// Number of `bytes` that satisfy `is`, summed in blocks whose count fits a byte, so that the compiler vectorizes the loop.
fn count(bytes: &[u8], is: impl Fn(u8) -> bool) -> u64 {
    let blocks = bytes.chunks(usize::from(u8::MAX));
    let sums = blocks.map(|block| block.iter().fold(0_u8, |sum, byte| sum.wrapping_add(u8::from(is(*byte)))));
    sums.fold(0, |total, sum| total.saturating_add(u64::from(sum)))
}

fn size(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(pieces: &[&str]) -> (u64, u64, u64) {
        let mut position = TextPosition::START;
        for piece in pieces {
            position.advance(piece.as_bytes());
        }
        (position.line, position.column, position.offset)
    }

    #[test]
    fn lines_and_characters_are_counted_across_pieces() {
        assert_eq!(position(&[]), (1, 1, 0));
        assert_eq!(position(&["abc"]), (1, 4, 3));
        assert_eq!(position(&["abc\n"]), (2, 1, 4));
        assert_eq!(position(&["a\nb", "cd\n\ne", "f"]), (4, 3, 9));
        assert_eq!(position(&["卡: "]), (1, 4, 5));
        assert_eq!(position(&["x\n".repeat(1000).as_str(), "y"]), (1001, 2, 2001));
        assert_eq!(position(&["y".repeat(1000).as_str()]), (1, 1001, 1000));
    }
}
