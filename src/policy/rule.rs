//! Rules of a policy: an action for messages that match a condition.

use super::condition::Condition;
use super::config_value::ConfigValue;
use super::error::PolicyError;
use super::field::{ValueSpec, fields};
use super::intent::{Intent, Mode};
use super::kind::{Kind, Named, Object, OneOf};
use super::location::Direction;
use super::value::Name;

fields! {
    /// Action for messages that match a condition.
    pub(super) struct Rule {
        /// Name of the rule in records and local replies. No two rules share one.
        pub name: String as RuleName, required;
        /// Condition. Without it the rule always matches.
        "match" pub condition: Condition as Object, inner;
        /// Handling of card numbers.
        pub action: Intent as OneOf, required;
        /// `monitor` tries this rule alone: the log reports the action that it would have taken.
        pub mode: Mode as OneOf = Mode::Enforce;
    }
}

/// Most rules of a policy. Each rule uses memory in every worker of every sidecar.
pub(super) const MOST_RULES: usize = 100;

/// Name of a rule. `request` and `response` are reserved: records use them if no rule matches.
struct RuleName;

/// Rejects rules that share a name.
pub(super) fn check_names(rules: &[Rule]) -> Result<(), PolicyError> {
    for (index, rule) in rules.iter().enumerate() {
        if rules.iter().take(index).any(|other| other.name == rule.name) {
            let error = PolicyError::wrong_value("a name that no other rule has");
            return Err(error.in_field("name").in_item(index).in_field("rules"));
        }
    }
    Ok(())
}

impl Rule {
    /// Mode of the rule under a policy of that mode. A policy in monitor mode overrides the mode of its rules.
    pub(super) fn mode_under(&self, policy: Mode) -> Mode {
        if policy == Mode::Monitor { policy } else { self.mode }
    }
}

impl Named for Rule {
    const PLURAL: &'static str = "rules";

    fn summary(&self) -> String {
        let mode = if self.mode == Mode::Monitor { " (monitor)" } else { "" };
        [self.name.as_str(), " ", self.action.as_str(), mode].concat()
    }
}

impl Kind<String> for RuleName {
    const SPEC: ValueSpec = Name::SPEC;

    fn read(value: &ConfigValue) -> Result<String, PolicyError> {
        let name = Name::read(value)?;
        if [Direction::Request, Direction::Response].iter().any(|direction| direction.as_str() == name) {
            return Err(PolicyError::wrong_value(
                "another name: records use request and response when no rule matches",
            ));
        }
        Ok(name)
    }
}

/// Attributes that the rules test. The filter reads no others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NeededAttributes {
    /// Method, host or path of the request.
    pub request_line: bool,
    /// Content type of a message.
    pub content_type: bool,
    /// Security of the client's connection, which the source principal needs too.
    pub connection: bool,
    /// Source principal.
    pub source: bool,
    /// Destination principal.
    pub destination: bool,
}

impl NeededAttributes {
    pub(super) fn of(rules: &[Rule]) -> Self {
        let uses = |about: fn(&Condition) -> bool| rules.iter().any(|rule| about(&rule.condition));
        Self {
            request_line: uses(Condition::uses_request_line),
            content_type: uses(Condition::uses_content_type),
            connection: uses(Condition::uses_connection) || uses(Condition::uses_source),
            source: uses(Condition::uses_source),
            destination: uses(Condition::uses_destination),
        }
    }
}
