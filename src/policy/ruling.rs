//! What do the rules come to, for one message?
//!
//! The first rule that holds decides, and what no rule is about falls to `request` or `response`. A rule of which it
//! cannot be told whether it holds may be the one or may not, so that of all that could be decided the strictest is:
//! whoever makes a message hard to judge gains nothing by it.

use super::circumstances::{Circumstances, Holds};
use super::{Decision, Direction, Intent, Mode, Place, Policy};

/// What is done at each place of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ruling {
    direction: Direction,
    choices: [Choice; PLACES.len()],
}

/// What is done, and the number of the rule that says so; without one the default does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Choice {
    intent: Intent,
    mode: Mode,
    rule: Option<usize>,
}

const PLACES: [Place; 4] = [Place::Headers, Place::Path, Place::Body, Place::Trailers];

impl Policy {
    /// What the rules come to for a message of that direction, as far as its circumstances are known.
    pub fn judge(&self, direction: Direction, circumstances: &Circumstances) -> Ruling {
        let intent = match direction {
            Direction::Request => self.request,
            Direction::Response => self.response,
        };
        let default = Choice { intent, mode: self.mode, rule: None };
        let mut ruling = Ruling { direction, choices: [default; PLACES.len()] };
        if self.rules.is_empty() {
            return ruling;
        }
        let holds: Vec<Holds> = self.rules.iter().map(|rule| rule.condition.holds(direction, circumstances)).collect();
        for (place, choice) in PLACES.into_iter().zip(&mut ruling.choices) {
            *choice = self.choose(place, &holds, default);
        }
        ruling
    }

    /// What to do with a card number that was found there.
    pub fn decide(&self, ruling: &Ruling, place: Place) -> Decision<'_> {
        let Choice { intent, mode, rule } = ruling.choice(place);
        let rule = rule.and_then(|index| self.rules.get(index));
        Decision { intent, mode, rule: rule.map_or(ruling.direction.as_str(), |rule| &rule.name) }
    }

    fn choose(&self, place: Place, holds: &[Holds], default: Choice) -> Choice {
        let mut possible: Option<Choice> = None;
        for (index, (rule, holds)) in self.rules.iter().zip(holds).enumerate() {
            if *holds == Holds::No || !rule.condition.covers(place) {
                continue;
            }
            let choice = Choice { intent: rule.action, mode: rule.mode_under(self.mode), rule: Some(index) };
            let strictest = possible.map_or(choice, |other| other.or_stricter(choice));
            if *holds == Holds::Yes {
                return strictest;
            }
            possible = Some(strictest);
        }
        possible.map_or(default, |other| other.or_stricter(default))
    }
}

impl Ruling {
    /// Whether anything of the message is looked at.
    pub fn inspects(&self) -> bool {
        PLACES.into_iter().any(|place| self.inspects_at(place))
    }

    /// Whether that place is looked at.
    pub fn inspects_at(&self, place: Place) -> bool {
        let exists = place != Place::Path || self.direction == Direction::Request;
        exists && self.choice(place).intent != Intent::Skip
    }

    /// Whether what stands at that place is looked at and dealt with, not only told of.
    pub fn enforces_at(&self, place: Place) -> bool {
        self.inspects_at(place) && self.choice(place).mode == Mode::Enforce
    }

    /// Whether anything of the message is dealt with.
    pub fn enforces(&self) -> bool {
        PLACES.into_iter().any(|place| self.enforces_at(place))
    }

    /// Whether a card number anywhere in the message refuses it.
    pub fn blocks(&self) -> bool {
        PLACES.into_iter().any(|place| self.enforces_at(place) && self.choice(place).intent == Intent::Block)
    }

    fn choice(&self, place: Place) -> Choice {
        let [headers, path, body, trailers] = self.choices;
        match place {
            Place::Headers => headers,
            Place::Path => path,
            Place::Body => body,
            Place::Trailers => trailers,
        }
    }
}

impl Choice {
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
