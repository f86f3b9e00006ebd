//! What may stand between two groups of one number?
//!
//! One space, dash or dot; or, less often, one to three bytes that some program or person put there instead: a stroke, a
//! bar, an underscore, an asterisk, with or without a space on either side, or a separator twice.

/// What joins two groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeparatorKind {
    /// `U+0020`.
    Space,
    /// `-`.
    Dash,
    /// `.`.
    Dot,
    /// Anything else that is read as a separator: `/`, ` - `, two spaces.
    Other,
}

/// The bytes between two groups: the first one is the lowest, and the highest says how many there are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct GroupSeparator(u32);

/// The most bytes between two groups.
pub const LONGEST_SEPARATOR: usize = 3;

/// True for the bytes that separators are made of.
pub fn is_separator_byte(byte: u8) -> bool {
    matches!(byte, b' ' | b'-' | b'.' | b'_' | b'/' | b'*' | b'|')
}

/// True when `text` is what may stand between two groups.
pub fn is_separator(text: &[u8]) -> bool {
    GroupSeparator::new(text).is_some()
}

impl SeparatorKind {
    /// The separator that `byte` is on its own, if it is one.
    pub fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            b' ' => Some(Self::Space),
            b'-' => Some(Self::Dash),
            b'.' => Some(Self::Dot),
            _ => None,
        }
    }
}

impl GroupSeparator {
    /// The separator that the separator bytes at the start of `text` make, when a digit follows them.
    #[inline]
    pub fn read(text: &[u8]) -> Option<Self> {
        match text {
            [one, b'0'..=b'9', ..] => is_separator_byte(*one).then(|| Self::of([*one, 0, 0], 1)),
            [one, two, b'0'..=b'9', ..] => Self::new(&[*one, *two]),
            [one, two, three, b'0'..=b'9', ..] => Self::new(&[*one, *two, *three]),
            _ => None,
        }
    }

    /// The separator that `text` is, if it is one.
    fn new(text: &[u8]) -> Option<Self> {
        let sign = |byte: u8| byte != b' ' && is_separator_byte(byte);
        match text {
            [one @ (b' ' | b'-' | b'.'), two] if one == two => Some(Self::of([*one, *two, 0], 2)),
            [one] if is_separator_byte(*one) => Some(Self::of([*one, 0, 0], 1)),
            [b' ', one] if sign(*one) => Some(Self::of([b' ', *one, 0], 2)),
            [one, b' '] if sign(*one) => Some(Self::of([*one, b' ', 0], 2)),
            [b' ', one, b' '] if sign(*one) => Some(Self::of([b' ', *one, b' '], 3)),
            _ => None,
        }
    }

    fn of([one, two, three]: [u8; LONGEST_SEPARATOR], len: u8) -> Self {
        Self(u32::from_le_bytes([one, two, three, len]))
    }

    /// How many bytes it has.
    pub fn len(self) -> usize {
        let [.., len] = self.0.to_le_bytes();
        usize::from(len)
    }

    /// What it is.
    #[inline]
    pub fn kind(self) -> SeparatorKind {
        let [one, _, _, len] = self.0.to_le_bytes();
        if len == 1 { SeparatorKind::from_byte(one).unwrap_or(SeparatorKind::Other) } else { SeparatorKind::Other }
    }

    /// The bytes.
    pub fn bytes(self) -> impl Iterator<Item = u8> {
        self.0.to_le_bytes().into_iter().take(self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_are_told_from_other_text() {
        let read =
            |text: &str| GroupSeparator::read(text.as_bytes()).map(|separator| (separator.len(), separator.kind()));
        assert_eq!(read(" 1"), Some((1, SeparatorKind::Space)));
        assert_eq!(read("-1"), Some((1, SeparatorKind::Dash)));
        assert_eq!(read(".1"), Some((1, SeparatorKind::Dot)));
        for other in ["  1", "--1", "..1", "_1", "/1", "*1", "|1", " - 1", " / 1", "| 1", " _1", ". 1"] {
            assert_eq!(read(other), Some((other.len() - 1, SeparatorKind::Other)), "{other:?}");
        }
        for text in ["1", ",1", ", 1", "   1", "---1", "-/1", " -- 1", "__1", "- a", " ", ""] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }
}
