//! Actions and modes that an operator chooses from.

named! {
    /// Handling of a card number.
    pub enum Intent {
        /// Replaces its digits.
        Mask = "mask",
        /// Blocks the message.
        Block = "block",
        /// Lets it pass, and reports it.
        Allow = "allow",
        /// Does not inspect.
        Skip = "skip",
    }
}

named! {
    /// Mode of a policy or a rule.
    pub enum Mode {
        /// Actions are carried out.
        Enforce = "enforce",
        /// No message is changed. The log reports the actions that would apply.
        Monitor = "monitor",
    }
}

named! {
    /// Handling of a message that cannot be inspected, such as one in an unknown content encoding. It is counted either way.
    pub enum Uninspectable {
        /// The message passes.
        Pass = "pass",
        /// The message is blocked.
        Block = "block",
    }
}
