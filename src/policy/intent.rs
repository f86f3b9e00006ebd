//! Actions and modes that an operator chooses from.

use super::kind::Word;

/// Handling of a card number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Replace its digits.
    Mask,
    /// Block the message.
    Block,
    /// Let it pass, and report it.
    Allow,
    /// Do not inspect.
    Skip,
}

/// Whether a policy's actions are carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// They are.
    Enforce,
    /// Messages are not changed; the log reports the actions that would apply.
    Monitor,
}

/// Handling of a message that cannot be inspected, such as one in an unknown content encoding. It is counted either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uninspectable {
    /// It passes.
    Pass,
    /// It is blocked.
    Block,
}

impl Intent {
    /// The word for it in the policy and in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mask => "mask",
            Self::Block => "block",
            Self::Allow => "allow",
            Self::Skip => "skip",
        }
    }
}

impl Mode {
    /// The word for it in the policy and in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Monitor => "monitor",
        }
    }
}

impl Uninspectable {
    /// The word for it in the policy.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Block => "block",
        }
    }
}

impl Word for Intent {
    const ALL: &'static [Self] = &[Self::Mask, Self::Block, Self::Allow, Self::Skip];

    fn word(self) -> &'static str {
        self.as_str()
    }
}

impl Word for Mode {
    const ALL: &'static [Self] = &[Self::Enforce, Self::Monitor];

    fn word(self) -> &'static str {
        self.as_str()
    }
}

impl Word for Uninspectable {
    const ALL: &'static [Self] = &[Self::Pass, Self::Block];

    fn word(self) -> &'static str {
        self.as_str()
    }
}
