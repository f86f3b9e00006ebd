//! Decisions of the rules for one message.
//!
//! The first rule that matches decides. Without one, `request` or `response` does. If a match is [unknown](Tri::Unknown), several
//! decisions are possible, and the strictest applies. A client therefore gains nothing by an ambiguous message.
//!
//! A rule on findings matches some findings of a message. Before a finding is known, its match is unknown: the message is inspected as
//! the strictest possible decision requires. [`FindingDecisions`] then decides for each finding.

use super::condition::Condition;
use super::config::Config;
use super::finding::{FieldPath, FindingAttributes};
use super::request_context::{RequestContext, Tri};
use super::rule::RuleMatch;
use super::{Content, Decision, Direction, Intent, Location, Mode, Outcome, Policy};
use std::sync::Arc;

/// Decision for each location of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decisions {
    direction: Direction,
    locations: [LocationDecisions; Location::ALL.len()],
    /// Matches of the rules, if the decision depends on the finding.
    matches: Option<Arc<[RuleMatch]>>,
}

/// Strictest possible decisions for one location, which differ only if there are several possible ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct LocationDecisions {
    /// For a finding.
    finding: RuleDecision,
    /// For content that cannot be inspected.
    gap: RuleDecision,
}

/// Decision of a rule, with its index. Without a rule it is the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct RuleDecision {
    intent: Intent,
    mode: Mode,
    rule: Option<usize>,
}

/// Decisions about the findings at one location of a message, by the rules on findings.
#[derive(Clone)]
pub struct FindingDecisions {
    config: Arc<Config>,
    direction: Direction,
    location: Location,
    matches: Arc<[RuleMatch]>,
}

impl Policy {
    /// Decisions for a message of that direction, by its known attributes.
    pub fn judge(&self, direction: Direction, request_context: &RequestContext) -> Decisions {
        let rules = &self.config.rules;
        let default = self.config.default_decision(direction);
        let default = LocationDecisions { finding: default, gap: default };
        let mut decisions = Decisions { direction, locations: [default; Location::ALL.len()], matches: None };
        if rules.is_empty() {
            return decisions;
        }
        let matches: Vec<RuleMatch> = rules.iter().map(|rule| rule.matches(direction, request_context)).collect();
        for (location, decision) in Location::ALL.into_iter().zip(&mut decisions.locations) {
            *decision = self.config.choose(direction, location, &matches, None);
        }
        let tests_findings = rules.iter().zip(&matches).any(|(rule, matches)| matches.depends_on_finding(rule));
        decisions.matches = tests_findings.then(|| matches.into());
        decisions
    }

    /// Strictest possible decision about a finding at that location.
    pub fn decide(&self, decisions: &Decisions, location: Location) -> Decision<'_> {
        self.config.decision(decisions.direction, location, decisions.at(location).finding)
    }

    /// Decision about a finding at that location.
    pub fn decide_finding(
        &self,
        decisions: &Decisions,
        location: Location,
        finding: &FindingAttributes<'_>,
    ) -> Decision<'_> {
        let decision = match &decisions.matches {
            None => decisions.at(location).finding,
            Some(matches) => self.config.choose(decisions.direction, location, matches, Some(finding)).finding,
        };
        self.config.decision(decisions.direction, location, decision)
    }

    /// Decisions about the findings at that location, if they depend on the finding.
    pub fn finding_decisions(&self, decisions: &Decisions, location: Location) -> Option<FindingDecisions> {
        let matches = Arc::clone(decisions.matches.as_ref()?);
        Some(FindingDecisions { config: Arc::clone(&self.config), direction: decisions.direction, location, matches })
    }

    /// True if rules select values of fields in the body, whatever they are.
    pub fn selects_values(&self, decisions: &Decisions) -> bool {
        self.finding_decisions(decisions, Location::Body).is_some_and(|decisions| decisions.test_values())
    }
}

impl FindingDecisions {
    /// True if they depend on the field that contains the finding.
    pub fn test_fields(&self) -> bool {
        self.conditions().any(Condition::tests_fields)
    }

    /// True if rules select values of fields, whatever they are.
    pub fn test_values(&self) -> bool {
        self.conditions().any(Condition::tests_values)
    }

    /// True if a rule selects the value of the field with that path.
    pub fn select_value(&self, path: &FieldPath) -> bool {
        self.conditions().any(|condition| condition.selects_value(path))
    }

