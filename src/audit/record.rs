//! What happened to one exchange?

use super::Redacted;
use crate::policy::{Decision, Direction, Intent, Limit, Mode, Place};
use crate::stream::What;
use crate::verdict::Brand;
use serde::{Serialize, Serializer};

/// What was done about a card, or about a whole exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Nothing was found.
    Clean,
    /// A message, or a part of it, could not be read and was passed on.
    Uninspected,
    /// Found in monitor mode: the policy would have acted.
    Reported,
    /// Found where the policy allows cards.
    Allowed,
    /// Masked.
    Masked,
    /// Refused or cut.
    Blocked,
}

/// Why something was not inspected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is compressed or encrypted in a way that panveil does not read.
    Encoding,
    /// It is a part of something whose other parts are not there.
    Range,
    /// A limit was reached.
    Limit,
    /// The connection was turned over to another protocol.
    Upgrade,
    /// The policy says `skip`.
    Skipped,
    /// The host refused a call.
    HostCall,
}

/// What was found in one exchange, by place and kind, in bounded space.
#[derive(Default)]
pub struct Tally {
    entries: Vec<Entry>,
    beyond: u64,
    uninspected: Vec<Uninspected>,
    limits: Vec<Reached>,
    blocked: bool,
}

/// What is known of the exchange besides the findings. Absent where the host does not say.
#[derive(Default)]
pub struct Facts {
    /// The request's method.
    pub method: Option<Redacted>,
    /// The request's path and query.
    pub path: Option<Redacted>,
    /// The request's host.
    pub host: Option<Redacted>,
    /// The request's id.
    pub request_id: Option<Redacted>,
    /// The route that was taken.
    pub route: Option<Redacted>,
    /// Whether the client's connection was mutual TLS.
    pub mtls: Option<bool>,
}

/// The version of the record's form; raised when a field changes its meaning.
const RECORD_VERSION: u8 = 1;

/// The most kinds of findings that a record tells apart.
const MOST_ENTRIES: usize = 32;

#[derive(Serialize)]
struct Entry {
    direction: &'static str,
    place: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    brand: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pattern: Option<String>,
    length: u8,
    action: Action,
    rule: String,
    count: u64,
    #[serde(skip)]
    authentication_data: bool,
}

#[derive(Clone, PartialEq, Eq, Serialize)]
struct Uninspected {
    direction: &'static str,
    reason: &'static str,
}

#[derive(Clone, PartialEq, Eq, Serialize)]
struct Reached {
    direction: &'static str,
    limit: &'static str,
}

#[derive(Serialize)]
struct Record<'a> {
    version: u8,
    action: Action,
    found: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    authentication_data: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mtls: Option<bool>,
    findings: &'a [Entry],
    #[serde(skip_serializing_if = "is_zero")]
    findings_beyond: u64,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    uninspected: &'a [Uninspected],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    limits: &'a [Reached],
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Action {
    /// What `decision` does to a card that was found.
    pub fn of(decision: Decision<'_>) -> Self {
        match (decision.mode, decision.intent) {
            (_, Intent::Skip) => Self::Clean,
            (_, Intent::Allow) => Self::Allowed,
            (Mode::Monitor, Intent::Mask | Intent::Block) => Self::Reported,
            (Mode::Enforce, Intent::Block) => Self::Blocked,
            (Mode::Enforce, Intent::Mask) => Self::Masked,
        }
    }

    /// The name in logs, records and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Uninspected => "uninspected",
            Self::Reported => "reported",
            Self::Allowed => "allowed",
            Self::Masked => "masked",
            Self::Blocked => "blocked",
        }
    }
}

impl Serialize for Action {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl Reason {
    /// The name in logs, records and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Encoding => "encoding",
            Self::Range => "range",
            Self::Limit => "limit",
            Self::Upgrade => "upgrade",
            Self::Skipped => "skipped",
            Self::HostCall => "host_call",
        }
    }
}

