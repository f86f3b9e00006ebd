//! Names of files in the output.

use crate::terminal;
use panveil::stream;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use std::path::Path;

/// ASCII characters that are escaped in a path: all except the unreserved ones (RFC 3986, 2.3) and the slash.
const NOT_IN_PATHS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

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
        terminal::json(String::from_utf8_lossy(&self.bytes).into_owned())
    }

    /// Name as a URI reference (RFC 3986), in ASCII characters that need no escape in JSON.
    pub fn uri(&self) -> String {
        let begin = if self.is_absolute { "file://" } else { "" };
        let path = self.bytes.strip_prefix(b"./").unwrap_or(&self.bytes);
        format!("{begin}{}", percent_encode(path, NOT_IN_PATHS))
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
