//! Invariants of the policy parser for arbitrary input.
//!
//! A valid policy has the meaning that its text says. An invalid one gives one short error line, which contains no
//! value of the document.

use panveil::policy::{Connection, Content, Direction, Location, Mode, Policy, PolicyError, RequestContext};
use serde_json::{Map, Value};

/// Marker for a secret: as a value or a name, as a number, and anywhere in the text.
const MARKER: &str = "zqzq 9182 zqzq";
const MARKER_NUMBER: u64 = 918_273_645;
const MARKER_BYTES: &[u8] = b"zqzq";

/// Maximum number of values in a document, and of offsets in a text, that are marked.
const MOST_MARKED: usize = 32;

const LONGEST_ERROR: usize = 400;

/// Bounds with more than four digits that error messages name.
const BOUNDS: [&str; 3] = ["1000000", "1048576", "16777216"];

/// Panics when an invariant does not hold for the policy `input`.
pub fn check(input: &[u8]) {
    match Policy::parse(input) {
        Ok(policy) => check_accepted(input, &policy),
        Err(error) => check_refused(input, &error),
    }
    match json(input) {
        // The input contains a marker already.
        _ if input.windows(MARKER_BYTES.len()).any(|part| part == MARKER_BYTES) => {}
        Some(document) => check_silence_about_values(&document),
        None => check_silence_about_text(input),
    }
}

/// Fields that are lists.
const LISTS: [&str; 8] = [
    "rules",
    "namespaces.include",
    "namespaces.exclude",
    "detect.brands",
    "detect.ignore_keys",
    "detect.card_keys",
    "detect.patterns",
    "detect.builtin_patterns",
];

fn json(text: &[u8]) -> Option<Value> {
    serde_json::from_slice(text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)).ok()
}

fn check_accepted(input: &[u8], policy: &Policy) {
    let effective = policy.effective();
    assert_eq!(accepted(input).effective(), effective, "read twice");
    let mut written = Value::Object(Map::new());
    let mut whole = true;
    for (path, value) in &effective {
        let list = LISTS.contains(&path.as_str());
        // The report lists the items, not their notation.
        whole &= !list || value == "none";
        if !list {
            let place = path.split('.').fold(&mut written, |object, name| &mut object[name]);
            *place = if path == "audit.keys" {
                // A list of words is reported as it is.
                value.split(", ").filter(|word| *word != "none").collect()
            } else {
                serde_json::from_str(value).unwrap_or_else(|_| Value::from(value.as_str()))
            };
        }
    }
    let read = accepted(written.to_string().as_bytes()).effective();
    assert!(!whole || read == effective, "the reported value differs: {written}");

    let told = |path: &str| effective.iter().find(|(name, _)| *name == path).expect("a path").1.as_str();
    assert_eq!(policy.mode().as_str(), told("mode"));
    assert_eq!(policy.uninspectable().as_str(), told("uninspectable"));
    let limits = policy.limits();
    assert_eq!(limits.paused_bytes.to_string(), told("limits.paused_bytes"));
    assert!((1 << 10..=16 << 20).contains(&limits.paused_bytes));
    assert_eq!(limits.inflate_ratio.to_string(), told("limits.inflate_ratio"));
    assert!((1..=1_000_000).contains(&limits.inflate_ratio));
    assert_eq!(limits.memory_bytes.to_string(), told("limits.memory_bytes"));
    assert!((8 << 20..=1 << 30).contains(&limits.memory_bytes));
    assert_eq!(limits.findings_per_message.to_string(), told("limits.findings_per_message"));
    assert!((1..=1_000_000).contains(&limits.findings_per_message));
    assert_eq!(limits.header_count.to_string(), told("limits.header_count"));
    assert!((1..=1024).contains(&limits.header_count));
    assert_eq!(limits.header_bytes.to_string(), told("limits.header_bytes"));
    assert!((1 << 10..=1 << 20).contains(&limits.header_bytes));
    let rules = rules(input);
    let told_rules: Vec<&str> = told("rules").split(", ").filter(|rule| *rule != "none").collect();
    assert_eq!(told_rules.len(), rules.len(), "a rule is reported completely or not at all");
    for (told, name) in told_rules.iter().zip(&rules) {
        assert_eq!(told.split(' ').next(), Some(name.as_str()));
    }
    for direction in [Direction::Request, Direction::Response] {
        for (request_context, known) in [(RequestContext::default(), false), (known(), true)] {
            let decisions = policy.judge(direction, &request_context);
            assert_eq!(decisions, policy.judge(direction, &request_context));
            assert!(!decisions.blocks(Content::Finding) || (decisions.enforces() && decisions.inspects()), "{known}");
            for place in [Location::Headers, Location::Path, Location::Body, Location::Trailers] {
                let decision = policy.decide(&decisions, place);
                assert!(policy.mode() == Mode::Enforce || decision.mode == Mode::Monitor);
                if decision.rule == direction.as_str() {
                    assert_eq!(decision.intent.as_str(), told(direction.as_str()));
                    assert_eq!(decision.mode, policy.mode());
                } else {
                    let rule = rules.iter().position(|name| name == decision.rule).expect("a rule of the policy");
                    assert_eq!(told_rules[rule].split(' ').nth(1), Some(decision.intent.as_str()));
                }
            }
            if rules.is_empty() {
                assert_eq!(decisions.inspects(), told(direction.as_str()) != "skip");
            }
        }
        assert!((400..600).contains(&policy.block().status(direction)));
    }
}

