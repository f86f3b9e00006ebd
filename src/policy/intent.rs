//! Actions and modes that an operator chooses from.

use super::kind::Word;

/// Handling of a card number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Replaces its digits.
    Mask,
    /// Blocks the message.
    Block,
    /// Lets it pass, and reports it.
    Allow,
    /// Does not inspect.
    Skip,
}

/// Mode of a policy or a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Actions are carried out.
    Enforce,
    /// No message is changed. The log reports the actions that would apply.
    Monitor,
}

/// Handling of a message that cannot be inspected, such as one in an unknown content encoding. It is counted either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uninspectable {
    /// The message passes.
    Pass,
    /// The message is blocked.
    Block,
}

impl Intent {
    /// Word in policies and records.
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
    /// Word in policies and records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Monitor => "monitor",
        }
    }
}

impl Uninspectable {
    /// Word in policies.
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
