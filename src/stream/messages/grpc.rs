//! Length-prefixed messages of gRPC and gRPC-Web.

use super::protobuf::ProtobufFields;
use super::{BodyPart, LengthPrefixed, as_u64, min_len};

/// Position in the length-prefixed messages of a body.
pub struct Grpc {
    kind: LengthPrefixed,
    state: FramingState,
    flags: u8,
    /// Length of the current message.
    length: u64,
    /// Remaining length of the current message.
    rest: u64,
    /// Position in the fields of the current message, if it is protobuf.
    fields: Option<ProtobufFields>,
}

/// Whether the bytes have the framing of gRPC.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FramingState {
    /// Each message so far had a valid prefix.
    Framed,
    /// A prefix was invalid: the rest is one text, which begins with the next byte.
    BrokenAtStart,
    /// A prefix was invalid, and a part of the text after it was consumed.
    Broken,
}

/// Result of parsing a prefix.
enum PrefixResult {
    /// The prefix is complete and valid.
    Complete,
    /// The prefix is valid so far; more bytes are needed.
    Incomplete,
    /// The bytes are not a prefix.
    Invalid,
}

/// Smallest first byte of a length that is taken for text instead, because the length would be half a gibibyte or more.
const MIN_TEXT_BYTE: u8 = b' ';
/// Length of a prefix: one byte of flags and four bytes of length.
const PREFIX_LEN: usize = 5;
/// Flag of a compressed message.
const COMPRESSED: u8 = 0x01;
/// Flag of trailers, which are text (gRPC-Web, "Message framing").
const TRAILERS: u8 = 0x80;

impl Grpc {
    pub fn new(kind: LengthPrefixed) -> Self {
        Self { kind, state: FramingState::Framed, flags: 0, length: 0, rest: 0, fields: None }
    }

    /// True after an invalid prefix.
    pub fn is_broken(&self) -> bool {
        self.state != FramingState::Framed
    }

    /// True when the next byte is the first of a message, or of the text after an invalid prefix.
    pub fn begins_message(&self) -> bool {
        match self.state {
            FramingState::Framed => self.rest > 0 && self.rest == self.length,
            FramingState::BrokenAtStart => true,
            FramingState::Broken => false,
        }
    }

    pub fn next(&mut self, bytes: &[u8], end: bool) -> BodyPart {
        if self.state == FramingState::Framed && self.rest == 0 {
            match self.read_prefix(bytes) {
                PrefixResult::Complete => return BodyPart::Prefix(PREFIX_LEN),
                PrefixResult::Incomplete if end => return BodyPart::Prefix(bytes.len()),
                PrefixResult::Incomplete => return BodyPart::Undecided,
                PrefixResult::Invalid => self.state = FramingState::BrokenAtStart,
            }
        }
        if self.is_broken() {
            return BodyPart::Text { len: bytes.len(), first: self.state == FramingState::BrokenAtStart, last: end };
        }
        let len = min_len(self.rest, bytes.len());
        let last = end || as_u64(len) == self.rest;
        if self.flags & COMPRESSED != 0 {
            return BodyPart::Compressed(len);
        }
        let Some(fields) = &mut self.fields else {
            return BodyPart::Text { len, first: self.rest == self.length, last };
        };
        let part = fields.next(bytes.get(..len).unwrap_or(bytes), last);
        if let BodyPart::Framing(len) | BodyPart::Prefix(len) = part {
            self.rest = self.rest.saturating_sub(as_u64(len));
        }
        part
    }

    pub fn consume(&mut self, count: usize) {
        if self.is_broken() {
            if count > 0 {
                self.state = FramingState::Broken;
            }
            return;
        }
        self.rest = self.rest.saturating_sub(as_u64(count));
        if let Some(fields) = &mut self.fields {
            fields.consume(count);
        }
    }

    /// True when a message of this kind may have these flags. Bytes with other flags are not gRPC: to use their length would skip
    /// text. So is a compressed message when the headers name no compression.
    fn allows(&self, flags: u8) -> bool {
        let compressed = if self.kind.compressed { COMPRESSED } else { 0 };
        let trailers = if self.kind.web { TRAILERS } else { 0 };
        flags & !(compressed | trailers) == 0
    }

