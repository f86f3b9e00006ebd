//! Fields of `multipart/form-data` (RFC 7578).

use super::form;
use super::values::ValueByte;
use crate::policy::FieldPath;

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
    /// The current header line.
    line: Vec<u8>,
    /// The name of the part.
    name: FieldPath,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first part.
    Preamble,
    /// Behind a boundary, up to the line end.
    Delimiter,
    /// In the headers of a part.
    Headers,
    /// In the content of a part.
    Content,
    /// Behind the last part.
    Epilogue,
    /// The boundary is part of a longer line.
    Broken,
}

impl Boundary {
    /// The boundary in the parameters of a content type `multipart/form-data`.
    pub fn of_content_type(content_type: &[u8]) -> Option<Self> {
        let mut parts = content_type.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
        if !parts.next()?.eq_ignore_ascii_case(b"multipart/form-data") {
            return None;
        }
        let value = parts.find_map(|parameter| value_of(parameter, b"boundary"))?;
        let mut bytes = [0; LONGEST_BOUNDARY];
        bytes.get_mut(..value.len())?.copy_from_slice(value);
        (!value.is_empty()).then_some(Self { bytes, length: value.len() })
    }

    fn get(&self, index: usize) -> Option<u8> {
        self.bytes.get(..self.length)?.get(index).copied()
    }
}

impl MultipartFields {
    pub fn new(boundary: Boundary) -> Self {
        // The first boundary needs no line end before it.
        Self { boundary, state: State::Preamble, matched: 2, line: Vec::new(), name: FieldPath::Outside }
    }

    /// Advances past `text`.
    pub fn advance(&mut self, text: &[u8]) {
        for byte in text {
            self.step(*byte);
        }
    }

    /// Path of the field at the next byte.
    pub fn path(&self) -> FieldPath {
        match self.state {
            State::Content => self.name.clone(),
            State::Broken => FieldPath::Unknown,
            State::Preamble | State::Delimiter | State::Headers | State::Epilogue => FieldPath::Outside,
        }
    }

    /// Part of the body to which `byte`, the next one, belongs. Bytes that may begin a delimiter stay.
    pub fn value_byte(&self, byte: u8, mask: u8) -> ValueByte {
        match self.state {
            State::Broken => ValueByte::Unknown,
            State::Content if byte == b'\r' || self.expected() == Some(byte) => ValueByte::Kept,
            State::Content => ValueByte::Masked(mask),
            State::Preamble | State::Delimiter | State::Headers | State::Epilogue => ValueByte::Outside,
        }
    }

    fn step(&mut self, byte: u8) {
        match self.state {
            State::Preamble | State::Content => self.find_delimiter(byte),
            State::Delimiter if byte == b'\n' => self.state = State::Headers,
            State::Delimiter if byte == b'-' => self.state = State::Epilogue,
            State::Delimiter if !byte.is_ascii_whitespace() => self.state = State::Broken,
            State::Headers if byte == b'\n' => self.end_header(),
            // One byte more than the limit marks a header as too long.
            State::Headers if self.line.len() <= LONGEST_HEADER => self.line.push(byte),
            State::Delimiter | State::Headers | State::Epilogue | State::Broken => {}
        }
    }

    fn find_delimiter(&mut self, byte: u8) {
        // A line end can only be the start of a delimiter.
        self.matched =
            if self.expected() == Some(byte) { self.matched.saturating_add(1) } else { usize::from(byte == b'\r') };
        if self.matched == self.boundary.length.saturating_add(4) {
            *self = Self { state: State::Delimiter, matched: 0, ..Self::new(self.boundary) };
        }
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
        if line.len() > LONGEST_HEADER {
            self.name = FieldPath::Unknown;
            return;
        }
        let line = line.trim_ascii();
        if line.is_empty() {
            self.state = State::Content;
            return;
        }
        let Some(end) = line.iter().position(|byte| *byte == b':') else { return };
        let (name, value) = line.split_at_checked(end).unwrap_or_default();
        if name.trim_ascii().eq_ignore_ascii_case(b"content-disposition") {
            let parameters = value.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
            let name = parameters.into_iter().find_map(|parameter| value_of(parameter, b"name"));
            self.name = name.map_or(FieldPath::Unknown, form::path_of);
        }
    }
}

/// The value of a parameter `name=value` or `name="value"`.
fn value_of<'p>(parameter: &'p [u8], name: &[u8]) -> Option<&'p [u8]> {
    let (given, rest) = parameter.split_at_checked(name.len())?;
    let value = rest.trim_ascii_start().strip_prefix(b"=")?.trim_ascii();
    let value = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value);
    given.eq_ignore_ascii_case(name).then_some(value)
}
