//! Where in a protobuf message does a text stand?
//!
//! The wire format (protobuf.dev, "Encoding") tells numbers from what has a length, but not whether that is a text, bytes or
//! another message: only the schema does. So its first [`PEEK`] bytes are asked: what reads as a text is one; what is no text
//! and reads as fields is a message, and its fields are looked at in turn; all else is bytes, which are inspected as one text.
//! A short value can be both, down to its last byte: then it is a message, unless it holds a card only as a text.
//!
//! That matters because of the digits next to a number: the tag and the length of a field are bytes like `2` and `0` when they
//! want to be, and in front of a card number or behind it they would make it another number.

use super::{BodyPart, as_u64, within};
use crate::mask::Style;
use crate::stream::{Document, Inspector};
use std::ops::Range;

/// Where in the fields of a message the stream is.
pub struct Fields {
    /// How many bytes were told of, from the start of the outermost message on.
    position: u64,
    /// Where each message ends that is open, the outermost first.
    ends: Vec<u64>,
    /// The groups that are open: in how many messages, and of which field.
    groups: Vec<(usize, u64)>,
    place: Location,
}

/// What comes next.
enum Location {
    /// A tag.
    Tag,
    /// So many bytes of a number.
    Number(u64),
    /// So many bytes of a text that has so many in all.
    Text { rest: u64, length: u64 },
}

/// How much of a field is looked at to tell what it is.
const PEEK: usize = 256;
/// Deeper ones count as bytes.
const MOST_LEVELS: usize = 32;
/// Of a varint with 64 bits.
const LONGEST_VARINT: usize = 10;
/// Field numbers have 29 bits, tags three more.
const LARGEST_TAG: u64 = (1 << 32) - 1;

/// A tag and what it needs to be passed by.
struct Head {
    /// How many bytes the tag has, with a varint that is its value or the length of it.
    len: usize,
    value: Value,
}

/// The value behind a tag.
enum Value {
    /// Is in the head.
    Read,
    /// A number of so many bytes.
    Number(u64),
    /// Something with so many bytes.
    Delimited(u64),
    /// The fields up to the end of this group, which are like those around it.
    Group(u64),
    /// None: a group ends.
    EndOfGroup(u64),
}

/// Why there is no head.
enum NoHead {
    /// It is not complete.
    Abort,
    /// These bytes are none.
    Broken,
}

impl Fields {
    /// At the start of a message with so many bytes, if that is known.
    pub fn new(length: Option<u64>) -> Self {
        Self { position: 0, ends: vec![length.unwrap_or(u64::MAX)], groups: Vec::new(), place: Location::Tag }
    }

    /// True at the start of the outermost message.
    pub fn begins(&self) -> bool {
        self.position == 0
    }

    /// `end` says that the outermost message ends with these bytes.
    pub fn next(&mut self, bytes: &[u8], end: bool) -> BodyPart {
        match &mut self.place {
            Location::Text { rest, length } => {
                let len = within(*rest, bytes.len());
                BodyPart::Text { len, first: rest == length, last: end || as_u64(len) == *rest }
            }
            Location::Number(rest) => {
                let len = within(*rest, bytes.len());
                *rest = rest.saturating_sub(as_u64(len));
                if *rest == 0 {
                    self.place = Location::Tag;
                }
                self.advance(len);
                BodyPart::Framing(len)
            }
            Location::Tag => self.next_field(bytes, end),
        }
    }

    /// Says that so many bytes of a text are done with.
    pub fn take(&mut self, count: usize) {
        if let Location::Text { rest, .. } = &mut self.place {
            *rest = rest.saturating_sub(as_u64(count));
            if *rest == 0 {
                self.place = Location::Tag;
            }
            self.advance(count);
        }
    }

