//! Findings, gaps and limits of one stream, collected for its log fields and record.

use super::reason::Reason;
use super::record::{Entry, Facts, RECORD_VERSION, Reached, Record, Uninspected};
use super::redacted::Redacted;
use crate::policy::{Decision, Direction, Limit, Location, Outcome};
use crate::stream::{Detection, FindingKind, Trace};
use crate::verdict::Brand;
use std::hash::{DefaultHasher, Hash, Hasher};

/// The summary of one stream. Its memory is bounded.
#[derive(Default)]
pub struct StreamSummary {
    entries: Vec<Entry>,
    beyond: u64,
    traces: usize,
    /// The card numbers that are in no entry, as digests of their reported form.
    traces_beyond: Vec<u64>,
    authentication_data: bool,
    uninspected: Vec<Uninspected>,
    limits: Vec<Reached>,
    blocked: bool,
}

/// The most entries of a record.
const MAX_ENTRIES: usize = 32;

/// The most truncated numbers or fingerprints of a record.
const MAX_TRACES: usize = 64;

/// The most card numbers beyond those that are counted.
const MAX_TRACES_BEYOND: usize = 2048;

impl StreamSummary {
    /// Adds a finding. `field` is its field name.
    pub fn add(&mut self, field: Option<&Redacted>, detection: &Detection, decision: Decision<'_>) {
        let kind = &detection.kind;
        let action = decision.outcome();
        self.blocked |= action == Outcome::Blocked;
        self.authentication_data |= kind.is_authentication_data();
        let same = self.entries.iter().position(|entry| {
            entry.direction == decision.direction.as_str()
                && entry.place == decision.location.as_str()
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
            None if self.entries.len() < MAX_ENTRIES => {
                self.entries.push(entry(field, kind, decision));
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

    /// Adds the reported form of a card number to the entry at `index`, unless the entry has it.
    fn add_trace(&mut self, index: usize, trace: &Trace) {
        let text = text_of(trace);
        let Some(entry) = self.entries.get_mut(index) else { return };
        let reported = match trace {
            Trace::Truncated(_) => &mut entry.truncated,
            Trace::Fingerprint(_) => &mut entry.fingerprints,
        };
        if reported.contains(&text) {
            return;
        }
        if self.traces < MAX_TRACES {
            self.traces_beyond.retain(|beyond| *beyond != digest(&text));
            reported.push(text);
            self.traces = self.traces.saturating_add(1);
        } else {
            self.add_trace_beyond(&text);
        }
    }

    /// Counts a card number that is in no entry, once.
    fn add_trace_beyond(&mut self, text: &String) {
        let is_reported =
            self.entries.iter().any(|entry| entry.truncated.contains(text) || entry.fingerprints.contains(text));
        if !is_reported && self.traces_beyond.len() < MAX_TRACES_BEYOND {
            note(&mut self.traces_beyond, digest(text));
        }
    }

    /// Notes that a message was not completely inspected. Returns false if that was noted before.
    pub fn note_uninspected(&mut self, direction: Direction, reason: Reason) -> bool {
        note(&mut self.uninspected, Uninspected { direction: direction.as_str(), reason: reason.as_str() })
    }

    /// Notes that a limit was reached. Returns false if that was noted before.
    pub fn note_limit(&mut self, direction: Direction, limit: Limit) -> bool {
        note(&mut self.limits, Reached { direction: direction.as_str(), limit: limit.as_str() })
    }

    /// Notes that a message was blocked, for whatever reason.
    pub fn note_blocked(&mut self) {
        self.blocked = true;
    }

    /// The number of findings.
    pub fn found(&self) -> u64 {
        self.entries.iter().fold(self.beyond, |sum, entry| sum.saturating_add(entry.count))
    }

    /// The strongest action on the stream.
    pub fn action(&self) -> Outcome {
        if self.blocked {
            return Outcome::Blocked;
        }
        Direction::ALL.map(|direction| self.action_in(direction)).into_iter().max().unwrap_or(Outcome::Clean)
    }

    /// The strongest action on the findings and gaps of one direction.
    pub fn action_in(&self, direction: Direction) -> Outcome {
        let is_gap = |note: &&Uninspected| {
            let is_intended = |reason: &Reason| reason.is_intended() && reason.as_str() == note.reason;
            note.direction == direction.as_str() && !Reason::ALL.iter().any(is_intended)
        };
        let found = self.entries.iter().filter(|entry| entry.direction == direction.as_str());
        let gaps = self.uninspected.iter().filter(is_gap).map(|_| Outcome::Uninspected);
        found.map(|entry| entry.action).chain(gaps).max().unwrap_or(Outcome::Clean)
    }

    /// The brands of the findings, comma-separated, in the order of [`Brand::ALL`].
    pub fn brands(&self) -> String {
        let names = Brand::ALL.iter().map(|brand| brand.as_str());
        join(names.filter(|name| self.entries.iter().any(|entry| entry.brand == Some(name))))
    }

    /// The locations of the findings, comma-separated.
    pub fn locations(&self) -> String {
        let locations = Location::ALL.map(Location::as_str);
        join(locations.into_iter().filter(|place| self.entries.iter().any(|entry| entry.place == *place)))
    }

    /// The field names of the findings, comma-separated.
    pub fn fields(&self) -> String {
        join_once(self.entries.iter().filter_map(|entry| entry.field.as_deref()))
    }

    /// The rules that decided, comma-separated.
    pub fn rules(&self) -> String {
        join_once(self.entries.iter().map(|entry| entry.rule.as_str()))
    }

    /// The missing inspections as `direction:reason`, comma-separated: `response:encoding`.
    pub fn uninspected(&self) -> String {
        let notes: Vec<String> =
            self.uninspected.iter().map(|note| [note.direction, ":", note.reason].concat()).collect();
        notes.join(",")
    }

    /// The fingerprints of the card numbers, comma-separated.
    pub fn fingerprints(&self) -> String {
        join_once(self.entries.iter().flat_map(|entry| &entry.fingerprints).map(String::as_str))
    }

    /// The record as one line of JSON.
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

/// The reported form of a card number.
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

/// Adds a note, unless it is in the list. Returns true if it was added.
fn note<T: PartialEq>(notes: &mut Vec<T>, note: T) -> bool {
    let new = !notes.contains(&note);
    if new {
        notes.push(note);
    }
    new
}

/// An entry with a count of zero.
fn entry(field: Option<&Redacted>, kind: &FindingKind, decision: Decision<'_>) -> Entry {
    Entry {
        direction: decision.direction.as_str(),
        place: decision.location.as_str(),
        field: field.map(|field| field.as_str().to_owned()),
        kind: kind.as_str(),
        brand: kind.brand().map(Brand::as_str),
        pattern: kind.pattern().map(str::to_owned),
        length: kind.length(),
        action: decision.outcome(),
        rule: decision.rule.to_owned(),
        count: 0,
        truncated: Vec::new(),
        fingerprints: Vec::new(),
    }
}

fn join<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(",")
}

/// Joins each name once, in order.
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
    use crate::policy::{FieldPath, Intent, Mode, Policy};
    use crate::verdict::{Code, Pan};

    const VISA: Detection = detection(FindingKind::Pan(Pan { brand: Brand::Visa, length: 16, score: 2 }));
    const AMEX: Detection = detection(FindingKind::Pan(Pan { brand: Brand::Amex, length: 15, score: 3 }));

    const fn detection(kind: FindingKind) -> Detection {
        Detection { kind, name: None, field: FieldPath::Unknown, trace: None }
    }

    fn decision(location: Location, intent: Intent) -> Decision<'static> {
        Decision { direction: Direction::Request, location, intent, mode: Mode::Enforce, rule: "request" }
    }

    fn redacted(text: &[u8]) -> Redacted {
        Redacted::under(&Policy::parse(b"{}").unwrap(), text)
    }

    #[test]
    fn equal_findings_are_counted_together() {
        let mut stream_summary = StreamSummary::default();
        stream_summary.add(None, &VISA, decision(Location::Body, Intent::Mask));
        stream_summary.add(None, &VISA, decision(Location::Body, Intent::Mask));
        stream_summary.add(Some(&redacted(b"cookie")), &AMEX, decision(Location::Headers, Intent::Mask));
        assert_eq!((stream_summary.found(), stream_summary.action()), (3, Outcome::Masked));
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
    fn authentication_data_are_reported() {
        let mut stream_summary = StreamSummary::default();
        stream_summary.add(
            None,
            &detection(FindingKind::Code(Code::Verification, 3)),
            decision(Location::Body, Intent::Mask),
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
    fn the_strongest_action_is_that_of_the_stream() {
        let mut stream_summary = StreamSummary::default();
        assert_eq!(stream_summary.action(), Outcome::Clean);
        assert!(stream_summary.note_uninspected(Direction::Response, Reason::Skipped));
        assert_eq!(stream_summary.action(), Outcome::Clean);
        assert!(stream_summary.note_uninspected(Direction::Response, Reason::Encoding));
        assert!(!stream_summary.note_uninspected(Direction::Response, Reason::Encoding));
        assert_eq!(stream_summary.action(), Outcome::Uninspected);
        assert_eq!(
            Direction::ALL.map(|direction| stream_summary.action_in(direction)),
            [Outcome::Clean, Outcome::Uninspected]
        );
        let block = decision(Location::Body, Intent::Block);
        stream_summary.add(None, &VISA, Decision { mode: Mode::Monitor, ..block });
        assert_eq!(stream_summary.action(), Outcome::Reported);
        stream_summary.add(None, &VISA, Decision { direction: Direction::Response, ..block });
        assert_eq!(stream_summary.action(), Outcome::Blocked);
        assert_eq!(stream_summary.action_in(Direction::Request), Outcome::Reported);
    }

    #[test]
    fn a_record_is_bounded() {
        let mut stream_summary = StreamSummary::default();
        for number in 0..100 {
            let field = redacted(format!("x-{number}").as_bytes());
            stream_summary.add(Some(&field), &VISA, decision(Location::Headers, Intent::Mask));
        }
        assert_eq!(stream_summary.found(), 100);
        assert!(stream_summary.record(&Facts::default()).contains("\"findings_beyond\":68"));
    }

    #[test]
    fn numbers_are_reported_once_each_and_in_bounded_space() {
        let mut stream_summary = StreamSummary::default();
        for number in (0..100).flat_map(|number| [number; 2]) {
            let trace = Some(Trace::Truncated(format!("411111******{number:04}")));
            let detection = Detection { trace, ..VISA };
            stream_summary.add(None, &detection, decision(Location::Body, Intent::Mask));
        }
        let record: serde_json::Value = serde_json::from_str(&stream_summary.record(&Facts::default())).unwrap();
        assert_eq!(record["findings"][0]["truncated"].as_array().unwrap().len(), MAX_TRACES);
        assert_eq!(record["findings"][0]["truncated"][0], "411111******0000");
        assert_eq!((record["found"].as_u64(), record["traces_beyond"].as_u64()), (Some(200), Some(36)));
    }

    #[test]
    fn numbers_beyond_the_bound_are_counted_once_each() {
        let mut stream_summary = StreamSummary::default();
        let mut add = |field: usize, number: usize| {
            let trace = Some(Trace::Truncated(format!("411111******{number:04}")));
            let field = redacted(format!("x-{field}").as_bytes());
            let mask = decision(Location::Headers, Intent::Mask);
            stream_summary.add(Some(&field), &Detection { trace, ..VISA }, mask);
        };
        for _ in 0..3 {
            // Only 32 fields have an entry. Of the numbers in other fields only number 0 is reported.
            (0..40).for_each(|field| add(field, field));
            (50..60).for_each(|field| add(field, 0));
            // The first field reports 32 more numbers, among them those of the fields without an entry. The last four are beyond.
            (32..68).for_each(|number| add(0, number));
        }
        let record: serde_json::Value = serde_json::from_str(&stream_summary.record(&Facts::default())).unwrap();
        assert_eq!(record["traces_beyond"].as_u64(), Some(4));
    }

    #[test]
    fn authentication_data_beyond_the_bound_are_reported() {
        let mut stream_summary = StreamSummary::default();
        for number in 0..100 {
            let field = redacted(format!("x-{number}").as_bytes());
            stream_summary.add(Some(&field), &VISA, decision(Location::Headers, Intent::Mask));
        }
        stream_summary.add(None, &detection(FindingKind::Code(Code::Pin, 4)), decision(Location::Body, Intent::Mask));
        assert!(stream_summary.record(&Facts::default()).contains("\"authentication_data\":true"));
    }
}
