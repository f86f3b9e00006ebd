//! WebSocket frame headers (RFC 6455, section 5.2).
//!
//! *Masking key* is the term of the RFC for the key that a client scrambles its payloads with. It is unrelated to the masking of
//! card numbers, so this module says *scrambled*.

use super::Side;

/// Header of a frame.
pub struct FrameHeader {
    /// Whether the frame is the last one of its message (FIN).
    pub is_final: bool,
    /// FrameKind of the frame.
    pub kind: FrameKind,
    /// Length of the payload.
    pub length: u64,
    /// MaskingKey that the payload is scrambled with.
    pub key: MaskingKey,
}

/// FrameKind of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameKind {
    /// Text or binary: the first frame of a message.
    First,
    /// A further frame of the message.
    Continuation,
    /// Ping or pong.
    Control,
    /// Close, with a status code before the reason.
    Close,
    /// A frame of an extension, such as compression, or an invalid frame.
    Unsupported,
}

/// Masking key, rotated so that its first byte belongs to the next payload byte.
#[derive(Clone, Copy)]
pub struct MaskingKey([u8; 4]);

const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
const OPCODE: u8 = 0x0f;
const SCRAMBLED: u8 = 0x80;
const LENGTH: u8 = 0x7f;
/// Value of the length field when the length is in the next two bytes.
const LENGTH_IN_2: u8 = 126;
/// Value of the length field when the length is in the next eight bytes.
const LENGTH_IN_8: u8 = 127;

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;
/// Maximum payload of a control frame (RFC 6455, section 5.5).
const MAX_CONTROL_LEN: u64 = 125;

/// Status code for a policy violation (RFC 6455, section 7.4.1).
const POLICY_VIOLATION: u16 = 1008;

impl FrameHeader {
    /// Parses `bytes`, if they are a complete header.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (first, second, rest) = match bytes {
            [first, second, rest @ ..] => (*first, *second, rest),
            _ => return None,
        };
        let (length, rest) = match second & LENGTH {
            LENGTH_IN_2 => {
                let (length, rest) = rest.split_first_chunk()?;
                (u64::from(u16::from_be_bytes(*length)), rest)
            }
            LENGTH_IN_8 => {
                let (length, rest) = rest.split_first_chunk()?;
                (u64::from_be_bytes(*length), rest)
            }
            length => (u64::from(length), rest),
        };
        let key = if second & SCRAMBLED == 0 { MaskingKey::NONE } else { MaskingKey(*rest.first_chunk()?) };
        let kind = match FrameKind::of(first) {
            FrameKind::Control | FrameKind::Close if length > MAX_CONTROL_LEN => FrameKind::Unsupported,
            kind => kind,
        };
        Some(Self { is_final: first & FIN != 0, kind, length, key })
    }
}

impl FrameKind {
    /// Kind of a frame with this first byte.
    pub fn of(first: u8) -> Self {
        let is_final = first & FIN != 0;
        match first & OPCODE {
            _ if first & RESERVED != 0 => Self::Unsupported,
            TEXT | BINARY => Self::First,
            CONTINUATION => Self::Continuation,
            CLOSE if is_final => Self::Close,
            PING | PONG if is_final => Self::Control,
            _ => Self::Unsupported,
        }
    }
}

impl MaskingKey {
    const NONE: Self = Self([0; 4]);

    /// Scrambles or unscrambles `bytes`, and advances the key past them.
    pub fn apply(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            let [key, ..] = self.0;
            *byte ^= key;
            self.0.rotate_left(1);
        }
    }
}

/// The close frame that ends the WebSocket in the name of `side`.
pub fn close(side: Side) -> Vec<u8> {
    let status = POLICY_VIOLATION.to_be_bytes();
    let mut frame = vec![FIN | CLOSE];
    match side {
        // A key of zeros leaves the payload unchanged.
        Side::Client => frame.extend_from_slice(&[SCRAMBLED | 2, 0, 0, 0, 0]),
        Side::Server => frame.push(2),
    }
    frame.extend_from_slice(&status);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_parsed_once_it_is_complete() {
        for (bytes, length) in [
            (&b"\x81\x05"[..], 5),
            (b"\x81\x7e\x01\x00", 256),
            (b"\x81\x7f\0\0\0\0\0\x01\0\0", 65536),
            (b"\x81\x85\x01\x02\x03\x04", 5),
        ] {
            assert_eq!(FrameHeader::read(bytes).unwrap().length, length);
            assert!((0..bytes.len()).all(|len| FrameHeader::read(&bytes[..len]).is_none()));
        }
    }

    #[test]
    fn the_opcode_determines_the_kind() {
        let kind = |first| FrameHeader::read(&[first, 0]).unwrap().kind;
        assert_eq!([kind(0x81), kind(0x02), kind(0x80)], [FrameKind::First, FrameKind::First, FrameKind::Continuation]);
        assert_eq!([kind(0x88), kind(0x89), kind(0x8a)], [FrameKind::Close, FrameKind::Control, FrameKind::Control]);
        assert_eq!([kind(0xc1), kind(0x83), kind(0xa0)], [FrameKind::Unsupported; 3]);
        assert_eq!(
            [kind(0x08), kind(0x09), kind(0x8b)],
            [FrameKind::Unsupported; 3],
            "a fragmented ping, and a reserved opcode"
        );
        assert_eq!(
            FrameHeader::read(b"\x89\x7e\x00\x7e").unwrap().kind,
            FrameKind::Unsupported,
            "a ping that is too long"
        );
    }

    #[test]
    fn a_key_continues_where_it_stopped() {
        let whole = |pieces: &[usize]| {
            let (mut key, mut bytes) = (MaskingKey([1, 2, 3, 4]), *b"scrambled in pieces");
            let mut rest = &mut bytes[..];
            for len in pieces {
                let (piece, after) = rest.split_at_mut(*len);
                key.apply(piece);
                rest = after;
            }
            key.apply(rest);
            bytes
        };
        assert_eq!(whole(&[3, 4, 1, 8]), whole(&[]));
    }
}
