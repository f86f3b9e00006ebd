//! `panveil replay`: the decisions that the filter would make about a capture.

use crate::command::{failure, file, printed, run, stderr_line};

pub const CAPTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/checkout.har");

const RULES: &str = "
request: block
rules:
- name: charges
  match:
    direction: request
    where: [body]
    path: {prefix: /v1/charges}
    source: ['spiffe://cluster.local/ns/checkout/*']
  action: allow
- name: images
  match: {where: [body], content_type: ['image/*']}
  action: skip
";

/// HAR file with these entries.
pub fn capture(entries: &str) -> String {
    format!(r#"{{"log":{{"version":"1.2","creator":{{"name":"test"}},"entries":[{entries}]}}}}"#)
}

/// Lines of a report, with repeated spaces collapsed.
fn lines(report: &str) -> Vec<String> {
    report.lines().map(|line| line.split_whitespace().collect::<Vec<&str>>().join(" ")).collect()
}

/// Asserts that the report has each of these lines. `..` stands for an optional field.
pub fn assert_has(report: &str, expected: &[&str]) {
    let lines = lines(report);
    for wanted in expected {
        let (start, end) = wanted.split_once(" .. ").unwrap_or((wanted, wanted));
        let found = lines.iter().any(|line| line.starts_with(start) && line.ends_with(end));
        assert!(found, "no {wanted} in\n{report}");
    }
}

#[test]
fn every_kind_of_finding_has_a_row() {
    let report = printed(&["replay", "-", CAPTURE], b"{}");
    assert_has(
        &report,
        &[
            "entry method host path message location field found count action rule",
            "2 POST api.shop.example /v1/charges request body .. visa 1 masked request",
            "2 POST api.shop.example /v1/charges request body .. verification code 1 masked request",
            "2 POST api.shop.example /v1/charges response body .. mastercard 1 masked response",
            "3 GET api.shop.example /v1/orders?pan=**************** request path .. visa 1 masked request",
            "3 GET api.shop.example /v1/orders?pan=**************** request headers x-card amex 1 masked request",
            // The capture holds the decoded body.
            "3 GET api.shop.example /v1/orders?pan=**************** response body .. discover 1 masked response",
            // The fields of a form, without its text.
            "4 POST api.shop.example /v1/notes request body .. mastercard 1 masked request",
            // Base64 in the capture, not on the wire.
            "5 GET shop.example /logo.png response body .. visa 1 masked response",
            "request masked 5 3",
            "response masked 5 4",
            "response body not captured 1 6",
            "request body not captured 1 7",
            "response message not captured 1 7",
            "response partial content 1 8",
            "response unsupported content encoding 1 9",
            "9 entries: 1 clean, 2 clean as far as captured, 5 masked, 1 uninspected",
        ],
    );
}

#[test]
fn rules_decide_and_are_named() {
    let policy = file("replay.yaml", RULES);
    let source = ["replay", &policy, CAPTURE, "--source", "spiffe://cluster.local/ns/checkout/sa/web"];
    let report = printed(&source, b"{}");
    assert_has(
        &report,
        &[
            "2 POST api.shop.example /v1/charges request body .. visa 1 allowed charges",
            "4 POST api.shop.example /v1/notes request body .. mastercard 1 blocked request",
            "charges allowed 2 1",
            "response body skipped by the policy 1 5",
        ],
    );
    // The request was blocked, so it has no response.
    assert!(!report.contains("discover"), "{report}");

    let blocked = "2 POST api.shop.example /v1/charges request body .. visa 1 blocked request";
    for options in [&["--source", "spiffe://other/x"][..], &["--tls", "none"], &["--tls", "any"]] {
        assert_has(&printed(&[&source[..3], options].concat(), b"{}"), &[blocked]);
    }
    for (options, missing) in [(&[][..], "--tls, --source"), (&["--tls", "mutual"], "--source")] {
        let output = run(&[&source[..3], options].concat(), b"{}");
        assert_has(&String::from_utf8(output.stdout.clone()).unwrap(), &[blocked]);
        assert_eq!(
            stderr_line(&output),
            format!(
                "rules need attributes that no capture contains, and the strictest possible action is shown; give {missing}"
            )
        );
    }
}

#[test]
fn rules_match_the_destination() {
    let rule =
        "rules: [{name: ledger, match: {direction: response, destination: ['spiffe://a/ledger']}, action: block}]";
    let policy = file("destination.yaml", rule);
    let row = "2 POST api.shop.example /v1/charges response body .. mastercard 1";
    for (destination, outcome) in [("spiffe://a/ledger", "blocked ledger"), ("spiffe://a/web", "masked response")] {
        let report = printed(&["replay", &policy, CAPTURE, "--destination", destination], b"{}");
        assert_has(&report, &[&format!("{row} {outcome}")]);
    }
    let output = run(&["replay", &policy, CAPTURE], b"{}");
    assert!(stderr_line(&output).ends_with("give --destination"), "{}", stderr_line(&output));
    assert_has(&String::from_utf8(output.stdout).unwrap(), &[&format!("{row} blocked ledger")]);
}

#[test]
fn monitor_mode_reports() {
    let report = printed(&["replay", &file("monitor.yaml", "mode: monitor\nrequest: block\n"), CAPTURE], b"{}");
    assert_has(&report, &["request reported 5 3", "response reported 5 4"]);
    let skip = printed(&["replay", &file("skip.yaml", "request: skip\nresponse: skip\n"), CAPTURE], b"{}");
    assert_has(&skip, &["request skipped by the policy 9 1, 2, 3, 4, 5, 6, 7, 8, …"]);
}

#[test]
fn an_image_is_not_inspected() {
    let entry = r#"{"request":{"method":"GET","url":"https://shop.example/logo.png"},
        "response":{"status":200,"headers":[{"name":"content-type","value":"image/png"}],"content":{"text":"\u0089PNG\r\n\u001a\n4111111111111111"}}}"#;
    let report = printed(&["replay", "-", &file("image.har", capture(entry))], b"{}");
    assert_has(&report, &["response binary content type 1 1"]);
    assert!(!report.contains("visa"), "{report}");
}