/// Names of the rules in a policy.
fn rules(input: &[u8]) -> Vec<String> {
    let document = json(input).unwrap_or_default();
    let rules = document["rules"].as_array().into_iter().flatten();
    rules.map(|rule| rule["name"].as_str().expect("a name").to_owned()).collect()
}

/// Request context with every attribute known.
fn known() -> RequestContext {
    let mut known = RequestContext::default();
    known.note_request_line(Some(b"POST"), Some(b"api.example.com"), Some(b"/v1/charges"));
    for direction in [Direction::Request, Direction::Response] {
        known.note_content_type(direction, Some(b"application/json"));
    }
    known.note_connection(Some(Connection::MutualTls));
    known.note_source(Some(b"spiffe://cluster.local/ns/checkout/sa/web"));
    known.note_destination(Some(b"spiffe://cluster.local/ns/payments/sa/api"));
    known.note_remote_address(Some(b"10.0.3.7:51734"));
    known.note_port(Some(8443));
    known.note_route(Some(b"charges".to_vec()));
    known.note_cluster(Some(b"payments".to_vec()));
    known.note_status(Some(200));
    known
}

fn accepted(json: &[u8]) -> Policy {
    Policy::parse(json).unwrap_or_else(|error| panic!("{error}, in {}", String::from_utf8_lossy(json)))
}

fn check_refused(input: &[u8], error: &PolicyError) {
    let line = error.to_string();
    assert!(line.starts_with("policy: ") && line.len() <= LONGEST_ERROR, "{line:?}");
    assert!(line.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()), "{line:?}");
    for run in line.split(|c: char| !c.is_ascii_digit()).filter(|run| run.len() > 4 && !BOUNDS.contains(run)) {
        let is_position = run.parse().is_ok_and(|position: usize| position <= input.len() + 1);
        assert!(is_position, "{line:?}");
    }
}

/// Replaces every value and every name with a marker, one at a time.
fn check_silence_about_values(document: &Value) {
    for index in 0..MOST_MARKED {
        for marker in [Value::from(MARKER), Value::from(MARKER_NUMBER)] {
            let mut marked = document.clone();
            if mark(&mut marked, &marker, &mut index.clone()) {
                check_unmarked(marked.to_string().as_bytes());
            }
        }
    }
}

/// Replaces the value or the name at `index` with `marker`. Returns whether there is one.
fn mark(value: &mut Value, marker: &Value, index: &mut usize) -> bool {
    if *index == 0 {
        *value = marker.clone();
        return true;
    }
    *index -= 1;
    match value {
        Value::Array(items) => items.iter_mut().any(|item| mark(item, marker, index)),
        Value::Object(fields) => {
            let names: Vec<String> = fields.keys().cloned().collect();
            for name in names {
                if *index == 0 {
                    let value = fields.remove(&name).unwrap_or_default();
                    fields.insert(MARKER.to_owned(), value);
                    return true;
                }
                *index -= 1;
                if fields.get_mut(&name).is_some_and(|value| mark(value, marker, index)) {
                    return true;
                }
            }
            false
        }
        _ => false,
    }
}

/// Inserts a marker into a text that is no JSON.
fn check_silence_about_text(text: &[u8]) {
    for at in (0..=text.len()).step_by(text.len() / MOST_MARKED + 1) {
        let marked = [&text[..at], MARKER_BYTES, &text[at..]].concat();
        if json(&marked).is_none() {
            check_unmarked(&marked);
        }
    }
}

fn check_unmarked(marked: &[u8]) {
    let Err(error) = Policy::parse(marked) else { return };
    for text in [error.to_string(), format!("{error:?}")] {
        assert!(!text.contains("zqzq") && !text.contains("91827"), "{text:?}, of {}", String::from_utf8_lossy(marked));
    }
}
