//! Fields of protobuf messages.
//!
//! The wire format (protobuf.dev, "Encoding") distinguishes numbers from length-delimited values. Only the schema says whether
//! such a value is a string, bytes or a nested message. So the first [`PEEK_LEN`] bytes decide. If they are valid text, the value is a
//! text. If they parse as fields, it is a message, whose fields are examined in turn. Everything else is bytes, which are
//! inspected as one text. A short value can be both a text and a message up to its last byte. It is then a message, unless a card
//! number in the text would span its fields.
//!
//! The tag and the length of a field can be ASCII digits. Inspected as text, they would extend an adjacent card number to another
//! number.

use super::{BodyPart, as_u64, min_len};
use crate::mask::Style;
use crate::stream::{Inspector, TextFormat};
use std::ops::Range;

/// Position in the fields of a message.
pub struct ProtobufFields {
    /// Position in the outermost message.
    position: u64,
    /// Ends of the current messages, the outermost first.
    ends: Vec<u64>,
    /// Current groups, each with the number of messages around it and its field number.
    groups: Vec<(usize, u64)>,
    next: Element,
}

/// The next element of a message.
enum Element {
    /// Tag of a field.
    Tag,
    /// Number with this remaining length.
    Number(u64),
    /// Text with this remaining length and total length.
    Text { rest: u64, length: u64 },
}

/// How many bytes of a value decide whether it is a text or a message.
const PEEK_LEN: usize = 256;
/// Maximum depth of messages and groups. Deeper values count as bytes.
const MAX_DEPTH: usize = 32;
/// Maximum length of a varint with 64 bits.
const MAX_VARINT_LEN: usize = 10;
/// Largest tag: a field number of 29 bits and a wire type of three.
const MAX_TAG: u64 = (1 << 32) - 1;

/// Header of a field.
struct FieldHeader {
    /// Length of the tag, and of the varint after it that is the value or its length.
    len: usize,
    value: FieldValue,
}

/// Value of a field.
enum FieldValue {
    /// Varint, which the header contains.
    Varint,
    /// Fixed-size number with this length.
    Number(u64),
    /// Length-delimited value with this length.
    Delimited(u64),
    /// Start of the group with this field number.
    Group(u64),
    /// End of the group with this field number.
    EndOfGroup(u64),
}

/// Reason why bytes are not a field header.
enum HeaderError {
    /// More bytes are needed.
    Incomplete,
    /// The bytes are not protobuf.
    Invalid,
}

impl ProtobufFields {
    /// Starts at the beginning of a message with this length, if it is known.
    pub fn new(length: Option<u64>) -> Self {
        Self { position: 0, ends: vec![length.unwrap_or(u64::MAX)], groups: Vec::new(), next: Element::Tag }
    }

    /// True at the start of the outermost message.
    pub fn begins(&self) -> bool {
        self.position == 0
    }

    /// Returns the part at the front of `bytes`. `end` means that the outermost message ends with them.
    pub fn next(&mut self, bytes: &[u8], end: bool) -> BodyPart {
        match &mut self.next {
            Element::Text { rest, length } => {
                let len = min_len(*rest, bytes.len());
                BodyPart::Text { len, first: rest == length, last: end || as_u64(len) == *rest }
            }
            Element::Number(rest) => {
                let len = min_len(*rest, bytes.len());
                *rest = rest.saturating_sub(as_u64(len));
                if *rest == 0 {
                    self.next = Element::Tag;
                }
                self.advance(len);
                BodyPart::Framing(len)
            }
            Element::Tag => self.next_field(bytes, end),
        }
    }

    /// Advances past `count` bytes of a text.
    pub fn consume(&mut self, count: usize) {
        if let Element::Text { rest, .. } = &mut self.next {
            *rest = rest.saturating_sub(as_u64(count));
            if *rest == 0 {
                self.next = Element::Tag;
            }
            self.advance(count);
        }
    }

