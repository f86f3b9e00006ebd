//! Redacted display of a record.
//!
//! It never shows a complete number. Of a card number it shows only the digits that PCI SSC's FAQ 1091 permits, and of
//! any other long number as many, since a finding may be a card number.

use std::ops::Range;

use panveil::mask::Keep;

use crate::evaluation::fill::Text;

/// Minimum number of digits of a card number.
const FEWEST_DIGITS: usize = 12;

/// Record in one line, with brackets around the findings.
pub fn shown(text: &Text, findings: &[Range<usize>]) -> String {
    let mut bytes = text.bytes().to_vec();
    for card in text.cards() {
        hide_card(&mut bytes, &card.spans, card.plain_digits);
    }
    hide_runs(&mut bytes);
    let mut line = String::new();
    let mut at = 0;
    for finding in findings {
        push(&mut line, &bytes[at..finding.start]);
        line.push('[');
        push(&mut line, &bytes[finding.clone()]);
        line.push(']');
        at = finding.end;
    }
    push(&mut line, &bytes[at..]);
    line
}

/// Masks the middle digits of a card number. Masks all bytes unless each digit of the number is one visible digit.
fn hide_card(bytes: &mut [u8], spans: &[Range<usize>], plain_digits: Option<usize>) {
    let positions: Vec<usize> = spans.iter().cloned().flatten().collect();
    let digits: Vec<usize> = positions.iter().copied().filter(|position| bytes[*position].is_ascii_digit()).collect();
    if plain_digits == Some(digits.len()) {
        hide_middle(bytes, &digits);
    } else {
        for position in positions {
            bytes[position] = b'*';
        }
    }
}

/// Masks the middle of every long number, including its groups.
fn hide_runs(bytes: &mut [u8]) {
    let mut run: Vec<usize> = Vec::new();
    for position in 0..=bytes.len() {
        match bytes.get(position) {
            Some(byte) if byte.is_ascii_digit() => run.push(position),
            Some(b' ' | b'-' | b'.') if run.last().is_some_and(|last| last + 1 == position) => {}
            _ => {
                if run.len() >= FEWEST_DIGITS {
                    hide_middle(bytes, &run);
                }
                run.clear();
            }
        }
    }
}

fn hide_middle(bytes: &mut [u8], digits: &[usize]) {
    let (head, tail) = Keep::First6Last4.visible(None, digits.len());
    for position in &digits[head..digits.len() - tail] {
        bytes[*position] = b'*';
    }
}

/// Appends text without control characters.
fn push(line: &mut String, bytes: &[u8]) {
    for character in String::from_utf8_lossy(bytes).chars() {
        match character {
            '"' | '\'' | '\\' => line.push(character),
            _ => line.extend(character.escape_debug()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        hide_runs(&mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn no_long_number_is_shown() {
        assert_eq!(hidden("a 4111111111111111 b"), "a 411111******1111 b");
        assert_eq!(hidden("4111 1111-1111.1111"), "4111 11**-****.1111");
        assert_eq!(hidden("1748503543012, 42"), "*********3012, 42");
        assert_eq!(hidden("12345678901"), "12345678901");
    }

    #[test]
    fn a_card_is_hidden_whole_when_its_digits_are_not_plain() {
        let mut bytes = b"(41)(11)".to_vec();
        hide_card(&mut bytes, &[1..3, 5..7], None);
        assert_eq!(bytes, b"(**)(**)");
    }
}
