//! What is in effect, now that defaults have filled what the operator left out?

use super::read::Word;
use super::rule::Rule;
use super::{Intent, Policy};

impl Policy {
    /// The rules by which card numbers pass wherever the client says so: they allow or skip by nothing but what it chooses.
    pub fn rules_up_to_the_client(&self) -> Vec<&str> {
        let passes = |rule: &&Rule| matches!(rule.action, Intent::Allow | Intent::Skip);
        let rules = self.rules.iter().filter(passes).filter(|rule| rule.condition.is_up_to_the_client());
        rules.map(|rule| rule.name.as_str()).collect()
    }

    /// Every field that this version acts on, by its path, with its value as the policy spells it. The body of a reply
    /// is only called `null` or `set`.
    pub fn effective(&self) -> [(&'static str, String); 29] {
        let detect = &self.detect;
        let list = |items: Vec<&str>| if items.is_empty() { "none".to_owned() } else { items.join(", ") };
        let rules: Vec<String> = self.rules.iter().map(|rule| rule.summary(self.mode)).collect();
        let body = if self.block.body.is_some() { "set" } else { "null" };
        [
            ("mode", self.mode.word().to_owned()),
            ("request", self.request.word().to_owned()),
            ("response", self.response.word().to_owned()),
            ("rules", list(rules.iter().map(String::as_str).collect())),
            ("namespaces.include", list(self.namespaces.include.iter().map(String::as_str).collect())),
            ("namespaces.exclude", list(self.namespaces.exclude.iter().map(String::as_str).collect())),
            ("detect.sensitivity", detect.sensitivity.word().to_owned()),
            ("detect.brands", list(detect.brands.iter().map(|brand| brand.word()).collect())),
            ("detect.authentication_data", detect.authentication_data.to_string()),
            ("detect.test_cards", detect.test_cards.word().to_owned()),
            ("detect.base64", detect.base64.to_string()),
            ("detect.ignore_keys", list(detect.ignore_keys.iter().map(String::as_str).collect())),
            ("detect.card_keys", list(detect.card_keys.iter().map(String::as_str).collect())),
            ("detect.patterns", list(detect.patterns.iter().map(|pattern| pattern.name.as_str()).collect())),
            ("mask.keep", self.style.keep.word().to_owned()),
            ("mask.character", char::from(self.style.character.as_byte()).to_string()),
            ("block.request_status", self.block.request_status.to_string()),
            ("block.response_status", self.block.response_status.to_string()),
            ("block.body", body.to_owned()),
            ("uninspectable", self.uninspectable.word().to_owned()),
            ("limits.paused_bytes", self.limits.paused_bytes.to_string()),
            ("limits.inflate_ratio", self.limits.inflate_ratio.to_string()),
            ("limits.memory_bytes", self.limits.memory_bytes.to_string()),
            ("limits.findings_per_message", self.limits.findings_per_message.to_string()),
            ("limits.header_count", self.limits.header_count.to_string()),
            ("limits.header_bytes", self.limits.header_bytes.to_string()),
            ("audit.truncated", self.audit.truncated.to_string()),
            ("audit.fingerprint", self.audit.fingerprint.to_string()),
            ("audit.clean", self.audit.clean.to_string()),
        ]
    }
}
