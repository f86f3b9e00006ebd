//! Where in a body does a text begin and end?
//!
//! What is inspected is a text: no number reaches out of it, and no name in it tells of the next one. Most bodies are one.
//! Some are a row of messages, which are told apart here: then the end of a message is known before more of the body comes,
//! and nothing of it has to wait.

mod grpc;
mod lines;
mod protobuf;

use self::grpc::Grpc;
use self::lines::Lines;
use self::protobuf::Fields;

/// How the sender of a body marks its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// `content-length`: the end is known by counting, even when trailers follow.
    Length(u64),
    /// The end of the body is announced in its last callback: HTTP/1.1 chunked, and bodies that end with the connection.
    EndSignalled,
    /// HTTP/2 or later without a length: the end may be the trailers, after the last byte has been forwarded.
    EndUnknown,
}

/// What texts a body consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// It is one.
    Whole,
    /// Each line is one: JSON Lines.
    Lines,
    /// Each event is one: what stands between empty lines (HTML, "Server-sent events", 9.2.6).
    Events,
    /// Each field of a protobuf message is one that is not a number or a message of its own.
    Protobuf,
    /// Messages with a length prefix (gRPC over HTTP/2, "Length-Prefixed-Message").
    Grpc(Prefixed),
}

/// What is known of messages with a length prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefixed {
    /// Each is a protobuf message; else a text.
    pub protobuf: bool,
    /// The last one may be the trailers, as in gRPC-Web.
    pub web: bool,
    /// Each may be compressed, since the headers name how.
    pub compressed: bool,
}

impl Prefixed {
    /// Texts.
    pub const TEXT: Self = Self { protobuf: false, web: false, compressed: false };
    /// Protobuf messages.
    pub const PROTOBUF: Self = Self { protobuf: true, ..Self::TEXT };
}

/// Cuts a body into its texts.
pub enum Messages {
    /// It is one.
    Whole,
    /// Lines or events.
    Lines(Lines),
    /// Fields of one message.
    Protobuf(Fields),
    /// Messages with a length prefix.
    Grpc(Grpc),
}

/// The next stretch of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyPart {
    /// So many bytes that hold no text.
    Framing(usize),
    /// The same, which say how long what follows is.
    Head(usize),
    /// So many bytes of a text; `first` and `last` say whether it begins and ends with them.
    Text {
        /// How many bytes.
        len: usize,
        /// The text begins here.
        first: bool,
        /// The text ends here.
        last: bool,
    },
    /// So many bytes of a compressed message.
    Compressed(usize),
    /// What the bytes are shows only when more of them have come.
    Undecided,
}

impl Sender {
    /// Whether so many bytes are all that it sends, without being told.
    pub fn is_done_after(self, received: u64) -> bool {
        matches!(self, Self::Length(length) if length <= received)
    }
}

impl Messages {
    /// At the start of a body.
    pub fn new(framing: Framing) -> Self {
        match framing {
            Framing::Whole => Self::Whole,
            Framing::Lines => Self::Lines(Lines::single()),
            Framing::Events => Self::Lines(Lines::up_to_an_empty_one()),
            Framing::Protobuf => Self::Protobuf(Fields::new(None)),
            Framing::Grpc(kind) => Self::Grpc(Grpc::new(kind)),
        }
    }

    /// At the start of a body that is to be read without looking into its messages, as who takes it for a text would.
    pub fn across(framing: Framing) -> Self {
        match framing {
            Framing::Grpc(kind) => Self::Grpc(Grpc::new(Prefixed { protobuf: false, ..kind })),
            Framing::Whole | Framing::Lines | Framing::Events | Framing::Protobuf => Self::Whole,
        }
    }

    /// True when the body is not what it is called: the rest of it is told as one text.
    pub fn is_broken(&self) -> bool {
        match self {
            Self::Grpc(grpc) => grpc.is_broken(),
            Self::Whole | Self::Lines(_) | Self::Protobuf(_) => false,
        }
    }

    /// True when the next byte is the first of a message that has parts.
    pub fn begins_message(&self) -> bool {
        match self {
            Self::Grpc(grpc) => grpc.begins_message(),
            Self::Protobuf(fields) => fields.begins(),
            Self::Whole | Self::Lines(_) => false,
        }
    }

    /// What the bytes at the front of the stream are. `end` says that the body ends with them. Framing is done with when it
    /// has been told; of a text it must be said how much was [taken](Self::take).
    pub fn next(&mut self, bytes: &[u8], end: bool) -> BodyPart {
        match self {
            Self::Whole => BodyPart::Text { len: bytes.len(), first: false, last: end },
            Self::Lines(lines) => lines.next(bytes, end),
            Self::Protobuf(fields) => fields.next(bytes, end),
            Self::Grpc(grpc) => grpc.next(bytes, end),
        }
    }

    /// Says that `bytes`, at the front of the stretch that was told last, are done with.
    pub fn take(&mut self, bytes: &[u8]) {
        match self {
            Self::Whole => {}
            Self::Lines(lines) => lines.take(bytes),
            Self::Protobuf(fields) => fields.take(bytes.len()),
            Self::Grpc(grpc) => grpc.take(bytes.len()),
        }
    }
}

pub(in crate::stream) fn as_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// As many of `available` bytes as are among the next `rest`.
fn within(rest: u64, available: usize) -> usize {
    usize::try_from(rest).unwrap_or(usize::MAX).min(available)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The texts of a body that comes in these chunks.
    pub fn texts(framing: Framing, chunks: &[&[u8]]) -> Vec<String> {
        let mut messages = Messages::new(framing);
        let (mut texts, mut waiting) = (Vec::new(), Vec::new());
        let mut open = false;
        for (index, chunk) in chunks.iter().enumerate() {
            waiting.extend_from_slice(chunk);
            let end = index + 1 == chunks.len();
            while !waiting.is_empty() {
                let len = match messages.next(&waiting, end) {
                    BodyPart::Undecided => break,
                    BodyPart::Framing(len) | BodyPart::Head(len) => len,
                    BodyPart::Compressed(len) => {
                        messages.take(&waiting[..len]);
                        len
                    }
                    BodyPart::Text { len, first, last } => {
                        if first || !open {
                            texts.push(String::new());
                        }
                        open = !last;
                        let text = String::from_utf8_lossy(&waiting[..len]).into_owned();
                        texts.last_mut().unwrap().push_str(&text);
                        messages.take(&waiting[..len]);
                        len
                    }
                };
                waiting.drain(..len);
            }
            assert!(!end || waiting.is_empty(), "{waiting:?}");
        }
        texts
    }

    /// The same, whatever the cut; the first is that of the whole body.
    pub fn texts_of_every_cut(framing: Framing, body: &[u8]) -> Vec<String> {
        let whole = texts(framing, &[body]);
        for cut in 0..=body.len() {
            let (head, tail) = body.split_at(cut);
            assert_eq!(texts(framing, &[head, tail]), whole, "{:?} cut at {cut}", String::from_utf8_lossy(body));
        }
        let bytes: Vec<&[u8]> = body.chunks(1).collect();
        assert_eq!(texts(framing, &bytes), whole, "{:?} byte by byte", String::from_utf8_lossy(body));
        whole
    }
}
