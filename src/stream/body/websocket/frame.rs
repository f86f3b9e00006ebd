//! What does the head of a frame say? (RFC 6455, section 5.2)

use super::Side;

/// The head of a frame.
pub struct Head {
    /// The last frame of its message.
    pub is_last: bool,
    /// What is in it, if no extension says otherwise.
    pub kind: Kind,
    /// How long its payload is.
    pub length: u64,
    /// What that is scrambled with.
    pub key: Key,
}

/// What is in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The first piece of a message.
    First,
    /// A further piece of it.
    Continuation,
    /// A ping or a pong.
    Control,
    /// The end, with a status before the text.
    Close,
    /// What an extension says: compressed, or of a kind of its own. Or what no frame may be.
    Extended,
}

/// A scrambling key, turned so that its first byte is for the next byte.
#[derive(Clone, Copy)]
pub struct Key([u8; 4]);

const LAST: u8 = 0x80;
const EXTENSIONS: u8 = 0x70;
const OPCODE: u8 = 0x0f;
const SCRAMBLED: u8 = 0x80;
const LENGTH: u8 = 0x7f;
/// The length is in the next two bytes.
const LENGTH_IN_2: u8 = 126;
/// The length is in the next eight bytes.
const LENGTH_IN_8: u8 = 127;

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;
/// Of a frame that belongs to no message (RFC 6455, section 5.5).
const LONGEST_CONTROL: u64 = 125;

/// Policy violation (RFC 6455, section 7.4.1).
const STATUS: u16 = 1008;

impl Head {
    /// Reads `bytes`, when they are a whole head.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (first, second, behind) = match bytes {
            [first, second, behind @ ..] => (*first, *second, behind),
            _ => return None,
        };
        let (length, behind) = match second & LENGTH {
            LENGTH_IN_2 => {
                let (length, behind) = behind.split_first_chunk()?;
                (u64::from(u16::from_be_bytes(*length)), behind)
            }
            LENGTH_IN_8 => {
                let (length, behind) = behind.split_first_chunk()?;
                (u64::from_be_bytes(*length), behind)
            }
            length => (u64::from(length), behind),
        };
        let key = if second & SCRAMBLED == 0 { Key::NONE } else { Key(*behind.first_chunk()?) };
        let kind = match Kind::of(first) {
            Kind::Control | Kind::Close if length > LONGEST_CONTROL => Kind::Extended,
            kind => kind,
        };
        Some(Self { is_last: first & LAST != 0, kind, length, key })
    }
}

impl Kind {
    /// What a frame with this first byte holds.
    pub fn of(first: u8) -> Self {
        let is_last = first & LAST != 0;
        match first & OPCODE {
            _ if first & EXTENSIONS != 0 => Self::Extended,
            TEXT | BINARY => Self::First,
            CONTINUATION => Self::Continuation,
            CLOSE if is_last => Self::Close,
            PING | PONG if is_last => Self::Control,
            _ => Self::Extended,
        }
    }
}

impl Key {
    const NONE: Self = Self([0; 4]);

    /// Scrambles `bytes`, or unscrambles them, and turns to what is behind them.
    pub fn apply(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            let [key, ..] = self.0;
            *byte ^= key;
            self.0.rotate_left(1);
        }
    }
}

/// The frame with which `side` ends a websocket.
pub fn close(side: Side) -> Vec<u8> {
    let status = STATUS.to_be_bytes();
    let mut frame = vec![LAST | CLOSE];
    match side {
        // Scrambled with zeroes, which leaves it as it is.
        Side::Client => frame.extend_from_slice(&[SCRAMBLED | 2, 0, 0, 0, 0]),
        Side::Service => frame.push(2),
    }
    frame.extend_from_slice(&status);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_when_it_is_whole() {
        for (bytes, length) in [
            (&b"\x81\x05"[..], 5),
            (b"\x81\x7e\x01\x00", 256),
            (b"\x81\x7f\0\0\0\0\0\x01\0\0", 65536),
            (b"\x81\x85\x01\x02\x03\x04", 5),
        ] {
            assert_eq!(Head::read(bytes).unwrap().length, length);
            assert!((0..bytes.len()).all(|len| Head::read(&bytes[..len]).is_none()));
        }
    }

    #[test]
    fn opcodes_tell_the_kind() {
        let kind = |first| Head::read(&[first, 0]).unwrap().kind;
        assert_eq!([kind(0x81), kind(0x02), kind(0x80)], [Kind::First, Kind::First, Kind::Continuation]);
        assert_eq!([kind(0x88), kind(0x89), kind(0x8a)], [Kind::Close, Kind::Control, Kind::Control]);
        assert_eq!([kind(0xc1), kind(0x83), kind(0xa0)], [Kind::Extended; 3]);
        assert_eq!([kind(0x08), kind(0x09), kind(0x8b)], [Kind::Extended; 3], "a piece of a ping, and what is none");
        assert_eq!(Head::read(b"\x89\x7e\x00\x7e").unwrap().kind, Kind::Extended, "too long a ping");
    }

    #[test]
    fn a_key_goes_on_where_it_stopped() {
        let whole = |pieces: &[usize]| {
            let (mut key, mut bytes) = (Key([1, 2, 3, 4]), *b"scrambled in pieces");
            let mut rest = &mut bytes[..];
            for len in pieces {
                let (piece, behind) = rest.split_at_mut(*len);
                key.apply(piece);
                rest = behind;
            }
            key.apply(rest);
            bytes
        };
        assert_eq!(whole(&[3, 4, 1, 8]), whole(&[]));
    }
}
