//! What is in effect, now that defaults have filled what the operator left out?

use super::Policy;
use super::read::Word;

impl Policy {
    /// Every field that this version acts on, by its path, with its value as the policy spells it. The body of a reply
    /// is only called `null` or `set`.
    pub fn effective(&self) -> [(&'static str, String); 12] {
        let body = if self.block.body.is_some() { "set" } else { "null" };
        [
            ("mode", self.mode.word().to_owned()),
            ("request", self.request.word().to_owned()),
            ("response", self.response.word().to_owned()),
            ("detect.sensitivity", self.level.word().to_owned()),
            ("mask.keep", self.style.keep.word().to_owned()),
            ("mask.character", char::from(self.style.character.as_byte()).to_string()),
            ("block.request_status", self.block.request_status.to_string()),
            ("block.response_status", self.block.response_status.to_string()),
            ("block.body", body.to_owned()),
            ("uninspectable", self.uninspectable.word().to_owned()),
            ("limits.paused_bytes", self.paused_bytes.to_string()),
            ("audit.clean", self.records_clean.to_string()),
        ]
    }
}
