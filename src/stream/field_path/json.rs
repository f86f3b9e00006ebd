//! Fields of JSON.

use super::LONGEST_NAME;
use super::path::Levels;
use super::values::ValueByte;
use crate::policy::{ConfigValue, FieldPath};
use crate::stream::charset::BYTE_ORDER_MARK;

/// Position in a sequence of JSON values. Behind a syntax error all paths are unknown.
#[derive(Clone, Default)]
pub struct JsonFields {
    state: State,
    levels: Levels,
    /// The current key, as received and without its quotes.
    key: Vec<u8>,
    /// Whether the last byte was a backslash that begins an escape.
    is_escaped: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// A value begins, or an array without one ends.
    #[default]
    Value,
    /// A value has ended.
    AfterValue,
    /// A key begins, or an object without one ends.
    Key,
    /// Within a key.
    InKey,
    /// A colon follows.
    Colon,
    /// Within a string that is a value, or at any string where the levels are too many.
    InString,
    /// Within a number or a literal.
    InScalar(Scalar),
    /// The text is not JSON.
    Broken,
}

/// Value without quotes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scalar {
    /// A literal, of which these bytes follow.
    Literal(&'static [u8]),
    /// A minus sign.
    Sign,
    Number,
    /// The exponent of a number.
    Exponent,
}

/// The byte that separates the values of a JSON text sequence (RFC 7464).
const RECORD_SEPARATOR: u8 = 0x1e;

impl JsonFields {
    /// Path of the field at the next byte.
    pub fn path(&self) -> FieldPath {
        match self.state {
            State::Broken => FieldPath::Unknown,
            State::Key | State::InKey | State::Colon => FieldPath::Outside,
            State::Value | State::AfterValue | State::InString | State::InScalar(_) => self.levels.path(),
        }
    }

    /// Part of the text to which `byte`, the next one, belongs. In a number `1` replaces every digit: no type that holds the number is too
    /// small for ones. An exponent becomes zero. Booleans and `null` are no values.
    pub fn value_byte(&self, byte: u8, mask: u8) -> ValueByte {
        match (self.state, byte) {
            (State::Broken, _) => ValueByte::Unknown,
            _ if self.levels.is_too_deep() => ValueByte::Unknown,
            (State::InString, b'"') if !self.is_escaped => ValueByte::Outside,
            (State::InString, _) => ValueByte::Masked(mask),
            (State::Value | State::InScalar(Scalar::Sign | Scalar::Number), b'0'..=b'9') => ValueByte::Masked(b'1'),
            (State::InScalar(Scalar::Exponent), b'0'..=b'9') => ValueByte::Masked(b'0'),
            (State::InScalar(_), b'.' | b'+' | b'-' | b'e' | b'E') => ValueByte::Kept,
            _ => ValueByte::Outside,
        }
    }

    /// Advances past one byte.
    pub fn step(&mut self, byte: u8) {
        if matches!(self.state, State::InKey | State::InString) {
            return self.step_in_string(byte);
        }
        let is_outside = self.levels.is_empty() && (byte == RECORD_SEPARATOR || BYTE_ORDER_MARK.contains(&byte));
        let is_space = matches!(byte, b' ' | b'\t' | b'\r' | b'\n') || is_outside;
        self.state = match (self.state, byte) {
            (State::Broken, _) => State::Broken,
            (State::InScalar(Scalar::Literal([next, rest @ ..])), _) => {
                if byte == *next {
                    State::InScalar(Scalar::Literal(rest))
                } else {
                    State::Broken
                }
            }
            (State::InScalar(_), _) if is_space => State::AfterValue,
            (state, _) if is_space => state,
            (state, _) if self.levels.is_too_deep() => self.step_too_deep(state, byte),
            (State::Value, b'"') => State::InString,
            (State::Value, b'{') => self.enter(true),
            (State::Value, b'[') => self.enter(false),
            (State::Value, b']') => self.leave(false),
            (State::Value, b'-') => State::InScalar(Scalar::Sign),
            (State::Value | State::InScalar(Scalar::Sign), b'0'..=b'9') => State::InScalar(Scalar::Number),
            (State::Value | State::InScalar(Scalar::Sign), b'A'..=b'Z' | b'a'..=b'z') => literal(byte),
            (State::InScalar(Scalar::Number), b'e' | b'E') => State::InScalar(Scalar::Exponent),
            (State::InScalar(scalar @ (Scalar::Number | Scalar::Exponent)), b'0'..=b'9' | b'+' | b'-' | b'.') => {
                State::InScalar(scalar)
            }
            (State::AfterValue | State::InScalar(_), b',') => match self.levels.has_names() {
                Some(true) => State::Key,
                Some(false) => State::Value,
                None => State::Broken,
            },
            (State::AfterValue | State::InScalar(_) | State::Key, b'}') => self.leave(true),
            (State::AfterValue | State::InScalar(_), b']') => self.leave(false),
            // Another value follows.
            (State::AfterValue, _) if self.levels.is_empty() => {
                self.state = State::Value;
                return self.step(byte);
            }
            (State::Key, b'"') => {
                self.key.clear();
                State::InKey
            }
            (State::Colon, b':') => State::Value,
            _ => State::Broken,
        };
    }

    fn step_in_string(&mut self, byte: u8) {
        let ends = byte == b'"' && !self.is_escaped;
        self.is_escaped = byte == b'\\' && !self.is_escaped;
        match self.state {
            State::InKey if ends => {
                let key = decoded(&self.key);
                self.levels.set_name(key.as_deref());
                self.state = State::Colon;
            }
            // One byte more than the limit marks a key as too long.
            State::InKey if self.key.len() <= LONGEST_NAME => self.key.push(byte),
            State::InString if ends => self.state = State::AfterValue,
            _ => {}
        }
    }

    /// Beyond the levels that are kept, only strings and brackets are read.
    fn step_too_deep(&mut self, state: State, byte: u8) -> State {
        match byte {
            b'"' => State::InString,
            b'{' | b'[' => self.enter(false),
            b'}' | b']' => {
                self.levels.leave();
                State::AfterValue
            }
            _ => state,
        }
    }

    fn enter(&mut self, has_names: bool) -> State {
        self.levels.enter(has_names);
        if has_names { State::Key } else { State::Value }
    }

    fn leave(&mut self, has_names: bool) -> State {
        if self.levels.leave() == Some(has_names) { State::AfterValue } else { State::Broken }
    }
}

/// State behind `first`, the first byte of a literal. Many writers and readers know some that are not in the standard.
fn literal(first: u8) -> State {
    let literals: [&[u8]; 5] = [b"true", b"false", b"null", b"NaN", b"Infinity"];
    let rest = literals.into_iter().find_map(|literal| literal.strip_prefix(&[first]));
    rest.map_or(State::Broken, |rest| State::InScalar(Scalar::Literal(rest)))
}

/// The key without its escapes; `None` if it is too long or no JSON string.
fn decoded(key: &[u8]) -> Option<Vec<u8>> {
    if key.len() > LONGEST_NAME {
        None
    } else if key.contains(&b'\\') {
        match ConfigValue::of_json(&[b"\"", key, b"\""].concat())? {
            ConfigValue::Text(text) => Some(text.into_bytes()),
            _ => None,
        }
    } else {
        Some(key.to_vec())
    }
}
