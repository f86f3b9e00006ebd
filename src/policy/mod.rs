//! What does the operator want here? (stage 4 of the flow)
//!
//! A [`Policy`] is read once, when the filter is configured, and is valid by construction: whoever holds one need not
//! check it. Reading goes text, `document`, `config`, `Policy`, and stops at the first thing that is wrong with
//! one line that says where ([`PolicyError`]). `{}` is a whole policy: mask everywhere.

mod audit;
mod condition;
mod config;
mod decisions;
mod detect;
mod document;
mod effective;
mod error;
mod host_name;
mod limits;
mod location;
mod media_type;
mod namespaces;
mod nearest;
mod path;
mod peer;
mod read;
mod request_context;
mod rule;
#[cfg(feature = "cli")]
pub mod schema;
mod value;

use self::audit::Audit;
pub use self::audit::KEY_VARIABLE;
use self::config::Config;
pub use self::decisions::Decisions;
use self::detect::Detect;
use self::document::Document;
#[cfg(feature = "cli")]
pub use self::error::ErrorLocation;
pub use self::error::PolicyError;
pub use self::limits::{Limit, Limits};
pub use self::location::{Direction, Location};
use self::namespaces::Namespaces;
pub use self::request_context::{Connection, RequestContext};
pub use self::rule::NeededAttributes;
use self::rule::Rule;
use crate::mask::Style;
use crate::verdict::{Criteria, Traces};
use std::sync::Arc;

/// What the operator wants, for every place of every exchange.
pub struct Policy {
    mode: Mode,
    request: Intent,
    response: Intent,
    rules: Vec<Rule>,
    needed: NeededAttributes,
    namespaces: Namespaces,
    detect: Detect,
    criteria: Arc<Criteria>,
    redaction: Arc<Criteria>,
    style: Style,
    block: BlockReply,
    uninspectable: Uninspectable,
    limits: Limits,
    audit: Audit,
}

impl Policy {
    /// Reads a policy from JSON. Nothing but white space is the same as `{}`.
    pub fn parse(json: &[u8]) -> Result<Self, PolicyError> {
        Ok(Config::read(&Document::parse(json)?)?.into())
    }

    /// What the rules ask about an exchange.
    pub fn needed(&self) -> NeededAttributes {
        self.needed
    }

    /// Whether it depends on the namespace that anything is done.
    pub fn asks_namespace(&self) -> bool {
        self.namespaces.are_told_apart()
    }

    /// Whether anything is done in the namespace of that name.
    pub fn acts_in(&self, namespace: &[u8]) -> bool {
        self.namespaces.hold(namespace)
    }

    /// What counts as found.
    pub fn criteria(&self) -> Arc<Criteria> {
        Arc::clone(&self.criteria)
    }

    /// What is hidden in what is said of traffic.
    pub fn redaction(&self) -> Arc<Criteria> {
        Arc::clone(&self.redaction)
    }

    /// How it is hidden there: with all its digits, unless truncated numbers are told.
    pub fn redaction_style(&self) -> Style {
        if self.audit.truncated { self.style } else { Style::HIDE }
    }

    /// What a masked number looks like.
    pub fn mask_style(&self) -> Style {
        self.style
    }

    /// What is answered in place of a blocked message.
    pub fn block(&self) -> &BlockReply {
        &self.block
    }

    /// What becomes of a message that cannot be read.
    pub fn uninspectable(&self) -> Uninspectable {
        self.uninspectable
    }

    /// How much is allowed of what traffic could have too much of.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Whether exchanges without findings are reported too.
    pub fn records_clean(&self) -> bool {
        self.audit.clean
    }

    /// Whether numbers are told by their fingerprints, so that a key for these is [needed](Self::with_key).
    pub fn asks_key(&self) -> bool {
        self.audit.fingerprint
    }

    /// The same policy with the key of its fingerprints, which is not written in it.
    pub fn with_key(mut self, key: Option<&[u8]>) -> Result<Self, PolicyError> {
        if self.asks_key() {
            let key = Arc::new(audit::read_key(key)?);
            let criteria = Criteria { traces: Traces::Fingerprint(key), ..(*self.criteria).clone() };
            self.criteria = Arc::new(criteria);
        }
        Ok(self)
    }

    /// The name of the key that numbers are told with.
    pub fn key_id(&self) -> Option<&str> {
        match &self.criteria.traces {
            Traces::Fingerprint(key) => Some(key.id()),
            Traces::None | Traces::Truncated => None,
        }
    }

    /// Whether messages are changed at all.
    pub fn mode(&self) -> Mode {
        self.mode
    }
}

impl From<Config> for Policy {
    fn from(config: Config) -> Self {
        let criteria = config.detect.criteria();
        let traces = if config.audit.truncated { Traces::Truncated } else { Traces::None };
        Self {
            redaction: Arc::new(criteria.for_redaction()),
            mode: config.mode,
            request: config.request,
            response: config.response,
            needed: NeededAttributes::of(&config.rules),
            rules: config.rules,
            namespaces: config.namespaces,
            criteria: Arc::new(Criteria { traces, ..criteria }),
            detect: config.detect,
            style: config.mask,
            block: config.block,
            uninspectable: config.uninspectable,
            limits: config.limits,
            audit: config.audit,
        }
    }
}

/// What a [`Policy`] says about one place of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision<'p> {
    /// What to do with a card number.
    pub intent: Intent,
    /// Whether to do it, or only to report it.
    pub mode: Mode,
    /// The rule that decided: `request` or `response` when it was the default for that direction.
    pub rule: &'p str,
}

/// What to do with a card number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Replace its digits.
    Mask,
    /// Refuse the message.
    Block,
    /// Let it pass, and report it.
    Allow,
    /// Do not look for it.
    Skip,
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

/// Whether what a policy asks for is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It is done.
    Enforce,
    /// Nothing is changed; what would have been done is reported.
    Monitor,
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

/// What becomes of a message that cannot be read, such as one in an unknown encoding. Either way it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uninspectable {
    /// It passes.
    Pass,
    /// It is refused.
    Block,
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

/// What is answered in place of a blocked message.
#[derive(Clone)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema), schemars(transform = schema::object))]
pub struct BlockReply {
    /// Status of the reply to a blocked request.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::whole::<400, 599>", extend("default" = 403)))]
    pub request_status: u16,
    /// Status of the reply instead of a blocked response.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::whole::<400, 599>", extend("default" = 502)))]
    pub response_status: u16,
    /// Body of the reply. The default is a problem document with the rule and the request id.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::reply_body", extend("default" = null)))]
    pub body: Option<String>,
}

impl BlockReply {
    /// The status in place of a message of that direction.
    pub fn status(&self, direction: Direction) -> u16 {
        match direction {
            Direction::Request => self.request_status,
            Direction::Response => self.response_status,
        }
    }
}

#[cfg(test)]
mod rule_tests;
#[cfg(test)]
mod tests;
