//! How is a file called in what is printed?

use crate::terminal;
use panveil::stream;
use std::fmt::Write;
use std::path::Path;

/// The name of a file, with the card numbers hidden that stand in it.
pub struct DisplayName {
    bytes: Vec<u8>,
    is_absolute: bool,
}

impl DisplayName {
    /// The name of the file at `path`.
    pub fn of(path: &Path) -> Self {
        let bytes = stream::redacted(path.as_os_str().as_encoded_bytes()).into_owned();
        Self { bytes, is_absolute: path.is_absolute() }
    }

    /// For people: nothing in it steers a terminal.
    pub fn text(&self) -> String {
        terminal::harmless(&self.bytes)
    }

    /// As a JSON string.
    pub fn json(&self) -> String {
        terminal::json(&String::from_utf8_lossy(&self.bytes))
    }

    /// As a URI reference (RFC 3986), made of ASCII letters and signs that need no escape in JSON.
    pub fn uri(&self) -> String {
        let mut uri = if self.is_absolute { "file://".to_owned() } else { String::new() };
        for byte in self.bytes.strip_prefix(b"./").unwrap_or(&self.bytes) {
            if byte.is_ascii_alphanumeric() || b"-._~/".contains(byte) {
                uri.push(char::from(*byte));
            } else {
                // Writing to a string does not fail.
                let _ = write!(uri, "%{byte:02X}");
            }
        }
        uri
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_cards_and_control_characters() {
        let name = DisplayName::of(Path::new("a:b/4111111111111111\x1b[2J \"卡\".log"));
        assert_eq!(name.text(), "a:b/****************\\x1b[2J \"卡\".log");
        assert_eq!(name.json(), "\"a:b/****************\\u001b[2J \\\"卡\\\".log\"");
        assert_eq!(name.uri(), "a%3Ab/%2A%2A%2A%2A%2A%2A%2A%2A%2A%2A%2A%2A%2A%2A%2A%2A%1B%5B2J%20%22%E5%8D%A1%22.log");
        assert_eq!(DisplayName::of(Path::new("./a.log")).uri(), "a.log");
        assert_eq!(DisplayName::of(Path::new("/var/log/x")).uri(), "file:///var/log/x");
    }
}
