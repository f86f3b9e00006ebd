//! Where does a message of gRPC end, and can it be read?

use super::protobuf::Fields;
use super::{Stretch, as_u64, within};

/// Where in the length-prefixed messages of a body the stream is.
#[derive(Default)]
pub struct Grpc {
    protobuf: bool,
    read: u8,
    flags: u8,
    length: u32,
    /// How much of the current message is still to come.
    rest: u64,
    /// The fields of the current message.
    fields: Option<Fields>,
}

/// The first byte of a prefix, before four of the length.
const FLAGS: u8 = 0;
const PREFIX_LEN: u8 = 5;
/// The message is compressed.
const COMPRESSED: u8 = 0x01;
/// The message is the trailers, as text (gRPC-Web, "Message framing").
const TRAILERS: u8 = 0x80;

impl Grpc {
    /// Each message is a protobuf message.
    pub fn of_protobuf() -> Self {
        Self { protobuf: true, ..Self::default() }
    }

    pub fn next(&mut self, bytes: &[u8], end: bool) -> Stretch {
        if self.rest == 0 {
            return Stretch::Framing(self.read_prefix(bytes));
        }
        let len = within(self.rest, bytes.len());
        let last = end || as_u64(len) == self.rest;
        if self.flags & COMPRESSED != 0 {
            return Stretch::Compressed(len);
        }
        let Some(fields) = &mut self.fields else {
            return Stretch::Text { len, first: self.rest == u64::from(self.length), last };
        };
        let stretch = fields.next(bytes.get(..len).unwrap_or(bytes), last);
        if let Stretch::Framing(len) = stretch {
            self.rest = self.rest.saturating_sub(as_u64(len));
        }
        stretch
    }

    pub fn take(&mut self, count: usize) {
        self.rest = self.rest.saturating_sub(as_u64(count));
        if let Some(fields) = &mut self.fields {
            fields.take(count);
        }
    }

    /// How many of `bytes` belong to the prefix.
    fn read_prefix(&mut self, bytes: &[u8]) -> usize {
        let mut taken: usize = 0;
        for byte in bytes {
            taken = taken.saturating_add(1);
            if self.read == FLAGS {
                self.flags = *byte;
                self.length = 0;
            } else {
                self.length = self.length.wrapping_shl(8) | u32::from(*byte);
            }
            self.read = self.read.saturating_add(1);
            if self.read == PREFIX_LEN {
                self.read = 0;
                self.rest = u64::from(self.length);
                let is_message = self.protobuf && self.flags & TRAILERS == 0;
                self.fields = is_message.then(|| Fields::new(Some(self.rest)));
                break;
            }
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::texts_of_every_cut;
    use super::super::{Framing, Messages, Stretch};

    #[test]
    fn messages_end_at_their_length() {
        let mut messages = Messages::new(Framing::Grpc);
        let mut stream: &[u8] = b"\0\0\0\0\x03abc\x01\0\0\0\x02xy\0\0\0\0\0\0\0\0\0\x01z";
        let mut seen = Vec::new();
        while !stream.is_empty() {
            let stretch = messages.next(stream, false);
            let len = match stretch {
                Stretch::Framing(len) => len,
                Stretch::Compressed(len) | Stretch::Text { len, .. } => {
                    messages.take(&stream[..len]);
                    len
                }
                Stretch::Undecided => panic!("all is there"),
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

    #[test]
    fn fields_are_texts_and_trailers_one() {
        let stream = b"\0\0\0\0\x06\x0a\x04card\x80\0\0\0\x0fgrpc-status:0\r\n";
        assert_eq!(texts_of_every_cut(Framing::GrpcProtobuf, stream), ["card", "grpc-status:0\r\n"]);
    }
}
