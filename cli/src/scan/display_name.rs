//! Names of files in the output.

use crate::terminal;
use panveil::stream;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use std::path::Path;

/// ASCII characters that are escaped in a path: all except the unreserved ones (RFC 3986, 2.3) and the slash.
const NOT_IN_PATHS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// Name of a file, or of a file in an archive, with card numbers in it masked.
#[derive(Clone)]
pub struct DisplayName {
    bytes: Vec<u8>,
    /// Length of the file's name, before those of archive members.
    file_length: usize,
    is_absolute: bool,
}

impl DisplayName {
    /// Name of the file at `path`.
    pub fn of(path: &Path) -> Self {
        let bytes = stream::redacted(path.as_os_str().as_encoded_bytes()).into_owned();
        Self { file_length: bytes.len(), bytes, is_absolute: path.is_absolute() }
    }

    /// Name of the member `path` of this archive: `archive.zip!path`.
    pub fn member(&self, path: &[u8]) -> Self {
        let bytes = [&self.bytes, &b"!"[..], &stream::redacted(path)].concat();
        Self { bytes, ..*self }
    }

    /// True for an absolute path.
    pub fn is_absolute(&self) -> bool {
        self.is_absolute
    }

    /// Name of the file in that commit: `commit:path`.
    pub fn in_commit(&self, commit: &str) -> Self {
        let bytes = [commit.as_bytes(), b":", &self.bytes].concat();
        Self { file_length: bytes.len(), bytes, is_absolute: self.is_absolute }
    }

    /// True for a member of an archive.
    pub fn is_member(&self) -> bool {
        self.bytes.len() > self.file_length
    }

    /// Name for a terminal, with control characters escaped.
    pub fn text(&self) -> String {
        terminal::escaped(&self.bytes)
    }

    /// Name of the file, without a member, for a terminal.
    pub fn file_text(&self) -> String {
        terminal::escaped(self.bytes.get(..self.file_length).unwrap_or_default())
    }

    /// Name as a JSON string.
    pub fn json(&self) -> String {
        terminal::json(String::from_utf8_lossy(&self.bytes).into_owned())
    }

    /// Name of the file, without a member, as a URI reference (RFC 3986), in ASCII characters that need no escape in JSON.
    pub fn uri(&self) -> String {
        let begin = if self.is_absolute { "file://" } else { "" };
        let path = self.bytes.get(..self.file_length).unwrap_or_default();
        let path = path.strip_prefix(b"./").unwrap_or(path);
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
        let member = DisplayName::of(Path::new("a.zip")).member(b"b/4111111111111111.txt");
        assert_eq!((member.text().as_str(), member.uri().as_str()), ("a.zip!b/****************.txt", "a.zip"));
        assert_eq!(DisplayName::of(Path::new("/var/log/x")).uri(), "file:///var/log/x");
    }
}