    /// Conditions on findings that may match.
    fn conditions(&self) -> impl Iterator<Item = &Condition> {
        let rules = self.config.rules.iter().zip(self.matches.iter());
        rules.filter(|(rule, matches)| matches.depends_on_finding(rule)).map(|(rule, _)| &rule.condition)
    }

    /// Outcome for a finding.
    pub fn outcome(&self, finding: &FindingAttributes<'_>) -> Outcome {
        let decision = self.config.choose(self.direction, self.location, &self.matches, Some(finding)).finding;
        decision.outcome(Content::Finding)
    }
}

impl Config {
    /// Decision without a rule.
    fn default_decision(&self, direction: Direction) -> RuleDecision {
        let intent = match direction {
            Direction::Request => self.request,
            Direction::Response => self.response,
        };
        RuleDecision { intent, mode: self.mode, rule: None }
    }

    fn decision(&self, direction: Direction, location: Location, decision: RuleDecision) -> Decision<'_> {
        let RuleDecision { intent, mode, rule } = decision;
        let rule = rule.and_then(|index| self.rules.get(index));
        let rule = rule.map_or(direction.as_str(), |rule| &rule.name);
        Decision { direction, location, intent, mode, rule }
    }

    /// Strictest possible decisions about `finding`, or about any finding.
    fn choose(
        &self,
        direction: Direction,
        location: Location,
        matches: &[RuleMatch],
        finding: Option<&FindingAttributes<'_>>,
    ) -> LocationDecisions {
        let mut possible: Option<LocationDecisions> = None;
        for (index, (rule, matches)) in self.rules.iter().zip(matches).enumerate() {
            let matches = matches.at(rule, location, finding);
            if matches == Tri::No {
                continue;
            }
            let decision = RuleDecision { intent: rule.action, mode: rule.mode_under(self.mode), rule: Some(index) };
            let strictest = LocationDecisions::with(possible, decision);
            if matches == Tri::Yes {
                return strictest;
            }
            possible = Some(strictest);
        }
        LocationDecisions::with(possible, self.default_decision(direction))
    }
}

impl Decisions {
    /// Strictest possible outcome for content at that location.
    pub fn outcome_at(&self, location: Location, content: Content) -> Outcome {
        let LocationDecisions { finding, gap } = self.at(location);
        let decision = if content == Content::Finding { finding } else { gap };
        // A response has no path.
        let exists = location != Location::Path || self.direction == Direction::Request;
        let decision = if exists { decision } else { RuleDecision { intent: Intent::Skip, ..decision } };
        decision.outcome(content)
    }

    /// True if that location is inspected.
    pub fn inspects_at(&self, location: Location) -> bool {
        self.outcome_at(location, Content::Finding) != Outcome::Clean
    }

    /// True if any location of the message is inspected.
    pub fn inspects(&self) -> bool {
        Location::ALL.into_iter().any(|location| self.inspects_at(location))
    }

    /// True if that location is inspected in enforce mode, so that findings are handled and not only reported.
    pub fn enforces_at(&self, location: Location) -> bool {
        self.outcome_at(location, Content::UNAVAILABLE) == Outcome::Blocked
    }

    /// True if any location of the message is inspected in enforce mode.
    pub fn enforces(&self) -> bool {
        Location::ALL.into_iter().any(|location| self.enforces_at(location))
    }

    /// True if that content at any location blocks the message.
    pub fn blocks(&self, content: Content) -> bool {
        Location::ALL.into_iter().any(|location| self.outcome_at(location, content) == Outcome::Blocked)
    }

    fn at(&self, location: Location) -> LocationDecisions {
        let [headers, path, body, trailers] = self.locations;
        match location {
            Location::Headers => headers,
            Location::Path => path,
            Location::Body => body,
            Location::Trailers => trailers,
        }
    }
}

impl LocationDecisions {
    /// The strictest of the `possible` decisions and another one.
    fn with(possible: Option<Self>, decision: RuleDecision) -> Self {
        possible.map_or(Self { finding: decision, gap: decision }, |possible| Self {
            finding: possible.finding.or_stricter(decision, Content::Finding),
            gap: possible.gap.or_stricter(decision, Content::UNAVAILABLE),
        })
    }
}

impl RuleDecision {
    fn outcome(self, content: Content) -> Outcome {
        Outcome::of(self.mode, self.intent, content)
    }

    /// The stricter of two decisions about that content; the first if they are equally strict.
    fn or_stricter(self, other: Self, content: Content) -> Self {
        if other.outcome(content).strictness() > self.outcome(content).strictness() { other } else { self }
    }
}
