//! Fields of form encoding and URL queries.

use super::LONGEST_NAME;
use super::values::ValueByte;
use crate::policy::FieldPath;
use crate::scan::hex_pair;

/// Position in a form.
#[derive(Clone, Default)]
pub struct FormFields {
    /// The current name, as received.
    name: Vec<u8>,
    is_value: bool,
    /// The last bytes.
    last: [u8; 3],
    /// Whether some receivers read another name: they begin a parameter at a semicolon, or end a name at the first `]=`.
    is_disputed: bool,
    /// Whether the text is no form: some clients send JSON with the content type of forms.
    is_broken: bool,
}

impl FormFields {
    /// Advances past one byte.
    pub fn step(&mut self, byte: u8) {
        let [_, second, third] = self.last;
        match byte {
            b'&' => *self = Self { is_broken: self.is_broken, ..Self::default() },
            b';' => self.is_disputed = true,
            b'=' if self.is_value => {
                self.is_disputed |= matches!(&self.last, [.., b']'] | [b'%', b'5', b'D' | b'd']);
            }
            b'{' | b'[' | b'<' if self.name.trim_ascii_start().is_empty() && !self.is_value => self.is_broken = true,
            b'=' if !self.is_value => self.is_value = true,
            // One byte more than the limit marks a name as too long.
            _ if !self.is_value && self.name.len() <= LONGEST_NAME => self.name.push(byte),
            _ => {}
        }
        self.last = [second, third, byte];
    }

    /// Part of the form to which `byte`, the next one, belongs.
    pub fn value_byte(&self, byte: u8, mask: u8) -> ValueByte {
        match byte {
            _ if self.is_broken => ValueByte::Unknown,
            b'&' => ValueByte::Outside,
            _ if !self.is_value => ValueByte::Outside,
            _ if self.is_disputed => ValueByte::Disputed(mask),
            _ => ValueByte::Masked(mask),
        }
    }

    /// Path of the field at the next byte.
    pub fn path(&self) -> FieldPath {
        if self.is_broken || self.is_disputed || self.name.len() > LONGEST_NAME {
            FieldPath::Unknown
        } else if self.is_value {
            path_of(&decoded(&self.name))
        } else {
            FieldPath::Outside
        }
    }
}

/// The name without its escapes.
fn decoded(name: &[u8]) -> Vec<u8> {
    let (mut decoded, mut rest) = (Vec::new(), name);
    while let Some((first, after)) = rest.split_first() {
        let escaped = match rest {
            [b'%', high, low, ..] => hex_pair(*high, *low),
            _ => None,
        };
        decoded.push(escaped.unwrap_or(if *first == b'+' { b' ' } else { *first }));
        rest = after.get(if escaped.is_some() { 2 } else { 0 }..).unwrap_or_default();
    }
    decoded
}

/// Path of a parameter's name: `cards[0][number]` is `cards.number`.
pub fn path_of(name: &[u8]) -> FieldPath {
    let mut path: Vec<u8> = Vec::new();
    // Some receivers remove spaces before a name.
    for (index, level) in name.trim_ascii().split(|byte| *byte == b'[').enumerate() {
        let level = if index == 0 { level } else { level.strip_suffix(b"]").unwrap_or(level) };
        if index > 0 && level.iter().all(u8::is_ascii_digit) {
            continue;
        }
        if index > 0 && !path.is_empty() {
            path.push(b'.');
        }
        path.extend(level);
    }
    if path.is_empty() { FieldPath::Outside } else { FieldPath::Names(path.into()) }
}