    fn next_field(&mut self, bytes: &[u8], end: bool) -> BodyPart {
        let room = self.ends.last().copied().unwrap_or(u64::MAX).saturating_sub(self.position);
        let inside = bytes.get(..min_len(room, bytes.len())).unwrap_or(bytes);
        let complete = end || as_u64(inside.len()) == room;
        let header = match FieldHeader::read(inside) {
            Ok(header) => header,
            Err(HeaderError::Incomplete) if !complete => return BodyPart::Undecided,
            Err(_) => return self.as_text(room, inside, end),
        };
        let room = room.saturating_sub(as_u64(header.len));
        let is_delimited = matches!(header.value, FieldValue::Delimited(_));
        self.next = match header.value {
            FieldValue::Varint => Element::Tag,
            FieldValue::Group(field) if self.groups.len() < MAX_DEPTH => {
                self.groups.push((self.ends.len(), field));
                Element::Tag
            }
            FieldValue::EndOfGroup(field) if self.groups.last() == Some(&(self.ends.len(), field)) => {
                self.groups.pop();
                Element::Tag
            }
            FieldValue::Group(_) | FieldValue::EndOfGroup(_) => {
                return self.as_text(room.saturating_add(as_u64(header.len)), inside, end);
            }
            FieldValue::Number(length) => Element::Number(length),
            FieldValue::Delimited(length) if length > room => {
                return self.as_text(room.saturating_add(as_u64(header.len)), inside, end);
            }
            FieldValue::Delimited(length) => {
                let start = inside.get(header.len..).unwrap_or_default();
                let start = start.get(..min_len(length, PEEK_LEN)).unwrap_or(start);
                let is_all = as_u64(start.len()) == length;
                if start.len() < PEEK_LEN && !is_all && !complete {
                    return BodyPart::Undecided;
                }
                let reads_as_message = |values: Vec<Range<usize>>| {
                    !is_text(start) || (is_all && !values.is_empty() && !has_card_across(start, &values))
                };
                let is_message = fields_of(start, length).is_some_and(reads_as_message);
                if self.ends.len() < MAX_DEPTH && is_message {
                    let position = self.position.saturating_add(as_u64(header.len));
                    self.ends.push(position.saturating_add(length));
                    Element::Tag
                } else if length == 0 {
                    Element::Tag
                } else {
                    Element::Text { rest: length, length }
                }
            }
        };
        self.advance(header.len);
        if is_delimited { BodyPart::Prefix(header.len) } else { BodyPart::Framing(header.len) }
    }

    /// Treats the rest of the innermost message, `length` bytes, as a text, because it is not protobuf.
    fn as_text(&mut self, length: u64, inside: &[u8], end: bool) -> BodyPart {
        self.next = Element::Text { rest: length, length };
        let last = end || as_u64(inside.len()) == length;
        BodyPart::Text { len: inside.len(), first: true, last }
    }

    fn advance(&mut self, count: usize) {
        self.position = self.position.saturating_add(as_u64(count));
        while self.ends.len() > 1 && self.ends.last().is_some_and(|end| *end <= self.position) {
            self.ends.pop();
        }
        let open = self.ends.len();
        while self.groups.last().is_some_and(|(level, _)| *level > open) {
            self.groups.pop();
        }
    }
}

impl FieldHeader {
    fn read(bytes: &[u8]) -> Result<Self, HeaderError> {
        let (tag, tag_len) = varint(bytes)?;
        if tag > MAX_TAG || tag >> 3 == 0 {
            return Err(HeaderError::Invalid);
        }
        let rest = bytes.get(tag_len..).unwrap_or_default();
        let (len, value) = match tag & 0b111 {
            0 => (varint(rest)?.1, FieldValue::Varint),
            1 => (0, FieldValue::Number(8)),
            2 => {
                let (length, len) = varint(rest)?;
                (len, FieldValue::Delimited(length))
            }
            3 => (0, FieldValue::Group(tag >> 3)),
            4 => (0, FieldValue::EndOfGroup(tag >> 3)),
            5 => (0, FieldValue::Number(4)),
            _ => return Err(HeaderError::Invalid),
        };
        Ok(Self { len: tag_len.saturating_add(len), value })
    }
}

