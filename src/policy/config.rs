//! Top level of the policy's wire format, with the default of each field.
//!
//! A [`ConfigValue`](super::config_value::ConfigValue) that can be read as a [`Config`] is well formed; a
//! [`Policy`](super::Policy) is made of it.

use super::audit::Audit;
use super::block::BlockReply;
use super::detect::Detect;
use super::error::PolicyError;
use super::field::fields;
use super::intent::{Intent, Mode, Uninspectable};
use super::kind::{Item, ListOf, Object, OneOf};
use super::limits::Limits;
use super::namespaces::Namespaces;
use super::rule::{MOST_RULES, Rule, check_names};
use super::value::{CoverCharacter, KeptDigits};
use crate::mask::{Keep, MaskCharacter, Style};

fields! {
    /// Handling of payment card numbers by panveil. `{}` is a complete policy: mask everywhere.
    pub(super) struct Config: check {
        /// `monitor` changes no message; the log reports the actions that would apply.
        pub mode: Mode as OneOf = Mode::Enforce;
        /// Handling of card numbers in requests: `mask` covers their digits; `block` blocks the message; `allow` lets them pass
        /// and records them; `skip` does not inspect.
        pub request: Intent as OneOf = Intent::Mask;
        /// Handling of card numbers in responses, with the same values as `request`.
        pub response: Intent as OneOf = Intent::Mask;
        /// Rules for some locations, paths, hosts or peers. The first rule that matches decides. Without a match, `request` or
        /// `response` applies.
        pub rules: Vec<Rule> as ListOf<Item, 0, MOST_RULES> = Vec::new();
        /// Namespaces in which a filter that is deployed to a whole mesh acts.
        pub namespaces: Namespaces as Object, inner;
        /// Detection settings.
        pub detect: Detect as Object, inner;
        /// Form of masked numbers.
        pub mask: Mask as Object, inner;
        /// Local reply that is sent instead of a blocked message.
        pub block: BlockReply as Object, inner;
        /// Handling of messages that cannot be inspected. They are counted either way.
        pub uninspectable: Uninspectable as OneOf = Uninspectable::Pass;
        /// Limits on resources that traffic could exhaust.
        pub limits: Limits as Object, inner;
        /// Contents of audit records.
        pub audit: Audit as Object, inner;
    }
}

fields! {
    /// Form of masked numbers.
    pub(super) struct Mask {
        /// Digits that stay readable. A mask keeps at most as many as PCI SSC's FAQ 1091 permits for the number's brand and
        /// length.
        pub keep: Keep as KeptDigits = Keep::First6Last4;
        /// Character that covers the other digits.
        pub character: MaskCharacter as CoverCharacter = MaskCharacter::ASTERISK;
    }
}

impl Mask {
    /// Style for the masker.
    pub(super) fn style(&self) -> Style {
        Style { keep: self.keep, character: self.character }
    }
}

impl Config {
    /// Rejects rules on kinds that the policy does not detect.
    fn check_kinds(&self) -> Result<(), PolicyError> {
        let patterns = self.detect.pattern_names();
        for (index, rule) in self.rules.iter().enumerate() {
            let checked = rule.condition.check_kinds(&patterns, self.detect.authentication_data);
            checked.map_err(|error| error.in_field("match").in_item(index).in_field("rules"))?;
        }
        Ok(())
    }

    /// Rejects combinations of valid fields. From a truncated number and its hash together the number can be reconstructed
    /// (PCI DSS 3.5.1, PCI SSC FAQ 1308).
    fn check(&self) -> Result<(), PolicyError> {
        check_names(&self.rules)?;
        self.check_kinds()?;
        let error = if self.audit.truncated && self.audit.fingerprint {
            PolicyError::wrong_value(
                "no audit.truncated with it: PCI DSS 3.5.1 and PCI SSC's FAQ 1308 require separate truncated and hashed numbers",
            )
            .in_field("fingerprint")
        } else if self.audit.truncated && self.mask.keep == Keep::None {
            PolicyError::wrong_value("another mask.keep than none, which leaves no digits to report")
                .in_field("truncated")
        } else {
            return Ok(());
        };
        Err(error.in_field("audit"))
    }
}
