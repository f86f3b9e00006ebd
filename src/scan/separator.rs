//! Separators between the groups of a number.
//!
//! The common ones are a single space, dash or dot. The uncommon ones have one to three bytes: a slash, vertical bar,
//! underscore or asterisk; one of these, a dash or a dot with a space on one side or on both; a plus sign, which is a space
//! in a URL; or a doubled space, dash or dot.

/// The kind of a separator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeparatorKind {
    /// A single space, `U+0020`.
    Space,
    /// A single dash, `-`.
    Dash,
    /// A single dot, `.`.
    Dot,
    /// Any separator other than a single space, dash or dot, for example `/`, ` - ` or two spaces.
    Uncommon,
}

/// A separator between two groups, packed for cheap comparison: the first byte is the lowest byte, and the highest byte
/// is the length.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct GroupSeparator(u32);

/// The maximum length of a separator in bytes.
pub const LONGEST_SEPARATOR: usize = 3;

/// True if `byte` can be part of a separator.
pub fn is_separator_byte(byte: u8) -> bool {
    matches!(byte, b' ' | b'-' | b'.' | b'_' | b'/' | b'*' | b'|' | b'+')
}

/// True if `text` is a separator.
pub fn is_separator(text: &[u8]) -> bool {
    GroupSeparator::new(text).is_some()
}

impl SeparatorKind {
    /// The kind of the separator that consists of `byte` only; `None` if that is not a single separator.
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
    /// The separator at the start of `text`, if a digit follows it.
    #[inline]
    pub fn read(text: &[u8]) -> Option<Self> {
        match text {
            [one, b'0'..=b'9', ..] => is_separator_byte(*one).then(|| Self::of([*one, 0, 0], 1)),
            [one, two, b'0'..=b'9', ..] => Self::new(&[*one, *two]),
            [one, two, three, b'0'..=b'9', ..] => Self::new(&[*one, *two, *three]),
            _ => None,
        }
    }

    /// The separator that consists of the whole `text`.
    fn new(text: &[u8]) -> Option<Self> {
        let sign = |byte: u8| !matches!(byte, b' ' | b'+') && is_separator_byte(byte);
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

    /// The length in bytes.
    pub fn len(self) -> usize {
        let [.., len] = self.0.to_le_bytes();
        usize::from(len)
    }

    /// The kind of the separator.
    #[inline]
    pub fn kind(self) -> SeparatorKind {
        let [one, _, _, len] = self.0.to_le_bytes();
        if len == 1 {
            SeparatorKind::from_byte(one).unwrap_or(SeparatorKind::Uncommon)
        } else {
            SeparatorKind::Uncommon
        }
    }

    /// True for two spaces.
    pub fn is_two_spaces(self) -> bool {
        self == Self::of([b' ', b' ', 0], 2)
    }

    /// The bytes of the separator.
    pub fn bytes(self) -> impl Iterator<Item = u8> {
        self.0.to_le_bytes().into_iter().take(self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_are_distinguished_from_other_text() {
        let read =
            |text: &str| GroupSeparator::read(text.as_bytes()).map(|separator| (separator.len(), separator.kind()));
        assert_eq!(read(" 1"), Some((1, SeparatorKind::Space)));
        assert_eq!(read("-1"), Some((1, SeparatorKind::Dash)));
        assert_eq!(read(".1"), Some((1, SeparatorKind::Dot)));
        for uncommon in ["  1", "--1", "..1", "_1", "/1", "*1", "|1", "+1", " - 1", " / 1", "| 1", " _1", ". 1"] {
            assert_eq!(read(uncommon), Some((uncommon.len() - 1, SeparatorKind::Uncommon)), "{uncommon:?}");
        }
        for text in ["1", ",1", ", 1", "   1", "---1", "-/1", " -- 1", "__1", " + 1", "++1", "- a", " ", ""] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }
}
