//! What may stand between two groups of one number?
//!
//! One space, dash or dot; or, less often, one to three bytes that some program or person put there instead: a stroke, a
//! bar, an underscore, an asterisk, with or without a space on either side, or a separator twice.

/// What joins two groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Separator {
    /// `U+0020`.
    Space,
    /// `-`.
    Dash,
    /// `.`.
    Dot,
    /// Anything else that is read as a joint: `/`, ` - `, two spaces.
    Wide,
}

/// The bytes between two groups.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Joint {
    bytes: [u8; LONGEST_JOINT],
    len: usize,
}

/// The most bytes between two groups.
pub const LONGEST_JOINT: usize = 3;

/// True for the bytes that joints are made of.
pub fn is_joint_byte(byte: u8) -> bool {
    matches!(byte, b' ' | b'-' | b'.' | b'_' | b'/' | b'*' | b'|')
}

/// True when `text` is what may stand between two groups.
pub fn is_joint(text: &[u8]) -> bool {
    Joint::new(text).is_some()
}

impl Separator {
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

impl Joint {
    /// The joint that the joint bytes at the start of `text` make, when a digit follows them.
    pub fn read(text: &[u8]) -> Option<Self> {
        let len = text.iter().take(LONGEST_JOINT).take_while(|byte| is_joint_byte(**byte)).count();
        text.get(len).is_some_and(u8::is_ascii_digit).then_some(())?;
        Self::new(text.get(..len)?)
    }

    /// The joint that `text` is, if it is one.
    fn new(text: &[u8]) -> Option<Self> {
        let sign = |byte: u8| byte != b' ' && is_joint_byte(byte);
        let len = match text {
            [b' ', b' '] | [b'-', b'-'] | [b'.', b'.'] => 2,
            [one] if is_joint_byte(*one) => 1,
            [b' ', one] | [one, b' '] if sign(*one) => 2,
            [b' ', one, b' '] if sign(*one) => 3,
            _ => return None,
        };
        let mut bytes = [0; LONGEST_JOINT];
        bytes.get_mut(..len)?.copy_from_slice(text);
        Some(Self { bytes, len })
    }

    /// How many bytes it has.
    pub fn len(self) -> usize {
        self.len
    }

    /// What it is.
    pub fn separator(self) -> Separator {
        match self.bytes() {
            [one] => Separator::from_byte(*one).unwrap_or(Separator::Wide),
            _ => Separator::Wide,
        }
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joints_are_told_from_other_text() {
        let read = |text: &str| Joint::read(text.as_bytes()).map(|joint| (joint.len(), joint.separator()));
        assert_eq!(read(" 1"), Some((1, Separator::Space)));
        assert_eq!(read("-1"), Some((1, Separator::Dash)));
        assert_eq!(read(".1"), Some((1, Separator::Dot)));
        for wide in ["  1", "--1", "..1", "_1", "/1", "*1", "|1", " - 1", " / 1", "| 1", " _1", ". 1"] {
            assert_eq!(read(wide), Some((wide.len() - 1, Separator::Wide)), "{wide:?}");
        }
        for text in ["1", ",1", ", 1", "   1", "---1", "-/1", " -- 1", "__1", "- a", " ", ""] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }
}