impl Tally {
    /// Adds something that was found. `field` is the name of the header that it stands in.
    pub fn add(
        &mut self,
        direction: Direction,
        place: Place,
        field: Option<&Redacted>,
        what: &What,
        decision: Decision<'_>,
    ) {
        let action = Action::of(decision);
        self.blocked |= action == Action::Blocked;
        let same = self.entries.iter_mut().find(|entry| {
            entry.direction == direction.as_str()
                && entry.place == place.as_str()
                && entry.field.as_deref() == field.map(Redacted::as_str)
                && entry.kind == what.kind()
                && entry.brand == what.brand().map(Brand::as_str)
                && entry.pattern.as_deref() == what.pattern()
                && entry.length == what.length()
                && entry.action == action
                && entry.rule == decision.rule
        });
        if let Some(entry) = same {
            entry.count = entry.count.saturating_add(1);
        } else if self.entries.len() < MOST_ENTRIES {
            self.entries.push(Entry {
                direction: direction.as_str(),
                place: place.as_str(),
                field: field.map(|field| field.as_str().to_owned()),
                kind: what.kind(),
                brand: what.brand().map(Brand::as_str),
                pattern: what.pattern().map(str::to_owned),
                length: what.length(),
                action,
                rule: decision.rule.to_owned(),
                count: 1,
                authentication_data: what.is_authentication_data(),
            });
        } else {
            self.beyond = self.beyond.saturating_add(1);
        }
    }

    /// Notes that a message was not inspected, or not wholly. Says whether that is new.
    pub fn note_uninspected(&mut self, direction: Direction, reason: Reason) -> bool {
        let note = Uninspected { direction: direction.as_str(), reason: reason.as_str() };
        let new = !self.uninspected.contains(&note);
        if new {
            self.uninspected.push(note);
        }
        new
    }

    /// Notes that a limit was reached. Says whether that is new.
    pub fn note_limit(&mut self, direction: Direction, limit: Limit) -> bool {
        let reached = Reached { direction: direction.as_str(), limit: limit.as_str() };
        let new = !self.limits.contains(&reached);
        if new {
            self.limits.push(reached);
        }
        new
    }

    /// Notes that the exchange was refused or cut, for whatever reason.
    pub fn note_blocked(&mut self) {
        self.blocked = true;
    }

    /// How much was found: cards, authentication data, matches of patterns.
    pub fn found(&self) -> u64 {
        self.entries.iter().fold(self.beyond, |sum, entry| sum.saturating_add(entry.count))
    }

    /// What was done, at its strongest.
    pub fn action(&self) -> Action {
        if self.blocked {
            return Action::Blocked;
        }
        let uninspected =
            self.uninspected.iter().any(|note| note.reason != Reason::Skipped.as_str()).then_some(Action::Uninspected);
        let found = self.entries.iter().map(|entry| entry.action);
        found.chain(uninspected).max().unwrap_or(Action::Clean)
    }

    /// The strongest action on cards in messages of that direction.
    pub fn action_in(&self, direction: Direction) -> Option<Action> {
        let entries = self.entries.iter().filter(|entry| entry.direction == direction.as_str());
        entries.map(|entry| entry.action).max()
    }

    /// The brands that were found, in the order of [`Brand::ALL`], with commas between them.
    pub fn brands(&self) -> String {
        let names = Brand::ALL.iter().map(|brand| brand.as_str());
        join(names.filter(|name| self.entries.iter().any(|entry| entry.brand == Some(name))))
    }

    /// The places where cards were found, with commas between them.
    pub fn places(&self) -> String {
        let places = [Place::Headers, Place::Path, Place::Body, Place::Trailers].map(Place::as_str);
        join(places.into_iter().filter(|place| self.entries.iter().any(|entry| entry.place == *place)))
    }

    /// The whole record as one line of JSON.
    pub fn record(&self, facts: &Facts) -> String {
        let record = Record {
            version: RECORD_VERSION,
            action: self.action(),
            found: self.found(),
            authentication_data: self.entries.iter().any(|entry| entry.authentication_data),
            method: facts.method.as_ref().map(Redacted::as_str),
            host: facts.host.as_ref().map(Redacted::as_str),
            path: facts.path.as_ref().map(Redacted::as_str),
            route: facts.route.as_ref().map(Redacted::as_str),
            request_id: facts.request_id.as_ref().map(Redacted::as_str),
            mtls: facts.mtls,
            findings: &self.entries,
            findings_beyond: self.beyond,
            uninspected: &self.uninspected,
            limits: &self.limits,
        };
        serde_json::to_string(&record).unwrap_or_default()
    }
}

