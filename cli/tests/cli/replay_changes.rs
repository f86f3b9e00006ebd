//! `panveil replay --against`, and captures with forms and WebSocket messages.

use crate::command::{failure, file, printed, run, stderr_line};
use crate::replay::{CAPTURE, assert_has, capture};
use serde_json::{Value, json};

#[test]
fn changes_are_listed_by_rule() {
    let before = file("against-before.yaml", "request: mask\n");
    let after = "request: block\nrules: [{name: charges, match: {path: {prefix: /v1/charges}, where: [body], direction: request}, action: allow}]\n";
    let report = printed(&["replay", "-", CAPTURE, "--against", &before], after.as_bytes());
    assert_has(
        &report,
        &[
            "entry method host path message location field found count before after",
            "2 POST api.shop.example /v1/charges request body .. visa 1 masked by request allowed by charges",
            "3 GET api.shop.example /v1/orders?pan=**************** request path .. visa 1 masked by request blocked by request",
            "3 GET api.shop.example /v1/orders?pan=**************** response body .. discover 1 masked by response not sent",
            "masked by request allowed by charges 2 1",
            "masked by request blocked by request 3 2",
            "9 entries: 3 changed, 6 unchanged",
        ],
    );
    let fewer = file("against-fewer.yaml", "detect: {ignore_keys: [card]}\n");
    let changes = printed(&["replay", "-", CAPTURE, "--against", &fewer], b"{}");
    assert_has(&changes, &["2 POST api.shop.example /v1/charges request body .. visa 1 not found masked by request"]);
    // Findings that do not change have no row.
    assert!(!report.contains("mastercard             1  masked by response"), "{report}");
}

#[test]
fn equal_policies_change_nothing() {
    let policy = file("against-same.yaml", "request: block\n");
    assert_eq!(
        printed(&["replay", &policy, CAPTURE, "--against", &policy], b""),
        "9 entries: 0 changed, 9 unchanged\n"
    );
    assert_eq!(printed(&["replay", &policy, CAPTURE, "--against", &policy, "--format", "json"], b""), "");
}

#[test]
fn changes_in_json_have_a_line_for_each_entry() {
    let before = file("against-skip.yaml", "response: skip\n");
    let report =
        printed(&["replay", "-", CAPTURE, "--against", &before, "--format", "json"], b"detect: {brands: [visa]}");
    let lines: Vec<Value> = report.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["entry"], 1);
    // A message that is inspected now, without a finding.
    assert_eq!(
        lines[0]["changes"],
        json!([{"direction": "response", "before": [{"action": "uninspected", "count": 1}], "after": [{"action": "clean", "count": 1}]}])
    );
    let change = &lines[1]["changes"][0];
    assert_eq!(change["found"], "mastercard");
    assert_eq!(change["before"], json!([{"action": "uninspected", "count": 0}]));
    assert_eq!(change["after"], json!([{"action": "masked", "rule": "response", "count": 1}]));
    assert!(!report.contains("1111"), "{report}");
}

#[test]
fn only_one_input_is_standard_input() {
    let error = "only one of policy, capture and --against can be standard input; give files for the others";
    assert_eq!(failure(&["replay", "-", CAPTURE, "--against", "-"], b"{}"), error);
    assert_eq!(failure(&["replay", "-", "-"], b"{}"), error);
    assert_eq!(
        failure(&["replay", "-", CAPTURE, "--against", "no/such.yaml"], b"{}"),
        "no/such.yaml: cannot be read: No such file or directory (os error 2)"
    );
    let invalid = file("against-invalid.yaml", "mode: x\n");
    assert!(failure(&["replay", "-", CAPTURE, "--against", &invalid], b"{}").contains(":1:7: mode: unknown value"));
    let source = file("against-source.yaml", "rules: [{name: a, match: {tls: mutual}, action: allow}]\n");
    let output = run(&["replay", "-", CAPTURE, "--against", &source], b"{}");
    assert!(stderr_line(&output).ends_with("give --tls"), "{}", stderr_line(&output));
}

/// Capture with one request that has these headers and form.
fn form(content_type: Option<&str>, mime_type: &str, params: &str) -> String {
    let header =
        content_type.map(|value| format!(r#"{{"name":"Content-Type","value":"{value}"}}"#)).unwrap_or_default();
    capture(&format!(
        r#"{{"request":{{"method":"POST","url":"https://a.example/pay","headers":[{header}],"bodySize":-1,
        "postData":{{"mimeType":"{mime_type}","params":[{params}]}}}},"response":{{"status":204}}}}"#
    ))
}

