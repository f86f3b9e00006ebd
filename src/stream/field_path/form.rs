//! Fields of form encoding and URL queries.

use super::values::ValueByte;
use super::{LONGEST_NAME, MASK};
use crate::policy::FieldPath;
use crate::scan::{Decoded, Escapes};

/// Position in a form.
#[derive(Clone, Default)]
pub struct FormFields {
    /// The current name, as received.
    name: Vec<u8>,
    is_value: bool,
}

impl FormFields {
    /// Advances past `text`.
    pub fn advance(&mut self, text: &[u8]) {
        for byte in text {
            match byte {
                b'&' => *self = Self::default(),
                b'=' if !self.is_value => self.is_value = true,
                // One byte more than the limit marks a name as too long.
                _ if !self.is_value && self.name.len() <= LONGEST_NAME => self.name.push(*byte),
                _ => {}
            }
        }
    }

    /// Part of the form to which `byte`, the next one, belongs.
    pub fn value_byte(&self, byte: u8, mask: u8) -> ValueByte {
        if self.is_value && byte != b'&' { ValueByte::Masked(mask) } else { ValueByte::Outside }
    }

    /// Path of the field at the next byte.
    pub fn path(&self) -> FieldPath {
        if !self.is_value {
            FieldPath::Outside
        } else if self.name.len() > LONGEST_NAME {
            FieldPath::Unknown
        } else {
            path_of(Decoded::new(&self.name, true, Escapes::FORM, MASK).text())
        }
    }
}

/// Path of a parameter's name: `cards[0][number]` is `cards.number`.
pub fn path_of(name: &[u8]) -> FieldPath {
    let mut path: Vec<u8> = Vec::new();
    for (index, level) in name.split(|byte| *byte == b'[').enumerate() {
        let level = if index == 0 { level } else { level.strip_suffix(b"]").unwrap_or(level) };
        if index > 0 && level.iter().all(u8::is_ascii_digit) {
            continue;
        }
        if index > 0 && !path.is_empty() {
            path.push(b'.');
        }
        path.extend(level);
    }
    if path.is_empty() { FieldPath::Outside } else { FieldPath::Names(path) }
}
