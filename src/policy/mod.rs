//! The operator's policy (stage 4 of the flow).
//!
//! A [`Policy`] is read once, when the filter is configured, and is valid by construction. The parser reads text into a tree of values
//! (`config_value`), the tree into declared fields (`config`), and these into the [`Policy`]. It stops at the first error
//! ([`PolicyError`]), which is one line with the path of the field. `{}` is a complete policy: mask everywhere.

mod audit;
mod block;
mod condition;
mod config;
mod config_value;
mod decisions;
mod detect;
mod effective;
mod error;
mod expiry;
pub mod field;
mod field_pattern;
mod finding;
mod header;
mod host_name;
mod intent;
mod kind;
mod limits;
mod location;
mod media_type;
mod namespaces;
mod nearest;
mod network;
mod outcome;
mod path;
mod peer;
mod read;
mod request_context;
mod resource_name;
mod rule;
mod value;

pub use self::audit::{KEY_VARIABLE, LogKey};
pub use self::block::BlockReply;
use self::config::Config;
pub use self::config_value::ConfigValue;
pub use self::decisions::{Decisions, FindingDecisions};
pub use self::error::{ErrorLocation, PolicyError};
pub use self::expiry::Expiry;
use self::field::ObjectSpec;
pub use self::finding::{FieldPath, FindingAttributes, FindingName};
pub use self::intent::{Intent, Mode, Uninspectable};
use self::kind::Fields;
pub use self::limits::{Limit, Limits};
pub use self::location::{Direction, Location};
pub use self::outcome::{Content, Outcome};
pub use self::request_context::{Connection, RequestContext};
pub use self::rule::NeededAttributes;
use crate::mask::Style;
use crate::verdict::{Criteria, Traces};
use std::sync::Arc;

/// Declaration of all fields of a policy.
pub const SPEC: ObjectSpec = <Config as Fields>::SPEC;

/// Policy of the operator for every location of every stream.
pub struct Policy {
    config: Arc<Config>,
    needed: NeededAttributes,
    criteria: Arc<Criteria>,
    redaction: Arc<Criteria>,
}

impl Policy {
    /// Reads a policy from JSON. White space alone is read as `{}`.
    pub fn parse(json: &[u8]) -> Result<Self, PolicyError> {
        Ok(<Config as Fields>::read(&ConfigValue::parse(json)?)?.into())
    }

    /// Attributes of a stream that the rules use.
    pub fn needed(&self) -> NeededAttributes {
        self.needed
    }

    /// Names of the headers that the rules test, in lowercase letters.
    pub fn tested_headers(&self) -> impl Iterator<Item = &str> {
        self.config.rules.iter().flat_map(|rule| rule.condition.tested_headers())
    }

    /// True if the policy is active in some namespaces only.
    pub fn asks_namespace(&self) -> bool {
        self.config.namespaces.is_restricted()
    }

    /// True if the policy is active in the namespace of that name.
    pub fn acts_in(&self, namespace: &[u8]) -> bool {
        self.config.namespaces.contains(namespace)
    }

    /// Detection criteria.
    pub fn criteria(&self) -> Arc<Criteria> {
        Arc::clone(&self.criteria)
    }

    /// Detection criteria for text of logs and records.
    pub fn redaction(&self) -> Arc<Criteria> {
        Arc::clone(&self.redaction)
    }

    /// Form of masked numbers in logs and records: no digit, unless the policy reports truncated numbers.
    pub fn redaction_style(&self) -> Style {
        if self.config.audit.truncated { self.config.mask.style() } else { Style::HIDE }
    }

    /// Form of masked numbers.
    pub fn mask_style(&self) -> Style {
        self.config.mask.style()
    }

    /// Local reply in place of a blocked message.
    pub fn block(&self) -> &BlockReply {
        &self.config.block
    }

    /// Handling of messages that cannot be inspected.
    pub fn uninspectable(&self) -> Uninspectable {
        self.config.uninspectable
    }

    /// Limits on resources that traffic could exhaust.
    pub fn limits(&self) -> &Limits {
        &self.config.limits
    }

    /// True if streams without findings are reported too.
    pub fn records_clean(&self) -> bool {
        self.config.audit.clean
    }

    /// True if access logs can print the key.
    pub fn publishes(&self, key: LogKey) -> bool {
        self.config.audit.keys.contains(&key)
    }

    /// True if records contain fingerprints of numbers, which need a [key](Self::with_key).
    pub fn asks_key(&self) -> bool {
        self.config.audit.fingerprint
    }

    /// Policy with its fingerprint key, which is not part of the policy text.
    pub fn with_key(mut self, key: Option<&[u8]>) -> Result<Self, PolicyError> {
        if self.asks_key() {
            let key = Arc::new(audit::read_key(key)?);
            let criteria = Criteria { traces: Traces::Fingerprint(key), ..(*self.criteria).clone() };
            self.criteria = Arc::new(criteria);
        }
        Ok(self)
    }

    /// Name of the fingerprint key.
    pub fn key_id(&self) -> Option<&str> {
        match &self.criteria.traces {
            Traces::Fingerprint(key) => Some(key.id()),
            Traces::None | Traces::Truncated => None,
        }
    }

    /// Seconds since 1970 at which the first rule expires, if one does.
    pub fn first_expiry(&self) -> Option<u64> {
        self.config.rules.iter().filter_map(|rule| rule.expires).map(Expiry::end).min()
    }

    /// Mode of the whole policy.
    pub fn mode(&self) -> Mode {
        self.config.mode
    }
}

impl From<Config> for Policy {
    fn from(config: Config) -> Self {
        let criteria = config.detect.criteria();
        let traces = if config.audit.truncated { Traces::Truncated } else { Traces::None };
        Self {
            redaction: Arc::new(criteria.for_redaction()),
            needed: NeededAttributes::of(&config.rules),
            criteria: Arc::new(Criteria { traces, ..criteria }),
            config: Arc::new(config),
        }
    }
}

/// Decision of a [`Policy`] for one location of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision<'p> {
    /// Direction of the message.
    pub direction: Direction,
    /// Location in the message.
    pub location: Location,
    /// Handling of a card number.
    pub intent: Intent,
    /// Mode: the action is carried out, or only reported.
    pub mode: Mode,
    /// Name of the rule that decided; `request` or `response` for the default of that direction.
    pub rule: &'p str,
}

impl Decision<'_> {
    /// Outcome for a finding.
    pub fn outcome(&self) -> Outcome {
        Outcome::of(self.mode, self.intent, Content::Finding)
    }
}

#[cfg(test)]
mod rule_tests;
#[cfg(test)]
mod tests;
