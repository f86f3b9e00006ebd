//! Where does a message of gRPC end, and can it be read?

use super::protobuf::Fields;
use super::{BodyPart, Prefixed, as_u64, within};

/// Where in the length-prefixed messages of a body the stream is.
pub struct Grpc {
    kind: Prefixed,
    state: State,
    flags: u8,
    /// How long the current text is, or the current message.
    length: u64,
    /// How much of it is still to come.
    rest: u64,
    /// The fields of the current message.
    fields: Option<Fields>,
}

/// Whether the bytes are what they are called.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Messages with a prefix each.
    Framed,
    /// No prefix was where one had to be: the rest is a text, of which nothing was taken yet.
    Broken,
    /// A piece of that text was taken.
    BrokenBefore,
}

/// What stands where a prefix has to be.
enum Prefix {
    /// One.
    Whole,
    /// The start of one.
    Abort,
    /// None.
    None,
}

/// The first byte of a length that is no length but text: it would be one of half a gibibyte and more.
const LEAST_TEXT: u8 = b' ';
/// Flags, and four bytes of length.
const PREFIX_LEN: usize = 5;
/// The message is compressed.
const COMPRESSED: u8 = 0x01;
/// The message is the trailers, as text (gRPC-Web, "Message framing").
const TRAILERS: u8 = 0x80;

impl Grpc {
    pub fn new(kind: Prefixed) -> Self {
        Self { kind, state: State::Framed, flags: 0, length: 0, rest: 0, fields: None }
    }

    /// True when a prefix said what none says.
    pub fn is_broken(&self) -> bool {
        self.state != State::Framed
    }

    /// True when the next byte is the first of a message, or of what is none.
    pub fn begins_message(&self) -> bool {
        match self.state {
            State::Framed => self.rest > 0 && self.rest == self.length,
            State::Broken => true,
            State::BrokenBefore => false,
        }
    }

    pub fn next(&mut self, bytes: &[u8], end: bool) -> BodyPart {
        if self.state == State::Framed && self.rest == 0 {
            match self.read_prefix(bytes) {
                Prefix::Whole => return BodyPart::Head(PREFIX_LEN),
                Prefix::Abort if end => return BodyPart::Head(bytes.len()),
                Prefix::Abort => return BodyPart::Undecided,
                Prefix::None => self.state = State::Broken,
            }
        }
        if self.is_broken() {
            return BodyPart::Text { len: bytes.len(), first: self.state == State::Broken, last: end };
        }
        let len = within(self.rest, bytes.len());
        let last = end || as_u64(len) == self.rest;
        if self.flags & COMPRESSED != 0 {
            return BodyPart::Compressed(len);
        }
        let Some(fields) = &mut self.fields else {
            return BodyPart::Text { len, first: self.rest == self.length, last };
        };
        let stretch = fields.next(bytes.get(..len).unwrap_or(bytes), last);
        if let BodyPart::Framing(len) | BodyPart::Head(len) = stretch {
            self.rest = self.rest.saturating_sub(as_u64(len));
        }
        stretch
    }

    pub fn take(&mut self, count: usize) {
        if self.is_broken() {
            if count > 0 {
                self.state = State::BrokenBefore;
            }
            return;
        }
        self.rest = self.rest.saturating_sub(as_u64(count));
        if let Some(fields) = &mut self.fields {
            fields.take(count);
        }
    }

    /// True for the flags that a message of this kind may have. What has others is no gRPC, and its length is none either:
    /// read as one it would pass over text. The same holds for the sign of a coding that was never named.
    fn knows(&self, flags: u8) -> bool {
        let compressed = if self.kind.compressed { COMPRESSED } else { 0 };
        let trailers = if self.kind.web { TRAILERS } else { 0 };
        flags & !(compressed | trailers) == 0
    }

    /// Reads the prefix at the front of `bytes`, when all of it is there.
    fn read_prefix(&mut self, bytes: &[u8]) -> Prefix {
        let (flags, length) = bytes.split_first().unwrap_or((&0, &[]));
        if !self.knows(*flags) || length.first().is_some_and(|first| *first >= LEAST_TEXT) {
            return Prefix::None;
        }
        let Some(length) = length.first_chunk() else { return Prefix::Abort };
        self.flags = *flags;
        self.length = u64::from(u32::from_be_bytes(*length));
        self.rest = self.length;
        let is_message = self.kind.protobuf && self.flags & TRAILERS == 0;
        self.fields = is_message.then(|| Fields::new(Some(self.rest)));
        Prefix::Whole
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::texts_of_every_cut;
    use super::super::{BodyPart, Framing, Messages, Prefixed};

    const COMPRESSED: Framing = Framing::Grpc(Prefixed { compressed: true, ..Prefixed::TEXT });
    const WEB: Framing = Framing::Grpc(Prefixed { web: true, ..Prefixed::PROTOBUF });

    #[test]
    fn messages_end_at_their_length() {
        let mut messages = Messages::new(COMPRESSED);
        let mut stream: &[u8] = b"\0\0\0\0\x03abc\x01\0\0\0\x02xy\0\0\0\0\0\0\0\0\0\x01z";
        let mut seen = Vec::new();
        while !stream.is_empty() {
            let stretch = messages.next(stream, false);
            let len = match stretch {
                BodyPart::Framing(len) | BodyPart::Head(len) => len,
                BodyPart::Compressed(len) | BodyPart::Text { len, .. } => {
                    messages.take(&stream[..len]);
                    len
                }
                BodyPart::Undecided => panic!("all is there"),
            };
            seen.push(stretch);
            stream = &stream[len..];
        }
        assert_eq!(
            seen,
            [
                BodyPart::Head(5),
                BodyPart::Text { len: 3, first: true, last: true },
                BodyPart::Head(5),
                BodyPart::Compressed(2),
                BodyPart::Head(5),
                BodyPart::Head(5),
                BodyPart::Text { len: 1, first: true, last: true },
            ]
        );
    }

    #[test]
    fn fields_are_texts_and_trailers_one() {
        let stream = b"\0\0\0\0\x06\x0a\x04card\x80\0\0\0\x0fgrpc-status:0\r\n";
        assert_eq!(texts_of_every_cut(WEB, stream), ["card", "grpc-status:0\r\n"]);
    }

    #[test]
    fn what_has_no_prefix_is_one_text() {
        let text = Framing::Grpc(Prefixed::TEXT);
        for body in [&b"{\"a\":[1,2]}"[..], b"4", b"\x01\0\0\0\x02xy", b"\x80\0\0\0\x0fgrpc-status:0\r\n", b"\x02\0\0"]
        {
            let shown = &*String::from_utf8_lossy(body);
            assert_eq!(texts_of_every_cut(text, body), [shown]);
            assert_eq!(texts_of_every_cut(Framing::Grpc(Prefixed::PROTOBUF), body), [shown]);
            let behind = [&b"\0\0\0\0\x03abc"[..], body].concat();
            assert_eq!(texts_of_every_cut(text, &behind), ["abc", shown]);
        }
        assert_eq!(texts_of_every_cut(WEB, b"\x82\0\0\0\x02xy"), [String::from_utf8_lossy(b"\x82\0\0\0\x02xy")]);
    }

    #[test]
    fn a_prefix_that_is_cut_off_is_framing() {
        for body in [&b"\0"[..], b"\0\0\0", b"\0\0\0\0", b"\0\0\0\0\x03"] {
            assert_eq!(texts_of_every_cut(Framing::Grpc(Prefixed::TEXT), body), [""; 0]);
        }
    }
}
