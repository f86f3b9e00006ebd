//! How much of a number may be seen?

use super::terminal;
use panveil::mask::Keep;

/// The digits that are printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum VisibleDigits {
    /// Those that PCI SSC's FAQ 1091 permits: the first six and last four of 15 and 16, the last four of others.
    Truncated,
    /// None.
    None,
    /// All, because that was asked for.
    All,
}

impl VisibleDigits {
    /// What `--show` asks for.
    pub fn by_flag(show: bool) -> Self {
        if show { Self::All } else { Self::Truncated }
    }

    /// A number of `length` digits that is written as `spelling`, without separators. Where the digits are not so many,
    /// none is shown.
    pub fn number(self, spelling: &[u8], length: usize) -> String {
        let digits: Vec<u8> = spelling.iter().copied().filter(u8::is_ascii_digit).collect();
        if digits.len() == length {
            return self.spelling(&digits);
        }
        match self {
            Self::All => terminal::harmless(spelling),
            Self::Truncated | Self::None => "*".repeat(length),
        }
    }

    /// A number as it is written, separators included.
    pub fn spelling(self, spelling: &[u8]) -> String {
        let length = spelling.iter().filter(|byte| byte.is_ascii_digit()).count();
        let (head, tail) = match self {
            Self::All => (length, 0),
            Self::None => (0, 0),
            Self::Truncated => Keep::First6Last4.visible(None, length),
        };
        let hidden = head..length.saturating_sub(tail);
        let mut shown = spelling.to_vec();
        for (index, byte) in shown.iter_mut().filter(|byte| byte.is_ascii_digit()).enumerate() {
            if hidden.contains(&index) {
                *byte = b'*';
            }
        }
        terminal::harmless(&shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_hidden_by_the_length_of_the_number() {
        for (spelling, length, truncated) in [
            ("4111 1111 1111 1111", 16, "411111******1111"),
            ("3782-822463-10005", 15, "378282*****0005"),
            ("30569309025904", 14, "**********5904"),
            ("6205500000000000004", 19, "***************0004"),
            ("%34111111111111111", 16, "****************"),
        ] {
            assert_eq!(VisibleDigits::Truncated.number(spelling.as_bytes(), length), truncated);
            assert_eq!(VisibleDigits::None.number(spelling.as_bytes(), length), "*".repeat(length));
        }
        assert_eq!(VisibleDigits::All.number(b"4111 1111 1111 1111", 16), "4111111111111111");
        assert_eq!(VisibleDigits::Truncated.spelling(b"4111 1111 1111 1111"), "4111 11** **** 1111");
        assert_eq!(VisibleDigits::None.spelling(b"4111\x1b1111"), "****\\x1b****");
    }
}
