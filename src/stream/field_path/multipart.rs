//! Fields of `multipart/form-data` (RFC 7578).

use super::form;
use super::values::ValueByte;
use crate::policy::FieldPath;
use crate::stream::text_format::essence;

/// Longest boundary (RFC 2046, section 5.1.1).
const LONGEST_BOUNDARY: usize = 70;

/// Longest header of a part that is read.
const LONGEST_HEADER: usize = 1024;

/// Boundary between the parts of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Boundary {
    bytes: [u8; LONGEST_BOUNDARY],
    length: usize,
}

/// Position in a body with parts.
#[derive(Clone)]
pub struct MultipartFields {
    boundary: Boundary,
    state: State,
    /// Number of bytes of the delimiter, a line end, two hyphens and the boundary, that have been read.
    matched: usize,
    /// Whether the line end of the delimiter is CR or LF alone, which only some receivers accept.
    is_bare: bool,
    /// The current header line.
    line: Vec<u8>,
    /// The name of the part, once a header names it.
    name: Option<FieldPath>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first part.
    Preamble,
    /// Behind a boundary, up to the line end.
    Delimiter,
    /// Behind a boundary and one hyphen.
    FirstHyphen,
    /// Behind a boundary and two hyphens, up to the line end.
    LastDelimiter,
    /// In the headers of a part.
    Headers,
    /// In the content of a part.
    Content,
    /// Behind the last part.
    Epilogue,
    /// The boundary is not known, or part of a longer line, or receivers may disagree where a part ends.
    Broken,
}

impl Boundary {
    /// The boundary in the parameters of a content type `multipart/form-data`; empty if it is not known.
    pub fn of_content_type(content_type: &[u8]) -> Option<Self> {
        if !essence(Some(content_type)).eq_ignore_ascii_case(b"multipart/form-data") {
            return None;
        }
        let mut boundary = Self { bytes: [0; LONGEST_BOUNDARY], length: 0 };
        if let Some(value) = parameter(content_type, b"boundary")
            && let Some(bytes) = boundary.bytes.get_mut(..value.len())
        {
            bytes.copy_from_slice(value);
            boundary.length = value.len();
        }
        Some(boundary)
    }

    fn get(&self, index: usize) -> Option<u8> {
        self.bytes.get(..self.length)?.get(index).copied()
    }
}

impl MultipartFields {
    pub fn new(boundary: Boundary) -> Self {
        let state = if boundary.length == 0 { State::Broken } else { State::Preamble };
        // The first boundary needs no line end before it.
        Self { boundary, state, matched: 2, is_bare: false, line: Vec::new(), name: None }
    }

    /// Path of the field at the next byte. Before the first part it is unknown, because the boundary may be another one.
    pub fn path(&self) -> FieldPath {
        match self.state {
            State::Content => self.name.clone().unwrap_or_default(),
            State::Preamble | State::Broken => FieldPath::Unknown,
            State::Delimiter | State::FirstHyphen | State::LastDelimiter | State::Headers | State::Epilogue => {
                FieldPath::Outside
            }
        }
    }

    /// Part of the body to which `byte`, the next one, belongs. Bytes that may begin a delimiter stay.
    pub fn value_byte(&self, byte: u8, mask: u8) -> ValueByte {
        let may_delimit = self.matched_with(byte).0 > 0;
        match self.state {
            State::Broken => ValueByte::Unknown,
            State::Preamble if !may_delimit => ValueByte::Unknown,
            State::Content if may_delimit => ValueByte::Kept,
            State::Content => ValueByte::Masked(mask),
            _ => ValueByte::Outside,
        }
    }

    /// Advances past one byte.
    pub fn step(&mut self, byte: u8) {
        match self.state {
            State::Preamble | State::Content => self.find_delimiter(byte),
            State::Delimiter | State::LastDelimiter | State::FirstHyphen => self.end_delimiter(byte),
            State::Headers if byte == b'\n' => self.end_header(),
            // One byte more than the limit marks a header as too long.
            State::Headers if self.line.len() <= LONGEST_HEADER => self.line.push(byte),
            State::Headers | State::Epilogue | State::Broken => {}
        }
    }

