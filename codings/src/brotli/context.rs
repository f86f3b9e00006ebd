//! Contexts of literals, from the last two bytes (RFC 7932, section 7.1).

/// Context mode.
#[derive(Clone, Copy)]
pub(super) struct Mode(u8);

/// Contribution of the last byte in mode UTF8, for ASCII.
#[rustfmt::skip]
const AFTER_ASCII: [u8; 128] = [
    0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 4, 0, 0, 4, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    8, 12, 16, 12, 12, 20, 12, 16, 24, 28, 12, 12, 32, 12, 36, 12,
    44, 44, 44, 44, 44, 44, 44, 44, 44, 44, 32, 32, 24, 40, 28, 12,
    12, 48, 52, 52, 52, 48, 52, 52, 52, 48, 52, 52, 52, 52, 52, 48,
    52, 52, 52, 52, 52, 48, 52, 52, 52, 52, 52, 24, 12, 28, 12, 12,
    12, 56, 60, 60, 60, 56, 60, 60, 60, 56, 60, 60, 60, 60, 60, 56,
    60, 60, 60, 60, 60, 56, 60, 60, 60, 60, 60, 24, 12, 28, 12, 0,
];

impl Mode {
    /// Mode with this number.
    pub(super) fn of(bits: u32) -> Self {
        Self(bits as u8 & 3)
    }

    /// Context, a number below 64.
    pub(super) fn context(self, last: u8, before: u8) -> usize {
        usize::from(match self.0 {
            0 => last & 63,
            1 => last >> 2,
            2 => after(last) | class(before),
            _ => size(last) << 3 | size(before),
        })
    }
}

fn after(last: u8) -> u8 {
    match AFTER_ASCII.get(usize::from(last)) {
        Some(&context) => context,
        None => last >> 5 & 2 | last & 1,
    }
}

fn class(before: u8) -> u8 {
    match before {
        b'a'..=b'z' => 3,
        b'0'..=b'9' | b'A'..=b'Z' | 224.. => 2,
        b'!'..=b'~' => 1,
        _ => 0,
    }
}

/// Magnitude class of a byte as a signed number.
fn size(byte: u8) -> u8 {
    match byte {
        0 => 0,
        1..16 => 1,
        16..64 => 2,
        64..128 => 3,
        128..192 => 4,
        192..240 => 5,
        240..255 => 6,
        255 => 7,
    }
}
