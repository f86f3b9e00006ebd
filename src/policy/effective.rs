//! Effective policy: the fields with their defaults, for people and tests.

use super::kind::Fields;
use super::rule::Rule;
use super::{Content, Mode, Outcome, Policy};

impl Policy {
    /// Names of the rules with which a client can let card numbers pass: they allow or skip by client-controlled attributes alone.
    pub fn client_controlled_rules(&self) -> Vec<&str> {
        let passes = |rule: &&Rule| !Outcome::of(Mode::Enforce, rule.action, Content::Finding).protects();
        let rules = self.config.rules.iter().filter(passes).filter(|rule| rule.condition.is_client_controlled());
        rules.map(|rule| rule.name.as_str()).collect()
    }

    /// Names of the rules that never match, each with that of an earlier rule that matches first.
    pub fn unreachable_rules(&self) -> Vec<(&str, &str)> {
        let rules = self.config.rules.iter().enumerate();
        let hidden = rules.filter_map(|(index, rule)| {
            let mut earlier = self.config.rules.iter().take(index);
            let first = earlier.find(|other| other.expires.is_none() && other.condition.includes(&rule.condition))?;
            Some((rule.name.as_str(), first.name.as_str()))
        });
        hidden.collect()
    }

    /// Names of the rules that have expired at `now`, in seconds since 1970. Without a readable clock, every rule with a last day has
    /// expired.
    pub fn expired_rules(&self, now: Option<u64>) -> Vec<&str> {
        let has_passed = |rule: &&Rule| rule.expires.is_some_and(|expires| expires.has_passed(now));
        self.config.rules.iter().filter(has_passed).map(|rule| rule.name.as_str()).collect()
    }

    /// Each rule with its owner and its last day, such as `2027-03-31`.
    pub fn rule_owners(&self) -> Vec<(&str, Option<&str>, Option<String>)> {
        let rules = self.config.rules.iter();
        rules.map(|rule| (rule.name.as_str(), rule.owner.as_deref(), rule.expires.map(|day| day.to_string()))).collect()
    }

    /// All fields by their paths, with values in the spelling of the policy. Rules and patterns are written by their names, and the
    /// body of a local reply as `null` or `set`.
    pub fn effective(&self) -> Vec<(String, String)> {
        let mut entries = Vec::new();
        self.config.entries("", &mut entries);
        entries
    }
}
