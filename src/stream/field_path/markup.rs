//! Fields of XML.

use super::LONGEST_NAME;
use super::path::Levels;
use super::values::ValueByte;
use crate::policy::FieldPath;
use crate::stream::charset::BYTE_ORDER_MARK;

/// Position in a document. Behind the end tag of another element, and behind text outside of the root element, all paths are unknown.
#[derive(Clone, Default)]
pub struct MarkupFields {
    state: State,
    levels: Levels,
    /// The current name of an element or attribute, or the beginning of a declaration.
    name: Vec<u8>,
    /// Number of bytes of the end of a comment, a section or an instruction that have been read.
    matched: usize,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// Between tags.
    #[default]
    Text,
    /// Behind `<`.
    Open,
    /// In the name of a start tag.
    StartName,
    /// In a start tag, between attributes.
    InTag,
    /// Behind the slash at the end of an empty element.
    Empty,
    /// In the name of an attribute.
    AttributeName,
    /// Behind the equals sign of an attribute.
    Equals,
    /// In the value of an attribute, which ends with that quote.
    Value(u8),
    /// In an end tag.
    EndName,
    /// Behind `<!`.
    Declaration,
    /// In a part that is no element, up to its end.
    Until(&'static [u8]),
    /// The document is not well-formed, or declares entities.
    Broken,
}

const COMMENT: &[u8] = b"--";
const END_OF_COMMENT: &[u8] = b"-->";
const CDATA: &[u8] = b"[CDATA[";
const END_OF_CDATA: &[u8] = b"]]>";

impl MarkupFields {
    /// Path of the field at the next byte.
    pub fn path(&self) -> FieldPath {
        match self.state {
            State::Broken => FieldPath::Unknown,
            State::Text | State::Value(_) | State::Until(_) => self.levels.path(),
            State::Open
            | State::StartName
            | State::InTag
            | State::Empty
            | State::AttributeName
            | State::Equals
            | State::EndName
            | State::Declaration => FieldPath::Outside,
        }
    }

    /// Part of the document to which `byte`, the next one, belongs. White space stays, because it is between elements too.
    pub fn value_byte(&self, byte: u8, mask: u8) -> ValueByte {
        match (self.state, byte) {
            (State::Broken, _) => ValueByte::Unknown,
            (State::Text, b'<') => ValueByte::Outside,
            (State::Value(quote), _) if byte == quote => ValueByte::Outside,
            (State::Until(END_OF_CDATA), b']' | b'>') | (State::Until(END_OF_COMMENT), b'-' | b'>') => ValueByte::Kept,
            (State::Text | State::Value(_) | State::Until(END_OF_CDATA | END_OF_COMMENT), _) => {
                if byte.is_ascii_whitespace() { ValueByte::Kept } else { ValueByte::Masked(mask) }
            }
            _ => ValueByte::Outside,
        }
    }

