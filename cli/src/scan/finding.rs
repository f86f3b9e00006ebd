//! Findings with their positions.

use crate::visible_digits::VisibleDigits;
use panveil::mask::Form;
use panveil::scan::{Decoded, Escapes};
use panveil::stream::{Finding, FindingKind};
use std::borrow::Cow;

/// Finding in a text: a card number, track data, a verification code, a PIN or a match of the policy's patterns.
///
/// Has no `Debug` and no `Serialize`: it may contain digits.
pub struct ScanFinding {
    /// Name of its kind, as in records.
    pub kind: &'static str,
    /// Brand of the card, or name of the pattern or code.
    pub label: String,
    /// Number of digits, or of characters for codes and patterns.
    pub digits: u8,
    /// The card number, with the digits that may be shown. Empty for findings without one.
    pub number: String,
    /// The card number in its truncated form.
    pub truncated: String,
    /// Line of its first character, counted from 1.
    pub line: u64,
    /// Column of its first character in characters, counted from 1.
    pub column: u64,
    /// Length of its spelling in characters.
    pub characters: u64,
    /// Offset in bytes.
    pub offset: u64,
    /// Length of its spelling in bytes.
    pub length: u64,
    /// Identity across scans, if the output or a baseline needs it.
    pub fingerprint: String,
}

impl ScanFinding {
    /// Kind, brand, number of digits and shown digits.
    pub fn summary(&self) -> String {
        let Self { label, digits, number, .. } = self;
        match self.kind {
            "pan" => format!("{label}, {digits} digits, {number}"),
            "chip" => format!("chip data, {label}, {digits} digits, {number}"),
            "track" => format!("track data, {label}, {digits} digits, {number}"),
            "verification_code" => format!("verification code, {digits} digits"),
            "pin" => format!("PIN, {digits} characters"),
            _ => format!("{label}, {digits} characters"),
        }
    }

    /// Brand, for findings with a card number.
    pub fn brand(&self) -> Option<&str> {
        matches!(self.kind, "pan" | "chip" | "track").then_some(self.label.as_str())
    }
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

    /// Finding at this position with this spelling.
    pub fn finding(&self, finding: &Finding, spelling: &[u8], digits: VisibleDigits) -> ScanFinding {
        let kind = &finding.detection.kind;
        let length = kind.length();
        let number = |digits: VisibleDigits| match kind {
            FindingKind::Pan(_) => digits.number(&decoded(finding, spelling), usize::from(length)),
            // Behind the card number is data that is shown under no option.
            FindingKind::Track(_) | FindingKind::Chip(_) => {
                let spelling = decoded(finding, spelling);
                let number = spelling.iter().copied().filter(u8::is_ascii_digit).take(usize::from(length));
                digits.number(&number.collect::<Vec<u8>>(), usize::from(length))
            }
            FindingKind::Code(..) | FindingKind::Pattern(_) | FindingKind::Value => String::new(),
        };
        let shown = number(digits);
        let truncated =
            if digits == VisibleDigits::Truncated { shown.clone() } else { number(VisibleDigits::Truncated) };
        ScanFinding {
            kind: kind.as_str(),
            label: kind.label().to_owned(),
            digits: length,
            number: shown,
            truncated,
            line: self.line,
            column: self.column,
            characters: characters(spelling),
            offset: self.offset,
            length: size(spelling.len()),
            fingerprint: String::new(),
        }
    }
}

/// Spelling in ASCII digits.
fn decoded<'s>(finding: &Finding, spelling: &'s [u8]) -> Cow<'s, [u8]> {
    match finding.form {
        Form::Text | Form::Digits | Form::Hexadecimal | Form::Scientific | Form::Filled(_) | Form::Rewritten(_) => {
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