    fn next_field(&mut self, bytes: &[u8], end: bool) -> BodyPart {
        let room = self.ends.last().copied().unwrap_or(u64::MAX).saturating_sub(self.position);
        let inside = bytes.get(..within(room, bytes.len())).unwrap_or(bytes);
        let complete = end || as_u64(inside.len()) == room;
        let head = match Head::read(inside) {
            Ok(head) => head,
            Err(NoHead::Abort) if !complete => return BodyPart::Undecided,
            Err(_) => return self.as_text(room, inside, end),
        };
        let room = room.saturating_sub(as_u64(head.len));
        let is_delimited = matches!(head.value, Value::Delimited(_));
        self.place = match head.value {
            Value::Read => Location::Tag,
            Value::Group(field) if self.groups.len() < MOST_LEVELS => {
                self.groups.push((self.ends.len(), field));
                Location::Tag
            }
            Value::EndOfGroup(field) if self.groups.last() == Some(&(self.ends.len(), field)) => {
                self.groups.pop();
                Location::Tag
            }
            Value::Group(_) | Value::EndOfGroup(_) => {
                return self.as_text(room.saturating_add(as_u64(head.len)), inside, end);
            }
            Value::Number(length) => Location::Number(length),
            Value::Delimited(length) if length > room => {
                return self.as_text(room.saturating_add(as_u64(head.len)), inside, end);
            }
            Value::Delimited(length) => {
                let start = inside.get(head.len..).unwrap_or_default();
                let start = start.get(..within(length, PEEK)).unwrap_or(start);
                let is_all = as_u64(start.len()) == length;
                if start.len() < PEEK && !is_all && !complete {
                    return BodyPart::Undecided;
                }
                let reads_as_message = |values: Vec<Range<usize>>| {
                    !is_text(start) || (is_all && !values.is_empty() && !has_card_across(start, &values))
                };
                let is_message = fields_of(start, length).is_some_and(reads_as_message);
                if self.ends.len() < MOST_LEVELS && is_message {
                    let position = self.position.saturating_add(as_u64(head.len));
                    self.ends.push(position.saturating_add(length));
                    Location::Tag
                } else if length == 0 {
                    Location::Tag
                } else {
                    Location::Text { rest: length, length }
                }
            }
        };
        self.advance(head.len);
        if is_delimited { BodyPart::Head(head.len) } else { BodyPart::Framing(head.len) }
    }

