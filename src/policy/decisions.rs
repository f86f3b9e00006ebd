//! Decisions of the rules for one message.
//!
//! The first rule that matches decides. Without one, `request` or `response` does. If a match is [unknown](Tri::Unknown), several
//! decisions are possible, and the strictest applies. A client therefore gains nothing by an ambiguous message.

use super::request_context::{RequestContext, Tri};
use super::{Decision, Direction, Intent, Location, Mode, Policy};

/// Decision for each location of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decisions {
    direction: Direction,
    decisions: [LocationDecision; LOCATIONS.len()],
}

/// Decision for one location, with the index of its rule. Without a rule it is the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct LocationDecision {
    intent: Intent,
    mode: Mode,
    rule: Option<usize>,
}

const LOCATIONS: [Location; 4] = [Location::Headers, Location::Path, Location::Body, Location::Trailers];

impl Policy {
    /// Decisions for a message of that direction, by its known attributes.
    pub fn judge(&self, direction: Direction, request_context: &RequestContext) -> Decisions {
        let intent = match direction {
            Direction::Request => self.config.request,
            Direction::Response => self.config.response,
        };
        let default = LocationDecision { intent, mode: self.config.mode, rule: None };
        let mut decisions = Decisions { direction, decisions: [default; LOCATIONS.len()] };
        if self.config.rules.is_empty() {
            return decisions;
        }
        let matches: Vec<Tri> =
            self.config.rules.iter().map(|rule| rule.condition.matches(direction, request_context)).collect();
        for (location, decision) in LOCATIONS.into_iter().zip(&mut decisions.decisions) {
            *decision = self.choose(location, &matches, default);
        }
        decisions
    }

    /// Decision about a card number at that location.
    pub fn decide(&self, decisions: &Decisions, location: Location) -> Decision<'_> {
        let LocationDecision { intent, mode, rule } = decisions.at(location);
        let rule = rule.and_then(|index| self.config.rules.get(index));
        Decision { intent, mode, rule: rule.map_or(decisions.direction.as_str(), |rule| &rule.name) }
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
    /// True if any location of the message is inspected.
    pub fn inspects(&self) -> bool {
        LOCATIONS.into_iter().any(|location| self.inspects_at(location))
    }

    /// True if that location is inspected.
    pub fn inspects_at(&self, location: Location) -> bool {
        let exists = location != Location::Path || self.direction == Direction::Request;
        exists && self.at(location).intent != Intent::Skip
    }

    /// True if that location is inspected in enforce mode, so that findings are handled and not only reported.
    pub fn enforces_at(&self, location: Location) -> bool {
        self.inspects_at(location) && self.at(location).mode == Mode::Enforce
    }

    /// True if any location of the message is inspected in enforce mode.
    pub fn enforces(&self) -> bool {
        LOCATIONS.into_iter().any(|location| self.enforces_at(location))
    }

    /// True if a card number at any location blocks the message.
    pub fn blocks(&self) -> bool {
        LOCATIONS.into_iter().any(|location| self.enforces_at(location) && self.at(location).intent == Intent::Block)
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
        if other.strictness() > self.strictness() { other } else { self }
    }

    fn strictness(self) -> u8 {
        match (self.mode, self.intent) {
            (_, Intent::Skip) => 0,
            (_, Intent::Allow) => 1,
            (Mode::Monitor, Intent::Mask | Intent::Block) => 2,
            (Mode::Enforce, Intent::Mask) => 3,
            (Mode::Enforce, Intent::Block) => 4,
        }
    }
}