/// Parses the varint at the front of `bytes`. Returns its value and its length.
fn varint(bytes: &[u8]) -> Result<(u64, usize), HeaderError> {
    let mut value: u64 = 0;
    for (index, byte) in bytes.iter().take(MAX_VARINT_LEN).enumerate() {
        let shift = u32::try_from(index).unwrap_or(u32::MAX).saturating_mul(7);
        value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte & 0x80 == 0 {
            return Ok((value, index.saturating_add(1)));
        }
    }
    Err(if bytes.len() < MAX_VARINT_LEN { HeaderError::Incomplete } else { HeaderError::Invalid })
}

/// True when `bytes`, the start of a value, are UTF-8 without control characters.
fn is_text(bytes: &[u8]) -> bool {
    let is_white = |byte: u8| matches!(byte, b'\t' | b'\n' | b'\r');
    if bytes.iter().any(|byte| byte.is_ascii_control() && !is_white(*byte)) {
        return false;
    }
    match std::str::from_utf8(bytes) {
        Ok(_) => true,
        // The bytes end within a character.
        Err(error) => error.error_len().is_none(),
    }
}

/// Spans of the length-delimited values in `bytes`, the start of a value with `length` bytes, if they parse as fields.
fn fields_of(bytes: &[u8], length: u64) -> Option<Vec<Range<usize>>> {
    let mut values = Vec::new();
    let mut groups = Vec::new();
    let mut rest = length;
    let mut position: usize = 0;
    while let Some(after) = bytes.get(position..).filter(|after| !after.is_empty()) {
        let header = match FieldHeader::read(after) {
            Ok(header) => header,
            Err(HeaderError::Incomplete) => return (as_u64(after.len()) < rest).then_some(values),
            Err(HeaderError::Invalid) => return None,
        };
        let value = match header.value {
            FieldValue::Varint => 0,
            FieldValue::Number(length) | FieldValue::Delimited(length) => length,
            FieldValue::Group(field) => {
                groups.push(field);
                0
            }
            FieldValue::EndOfGroup(field) if groups.pop() == Some(field) => 0,
            FieldValue::EndOfGroup(_) => return None,
        };
        rest = rest.checked_sub(as_u64(header.len))?.checked_sub(value)?;
        let start = position.saturating_add(header.len);
        position = start.saturating_add(usize::try_from(value).unwrap_or(usize::MAX));
        if let FieldValue::Delimited(_) = header.value {
            values.push(start..position);
        }
    }
    (groups.is_empty() || as_u64(bytes.len()) < length).then_some(values)
}

/// True when `bytes`, inspected as one text, contain a card number that is not within one of the `values`.
fn has_card_across(bytes: &[u8], values: &[Range<usize>]) -> bool {
    let mut findings = Vec::new();
    Inspector::new(TextFormat::Unknown, Style::HIDE).inspect(bytes, true, &mut findings);
    let within = |span: &Range<usize>| values.iter().any(|value| value.start <= span.start && span.end <= value.end);
    findings.iter().any(|finding| !within(&finding.span))
}

#[cfg(test)]
mod tests {
    use super::super::Framing;
    use super::super::tests::texts_in_any_chunks;
    use super::fields_of;

    fn field(tag: u8, value: &[u8]) -> Vec<u8> {
        let mut field = vec![tag];
        let mut length = value.len();
        while length >= 0x80 {
            field.push((length & 0x7f) as u8 | 0x80);
            length >>= 7;
        }
        field.push(length as u8);
        field.extend_from_slice(value);
        field
    }

    fn texts(message: &[u8]) -> Vec<String> {
        texts_in_any_chunks(Framing::Protobuf, message)
    }

