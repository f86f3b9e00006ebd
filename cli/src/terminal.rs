//! Escapes for text that a terminal prints.

use panveil::stream;
use serde_json::Value;
use std::fmt::{Display, Write};

/// `text` with escapes for control characters, for characters that reverse or hide text, and for bytes that are not UTF-8.
pub fn escaped(text: &[u8]) -> String {
    let mut safe = String::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            if needs_escape(character) {
                // Writing to a string does not fail.
                let _ = match u32::from(character) {
                    code @ ..=0xff => write!(safe, "\\x{code:02x}"),
                    code => write!(safe, "\\u{{{code:x}}}"),
                };
            } else {
                safe.push(character);
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(safe, "\\x{byte:02x}");
        }
    }
    safe
}

/// `text` with card numbers masked, and escapes for the same characters.
pub fn safe(text: &str) -> String {
    escaped(&stream::redacted(text.as_bytes()))
}

/// Text of another program in one line, with card numbers masked and control characters escaped.
pub fn safe_line(text: &str) -> String {
    safe(&text.split_whitespace().collect::<Vec<&str>>().join(" "))
}

/// `text` with at most `most` characters. If more are cut off, the last one is an ellipsis.
pub fn shortened(text: &str, most: usize) -> String {
    if text.chars().nth(most).is_none() {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// Number with its noun: `one` for 1, and `many` for other numbers.
pub fn counted<N: Display + PartialEq + From<u8>>(count: N, one: &str, many: &str) -> String {
    let noun = if count == N::from(1) { one } else { many };
    format!("{count} {noun}")
}

/// Rows as lines with aligned columns.
pub fn table<const N: usize>(rows: &[[String; N]]) -> Vec<String> {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let line = |row: &[String; N]| {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

/// `value` as JSON in one line, with the same characters escaped.
pub fn json(value: impl Into<Value>) -> String {
    let quoted = value.into().to_string();
    let mut safe = String::with_capacity(quoted.len());
    for character in quoted.chars() {
        if needs_escape(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(character);
        }
    }
    safe
}

/// True for characters that control a terminal or change the appearance of the text around them.
fn needs_escape(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped_and_the_rest_stays() {
        assert_eq!(escaped("Ärger 卡/a b.log".as_bytes()), "Ärger 卡/a b.log");
        assert_eq!(escaped(b"\x1b[2Ja\r\nb\x7f"), "\\x1b[2Ja\\x0d\\x0ab\\x7f");
        assert_eq!(escaped("\u{9b}31m\u{202e}gpj".as_bytes()), "\\x9b31m\\u{202e}gpj");
        assert_eq!(escaped(b"\xff\xfe"), "\\xff\\xfe");
    }

    #[test]
    fn long_texts_end_with_an_ellipsis() {
        assert_eq!(["äöü", "äöüß", "äöüße", ""].map(|text| shortened(text, 4)), ["äöü", "äöüß", "äöü…", ""]);
    }

    #[test]
    fn json_keeps_its_meaning() {
        for text in ["plain", "a\"b\\c", "\x1b[2J\n\x7f", "\u{9b}\u{202e}\u{e0041}卡"] {
            let quoted = json(text);
            assert!(!quoted.chars().any(needs_escape), "{quoted}");
            assert_eq!(serde_json::from_str::<String>(&quoted).unwrap(), text);
        }
    }
}
