//! What do the rules come to, for one message?
//!
//! The first rule that holds decides, and what no rule is about falls to `request` or `response`. A rule of which it
//! cannot be told whether it holds may be the one or may not, so that of all that could be decided the strictest is:
//! whoever makes a message hard to judge gains nothing by it.

use super::request_context::{RequestContext, Tri};
use super::{Decision, Direction, Intent, Location, Mode, Policy};

/// What is done at each place of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decisions {
    direction: Direction,
    decisions: [LocationDecision; LOCATIONS.len()],
}

/// What is done, and the number of the rule that says so; without one the default does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct LocationDecision {
    intent: Intent,
    mode: Mode,
    rule: Option<usize>,
}

const LOCATIONS: [Location; 4] = [Location::Headers, Location::Path, Location::Body, Location::Trailers];

impl Policy {
    /// What the rules come to for a message of that direction, as far as its circumstances are known.
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
        let holds: Vec<Tri> =
            self.config.rules.iter().map(|rule| rule.condition.holds(direction, request_context)).collect();
        for (place, choice) in LOCATIONS.into_iter().zip(&mut decisions.decisions) {
            *choice = self.choose(place, &holds, default);
        }
        decisions
    }

    /// What to do with a card number that was found there.
    pub fn decide(&self, decisions: &Decisions, place: Location) -> Decision<'_> {
        let LocationDecision { intent, mode, rule } = decisions.choice(place);
        let rule = rule.and_then(|index| self.config.rules.get(index));
        Decision { intent, mode, rule: rule.map_or(decisions.direction.as_str(), |rule| &rule.name) }
    }

    fn choose(&self, place: Location, holds: &[Tri], default: LocationDecision) -> LocationDecision {
        let mut possible: Option<LocationDecision> = None;
        for (index, (rule, holds)) in self.config.rules.iter().zip(holds).enumerate() {
            if *holds == Tri::No || !rule.condition.covers(place) {
                continue;
            }
            let choice =
                LocationDecision { intent: rule.action, mode: rule.mode_under(self.config.mode), rule: Some(index) };
            let strictest = possible.map_or(choice, |other| other.or_stricter(choice));
            if *holds == Tri::Yes {
                return strictest;
            }
            possible = Some(strictest);
        }
        possible.map_or(default, |other| other.or_stricter(default))
    }
}

impl Decisions {
    /// Whether anything of the message is looked at.
    pub fn inspects(&self) -> bool {
        LOCATIONS.into_iter().any(|place| self.inspects_at(place))
    }

    /// Whether that place is looked at.
    pub fn inspects_at(&self, place: Location) -> bool {
        let exists = place != Location::Path || self.direction == Direction::Request;
        exists && self.choice(place).intent != Intent::Skip
    }

    /// Whether what stands at that place is looked at and dealt with, not only told of.
    pub fn enforces_at(&self, place: Location) -> bool {
        self.inspects_at(place) && self.choice(place).mode == Mode::Enforce
    }

    /// Whether anything of the message is dealt with.
    pub fn enforces(&self) -> bool {
        LOCATIONS.into_iter().any(|place| self.enforces_at(place))
    }

    /// Whether a card number anywhere in the message refuses it.
    pub fn blocks(&self) -> bool {
        LOCATIONS.into_iter().any(|place| self.enforces_at(place) && self.choice(place).intent == Intent::Block)
    }

    fn choice(&self, place: Location) -> LocationDecision {
        let [headers, path, body, trailers] = self.decisions;
        match place {
            Location::Headers => headers,
            Location::Path => path,
            Location::Body => body,
            Location::Trailers => trailers,
        }
    }
}

impl LocationDecision {
    /// The stricter of two; the first when they are equal.
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