fn join<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;
    use crate::verdict::{Code, Pan};

    const VISA: What = What::Pan(Pan { brand: Brand::Visa, length: 16, score: 2 });
    const AMEX: What = What::Pan(Pan { brand: Brand::Amex, length: 15, score: 3 });

    fn decision(mode: Mode, intent: Intent) -> Decision<'static> {
        Decision { intent, mode, rule: "request" }
    }

    fn redacted(text: &[u8]) -> Redacted {
        Redacted::under(&Policy::parse(b"{}").unwrap(), text)
    }

    #[test]
    fn equal_findings_are_counted_together() {
        let mut tally = Tally::default();
        let mask = decision(Mode::Enforce, Intent::Mask);
        tally.add(Direction::Request, Place::Body, None, &VISA, mask);
        tally.add(Direction::Request, Place::Body, None, &VISA, mask);
        tally.add(Direction::Request, Place::Headers, Some(&redacted(b"cookie")), &AMEX, mask);
        assert_eq!((tally.found(), tally.action()), (3, Action::Masked));
        assert_eq!((tally.brands().as_str(), tally.places().as_str()), ("visa,amex", "headers,body"));
        let facts = Facts { path: Some(redacted(b"/pay")), mtls: Some(true), ..Facts::default() };
        assert_eq!(
            tally.record(&facts),
            "{\"version\":1,\"action\":\"masked\",\"found\":3,\"path\":\"/pay\",\"mtls\":true,\"findings\":[\
             {\"direction\":\"request\",\"place\":\"body\",\"kind\":\"pan\",\"brand\":\"visa\",\"length\":16,\"action\":\"masked\",\
             \"rule\":\"request\",\"count\":2},\
             {\"direction\":\"request\",\"place\":\"headers\",\"field\":\"cookie\",\"kind\":\"pan\",\"brand\":\"amex\",\"length\":15,\
             \"action\":\"masked\",\"rule\":\"request\",\"count\":1}]}"
        );
    }

    #[test]
    fn authentication_data_is_told_of() {
        let mut tally = Tally::default();
        let mask = decision(Mode::Enforce, Intent::Mask);
        tally.add(Direction::Request, Place::Body, None, &What::Code(Code::Verification, 3), mask);
        assert_eq!((tally.found(), tally.brands().as_str()), (1, ""));
        assert_eq!(
            tally.record(&Facts::default()),
            "{\"version\":1,\"action\":\"masked\",\"found\":1,\"authentication_data\":true,\"findings\":[\
             {\"direction\":\"request\",\"place\":\"body\",\"kind\":\"verification_code\",\"length\":3,\
             \"action\":\"masked\",\"rule\":\"request\",\"count\":1}]}"
        );
    }

    #[test]
    fn the_strongest_action_is_the_exchange_s() {
        let mut tally = Tally::default();
        assert_eq!(tally.action(), Action::Clean);
        assert!(tally.note_uninspected(Direction::Response, Reason::Skipped));
        assert_eq!(tally.action(), Action::Clean);
        assert!(tally.note_uninspected(Direction::Response, Reason::Encoding));
        assert!(!tally.note_uninspected(Direction::Response, Reason::Encoding));
        assert_eq!(tally.action(), Action::Uninspected);
        tally.add(Direction::Request, Place::Body, None, &VISA, decision(Mode::Monitor, Intent::Block));
        assert_eq!(tally.action(), Action::Reported);
        tally.add(Direction::Response, Place::Body, None, &VISA, decision(Mode::Enforce, Intent::Block));
        assert_eq!(tally.action(), Action::Blocked);
        assert_eq!(tally.action_in(Direction::Request), Some(Action::Reported));
    }

    #[test]
    fn a_record_is_bounded() {
        let mut tally = Tally::default();
        for number in 0..100 {
            let field = redacted(format!("x-{number}").as_bytes());
            tally.add(Direction::Request, Place::Headers, Some(&field), &VISA, decision(Mode::Enforce, Intent::Mask));
        }
        assert_eq!(tally.found(), 100);
        assert!(tally.record(&Facts::default()).contains("\"findings_beyond\":68"));
    }
}
