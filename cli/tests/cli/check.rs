//! `panveil check`: the description of a valid policy, and the error for an invalid one.

use crate::command::{failure, file, printed, run, stderr_line};

#[test]
fn check_prints_the_effective_policy() {
    let expected = ": valid\n\n\
        mode                        enforce\n\
        request                     mask\n\
        response                    block\n\
        rules                       charges allow, others block (monitor)\n\
        namespaces.include          none\n\
        namespaces.exclude          none\n\
        detect.sensitivity          balanced\n\
        detect.brands               none\n\
        detect.authentication_data  true\n\
        detect.test_cards           detect\n\
        detect.base64               false\n\
        detect.ignore_keys          none\n\
        detect.card_keys            none\n\
        detect.patterns             none\n\
        detect.builtin_patterns     none\n\
        mask.keep                   first6_last4\n\
        mask.character              #\n\
        block.request_status        403\n\
        block.response_status       502\n\
        block.body                  null\n\
        uninspectable               pass\n\
        limits.paused_bytes         32768\n\
        limits.inflate_ratio        100\n\
        limits.memory_bytes         50331648\n\
        limits.findings_per_message 1000\n\
        limits.header_count         1000\n\
        limits.header_bytes         262144\n\
        audit.truncated             false\n\
        audit.fingerprint           false\n\
        audit.clean                 false\n\
        audit.keys                  method, path, action, found, brands, where, uninspected, fields, rules, peer, fingerprints, record\n\n\
        rules, of which the first that matches decides\n  \
        charges  allow            path prefix /v1/charges\n  \
        others   block (monitor)  always\n";
    let policy = r##"{"response":"block","mask":{"character":"#"},"rules":[
        {"name":"charges","match":{"path":{"prefix":"/v1/charges"}},"action":"allow"},
        {"name":"others","action":"block","mode":"monitor"}]}"##;
    let path = file("effective.json", policy);
    for (argument, name, input) in [(path.as_str(), path.as_str(), ""), ("-", "<stdin>", policy)] {
        let output = run(&["check", argument], input.as_bytes());
        assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{name}{expected}"));
        assert_eq!(output.status.code(), Some(0));
        assert!(stderr_line(&output).starts_with(&format!(
            "{name}:2:9: rule charges: any client can make it match, since it tests client-controlled attributes alone"
        )));
    }
    assert!(printed(&["check", "-"], b"{}").starts_with("<stdin>: valid\n"));
}

#[test]
fn check_prints_the_owner_and_the_last_day_of_a_rule() {
    let policy = r#"{"rules":[
        {"name":"a","match":{"tls":"mutual"},"action":"allow","owner":"team billing","expires":"2027-03-31","description":"x"},
        {"name":"b","action":"mask","mode":"monitor","expires":"2027-03-31"}]}"#;
    let rules = "rules                       a allow (owner team billing; expires 2027-03-31), b mask (monitor; expires 2027-03-31)\n";
    assert!(printed(&["check", "-"], policy.as_bytes()).contains(rules));
}

#[test]
fn check_names_rules_that_never_match() {
    let policy = r#"{"rules":[{"name":"a","action":"mask"},{"name":"b","match":{"where":["path"]},"action":"block"}]}"#;
    let output = run(&["check", "-"], policy.as_bytes());
    assert_eq!(output.status.code(), Some(0));
    let note = "<stdin>:1:40: rule b never matches: the earlier rule a matches all of its messages; move b before it";
    assert_eq!(stderr_line(&output), note);
}

#[test]
fn an_empty_policy_is_rejected() {
    for input in ["", " \n", "# nothing\n", "---\n"] {
        let error = failure(&["check", "-"], input.as_bytes());
        assert_eq!(error, "<stdin>: the policy is empty; write {} for the defaults");
    }
}

