//! Comparison of an observation with the expectations of a case. It reports every difference, on lines of its own.

use super::differences::{Differences, shown};
use super::{Observation, ReceivedRequest, ReceivedResponse, canonical, values};
use crate::case::{Case, Framing};

/// Compares the observation of a test tier with the expectations of a case.
///
/// # Errors
///
/// Lists every difference, with the expected and the observed value.
pub fn check(case: &Case, seen: &Observation) -> Result<(), String> {
    let mut differences = Differences::default();
    request(case, seen, &mut differences);
    response(case, seen, &mut differences);
    log(case, seen, &mut differences);
    counters(case, seen, &mut differences);
    silence(case, seen, &mut differences);
    if differences.text.is_empty() { Ok(()) } else { Err(differences.text) }
}

fn request(case: &Case, seen: &Observation, differences: &mut Differences) {
    let expect = &case.expect.request;
    let sent = &case.request;
    match (&seen.received, expect.received) {
        (Some(got), true) => {
            differences.text("request method", &sent.method, &got.method);
            differences.text("request path", expect.path.as_ref().unwrap_or(&sent.path), &got.path);
            differences.headers("request", [&expect.headers, &sent.message.headers], &expect.absent, &got.headers);
            differences.bytes("request body", expect.body.as_ref().unwrap_or(&sent.message.body()), &got.body);
            let trailers = expect.trailers.as_ref().unwrap_or(&sent.message.trailers);
            differences.pairs("request trailers", trailers, &got.trailers);
            length_is_true("request", &got.headers, got.body.len(), differences);
        }
        (Some(got), false) => differences.say("request", "must not reach the service whole", &summary(got)),
        (None, true) => differences.say("request", "must reach the service whole", "it did not"),
        (None, false) => {}
    }
}

fn response(case: &Case, seen: &Observation, differences: &mut Differences) {
    let expect = &case.expect.response;
    let Some(got) = &seen.response else {
        differences.say("response", "a response", "the connection ended without one");
        return;
    };
    // For a response that does not come from the upstream, only the expectations of the case apply.
    let from_service =
        case.expect.request.received && expect.status.is_none_or(|status| status == case.response.status);
    let sent = &case.response.message;
    let status = expect.status.unwrap_or(case.response.status);
    differences.text("response status", &status.to_string(), &got.status.to_string());
    differences.text("response ends cleanly", &expect.complete.to_string(), &got.complete.to_string());
    let unchanged: &[(String, String)] = if from_service { &sent.headers } else { &[] };
    differences.headers("response", [&expect.headers, unchanged], &expect.absent, &got.headers);
    if let Some(body) = &expect.body {
        differences.bytes("response body", body, &got.body);
    } else if from_service && expect.complete {
        differences.bytes("response body", &sent.body(), &got.body);
    }
    if from_service && expect.complete {
        let trailers = expect.trailers.as_ref().unwrap_or(&sent.trailers);
        differences.pairs("response trailers", trailers, &got.trailers);
    }
    if got.complete && sent.framing != Framing::None {
        length_is_true("response", &got.headers, got.body.len(), differences);
    }
}

/// A `content-length` that does not match its body permits request smuggling.
fn length_is_true(what: &str, headers: &[(String, String)], body: usize, differences: &mut Differences) {
    for length in values(headers, "content-length") {
        differences.text(&format!("{what} content-length"), &body.to_string(), length);
    }
}

fn log(case: &Case, seen: &Observation, differences: &mut Differences) {
    let expect = &case.expect.log;
    let get = |key: &str| seen.log.get(key).map_or("(not set)", String::as_str);
    for (key, value) in &expect.values {
        differences.text(&format!("log {key}"), value, get(key));
    }
    for piece in expect.record.iter().filter(|piece| !get("record").contains(piece.as_str())) {
        differences.say("log record", &format!("with {piece}"), get("record"));
    }
    if !expect.values.contains_key("action") {
        for key in ["action", "found", "brands", "where", "fields", "rules"] {
            differences.text(&format!("log {key}"), "(not set)", get(key));
        }
    }
    differences.text("log path", expect.path.as_ref().unwrap_or(&case.request.path), get("path"));
    differences.text("log details", expect.details.as_deref().unwrap_or("via_upstream"), get("details"));
}

fn counters(case: &Case, seen: &Observation, differences: &mut Differences) {
    const FINDINGS: &str = "panveil_findings_total";
    let expected: Vec<(String, u64)> =
        case.expect.counters.iter().map(|(name, value)| (canonical(name), *value)).collect();
    for (name, value) in &expected {
        let moved = seen.counters.get(name).copied().unwrap_or_default();
        differences.text(&format!("counter {name}"), &value.to_string(), &moved.to_string());
    }
    // A case that lists some counters of findings lists all of them. A clean exchange has none.
    let action = case.expect.log.values.get("action");
    let clean = action.is_none_or(|action| action == "clean");
    if clean || expected.iter().any(|(name, _)| name.starts_with(FINDINGS)) {
        for (name, moved) in &seen.counters {
            let named = expected.iter().any(|(expected, _)| expected == name);
            if name.starts_with(FINDINGS) && *moved > 0 && !named {
                differences.text(&format!("counter {name}"), "0", &moved.to_string());
            }
        }
    }
}