    /// Advances past one byte.
    pub fn step(&mut self, byte: u8) {
        let is_space = byte.is_ascii_whitespace();
        self.state = match (self.state, byte) {
            (State::Broken, _) => State::Broken,
            (State::Text, b'<') => State::Open,
            (State::Text, _) if self.levels.is_empty() && !is_space && !BYTE_ORDER_MARK.contains(&byte) => {
                State::Broken
            }
            (State::Text, _) => State::Text,
            (State::Open, b'/') => self.begin_name(State::EndName),
            (State::Open, b'!') => self.begin_name(State::Declaration),
            (State::Open, b'?') => self.skip_until(b"?>"),
            (State::Open, _) if byte.is_ascii_alphabetic() || byte == b'_' || !byte.is_ascii() => {
                self.begin_name(State::StartName);
                self.extend_name(byte, State::StartName)
            }
            (State::StartName, b'>' | b'/') => self.start_element(Self::after_slash_or_end(byte)),
            (State::StartName, _) if is_space => self.start_element(State::InTag),
            (State::InTag, b'>' | b'/') => Self::after_slash_or_end(byte),
            (State::InTag, _) if is_space => State::InTag,
            (State::InTag, b'<' | b'=' | b'"' | b'\'') => State::Broken,
            (State::InTag, _) => {
                self.begin_name(State::AttributeName);
                self.extend_name(byte, State::AttributeName)
            }
            (State::Empty, b'>') => {
                self.levels.leave();
                State::Text
            }
            (State::AttributeName, b'=') => State::Equals,
            (State::AttributeName, _) if is_space => State::AttributeName,
            (State::Equals, b'"' | b'\'') => self.start_value(byte),
            (State::Equals, _) if is_space => State::Equals,
            (State::Value(quote), _) if byte == quote => self.end_value(),
            (State::Value(_), b'<') => State::Broken,
            (State::Value(quote), _) => State::Value(quote),
            (State::EndName, b'>') => self.end_element(),
            (State::EndName, _) if is_space => State::EndName,
            (State::Declaration, _) => self.declare(byte),
            (State::Until(end), _) => self.continue_until(end, byte),
            (State::StartName | State::AttributeName | State::EndName, b'<' | b'>' | b'/' | b'"' | b'\'') => {
                State::Broken
            }
            (state @ (State::StartName | State::AttributeName | State::EndName), _) => self.extend_name(byte, state),
            (State::Open | State::Empty | State::Equals, _) => State::Broken,
        };
    }

    fn begin_name(&mut self, state: State) -> State {
        self.name.clear();
        state
    }

    fn extend_name(&mut self, byte: u8, state: State) -> State {
        // One byte more than the limit marks a name as too long.
        if self.name.len() <= LONGEST_NAME {
            self.name.push(byte);
        }
        state
    }

    fn start_element(&mut self, next: State) -> State {
        self.levels.enter(true);
        self.levels.set_name(local_name(&self.name));
        next
    }

    /// State behind a slash or the end of a start tag.
    fn after_slash_or_end(byte: u8) -> State {
        if byte == b'>' { State::Text } else { State::Empty }
    }

    /// Enters the value of an attribute, which is a level of its own.
    fn start_value(&mut self, quote: u8) -> State {
        self.levels.enter(true);
        self.levels.set_name(local_name(&self.name));
        State::Value(quote)
    }

    fn end_value(&mut self) -> State {
        self.levels.leave();
        State::InTag
    }

    fn end_element(&mut self) -> State {
        let is_same = self.levels.name().is_none_or(|name| local_name(&self.name) == Some(name));
        if is_same && !self.levels.is_empty() {
            self.levels.leave();
            State::Text
        } else {
            State::Broken
        }
    }

    fn declare(&mut self, byte: u8) -> State {
        self.extend_name(byte, State::Declaration);
        let begins = |whole: &[u8]| whole.starts_with(&self.name);
        match self.name.as_slice() {
            COMMENT => self.skip_until(END_OF_COMMENT),
            CDATA => self.skip_until(END_OF_CDATA),
            _ if begins(COMMENT) || begins(CDATA) => State::Declaration,
            _ if byte == b'>' => State::Text,
            // A document type with an internal subset can declare entities.
            _ if byte == b'[' => State::Broken,
            _ => State::Declaration,
        }
    }

    fn skip_until(&mut self, end: &'static [u8]) -> State {
        self.matched = 0;
        State::Until(end)
    }

    fn continue_until(&mut self, end: &'static [u8], byte: u8) -> State {
        if end.get(self.matched) == Some(&byte) {
            self.matched = self.matched.saturating_add(1);
        } else {
            // `--->` and `]]]>` contain the end: of the bytes so far, the last two still match.
            let repeats = self.matched.checked_sub(1).is_some_and(|last| last > 0 && end.get(last) == Some(&byte));
            let is_first = end.first() == Some(&byte);
            self.matched = if repeats { self.matched } else { usize::from(is_first) };
        }
        if self.matched == end.len() { State::Text } else { State::Until(end) }
    }
}

/// The name without its namespace prefix; `None` if it is too long.
fn local_name(name: &[u8]) -> Option<&[u8]> {
    let local = name.rsplit(|byte| *byte == b':').next().unwrap_or(name);
    (name.len() <= LONGEST_NAME).then_some(local)
}