    #[test]
    fn length_delimited_fields_are_texts() {
        let numbers = b"\x08\x96\x01\x11abcdefgh\x1dabcd".to_vec();
        let message = [numbers, field(0x22, b"4111111111111111"), field(0x32, b"name"), field(0x3a, b"")].concat();
        assert_eq!(texts(&message), ["4111111111111111", "name"]);
    }

    #[test]
    fn fields_of_nested_messages_are_texts() {
        let inner = [field(0x0a, b"one"), field(0x12, b"two")].concat();
        let outer = [field(0x0a, &inner), field(0x12, b"three")].concat();
        assert_eq!(texts(&field(0x1a, &outer)), ["one", "two", "three"]);
    }

    #[test]
    fn a_message_that_is_also_a_valid_text_is_a_message() {
        let card = b"4111111111111111 and what makes it forty-eight bytes";
        let inner = field(b'2', card);
        assert!(inner.is_ascii());
        let shown = std::str::from_utf8(card).unwrap();
        assert_eq!(texts(&field(0x0a, &inner)), [shown]);
        let last = [field(b'"', b"paid in the morning with 4111111111111111"), field(b'2', &[b'a'; 40])].concat();
        assert_eq!(
            texts(&field(0x0a, &last)),
            ["paid in the morning with 4111111111111111".to_owned(), "a".repeat(40)]
        );
    }

    #[test]
    fn a_text_with_a_card_is_a_text_even_if_it_parses_as_fields() {
        // Three numbers of four bytes, and the end of a group without a start.
        let card = b"5555555555554444";
        assert_eq!(fields_of(card, 16), None);
        assert_eq!(texts(&field(0x0a, card)), ["5555555555554444"]);
        // A field of 50 bytes.
        let text = format!("2221000000000009{}", " ".repeat(36));
        assert_eq!(texts(&field(0x0a, text.as_bytes())), [text]);
    }

    #[test]
    fn the_first_bytes_identify_a_long_message() {
        let inner = [field(0x0a, &[b'a'; 300]), field(0x12, &[b'w'; 200])].concat();
        let message = [field(0x0a, &inner), field(0x12, b"c")].concat();
        assert_eq!(texts(&message), ["a".repeat(300), "w".repeat(200), "c".to_owned()]);
    }

    #[test]
    fn invalid_protobuf_is_one_text() {
        assert_eq!(texts(b"not protobuf at all"), ["not protobuf at all"]);
        assert_eq!(texts(&field(0x0a, b"\0\x01 bytes")), ["\0\x01 bytes"]);
        let broken_inside = [field(0x0a, &[b'a'; 300]), b"\x0f 4111111111111111".to_vec()].concat();
        assert_eq!(texts(&field(0x0a, &broken_inside)), ["a".repeat(300), "\x0f 4111111111111111".to_owned()]);
    }

    #[test]
    fn a_length_beyond_the_message_is_invalid() {
        let lying = field(0x0a, b"\x0a\x7fshort");
        assert_eq!(texts(&lying), ["\x0a\x7fshort"]);
    }

    #[test]
    fn a_group_ends_in_the_message_of_its_start() {
        let inner = field(0x0a, b"one");
        assert_eq!(texts(&[b"\x13", &inner[..], b"\x14", &field(0x1a, b"two")].concat()), ["one", "two"]);
        for unmatched in [&b"\x14"[..], b"\x13\x1c", b"\x13\x14\x14"] {
            let text = [&unmatched[unmatched.len() - 1..], &inner[..]].concat();
            let shown = String::from_utf8_lossy(&text).into_owned();
            assert_eq!(texts(&[unmatched, &inner[..]].concat()), [shown]);
        }
    }

    #[test]
    fn nesting_depth_is_bounded() {
        let mut message = b"\x08\x01".to_vec();
        for _ in 0..100 {
            message = field(0x0a, &message);
        }
        assert!(!texts(&message).is_empty());
    }
}
