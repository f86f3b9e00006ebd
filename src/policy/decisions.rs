//! Decisions of the rules for one message.
//!
//! The first rule that matches decides. Without one, `request` or `response` does. If a match is [unknown](Tri::Unknown), several
//! decisions are possible, and the strictest applies. A client therefore gains nothing by an ambiguous message.

use super::request_context::{RequestContext, Tri};
use super::{Content, Decision, Direction, Intent, Location, Mode, Outcome, Policy};

/// Decision for each location of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decisions {
    direction: Direction,
    decisions: [LocationDecision; Location::ALL.len()],
}

/// Decision for one location, with the index of its rule. Without a rule it is the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct LocationDecision {
    intent: Intent,
    mode: Mode,
    rule: Option<usize>,
}

impl Policy {
    /// Decisions for a message of that direction, by its known attributes.
    pub fn judge(&self, direction: Direction, request_context: &RequestContext) -> Decisions {
        let intent = match direction {
            Direction::Request => self.config.request,
            Direction::Response => self.config.response,
        };
        let default = LocationDecision { intent, mode: self.config.mode, rule: None };
        let mut decisions = Decisions { direction, decisions: [default; Location::ALL.len()] };
        if self.config.rules.is_empty() {
            return decisions;
        }
        let matches: Vec<Tri> = self.config.rules.iter().map(|rule| rule.matches(direction, request_context)).collect();
        for (location, decision) in Location::ALL.into_iter().zip(&mut decisions.decisions) {
            *decision = self.choose(location, &matches, default);
        }
        decisions
    }

    /// Decision about a card number at that location.
    pub fn decide(&self, decisions: &Decisions, location: Location) -> Decision<'_> {
        let direction = decisions.direction;
        let LocationDecision { intent, mode, rule } = decisions.at(location);
        let rule = rule.and_then(|index| self.config.rules.get(index));
        let rule = rule.map_or(direction.as_str(), |rule| &rule.name);
        Decision { direction, location, intent, mode, rule }
    }

    fn choose(&self, location: Location, matches: &[Tri], default: LocationDecision) -> LocationDecision {
        let mut possible: Option<LocationDecision> = None;
        for (index, (rule, matches)) in self.config.rules.iter().zip(matches).enumerate() {
            if *matches == Tri::No || !rule.condition.covers(location) {
                continue;
            }
            let decision =
                LocationDecision { intent: rule.action, mode: rule.mode_under(self.config.mode), rule: Some(index) };
            let strictest = possible.map_or(decision, |other| other.or_stricter(decision));
            if *matches == Tri::Yes {
                return strictest;
            }
            possible = Some(strictest);
        }
        possible.map_or(default, |other| other.or_stricter(default))
    }
}

impl Decisions {
    /// Outcome for content at that location.
    pub fn outcome_at(&self, location: Location, content: Content) -> Outcome {
        let LocationDecision { intent, mode, .. } = self.at(location);
        // A response has no path.
        let exists = location != Location::Path || self.direction == Direction::Request;
        Outcome::of(mode, if exists { intent } else { Intent::Skip }, content)
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

    fn at(&self, location: Location) -> LocationDecision {
        let [headers, path, body, trailers] = self.decisions;
        match location {
            Location::Headers => headers,
            Location::Path => path,
            Location::Body => body,
            Location::Trailers => trailers,
        }
    }
}

impl LocationDecision {
    /// The stricter of two decisions; the first if they are equally strict.
    fn or_stricter(self, other: Self) -> Self {
        let strictness = |decision: Self| Outcome::of(decision.mode, decision.intent, Content::Finding).strictness();
        if strictness(other) > strictness(self) { other } else { self }
    }
}