#[test]
fn json_contains_the_record_of_the_filter() {
    let report = printed(&["replay", "-", CAPTURE, "--format", "json"], b"{\"request\":\"block\"}");
    let entries: Vec<serde_json::Value> = report.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(entries.len(), 9);
    assert_eq!(entries[0]["messages"][1], serde_json::json!({"direction": "response", "outcome": "clean"}));
    assert!(entries[0].get("record").is_none());
    assert_eq!(entries[1]["replied"], 403);
    assert_eq!(entries[1]["record"]["findings"][0]["rule"], "request");
    assert_eq!(entries[5]["not_captured"][0], serde_json::json!({"direction": "response", "what": "body"}));
    assert_eq!(entries[8]["record"]["uninspected"][0]["reason"], "encoding");
}

#[test]
fn reports_contain_no_card_number() {
    let entry = r#"{"request":{"method":"4111111111111111","url":"https://4111111111111111.example/a/4111111111111111?b=4111-1111-1111-1111",
        "headers":[{"name":"x-4111111111111111","value":"4111111111111111"}],
        "queryString":[],"postData":{"text":"4111111111111111"}},"response":{"status":200,"content":{"text":"4111111111111111"}}}"#;
    for format in ["text", "json"] {
        let report = printed(&["replay", "-", &file("card.har", capture(entry)), "--format", format], b"{}");
        assert!(report.contains("visa") && !report.contains("1111"), "{report}");
    }
}

