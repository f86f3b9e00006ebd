//! Division of a body into texts.
//!
//! A text is the unit of inspection: no number spans two texts, and no name in one is evidence in the next. Most bodies are one
//! text. A body with several messages is divided here, so that the end of a message is decided without the next bytes of the
//! body.

mod grpc;
mod lines;
mod protobuf;

use self::grpc::Grpc;
use self::lines::Lines;
use self::protobuf::ProtobufFields;

/// How the sender of a body marks its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// `content-length`: the body ends after this many bytes, even when trailers follow.
    Length(u64),
    /// The last callback signals the end: HTTP/1.1 chunked encoding, and bodies that end with the connection.
    EndSignalled,
    /// HTTP/2 or later without a length: trailers may end the body after its last byte has been forwarded.
    EndUnknown,
}

/// How a body is divided into texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// The whole body is one text.
    Whole,
    /// Each line is a text: JSON Lines.
    Lines,
    /// Each event is a text: the lines up to an empty line (HTML, "Server-sent events", 9.2.6).
    Events,
    /// Each length-delimited field of a protobuf message is a text, except nested messages.
    Protobuf,
    /// BodySplitter with a length prefix (gRPC over HTTP/2, "Length-Prefixed-Message").
    Grpc(LengthPrefixed),
}

/// Properties of messages with a length prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LengthPrefixed {
    /// Whether each message is protobuf; else it is a text.
    pub protobuf: bool,
    /// Whether the last message may be the trailers, as in gRPC-Web.
    pub web: bool,
    /// Whether messages may be compressed, because the headers name a compression.
    pub compressed: bool,
}

impl LengthPrefixed {
    /// BodySplitter that are texts.
    pub const TEXT: Self = Self { protobuf: false, web: false, compressed: false };
    /// Protobuf messages.
    pub const PROTOBUF: Self = Self { protobuf: true, ..Self::TEXT };
}

/// Divides a body into texts and the framing between them.
pub enum BodySplitter {
    /// The whole body is one text.
    Whole,
    /// Lines or events.
    Lines(Lines),
    /// Fields of one protobuf message.
    Protobuf(ProtobufFields),
    /// BodySplitter with a length prefix.
    Grpc(Grpc),
}

/// The next part of a body. Each number is a length in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyPart {
    /// Bytes without text.
    Framing(usize),
    /// Bytes without text that state the length of the next part.
    Prefix(usize),
    /// Bytes of a text.
    Text {
        /// Length in bytes.
        len: usize,
        /// Whether the text begins with them.
        first: bool,
        /// Whether the text ends with them.
        last: bool,
    },
    /// Bytes of a compressed message.
    Compressed(usize),
    /// Incomplete framing: more bytes are needed.
    Undecided,
}

impl Sender {
    /// True when the body has ended after `received` bytes, although no callback signals it.
    pub fn is_done_after(self, received: u64) -> bool {
        matches!(self, Self::Length(length) if length <= received)
    }
}

impl BodySplitter {
    /// Starts at the beginning of a body.
    pub fn new(framing: Framing) -> Self {
        match framing {
            Framing::Whole => Self::Whole,
            Framing::Lines => Self::Lines(Lines::each_line()),
            Framing::Events => Self::Lines(Lines::each_event()),
            Framing::Protobuf => Self::Protobuf(ProtobufFields::new(None)),
            Framing::Grpc(kind) => Self::Grpc(Grpc::new(kind)),
        }
    }

    /// Starts at the beginning of a body whose messages are texts, as a receiver would read them that ignores their fields.
    pub fn of_whole_messages(framing: Framing) -> Self {
        match framing {
            Framing::Grpc(kind) => Self::Grpc(Grpc::new(LengthPrefixed { protobuf: false, ..kind })),
            Framing::Whole | Framing::Lines | Framing::Events | Framing::Protobuf => Self::Whole,
        }
    }

    /// True when the body does not have its framing, so that the rest of it is one text.
    pub fn is_broken(&self) -> bool {
        match self {
            Self::Grpc(grpc) => grpc.is_broken(),
            Self::Whole | Self::Lines(_) | Self::Protobuf(_) => false,
        }
    }

    /// True when the next byte is the first of a gRPC or protobuf message.
    pub fn begins_message(&self) -> bool {
        match self {
            Self::Grpc(grpc) => grpc.begins_message(),
            Self::Protobuf(fields) => fields.begins(),
            Self::Whole | Self::Lines(_) => false,
        }
    }

    /// Returns the part at the front of `bytes`. `end` means that the body ends with them. The splitter advances past framing by
    /// itself; past text and compressed bytes, the caller advances it with [`Self::consume`].
    pub fn next(&mut self, bytes: &[u8], end: bool) -> BodyPart {
        match self {
            Self::Whole => BodyPart::Text { len: bytes.len(), first: false, last: end },
            Self::Lines(lines) => lines.next(bytes, end),
            Self::Protobuf(fields) => fields.next(bytes, end),
            Self::Grpc(grpc) => grpc.next(bytes, end),
        }
    }

    /// Advances past `bytes`, which are at the front of the last part.
    pub fn consume(&mut self, bytes: &[u8]) {
        match self {
            Self::Whole => {}
            Self::Lines(lines) => lines.consume(bytes),
            Self::Protobuf(fields) => fields.consume(bytes.len()),
            Self::Grpc(grpc) => grpc.consume(bytes.len()),
        }
    }
}

pub(in crate::stream) fn as_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// The smaller of a remaining length and an available one.
fn min_len(rest: u64, available: usize) -> usize {
    usize::try_from(rest).unwrap_or(usize::MAX).min(available)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The texts of a body in these chunks.
    pub fn texts(framing: Framing, chunks: &[&[u8]]) -> Vec<String> {
        let mut splitter = BodySplitter::new(framing);
        let (mut texts, mut pending) = (Vec::new(), Vec::new());
        let mut open = false;
        for (index, chunk) in chunks.iter().enumerate() {
            pending.extend_from_slice(chunk);
            let end = index + 1 == chunks.len();
            while !pending.is_empty() {
                let len = match splitter.next(&pending, end) {
                    BodyPart::Undecided => break,
                    BodyPart::Framing(len) | BodyPart::Prefix(len) => len,
                    BodyPart::Compressed(len) => {
                        splitter.consume(&pending[..len]);
                        len
                    }
                    BodyPart::Text { len, first, last } => {
                        if first || !open {
                            texts.push(String::new());
                        }
                        open = !last;
                        let text = String::from_utf8_lossy(&pending[..len]).into_owned();
                        texts.last_mut().unwrap().push_str(&text);
                        splitter.consume(&pending[..len]);
                        len
                    }
                };
                pending.drain(..len);
            }
            assert!(!end || pending.is_empty(), "{pending:?}");
        }
        texts
    }

    /// The texts of a body, checked to be the same for every split into two chunks and for single bytes.
    pub fn texts_in_any_chunks(framing: Framing, body: &[u8]) -> Vec<String> {
        let whole = texts(framing, &[body]);
        for split in 0..=body.len() {
            let (head, tail) = body.split_at(split);
            assert_eq!(texts(framing, &[head, tail]), whole, "{:?} split at {split}", String::from_utf8_lossy(body));
        }
        let bytes: Vec<&[u8]> = body.chunks(1).collect();
        assert_eq!(texts(framing, &bytes), whole, "{:?} byte by byte", String::from_utf8_lossy(body));
        whole
    }
}