/// Checks that no log value and no blocked message contains a card number, independent of the other expectations.
fn silence(case: &Case, seen: &Observation, differences: &mut Differences) {
    for (key, value) in &seen.log {
        if case.secrets.iter().any(|secret| value.contains(secret)) {
            differences.say(&format!("log {key}"), "no secret", value);
        }
    }
    for card in &case.cards {
        for (key, value) in &seen.log {
            if tells(value.as_bytes(), card) {
                differences.say(&format!("log {key}"), "no card digits", value);
            }
        }
        let cut_off = seen.cut_off.as_ref().filter(|_| !case.expect.request.received);
        if let Some(request) =
            cut_off.filter(|request| tells(request.path.as_bytes(), card) || tells(&request.body, card))
        {
            differences.say("blocked request", "no card reaches the service", &summary(request));
        }
        let blocked = !case.expect.request.received || !case.expect.response.complete;
        if let Some(response) = seen.response.as_ref().filter(|response| blocked && tells(&response.body, card)) {
            differences.say("blocked response", "no card reaches the client", &response.summary());
        }
    }
}

/// Whether `bytes` contain more than four consecutive digits of `card`, with any separators.
#[must_use]
pub fn tells(bytes: &[u8], card: &str) -> bool {
    const TELLING: usize = 5;
    let dense = dense(bytes);
    card.as_bytes().windows(TELLING).any(|digits| dense.windows(TELLING).any(|window| window == digits))
}

/// `bytes` without separators between digits, so that groups read as one number, and without UUIDs. Envoy generates one
/// for every request, and its digits may equal some of a card number by chance.
#[must_use]
pub fn dense(bytes: &[u8]) -> Vec<u8> {
    let mut rest = bytes;
    let mut dense = Vec::with_capacity(bytes.len());
    while let Some((first, others)) = rest.split_first() {
        if let Some(behind) = rest.get(UUID_LEN..).filter(|_| is_uuid(&rest[..UUID_LEN])) {
            dense.extend_from_slice(b"uuid");
            rest = behind;
            continue;
        }
        if !matches!(first, b' ' | b'-' | b'.') {
            dense.push(*first);
        }
        rest = others;
    }
    dense
}

const UUID_LEN: usize = 36;

fn is_uuid(text: &[u8]) -> bool {
    text.iter().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        // Envoy also encodes the tracing decision in the version digit.
        14 => b"49ab".contains(byte),
        _ => byte.is_ascii_hexdigit(),
    })
}

fn summary(request: &ReceivedRequest) -> String {
    format!("{} {} {}", request.method, request.path, shown(&request.body))
}

impl ReceivedResponse {
    /// Status and body in one line.
    #[must_use]
    pub fn summary(&self) -> String {
        format!("{} {}", self.status, shown(&self.body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_by_chance_tell_nothing_and_groups_do() {
        assert!(!tells(b"id ff891555-5489-4e4a-9ab9-fb9df7cf4a29", "5555555555554444"));
        assert!(tells(b"55 55-5", "5555555555554444"));
        assert!(!tells(b"5555", "5555555555554444"));
    }
    use crate::case::parse;

    fn masked() -> (Case, Observation) {
        let text = r#"
            [[case]]
            name = "a"
            about = "b"
            cards = ["4111111111111111"]
            secrets = ["EMP-123456"]
            [case.request]
            headers = [["x-a", "1"]]
            body = ["4111111111111111"]
            [case.expect]
            request = { body = "411111******1111" }
            log = { action = "masked", found = 1, record = ['"kind":"pan"'] }
        "#;
        let case = parse("t", text).unwrap().remove(0);
        let seen = Observation {
            received: Some(ReceivedRequest {
                method: "POST".into(),
                path: "/".into(),
                headers: vec![("x-a".into(), "1".into()), ("content-length".into(), "16".into())],
                body: b"411111******1111".to_vec(),
                trailers: vec![],
            }),
            response: Some(ReceivedResponse { status: 200, complete: true, ..Default::default() }),
            log: [
                ("action", "masked"),
                ("found", "1"),
                ("record", r#"{"findings":[{"kind":"pan"}]}"#),
                ("path", "/"),
                ("details", "via_upstream"),
            ]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
            ..Default::default()
        };
        (case, seen)
    }

    #[test]
    fn what_matches_passes() {
        let (case, seen) = masked();
        assert_eq!(check(&case, &seen), Ok(()));
    }

    #[test]
    fn each_difference_is_told() {
        let (case, mut seen) = masked();
        let received = seen.received.as_mut().unwrap();
        received.body = b"411111111111*111".to_vec();
        received.headers.clear();
        seen.log.insert("found".into(), "2".into());
        seen.log.insert("record".into(), r#"{"findings":[]}"#.into());
        let told = check(&case, &seen).unwrap_err();
        for part in ["request body: differs from byte 6", "request header x-a", "log found", "log record"] {
            assert!(told.contains(part), "{told}");
        }
    }

    #[test]
    fn a_card_in_a_log_value_is_told() {
        let (case, mut seen) = masked();
        seen.log.insert("record".into(), "4111-1111-1111-1111".into());
        assert!(check(&case, &seen).unwrap_err().contains("no card digits"));
    }

    #[test]
    fn a_secret_in_a_log_value_is_told() {
        let (case, mut seen) = masked();
        seen.log.insert("note".into(), "by EMP-123456".into());
        assert!(check(&case, &seen).unwrap_err().contains("no secret"));
    }

    #[test]
    fn a_finding_in_a_clean_case_is_told() {
        let case = parse("t", "[[case]]\nname = 'a'\nabout = 'b'").unwrap().remove(0);
        let (_, mut seen) = masked();
        seen.counters.insert("panveil_findings_total{}".into(), 1);
        let told = check(&case, &seen).unwrap_err();
        assert!(told.contains("counter panveil_findings_total{}") && told.contains("log action"), "{told}");
    }
}