#[test]
fn captures_of_different_programs_are_read() {
    for (entry, rows) in [
        // Minimal capture.
        (
            r#"{"request":{"method":"GET","url":"/a?4111111111111111"}}"#,
            &["1 GET /a?**************** request path .. visa 1 masked request"][..],
        ),
        (
            r#"{"request":{"method":"GET","url":"http://u:p@a.example?4111111111111111"},"response":null}"#,
            &["1 GET a.example /?**************** request path .. visa 1 masked request"],
        ),
        (
            r#"{"request":{"method":"GET","url":"/go?to=https://a.example/4111111111111111"}}"#,
            &["1 GET /go?to=https://a.example/**************** request path .. visa 1 masked request"],
        ),
        // Query that is not part of the URL.
        (
            r#"{"request":{"method":"GET","url":"https://a.example/q","queryString":[{"name":"a b","value":"4111 1111 1111 1111"}]}}"#,
            &["1 GET a.example /q?a+b=****+****+****+**** request path .. visa 1 masked request"],
        ),
        // Pseudo-headers only, and a body in base64.
        (
            r#"{"request":{"httpVersion":"h2","headers":[{"name":":method","value":"PUT"},{"name":":path","value":"/x"},{"name":":authority","value":"b.example"}],
                "postData":{"mimeType":"","encoding":"base64","text":"NDExMTExMTEx\nMTExMTExMQ"}}}"#,
            &["1 PUT b.example /x request body .. visa 1 masked request"],
        ),
        // Decoded content encoding, also of a request.
        (
            r#"{"request":{"method":"POST","url":"https://a.example/","headers":[{"name":"Content-Encoding","value":"br"},{"name":"Content-Length","value":"9"}],
                "postData":{"text":"4111111111111111"}}}"#,
            &["1 POST a.example / request body .. visa 1 masked request"],
        ),
        // Body truncated by the capturing tool.
        (
            r#"{"request":{"method":"GET","url":"https://a.example/"},"response":{"status":200,"content":{"size":900,"text":"4111111111111111 and"}}}"#,
            &[
                "1 GET a.example / response body .. visa 1 masked response",
                "response rest of the body not captured 1 1",
            ],
        ),
        (
            r#"{"request":{"method":"GET","url":"https://a.example/"},"response":{"status":200,"content":{"encoding":"base64","text":"%%%"}}}"#,
            &["response body not captured 1 1"],
        ),
        // An absent body is not a truncated one.
        (
            r#"{"request":{"method":"HEAD","url":"https://a.example/"},"response":{"status":200,"headers":[{"name":"content-length","value":"70"}],"content":{"size":70}}}"#,
            &["1 entry: 1 clean"],
        ),
        (
            r#"{"request":{"method":"GET","url":"wss://a.example/","headers":[{"name":"Upgrade","value":"websocket"}]},"response":{"status":101,"content":{"size":0}}}"#,
            &["response body not captured 1 1"],
        ),
        (
            r#"{"request":{"method":"CONNECT","url":"https://a.example:443"},"response":{"status":200,"content":{"size":0}}}"#,
            &["request upgraded to another protocol 1 1"],
        ),
    ] {
        let path = file("writer.har", ["\u{feff}", &capture(entry)].concat());
        assert_has(&printed(&["replay", "-", &path], b"{}"), rows);
    }
    let entry = r#"{"request":{"method":"GET","url":"https://a.example/4111111111111111"}}"#;
    let policy = file("any.json", "{}");
    assert_has(&printed(&["replay", &policy, "-"], capture(entry).as_bytes()), &["request masked 1 1"]);
}

#[test]
fn a_body_is_replayed_in_chunks() {
    let text = format!("{}4111111111111111{}", "x ".repeat(8_189), " y".repeat(40_000));
    let entry = format!(
        r#"{{"request":{{"method":"GET","url":"https://a.example/"}},"response":{{"status":200,"content":{{"text":"{text}"}}}}}}"#
    );
    let report = printed(&["replay", "-", &file("large.har", capture(&entry))], b"{}");
    assert_has(&report, &["1 GET a.example / response body .. visa 1 masked response"]);
}

#[test]
fn invalid_captures_are_rejected_in_one_line() {
    for (name, text, line) in [
        ("empty.har", capture(""), ": the log has no entries"),
        ("other.har", "{\"a\": 1}".to_owned(), ": not a HAR file: no log.entries"),
        (
            "list.har",
            "[\"4111111111111111\"]".to_owned(),
            ":1:1: not a HAR file: log.entries must be a list in an object",
        ),
        (
            "text.har",
            "{\"log\": \"4111111111111111\"}".to_owned(),
            ":1:26: not a HAR file: log.entries must be a list in an object",
        ),
        ("broken.har", "{\"log\": {\n \"entries\": [{]".to_owned(), ":2:15: not JSON: key must be a string"),
        ("cut.har", "{\"log\": {\n \"entries\": [".to_owned(), ":2:13: not JSON: EOF while parsing a list"),
        ("void.har", String::new(), ":1:0: not JSON: EOF while parsing a value"),
        ("method.har", capture("{\"request\":{\"url\":\"/\"}}"), ": entry 1: missing field request.method"),
        (
            "url.har",
            capture("{\"request\":{\"method\":\"GET\",\"url\":\"/\"}},{\"request\":{\"method\":\"GET\"}}"),
            ": entry 2: missing field request.url",
        ),
    ] {
        let path = file(name, text);
        assert_eq!(failure(&["replay", "-", &path], b"{}"), format!("{path}{line}"));
    }
    assert_eq!(
        failure(&["replay", "-", "no/such.har"], b"{}"),
        "no/such.har: cannot be read: No such file or directory (os error 2)"
    );
    assert_eq!(
        failure(&["replay", "-", CAPTURE, "--source", "spiffe://a/b", "--tls", "none"], b"{}"),
        "--source: a client identity requires mutual TLS; use --tls mutual, or omit --tls"
    );
    assert_eq!(
        failure(&["replay", "-", CAPTURE, "--source", "web"], b"{}"),
        "invalid value 'web' for '--source <SPIFFE>': a SPIFFE ID begins with spiffe://; see panveil --help"
    );
    assert_eq!(
        failure(&["replay", "-", CAPTURE], b"reqest: mask\n"),
        "<stdin>:1:1: unknown field \"reqest\" at the top level; did you mean \"request\"?"
    );
}