    /// The rest of the innermost message is no message: it is a text of `length` bytes.
    fn as_text(&mut self, length: u64, inside: &[u8], end: bool) -> BodyPart {
        self.place = Location::Text { rest: length, length };
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

impl Head {
    fn read(bytes: &[u8]) -> Result<Self, NoHead> {
        let (tag, tag_len) = varint(bytes)?;
        if tag > LARGEST_TAG || tag >> 3 == 0 {
            return Err(NoHead::Broken);
        }
        let behind = bytes.get(tag_len..).unwrap_or_default();
        let (len, value) = match tag & 0b111 {
            0 => (varint(behind)?.1, Value::Read),
            1 => (0, Value::Number(8)),
            2 => {
                let (length, len) = varint(behind)?;
                (len, Value::Delimited(length))
            }
            3 => (0, Value::Group(tag >> 3)),
            4 => (0, Value::EndOfGroup(tag >> 3)),
            5 => (0, Value::Number(4)),
            _ => return Err(NoHead::Broken),
        };
        Ok(Self { len: tag_len.saturating_add(len), value })
    }
}

/// The number at the front of `bytes`, and how many of them it takes.
fn varint(bytes: &[u8]) -> Result<(u64, usize), NoHead> {
    let mut value: u64 = 0;
    for (index, byte) in bytes.iter().take(LONGEST_VARINT).enumerate() {
        let shift = u32::try_from(index).unwrap_or(u32::MAX).saturating_mul(7);
        value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte & 0x80 == 0 {
            return Ok((value, index.saturating_add(1)));
        }
    }
    Err(if bytes.len() < LONGEST_VARINT { NoHead::Abort } else { NoHead::Broken })
}

/// True when `bytes`, the start of a value, read as a text: UTF-8 without control characters.
fn is_text(bytes: &[u8]) -> bool {
    let is_white = |byte: u8| matches!(byte, b'\t' | b'\n' | b'\r');
    if bytes.iter().any(|byte| byte.is_ascii_control() && !is_white(*byte)) {
        return false;
    }
    match std::str::from_utf8(bytes) {
        Ok(_) => true,
        // Cut within a character.
        Err(error) => error.error_len().is_none(),
    }
}

/// Where the values with a length stand in `bytes`, the start of a value with `length` bytes, if they read as fields.
fn fields_of(bytes: &[u8], length: u64) -> Option<Vec<Range<usize>>> {
    let mut values = Vec::new();
    let mut groups = Vec::new();
    let mut rest = length;
    let mut position: usize = 0;
    while let Some(behind) = bytes.get(position..).filter(|behind| !behind.is_empty()) {
        let head = match Head::read(behind) {
            Ok(head) => head,
            Err(NoHead::Abort) => return (as_u64(behind.len()) < rest).then_some(values),
            Err(NoHead::Broken) => return None,
        };
        let value = match head.value {
            Value::Read => 0,
            Value::Number(length) | Value::Delimited(length) => length,
            Value::Group(field) => {
                groups.push(field);
                0
            }
            Value::EndOfGroup(field) if groups.pop() == Some(field) => 0,
            Value::EndOfGroup(_) => return None,
        };
        rest = rest.checked_sub(as_u64(head.len))?.checked_sub(value)?;
        let start = position.saturating_add(head.len);
        position = start.saturating_add(usize::try_from(value).unwrap_or(usize::MAX));
        if let Value::Delimited(_) = head.value {
            values.push(start..position);
        }
    }
    (groups.is_empty() || as_u64(bytes.len()) < length).then_some(values)
}

/// True when `bytes`, read as one text, hold a card that is not within one of the `values`.
fn has_card_across(bytes: &[u8], values: &[Range<usize>]) -> bool {
    let mut findings = Vec::new();
    Inspector::new(Document::Unknown, Style::HIDE).inspect(bytes, true, &mut findings);
    let within = |span: &Range<usize>| values.iter().any(|value| value.start <= span.start && span.end <= value.end);
    findings.iter().any(|finding| !within(&finding.span))
}

#[cfg(test)]
mod tests {
    use super::super::Framing;
    use super::super::tests::texts_of_every_cut;
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
        texts_of_every_cut(Framing::Protobuf, message)
    }

    #[test]
    fn the_fields_with_a_length_are_texts() {
        let numbers = b"\x08\x96\x01\x11abcdefgh\x1dabcd".to_vec();
        let message = [numbers, field(0x22, b"4111111111111111"), field(0x32, b"name"), field(0x3a, b"")].concat();
        assert_eq!(texts(&message), ["4111111111111111", "name"]);
    }

    #[test]
    fn fields_of_messages_within_are_texts_too() {
        let inner = [field(0x0a, b"one"), field(0x12, b"two")].concat();
        let outer = [field(0x0a, &inner), field(0x12, b"three")].concat();
        assert_eq!(texts(&field(0x1a, &outer)), ["one", "two", "three"]);
    }

    #[test]
    fn a_message_that_reads_as_a_text_is_a_message() {
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
    fn a_text_that_reads_as_a_message_is_a_text_when_it_holds_a_card() {
        // Three numbers of four bytes and the end of a group that did not begin.
        let card = b"5555555555554444";
        assert_eq!(fields_of(card, 16), None);
        assert_eq!(texts(&field(0x0a, card)), ["5555555555554444"]);
        // A field of 50 bytes.
        let text = format!("2221000000000009{}", " ".repeat(36));
        assert_eq!(texts(&field(0x0a, text.as_bytes())), [text]);
    }

    #[test]
    fn a_long_message_is_known_by_its_start() {
        let inner = [field(0x0a, &[b'a'; 300]), field(0x12, &[b'w'; 200])].concat();
        let message = [field(0x0a, &inner), field(0x12, b"c")].concat();
        assert_eq!(texts(&message), ["a".repeat(300), "w".repeat(200), "c".to_owned()]);
    }

    #[test]
    fn what_is_no_message_is_one_text() {
        assert_eq!(texts(b"not protobuf at all"), ["not protobuf at all"]);
        assert_eq!(texts(&field(0x0a, b"\0\x01 bytes")), ["\0\x01 bytes"]);
        let broken_inside = [field(0x0a, &[b'a'; 300]), b"\x0f 4111111111111111".to_vec()].concat();
        assert_eq!(texts(&field(0x0a, &broken_inside)), ["a".repeat(300), "\x0f 4111111111111111".to_owned()]);
    }

    #[test]
    fn a_length_beyond_the_message_is_none() {
        let lying = field(0x0a, b"\x0a\x7fshort");
        assert_eq!(texts(&lying), ["\x0a\x7fshort"]);
    }

    #[test]
    fn groups_end_where_they_began() {
        let inner = field(0x0a, b"one");
        assert_eq!(texts(&[b"\x13", &inner[..], b"\x14", &field(0x1a, b"two")].concat()), ["one", "two"]);
        for unmatched in [&b"\x14"[..], b"\x13\x1c", b"\x13\x14\x14"] {
            let text = [&unmatched[unmatched.len() - 1..], &inner[..]].concat();
            let shown = String::from_utf8_lossy(&text).into_owned();
            assert_eq!(texts(&[unmatched, &inner[..]].concat()), [shown]);
        }
    }

    #[test]
    fn levels_are_bounded() {
        let mut message = b"\x08\x01".to_vec();
        for _ in 0..100 {
            message = field(0x0a, &message);
        }
        assert!(!texts(&message).is_empty());
    }
}