    /// Number of bytes of the delimiter that have been read with `byte`, and whether its line end is CR or LF alone.
    fn matched_with(&self, byte: u8) -> (usize, bool) {
        match byte {
            // A line end can only be the start of a delimiter.
            b'\r' => (1, false),
            b'\n' => (2, self.matched != 1),
            b'-' if self.matched == 1 => (3, true),
            _ if self.expected() == Some(byte) => (self.matched.saturating_add(1), self.is_bare),
            _ => (0, false),
        }
    }

    fn find_delimiter(&mut self, byte: u8) {
        (self.matched, self.is_bare) = self.matched_with(byte);
        if self.matched == self.boundary.length.saturating_add(4) {
            let state = if self.is_bare { State::Broken } else { State::Delimiter };
            *self = Self { state, matched: 0, ..Self::new(self.boundary) };
        }
    }

    fn end_delimiter(&mut self, byte: u8) {
        self.state = match (self.state, byte) {
            (State::Delimiter, b'\n') => State::Headers,
            (State::LastDelimiter, b'\n') => State::Epilogue,
            (State::Delimiter, b'-') => State::FirstHyphen,
            (State::FirstHyphen, b'-') => State::LastDelimiter,
            (state @ (State::Delimiter | State::LastDelimiter), _) if byte.is_ascii_whitespace() => state,
            _ => State::Broken,
        };
    }

    /// The next byte of the delimiter.
    fn expected(&self) -> Option<u8> {
        match self.matched.checked_sub(4) {
            None => b"\r\n--".get(self.matched).copied(),
            Some(index) => self.boundary.get(index),
        }
    }

    fn end_header(&mut self) {
        let line = std::mem::take(&mut self.line);
        let is_unread = line.len() > LONGEST_HEADER || matches!(line.first(), Some(b' ' | b'\t'));
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        if line.is_empty() {
            // Without a name it is unknown: some receivers read headers behind an empty line.
            self.state = State::Content;
        } else if is_unread {
            self.name = Some(FieldPath::Unknown);
        } else if let Some((name, value)) =
            line.iter().position(|byte| *byte == b':').and_then(|end| line.split_at_checked(end))
            && !line.contains(&b'\r')
        {
            if name.trim_ascii().eq_ignore_ascii_case(b"content-disposition") {
                let name = parameter(value, b"name").filter(|_| self.name.is_none());
                self.name = Some(name.map_or(FieldPath::Unknown, form::path_of));
            }
        } else {
            // The content begins here for some receivers.
            self.state = State::Broken;
        }
    }
}

/// The value of the parameter `name=value` or `name="value"` of a header; `None` without one, and if receivers can read another one.
fn parameter<'h>(header: &'h [u8], name: &[u8]) -> Option<&'h [u8]> {
    let mut is_quoted = false;
    let parameters = header.split(|byte| {
        is_quoted ^= *byte == b'"';
        *byte == b';' && !is_quoted
    });
    let mut found = None;
    for parameter in parameters {
        let end = parameter.iter().position(|byte| *byte == b'=').unwrap_or_default();
        let (given, value) = parameter.split_at_checked(end)?;
        let (given, rest) = given.trim_ascii().split_at_checked(name.len()).unwrap_or_default();
        // An extended parameter (RFC 8187) has an asterisk behind its name.
        if !given.eq_ignore_ascii_case(name) || !matches!(rest.first(), None | Some(b'*')) {
            continue;
        }
        let value = value.strip_prefix(b"=")?.trim_ascii();
        let value = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value);
        if found.is_some() || !rest.is_empty() || value.iter().any(|byte| matches!(byte, b'"' | b'\\')) {
            return None;
        }
        found = Some(value);
    }
    found
}
