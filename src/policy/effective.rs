//! Effective policy: the fields with their defaults, for people and tests.

use super::kind::Fields;
use super::rule::Rule;
use super::{Intent, Policy};

impl Policy {
    /// Names of the rules by which a client can let card numbers pass: they allow or skip by attributes that only the client chooses.
    pub fn rules_up_to_the_client(&self) -> Vec<&str> {
        let passes = |rule: &&Rule| matches!(rule.action, Intent::Allow | Intent::Skip);
        let rules = self.config.rules.iter().filter(passes).filter(|rule| rule.condition.is_up_to_the_client());
        rules.map(|rule| rule.name.as_str()).collect()
    }

    /// Every field by its path, with its value as the policy spells it. Rules and patterns are written by their names; the body of
    /// a local reply only as `null` or `set`.
    pub fn effective(&self) -> Vec<(String, String)> {
        let mut entries = Vec::new();
        self.config.entries("", &mut entries);
        entries
    }
}
