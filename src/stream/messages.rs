//! Where does a body, or a message in it, end?

/// How the sender of a body marks its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// `content-length`: the end is known by counting, even when trailers follow.
    Length(u64),
    /// The end of the body is announced in its last callback: HTTP/1.1 chunked, and bodies that end with the connection.
    Announced,
    /// HTTP/2 or later without a length: the end may be the trailers, after the last byte has been forwarded.
    Open,
    /// gRPC: each message is prefixed with its length.
    Grpc,
}

/// Cuts a body into the texts that are inspected one by one.
pub enum Messages {
    /// The whole body is one text, of which so many bytes are still to come when that is known.
    Whole(Option<u64>),
    /// Length-prefixed messages.
    Grpc(Prefix),
}

/// Where in a length-prefixed message (gRPC over HTTP/2, "Length-Prefixed-Message") the stream is.
#[derive(Default)]
pub struct Prefix {
    read: u8,
    length: u32,
    compressed: bool,
    rest: u64,
}

/// The next stretch of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stretch {
    /// So many bytes of framing.
    Framing(usize),
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
}

/// Which byte of a prefix says whether the message is compressed, and how many bytes a prefix has.
const COMPRESSED_FLAG: u8 = 0;
const PREFIX_LEN: u8 = 5;

impl Messages {
    pub fn new(sender: Sender) -> Self {
        match sender {
            Sender::Length(length) => Self::Whole(Some(length)),
            Sender::Announced | Sender::Open => Self::Whole(None),
            Sender::Grpc => Self::Grpc(Prefix::default()),
        }
    }

    /// What the bytes at the front of the stream are. `end` says that the body ends with them.
    pub fn next(&mut self, bytes: &[u8], end: bool) -> Stretch {
        match self {
            Self::Whole(rest) => {
                let complete = rest.is_some_and(|rest| rest <= as_u64(bytes.len()));
                Stretch::Text { len: bytes.len(), first: false, last: end || complete }
            }
            Self::Grpc(prefix) => prefix.next(bytes, end),
        }
    }

    /// Says that `count` bytes at the front of the stream are done with.
    pub fn consume(&mut self, count: usize) {
        match self {
            Self::Whole(rest) => *rest = rest.map(|rest| rest.saturating_sub(as_u64(count))),
            Self::Grpc(prefix) => prefix.rest = prefix.rest.saturating_sub(as_u64(count)),
        }
    }
}

impl Prefix {
    fn next(&mut self, bytes: &[u8], end: bool) -> Stretch {
        if self.rest > 0 {
            let len = usize::try_from(self.rest).unwrap_or(usize::MAX).min(bytes.len());
            if self.compressed {
                return Stretch::Compressed(len);
            }
            let first = self.rest == u64::from(self.length);
            return Stretch::Text { len, first, last: end || as_u64(len) == self.rest };
        }
        let mut taken: usize = 0;
        for byte in bytes {
            taken = taken.saturating_add(1);
            if self.read == COMPRESSED_FLAG {
                self.compressed = *byte != 0;
                self.length = 0;
            } else {
                self.length = self.length.wrapping_shl(8) | u32::from(*byte);
            }
            self.read = self.read.saturating_add(1);
            if self.read == PREFIX_LEN {
                self.read = 0;
                self.rest = u64::from(self.length);
                break;
            }
        }
        Stretch::Framing(taken)
    }
}

fn as_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_length_ends_the_text() {
        let mut messages = Messages::new(Sender::Length(5));
        assert_eq!(messages.next(b"123", false), Stretch::Text { len: 3, first: false, last: false });
        messages.consume(3);
        assert_eq!(messages.next(b"45", false), Stretch::Text { len: 2, first: false, last: true });
    }

    #[test]
    fn grpc_messages_end_at_their_length() {
        let mut messages = Messages::new(Sender::Grpc);
        let mut stream: &[u8] = b"\0\0\0\0\x03abc\x01\0\0\0\x02xy\0\0\0\0\0\0\0\0\0\x01z";
        let mut seen = Vec::new();
        while !stream.is_empty() {
            let stretch = messages.next(stream, false);
            let len = match stretch {
                Stretch::Framing(len) => len,
                Stretch::Compressed(len) | Stretch::Text { len, .. } => {
                    messages.consume(len);
                    len
                }
            };
            seen.push(stretch);
            stream = &stream[len..];
        }
        assert_eq!(
            seen,
            [
                Stretch::Framing(5),
                Stretch::Text { len: 3, first: true, last: true },
                Stretch::Framing(5),
                Stretch::Compressed(2),
                Stretch::Framing(5),
                Stretch::Framing(5),
                Stretch::Text { len: 1, first: true, last: true },
            ]
        );
    }
}