#[test]
fn check_warns_about_rules_that_any_client_can_make_match() {
    for (condition, action, warns) in [
        (r#"{"host":["api.example.com"]}"#, "allow", true),
        (r#"{"host":["api.example.com"],"tls":"any"}"#, "skip", true),
        (r#"{"method":["POST"],"path":{"exact":"/pay"},"content_type":["text/*"]}"#, "allow", true),
        (r#"{"content_type":["image/*"],"direction":"request"}"#, "skip", true),
        (r#"{"content_type":["image/*"],"direction":"response"}"#, "skip", false),
        (r#"{"host":["api.example.com"],"source":["spiffe://cluster.local/ns/checkout/*"]}"#, "allow", false),
        (r#"{"host":["api.example.com"],"tls":"mutual"}"#, "allow", false),
        (r#"{"host":["api.example.com"]}"#, "block", false),
        (r#"{"where":["path"]}"#, "allow", false),
        (r#"{"header":{"name":"x-tenant","exact":"acme"}}"#, "allow", true),
        (r#"{"remote_ip":["10.0.0.0/8"]}"#, "allow", true),
        (r#"{"route":["pay"],"kind":["pan"]}"#, "allow", true),
        (r#"{"not":{"path":{"prefix":"/logs"}}}"#, "allow", true),
        (r#"{"path":{"prefix":"/pay"},"not":{"source":["spiffe://cluster.local/ns/test/*"]}}"#, "allow", true),
        (r#"{"not":{"source":["spiffe://cluster.local/ns/test/*"]}}"#, "allow", false),
        (r#"{"source":["spiffe://cluster.local/ns/checkout/*"],"not":{"path":{"prefix":"/logs"}}}"#, "allow", false),
        (r#"{"path":{"prefix":"/pay"},"port":[8443]}"#, "allow", false),
        (r#"{"cluster":["payments"]}"#, "allow", false),
        (r#"{"direction":"response","status":[404]}"#, "allow", false),
        (r#"{"kind":["pan"]}"#, "allow", false),
        (r#"{"field":["order"]}"#, "allow", true),
        (r#"{"direction":"response","field":["order"]}"#, "allow", false),
    ] {
        let policy = format!(r#"{{"rules":[{{"name":"a","match":{condition},"action":"{action}"}}]}}"#);
        let output = run(&["check", "-"], policy.as_bytes());
        assert_eq!(output.status.code(), Some(0), "{policy}");
        let note = "<stdin>:1:11: rule a: any client can make it match, since it tests client-controlled attributes alone (host, path, method, field, \
            header, content_type, route, remote_ip); add source, destination or tls: mutual";
        if warns {
            assert_eq!(stderr_line(&output), note, "{policy}");
        } else {
            assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{policy}");
        }
    }
}

#[test]
fn check_reports_errors_at_their_positions() {
    for (policy, line) in [
        (
            r#"{"mask":{"keep":"all"}}"#,
            "<stdin>:1:17: mask.keep: unknown value, expected one of none, last4, first6_last4, first8_last4",
        ),
        (
            r#"{"rules":[{"name":"a","action":"mask"},{"name":"b","match":{"path":{"regex":"/("}},"action":"mask"}]}"#,
            "<stdin>:1:77: rules[1].match.path.regex: value not allowed, expected a regular expression over ASCII, without \
             look-around and back-references",
        ),
        (r#"{"mode" "enforce"}"#, "<stdin>:1:9: not JSON: expected `:`"),
    ] {
        assert_eq!(failure(&["check", "-"], policy.as_bytes()), line, "{policy}");
    }
    assert_eq!(failure(&["check", "-"], &vec![b'x'; 3 << 20]), "<stdin>: larger than 1048576 bytes");
}

#[test]
fn check_reads_yaml() {
    let policy = "# ours\nmode: monitor\nmask: {keep: last4}\nrules:\n- name: charges\n  match:\n    path:\n      prefix: /v1/charges\n  action: block\n";
    let json = r#"{"mode":"monitor","mask":{"keep":"last4"},
        "rules":[{"name":"charges","match":{"path":{"prefix":"/v1/charges"}},"action":"block"}]}"#;
    let settings = |text: String| text.split_once('\n').map(|(_, settings)| settings.to_owned()).unwrap();
    let expected = settings(printed(&["check", "-"], json.as_bytes()));
    assert!(expected.contains("charges block\n"), "{expected}");
    for name in ["policy.yaml", "policy.yml", "policy"] {
        assert_eq!(settings(printed(&["check", &file(name, policy)], b"")), expected);
    }
    assert_eq!(settings(printed(&["check", "-"], policy.as_bytes())), expected);
    assert_eq!(settings(printed(&["check", &file("json.yaml", json.replace("    ", "\t"))], b"")), expected);
}

#[test]
fn errors_in_yaml_have_line_and_column() {
    for (policy, line) in [
        ("mode: enforce\nmask:\n  keep: first6last\n", "3:9: mask.keep: unknown value; did you mean \"first6_last4\"?"),
        ("mode: enforce\nreqest: mask\n", "2:1: unknown field \"reqest\" at the top level; did you mean \"request\"?"),
        ("rules:\n- name: a\n  action: mask\n- action: mask\n", "4:3: rules[1]: missing field \"name\""),
        (
            "rules:\n- name: a\n  action: deny\n",
            "3:11: rules[0].action: unknown value, expected one of mask, block, allow, skip",
        ),
        ("request: mask\nresponse: mask\nrequest: block\n", "3:1: field \"request\" given more than once"),
        ("detect:\n  brands:\n  - visa\n  - vissa\n", "4:5: detect.brands[1]: unknown value; did you mean \"visa\"?"),
        ("mask:\n", "1:5: mask: found null, expected an object"),
        (
            "limits: {header_count: -1}\n",
            "1:24: limits.header_count: found a negative number, expected a whole number from 1 to 1024",
        ),
        (
            "detect:\n  card_keys:\n  - no\n",
            "3:5: ambiguous YAML 1.1 scalar; quote it, or write a number in plain decimals",
        ),
        ("mask:\n\tkeep: none\n", "2:2: not YAML: tabs disallowed within this context (block indentation)"),
        ("mode: monitor\n---\nmode: enforce\n", "3:1: second document; a policy is one document"),
        (
            "block:\n  body: \"\u{f6}\" \n  4111111111111111: x\n",
            "3:3: block: unknown field with an unprintable name; expected one of request_status, response_status, body",
        ),
    ] {
        assert_eq!(failure(&["check", "-"], policy.as_bytes()), format!("<stdin>:{line}"), "{policy}");
    }
    let path = file("wrong.yaml", "mode: on\n");
    assert!(failure(&["check", &path], b"").starts_with(&format!("{path}:1:7: ambiguous YAML 1.1 scalar")));
    let json = file("tabs.json", "{\n\t\"mode\": \"enforce\",\n\t\"mask\": {\n\t\t\"kep\": \"none\"\n\t}\n}\n");
    assert_eq!(
        failure(&["check", &json], b""),
        format!("{json}:4:3: mask: unknown field \"kep\"; did you mean \"keep\"?")
    );
    let not_json = file("not.json", "mode: enforce\n");
    assert_eq!(failure(&["check", &not_json], b""), format!("{not_json}:1:1: not JSON: expected value"));
    assert_eq!(failure(&["check", "-"], b"mode: x\n\xff\n"), "<stdin>:2:1: not UTF-8 text");
}
