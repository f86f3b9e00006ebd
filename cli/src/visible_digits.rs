//! Digits of a number that the output shows.

use super::terminal;
use panveil::mask::Keep;

/// Digits of a number that the output shows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum VisibleDigits {
    /// The digits that PCI SSC's FAQ 1091 permits: the first six and last four of 15 or 16, and the last four of other numbers.
    Truncated,
    /// No digits.
    None,
    /// All digits, on request.
    All,
}

impl VisibleDigits {
    /// Digits that the flag `--show` selects.
    pub fn by_flag(show: bool) -> Self {
        if show { Self::All } else { Self::Truncated }
    }

    /// Number of `length` digits that is written as `spelling`, without separators. If the spelling has another number of ASCII
    /// digits, none is shown.
    pub fn number(self, spelling: &[u8], length: usize) -> String {
        let digits: Vec<u8> = spelling.iter().copied().filter(u8::is_ascii_digit).collect();
        if digits.len() == length {
            return self.spelling(&digits);
        }
        match self {
            Self::All => terminal::escaped(spelling),
            Self::Truncated | Self::None => "*".repeat(length),
        }
    }

    /// Number in its spelling, separators included.
    pub fn spelling(self, spelling: &[u8]) -> String {
        let length = spelling.iter().filter(|byte| byte.is_ascii_digit()).count();
        let (first, last) = match self {
            Self::All => (length, 0),
            Self::None => (0, 0),
            Self::Truncated => Keep::First6Last4.visible(None, length),
        };
        let hidden = first..length.saturating_sub(last);
        let mut shown = spelling.to_vec();
        for (index, byte) in shown.iter_mut().filter(|byte| byte.is_ascii_digit()).enumerate() {
            if hidden.contains(&index) {
                *byte = b'*';
            }
        }
        terminal::escaped(&shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visible_digits_depend_on_the_length_of_the_number() {
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