    /// Parses the prefix at the front of `bytes`.
    fn read_prefix(&mut self, bytes: &[u8]) -> PrefixResult {
        let (flags, length) = bytes.split_first().unwrap_or((&0, &[]));
        if !self.allows(*flags) || length.first().is_some_and(|first| *first >= MIN_TEXT_BYTE) {
            return PrefixResult::Invalid;
        }
        let Some(length) = length.first_chunk() else { return PrefixResult::Incomplete };
        self.flags = *flags;
        self.length = u64::from(u32::from_be_bytes(*length));
        self.rest = self.length;
        let is_message = self.kind.protobuf && self.flags & TRAILERS == 0;
        self.fields = is_message.then(|| ProtobufFields::new(Some(self.rest)));
        PrefixResult::Complete
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::texts_in_any_chunks;
    use super::super::{BodyPart, BodySplitter, Framing, LengthPrefixed};

    const COMPRESSED: Framing = Framing::Grpc(LengthPrefixed { compressed: true, ..LengthPrefixed::TEXT });
    const WEB: Framing = Framing::Grpc(LengthPrefixed { web: true, ..LengthPrefixed::PROTOBUF });

    #[test]
    fn messages_end_at_their_length() {
        let mut splitter = BodySplitter::new(COMPRESSED);
        let mut stream: &[u8] = b"\0\0\0\0\x03abc\x01\0\0\0\x02xy\0\0\0\0\0\0\0\0\0\x01z";
        let mut parts = Vec::new();
        while !stream.is_empty() {
            let part = splitter.next(stream, false);
            let len = match part {
                BodyPart::Framing(len) | BodyPart::Prefix(len) => len,
                BodyPart::Compressed(len) | BodyPart::Text { len, .. } => {
                    splitter.consume(&stream[..len]);
                    len
                }
                BodyPart::Undecided => panic!("the body is complete"),
            };
            parts.push(part);
            stream = &stream[len..];
        }
        assert_eq!(
            parts,
            [
                BodyPart::Prefix(5),
                BodyPart::Text { len: 3, first: true, last: true },
                BodyPart::Prefix(5),
                BodyPart::Compressed(2),
                BodyPart::Prefix(5),
                BodyPart::Prefix(5),
                BodyPart::Text { len: 1, first: true, last: true },
            ]
        );
    }

    #[test]
    fn each_field_is_a_text_and_so_are_trailers() {
        let stream = b"\0\0\0\0\x06\x0a\x04card\x80\0\0\0\x0fgrpc-status:0\r\n";
        assert_eq!(texts_in_any_chunks(WEB, stream), ["card", "grpc-status:0\r\n"]);
    }

    #[test]
    fn bytes_without_a_valid_prefix_are_one_text() {
        let text = Framing::Grpc(LengthPrefixed::TEXT);
        for body in [&b"{\"a\":[1,2]}"[..], b"4", b"\x01\0\0\0\x02xy", b"\x80\0\0\0\x0fgrpc-status:0\r\n", b"\x02\0\0"]
        {
            let shown = &*String::from_utf8_lossy(body);
            assert_eq!(texts_in_any_chunks(text, body), [shown]);
            assert_eq!(texts_in_any_chunks(Framing::Grpc(LengthPrefixed::PROTOBUF), body), [shown]);
            let after_message = [&b"\0\0\0\0\x03abc"[..], body].concat();
            assert_eq!(texts_in_any_chunks(text, &after_message), ["abc", shown]);
        }
        assert_eq!(texts_in_any_chunks(WEB, b"\x82\0\0\0\x02xy"), [String::from_utf8_lossy(b"\x82\0\0\0\x02xy")]);
    }

    #[test]
    fn an_incomplete_prefix_at_the_end_is_framing() {
        for body in [&b"\0"[..], b"\0\0\0", b"\0\0\0\0", b"\0\0\0\0\x03"] {
            assert_eq!(texts_in_any_chunks(Framing::Grpc(LengthPrefixed::TEXT), body), [""; 0]);
        }
    }
}