#[test]
fn the_parts_of_a_form_are_replayed() {
    let card = r#"{"name":"card","value":"4111111111111111"},{"name":"cvc","value":"737"}"#;
    let row = "1 POST a.example /pay request body card visa 1 masked request";
    for (content_type, mime_type) in [
        (None, "multipart/form-data"),
        (Some("multipart/form-data; boundary=----x1"), "multipart/form-data"),
        (Some("multipart/form-data"), "multipart/form-data; boundary=\\\"a b\\\""),
        (None, "application/x-www-form-urlencoded"),
    ] {
        let path = file("form.har", form(content_type, mime_type, card));
        let report = printed(&["replay", "-", &path], b"{}");
        assert_has(&report, &[row, "1 POST a.example /pay request body cvc verification code 1 masked request"]);
    }
    // The content of a file is not in the capture.
    let upload =
        r#"{"name":"card","value":"4111111111111111"},{"name":"f","fileName":"a\".csv","contentType":"text/csv"}"#;
    let path = file("upload.har", form(None, "multipart/form-data", upload));
    assert_has(&printed(&["replay", "-", &path], b"{}"), &[row, "request rest of the body not captured 1 1"]);
    // Parameters of another type are reported.
    let path = file("other-form.har", form(None, "text/x-other", card));
    assert_has(&printed(&["replay", "-", &path], b"{}"), &["request body not captured 1 1"]);
}

/// Capture with these messages after a handshake.
fn web_socket(handshake: &str, messages: &str) -> String {
    capture(&format!(r#"{{{handshake},"_webSocketMessages":[{messages}]}}"#))
}

#[test]
fn websocket_messages_are_replayed() {
    let messages = [
        r#"{"type":"send","time":1.0,"opcode":1,"data":"{\"card\": \"4111111111111111\"}"}"#.to_owned(),
        r#"{"type":"receive","time":1.1,"opcode":1,"data":"{\"ok\": true}"}"#.to_owned(),
        // `378282246310005` in base64.
        r#"{"type":"receive","time":1.2,"opcode":2,"data":"Mzc4MjgyMjQ2MzEwMDA1"}"#.to_owned(),
        format!(r#"{{"type":"send","time":1.3,"opcode":1,"data":"{} 5555555555554444"}}"#, "x".repeat(70_000)),
        r#"{"type":"send","time":1.4,"opcode":9,"data":""}"#.to_owned(),
    ]
    .join(",");
    let upgrade =
        r#"{"name":"Upgrade","value":"websocket"},{"name":"Sec-WebSocket-Extensions","value":"permessage-deflate"}"#;
    for handshake in [
        format!(
            r#""request":{{"method":"GET","url":"wss://a.example/feed","headers":[{upgrade}]}},"response":{{"status":101,"headers":[{upgrade}],"content":{{"size":0}}}}"#
        ),
        r#""request":{"method":"CONNECT","url":"https://a.example/feed","headers":[]},"response":{"status":200}"#
            .to_owned(),
        r#""request":{"method":"GET","url":"wss://a.example/feed"}"#.to_owned(),
    ] {
        let path = file("socket.har", web_socket(&handshake, &messages));
        let report = printed(&["replay", "-", &path], b"{}");
        assert_has(
            &report,
            &[
                "1 GET a.example /feed request body card visa 1 masked request",
                "1 GET a.example /feed request body .. mastercard 1 masked request",
                "1 GET a.example /feed response body .. amex 1 masked response",
                "1 entry: 1 masked",
            ],
        );
        let report = printed(&["replay", "-", &path], b"request: block");
        assert_has(&report, &["1 GET a.example /feed request body card visa 1 blocked request", "1 entry: 1 blocked"]);
        assert!(!report.contains("not captured"), "{report}");
    }
    let clean = r#"{"type":"send","opcode":1,"data":"hello"}"#;
    let handshake = r#""request":{"method":"GET","url":"wss://a.example/feed"}"#;
    let path = file("clean-socket.har", web_socket(handshake, clean));
    assert_eq!(printed(&["replay", "-", &path], b"{}"), "1 entry: 1 clean\n");
}

/// Bodies of a handshake are no frames.
#[test]
fn websocket_messages_are_replayed_without_the_bodies_of_the_handshake() {
    let messages = r#"{"type":"send","opcode":1,"data":"{\"card\": \"4111111111111111\"}"},
        {"type":"receive","opcode":1,"data":"{\"card\": \"378282246310005\"}"}"#;
    let request = r#""method":"GET","url":"wss://a.example/feed""#;
    for handshake in [
        format!(r#""request":{{{request}}},"response":{{"status":200,"content":{{"size":2,"text":"ok"}}}}"#),
        format!(
            r#""request":{{{request},"postData":{{"mimeType":"text/plain","text":"hello"}}}},"response":{{"status":101}}"#
        ),
    ] {
        let path = file("socket-bodies.har", web_socket(&handshake, messages));
        let report = printed(&["replay", "-", &path], b"{}");
        assert_has(
            &report,
            &[
                "1 GET a.example /feed request body card visa 1 masked request",
                "1 GET a.example /feed response body card amex 1 masked response",
                "1 entry: 1 masked",
            ],
        );
        assert!(!report.contains("Not inspected"), "{report}");
    }
}
