//! Rules of a policy: an action for messages that match a condition.

use super::condition::Condition;
use super::config_value::ConfigValue;
use super::error::PolicyError;
use super::expiry::Expiry;
use super::field::{ValueSpec, fields};
use super::finding::FindingAttributes;
use super::intent::{Intent, Mode};
use super::kind::{Kind, Maybe, Named, Object, OneOf};
use super::location::{Direction, Location};
use super::request_context::{RequestContext, Tri};
use super::value::{Name, Remark};
use super::{Content, Outcome};
use std::iter;
use std::ops::BitOr;

fields! {
    /// Action for messages that match a condition.
    pub(super) struct Rule: check {
        /// Name of the rule in records and local replies. No two rules share one.
        pub name: String as RuleName, required;
        /// Condition. Without it the rule always matches.
        "match" pub condition: Condition as Object, inner;
        /// Handling of card numbers.
        pub action: Intent as OneOf, required;
        /// `monitor` tries this rule alone: the log reports the action that it would have taken.
        pub mode: Mode as OneOf = Mode::Enforce;
        /// Reason for the rule.
        pub description: Option<String> as Maybe<Remark>, optional;
        /// Team or person that is responsible for the rule.
        pub owner: Option<String> as Maybe<Remark>, optional;
        /// Last day on which the rule matches, in UTC: `2027-03-31`. Only a rule that allows, skips or monitors may expire.
        pub expires: Option<Expiry> as Maybe<Expiry>, optional;
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
    /// Rejects a condition that the action or the direction cannot have, and an expiry that would let card numbers pass afterwards.
    fn check(&self) -> Result<(), PolicyError> {
        self.condition.check().map_err(|error| error.in_field("match"))?;
        if self.action == Intent::Skip && self.condition.tests_findings() {
            let expected =
                "mask, block or allow for a rule on kinds or fields: skip does not inspect, so it finds nothing";
            return Err(PolicyError::wrong_value(expected).in_field("action"));
        }
        if self.condition.tests_values() && !Outcome::of(Mode::Enforce, self.action, Content::Finding).protects() {
            let expected = "mask or block for a rule on values: another value of a field is no finding";
            return Err(PolicyError::wrong_value(expected).in_field("action"));
        }
        if self.expires.is_some() && Outcome::of(self.mode, self.action, Content::Finding).protects() {
            let expected = "no expiry for a rule that masks or blocks: card numbers could pass afterwards";
            return Err(PolicyError::wrong_value(expected).in_field("expires"));
        }
        Ok(())
    }

    /// Match with a message of that direction.
    pub(super) fn matches(&self, direction: Direction, request_context: &RequestContext) -> RuleMatch {
        if self.expires.is_some_and(|expiry| expiry.has_passed(request_context.time)) {
            return RuleMatch { condition: Tri::No, not: Tri::No };
        }
        let matches = |condition: &Condition| condition.matches(direction, request_context);
        RuleMatch {
            condition: matches(&self.condition),
            not: self.condition.not.as_ref().map_or(Tri::No, |not| matches(not)),
        }
    }

    /// Mode of the rule under a policy of that mode. A policy in monitor mode overrides the mode of its rules.
    pub(super) fn mode_under(&self, policy: Mode) -> Mode {
        if policy == Mode::Monitor { policy } else { self.mode }
    }
}

/// Match of a rule with one message, as far as it depends on neither location nor finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RuleMatch {
    condition: Tri,
    /// Match of the condition that must not match.
    not: Tri,
}

impl RuleMatch {
    /// True if the rule matches some findings of the message only, or may.
    pub(super) fn depends_on_finding(self, rule: &Rule) -> bool {
        self.condition != Tri::No && rule.condition.tests_findings()
    }

    /// Match of the rule with `finding` at that location. Without a finding, a condition on findings is unknown.
    pub(super) fn at(self, rule: &Rule, location: Location, finding: Option<&FindingAttributes<'_>>) -> Tri {
        let at = |condition: &Condition, matches: Tri| {
            if condition.covers(location) { matches.min(condition.matches_finding(finding)) } else { Tri::No }
        };
        let not = rule.condition.not.as_ref().map_or(Tri::No, |not| at(not, self.not));
        at(&rule.condition, self.condition).min(!not)
    }
}

impl Named for Rule {
    const PLURAL: &'static str = "rules";

    fn summary(&self) -> String {
        let mode = (self.mode == Mode::Monitor).then(|| "monitor".to_owned());
        let owner = self.owner.as_ref().map(|owner| format!("owner {owner}"));
        let expires = self.expires.map(|expiry| format!("expires {expiry}"));
        let remarks: Vec<String> = [mode, owner, expires].into_iter().flatten().collect();
        let remarks = if remarks.is_empty() { String::new() } else { format!(" ({})", remarks.join("; ")) };
        [self.name.as_str(), " ", self.action.as_str(), &remarks].concat()
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
    /// Headers of the request.
    pub headers: bool,
    /// Content type of a message.
    pub content_type: bool,
    /// Security of the client's connection, which the source principal needs too.
    pub connection: bool,
    /// Source principal.
    pub source: bool,
    /// Destination principal.
    pub destination: bool,
    /// Address of the client.
    pub remote_ip: bool,
    /// Port that the client connected to.
    pub port: bool,
    /// Route of the request.
    pub route: bool,
    /// Upstream cluster.
    pub cluster: bool,
    /// Status of the response.
    pub status: bool,
    /// Time.
    pub time: bool,
}

impl NeededAttributes {
    pub(super) fn of(rules: &[Rule]) -> Self {
        let conditions = rules.iter().flat_map(|rule| iter::once(&rule.condition).chain(rule.condition.not.as_deref()));
        let tested = conditions.map(Condition::tested).fold(Self::default(), Self::bitor);
        Self { time: rules.iter().any(|rule| rule.expires.is_some()), ..tested }
    }
}

impl BitOr for NeededAttributes {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self {
            request_line: self.request_line || other.request_line,
            headers: self.headers || other.headers,
            content_type: self.content_type || other.content_type,
            connection: self.connection || other.connection,
            source: self.source || other.source,
            destination: self.destination || other.destination,
            remote_ip: self.remote_ip || other.remote_ip,
            port: self.port || other.port,
            route: self.route || other.route,
            cluster: self.cluster || other.cluster,
            status: self.status || other.status,
            time: self.time || other.time,
        }
    }
}
