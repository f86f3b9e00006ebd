//! What has happened to one exchange so far?

use super::action::{Action, Reason};
use super::record::{Entry, Facts, RECORD_VERSION, Reached, Record, Uninspected};
use super::redacted::Redacted;
use crate::policy::{Decision, Direction, Limit, Location};
use crate::stream::{Detection, FindingKind, Trace};
use crate::verdict::Brand;
use std::hash::{DefaultHasher, Hash, Hasher};

/// What was found in one exchange, by place and kind, in bounded space.
#[derive(Default)]
pub struct StreamSummary {
    entries: Vec<Entry>,
    beyond: u64,
    traces: usize,
    /// The numbers that no entry tells, each as a digest of what would be told of it.
    traces_beyond: Vec<u64>,
    authentication_data: bool,
    uninspected: Vec<Uninspected>,
    limits: Vec<Reached>,
    blocked: bool,
}

/// The most kinds of findings that a record tells apart.
const MOST_ENTRIES: usize = 32;

/// The most numbers that a record tells apart, by what is left of them or by their fingerprints.
const MOST_TRACES: usize = 64;

/// The most numbers beyond those that are told apart to be counted.
const MOST_TRACES_BEYOND: usize = 2048;

impl StreamSummary {
    /// Adds something that was found. `field` is the name that it stands under.
    pub fn add(
        &mut self,
        direction: Direction,
        place: Location,
        field: Option<&Redacted>,
        detection: &Detection,
        decision: Decision<'_>,
    ) {
        let kind = &detection.kind;
        let action = Action::of(decision);
        self.blocked |= action == Action::Blocked;
        self.authentication_data |= kind.is_authentication_data();
        let same = self.entries.iter().position(|entry| {
            entry.direction == direction.as_str()
                && entry.place == place.as_str()
                && entry.field.as_deref() == field.map(Redacted::as_str)
                && entry.kind == kind.as_str()
                && entry.brand == kind.brand().map(Brand::as_str)
                && entry.pattern.as_deref() == kind.pattern()
                && entry.length == kind.length()
                && entry.action == action
                && entry.rule == decision.rule
        });
        let index = match same {
            Some(index) => index,
            None if self.entries.len() < MOST_ENTRIES => {
                self.entries.push(entry(direction, place, field, kind, decision));
                self.entries.len().saturating_sub(1)
            }
            None => {
                self.beyond = self.beyond.saturating_add(1);
                if let Some(trace) = &detection.trace {
                    self.add_trace_beyond(&text_of(trace));
                }
                return;
            }
        };
        if let Some(entry) = self.entries.get_mut(index) {
            entry.count = entry.count.saturating_add(1);
        }
        if let Some(trace) = &detection.trace {
            self.add_trace(index, trace);
        }
    }

    /// Adds what tells a number again to the entry of that index, once.
    fn add_trace(&mut self, index: usize, trace: &Trace) {
        let text = text_of(trace);
        let Some(entry) = self.entries.get_mut(index) else { return };
        let told = match trace {
            Trace::Truncated(_) => &mut entry.truncated,
            Trace::Fingerprint(_) => &mut entry.fingerprints,
        };
        if told.contains(&text) {
            return;
        }
        if self.traces < MOST_TRACES {
            self.traces_beyond.retain(|beyond| *beyond != digest(&text));
            told.push(text);
            self.traces = self.traces.saturating_add(1);
        } else {
            self.add_trace_beyond(&text);
        }
    }

    /// Counts a number that no entry tells, once.
    fn add_trace_beyond(&mut self, text: &String) {
        let is_told =
            self.entries.iter().any(|entry| entry.truncated.contains(text) || entry.fingerprints.contains(text));
        if !is_told && self.traces_beyond.len() < MOST_TRACES_BEYOND {
            note(&mut self.traces_beyond, digest(text));
        }
    }

