//! Names of files in the output.

use crate::terminal;
use panveil::stream;
use std::fmt::Write;
use std::path::Path;

/// Name of a file, with card numbers in it masked.
pub struct DisplayName {
    bytes: Vec<u8>,
    is_absolute: bool,
}

impl DisplayName {
    /// Name of the file at `path`.
    pub fn of(path: &Path) -> Self {
        let bytes = stream::redacted(path.as_os_str().as_encoded_bytes()).into_owned();
        Self { bytes, is_absolute: path.is_absolute() }
    }

    /// Name for a terminal, with control characters escaped.
    pub fn text(&self) -> String {
        terminal::escaped(&self.bytes)
    }

    /// Name as a JSON string.
    pub fn json(&self) -> String {
        terminal::json(&String::from_utf8_lossy(&self.bytes))
    }

    /// Name as a URI reference (RFC 3986), in ASCII characters that need no escape in JSON.
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
    fn names_contain_no_card_number_and_no_control_character() {
        let name = DisplayName::of(Path::new("a:b/4111111111111111\x1b[2J \"卡\".log"));
        assert_eq!(name.text(), "a:b/****************\\x1b[2J \"卡\".log");
        assert_eq!(name.json(), "\"a:b/****************\\u001b[2J \\\"卡\\\".log\"");
        assert_eq!(name.uri(), "a%3Ab/%2A%2A%2A%2A%2A%2A%2A%2A%2A%2A%2A%2A%2A%2A%2A%2A%1B%5B2J%20%22%E5%8D%A1%22.log");
        assert_eq!(DisplayName::of(Path::new("./a.log")).uri(), "a.log");
        assert_eq!(DisplayName::of(Path::new("/var/log/x")).uri(), "file:///var/log/x");
    }
}