    /// Notes that a message was not inspected, or not wholly. Says whether that is new.
    pub fn note_uninspected(&mut self, direction: Direction, reason: Reason) -> bool {
        note(&mut self.uninspected, Uninspected { direction: direction.as_str(), reason: reason.as_str() })
    }

    /// Notes that a limit was reached. Says whether that is new.
    pub fn note_limit(&mut self, direction: Direction, limit: Limit) -> bool {
        note(&mut self.limits, Reached { direction: direction.as_str(), limit: limit.as_str() })
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
        let is_meant =
            |note: &Uninspected| Reason::ALL.iter().any(|reason| reason.is_meant() && reason.as_str() == note.reason);
        let uninspected = (!self.uninspected.iter().all(is_meant)).then_some(Action::Uninspected);
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

    /// The places where something was found, with commas between them.
    pub fn locations(&self) -> String {
        let locations = [Location::Headers, Location::Path, Location::Body, Location::Trailers].map(Location::as_str);
        join(locations.into_iter().filter(|place| self.entries.iter().any(|entry| entry.place == *place)))
    }

    /// The names that it stood under, with commas between them.
    pub fn fields(&self) -> String {
        join_once(self.entries.iter().filter_map(|entry| entry.field.as_deref()))
    }

    /// The rules that decided, with commas between them.
    pub fn rules(&self) -> String {
        join_once(self.entries.iter().map(|entry| entry.rule.as_str()))
    }

    /// What was not looked at and why, `response:encoding`, with commas between them.
    pub fn uninspected(&self) -> String {
        let notes: Vec<String> =
            self.uninspected.iter().map(|note| [note.direction, ":", note.reason].concat()).collect();
        notes.join(",")
    }

    /// The fingerprints of the numbers, with commas between them.
    pub fn fingerprints(&self) -> String {
        join_once(self.entries.iter().flat_map(|entry| &entry.fingerprints).map(String::as_str))
    }

    /// The whole record as one line of JSON.
    pub fn record(&self, facts: &Facts) -> String {
        fn text(text: &Option<Redacted>) -> Option<&str> {
            text.as_ref().map(Redacted::as_str)
        }
        let record = Record {
            version: RECORD_VERSION,
            action: self.action(),
            found: self.found(),
            authentication_data: self.authentication_data,
            method: text(&facts.method),
            host: text(&facts.host),
            path: text(&facts.path),
            route: text(&facts.route),
            cluster: text(&facts.cluster),
            request_id: text(&facts.request_id),
            client: text(&facts.client),
            source: text(&facts.source),
            destination: text(&facts.destination),
            mtls: facts.mtls,
            fingerprint_key: facts.fingerprint_key.as_deref(),
            findings: &self.entries,
            findings_beyond: self.beyond,
            traces_beyond: u64::try_from(self.traces_beyond.len()).unwrap_or(u64::MAX),
            uninspected: &self.uninspected,
            limits: &self.limits,
        };
        record.to_line()
    }
}

/// What is told of a number.
fn text_of(trace: &Trace) -> String {
    match trace {
        Trace::Truncated(text) => text.clone(),
        Trace::Fingerprint(fingerprint) => fingerprint.to_text(),
    }
}

fn digest(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// Adds what is new, and says whether it is.
fn note<T: PartialEq>(notes: &mut Vec<T>, note: T) -> bool {
    let new = !notes.contains(&note);
    if new {
        notes.push(note);
    }
    new
}

/// What nothing was counted for yet.
fn entry(
    direction: Direction,
    place: Location,
    field: Option<&Redacted>,
    kind: &FindingKind,
    decision: Decision<'_>,
) -> Entry {
    Entry {
        direction: direction.as_str(),
        place: place.as_str(),
        field: field.map(|field| field.as_str().to_owned()),
        kind: kind.as_str(),
        brand: kind.brand().map(Brand::as_str),
        pattern: kind.pattern().map(str::to_owned),
        length: kind.length(),
        action: Action::of(decision),
        rule: decision.rule.to_owned(),
        count: 0,
        truncated: Vec::new(),
        fingerprints: Vec::new(),
    }
}

fn join<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(",")
}

/// Each of them once, in their order.
fn join_once<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut once: Vec<&str> = Vec::new();
    for name in names {
        if !once.contains(&name) {
            once.push(name);
        }
    }
    join(once.into_iter())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Intent, Mode, Policy};
    use crate::verdict::{Code, Pan};

    const VISA: Detection = detection(FindingKind::Pan(Pan { brand: Brand::Visa, length: 16, score: 2 }));
    const AMEX: Detection = detection(FindingKind::Pan(Pan { brand: Brand::Amex, length: 15, score: 3 }));

    const fn detection(kind: FindingKind) -> Detection {
        Detection { kind, name: None, trace: None }
    }

    fn decision(mode: Mode, intent: Intent) -> Decision<'static> {
        Decision { intent, mode, rule: "request" }
    }

    fn redacted(text: &[u8]) -> Redacted {
        Redacted::under(&Policy::parse(b"{}").unwrap(), text)
    }

    #[test]
    fn equal_findings_are_counted_together() {
        let mut stream_summary = StreamSummary::default();
        let mask = decision(Mode::Enforce, Intent::Mask);
        stream_summary.add(Direction::Request, Location::Body, None, &VISA, mask);
        stream_summary.add(Direction::Request, Location::Body, None, &VISA, mask);
        stream_summary.add(Direction::Request, Location::Headers, Some(&redacted(b"cookie")), &AMEX, mask);
        assert_eq!((stream_summary.found(), stream_summary.action()), (3, Action::Masked));
        assert_eq!(
            (stream_summary.brands().as_str(), stream_summary.locations().as_str()),
            ("visa,amex", "headers,body")
        );
        assert_eq!((stream_summary.fields().as_str(), stream_summary.rules().as_str()), ("cookie", "request"));
        let facts = Facts { path: Some(redacted(b"/pay")), mtls: Some(true), ..Facts::default() };
        assert_eq!(
            stream_summary.record(&facts),
            "{\"version\":1,\"action\":\"masked\",\"found\":3,\"path\":\"/pay\",\"mtls\":true,\"findings\":[\
             {\"direction\":\"request\",\"place\":\"body\",\"kind\":\"pan\",\"brand\":\"visa\",\"length\":16,\"action\":\"masked\",\
             \"rule\":\"request\",\"count\":2},\
             {\"direction\":\"request\",\"place\":\"headers\",\"field\":\"cookie\",\"kind\":\"pan\",\"brand\":\"amex\",\"length\":15,\
             \"action\":\"masked\",\"rule\":\"request\",\"count\":1}]}"
        );
    }

    #[test]
    fn authentication_data_is_told_of() {
        let mut stream_summary = StreamSummary::default();
        let mask = decision(Mode::Enforce, Intent::Mask);
        stream_summary.add(
            Direction::Request,
            Location::Body,
            None,
            &detection(FindingKind::Code(Code::Verification, 3)),
            mask,
        );
        assert_eq!((stream_summary.found(), stream_summary.brands().as_str()), (1, ""));
        assert_eq!(
            stream_summary.record(&Facts::default()),
            "{\"version\":1,\"action\":\"masked\",\"found\":1,\"authentication_data\":true,\"findings\":[\
             {\"direction\":\"request\",\"place\":\"body\",\"kind\":\"verification_code\",\"length\":3,\
             \"action\":\"masked\",\"rule\":\"request\",\"count\":1}]}"
        );
    }

    #[test]
    fn the_strongest_action_is_the_exchange_s() {
        let mut stream_summary = StreamSummary::default();
        assert_eq!(stream_summary.action(), Action::Clean);
        assert!(stream_summary.note_uninspected(Direction::Response, Reason::Skipped));
        assert_eq!(stream_summary.action(), Action::Clean);
        assert!(stream_summary.note_uninspected(Direction::Response, Reason::Encoding));
        assert!(!stream_summary.note_uninspected(Direction::Response, Reason::Encoding));
        assert_eq!(stream_summary.action(), Action::Uninspected);
        stream_summary.add(Direction::Request, Location::Body, None, &VISA, decision(Mode::Monitor, Intent::Block));
        assert_eq!(stream_summary.action(), Action::Reported);
        stream_summary.add(Direction::Response, Location::Body, None, &VISA, decision(Mode::Enforce, Intent::Block));
        assert_eq!(stream_summary.action(), Action::Blocked);
        assert_eq!(stream_summary.action_in(Direction::Request), Some(Action::Reported));
    }

    #[test]
    fn a_record_is_bounded() {
        let mut stream_summary = StreamSummary::default();
        for number in 0..100 {
            let field = redacted(format!("x-{number}").as_bytes());
            stream_summary.add(
                Direction::Request,
                Location::Headers,
                Some(&field),
                &VISA,
                decision(Mode::Enforce, Intent::Mask),
            );
        }
        assert_eq!(stream_summary.found(), 100);
        assert!(stream_summary.record(&Facts::default()).contains("\"findings_beyond\":68"));
    }

    #[test]
    fn numbers_are_told_once_each_and_in_bounded_space() {
        let mut stream_summary = StreamSummary::default();
        for number in (0..100).flat_map(|number| [number; 2]) {
            let trace = Some(Trace::Truncated(format!("411111******{number:04}")));
            let detection = Detection { trace, ..VISA };
            stream_summary.add(
                Direction::Request,
                Location::Body,
                None,
                &detection,
                decision(Mode::Enforce, Intent::Mask),
            );
        }
        let record: serde_json::Value = serde_json::from_str(&stream_summary.record(&Facts::default())).unwrap();
        assert_eq!(record["findings"][0]["truncated"].as_array().unwrap().len(), MOST_TRACES);
        assert_eq!(record["findings"][0]["truncated"][0], "411111******0000");
        assert_eq!((record["found"].as_u64(), record["traces_beyond"].as_u64()), (Some(200), Some(36)));
    }

    #[test]
    fn numbers_beyond_are_counted_once_each_wherever_they_stand() {
        let mut stream_summary = StreamSummary::default();
        let mask = decision(Mode::Enforce, Intent::Mask);
        let mut add = |field: usize, number: usize| {
            let trace = Some(Trace::Truncated(format!("411111******{number:04}")));
            let field = redacted(format!("x-{field}").as_bytes());
            stream_summary.add(Direction::Request, Location::Headers, Some(&field), &Detection { trace, ..VISA }, mask);
        };
        for _ in 0..3 {
            // 32 fields are told apart, and what the others hold is not told, but for number 0.
            (0..40).for_each(|field| add(field, field));
            (50..60).for_each(|field| add(field, 0));
            // 32 more numbers are told in the first field, and the next four are not. Those that were not before now are.
            (32..68).for_each(|number| add(0, number));
        }
        let record: serde_json::Value = serde_json::from_str(&stream_summary.record(&Facts::default())).unwrap();
        assert_eq!(record["traces_beyond"].as_u64(), Some(4));
    }

    #[test]
    fn authentication_data_is_told_of_even_beyond_the_bound() {
        let mut stream_summary = StreamSummary::default();
        let mask = decision(Mode::Enforce, Intent::Mask);
        for number in 0..100 {
            let field = redacted(format!("x-{number}").as_bytes());
            stream_summary.add(Direction::Request, Location::Headers, Some(&field), &VISA, mask);
        }
        stream_summary.add(Direction::Request, Location::Body, None, &detection(FindingKind::Code(Code::Pin, 4)), mask);
        assert!(stream_summary.record(&Facts::default()).contains("\"authentication_data\":true"));
    }
}
