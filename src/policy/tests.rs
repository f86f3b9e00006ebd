//! Tests of every field of a policy, and of its errors.

use super::*;
use crate::mask::{Keep, MaskCharacter};
use proptest::prelude::*;

fn parse(json: &str) -> Policy {
    match Policy::parse(json.as_bytes()) {
        Ok(policy) => policy,
        Err(error) => panic!("{json}: {error}"),
    }
}

fn error(json: impl AsRef<[u8]>) -> String {
    match Policy::parse(json.as_ref()) {
        Ok(_) => panic!("accepted: {}", String::from_utf8_lossy(json.as_ref())),
        Err(error) => error.to_string(),
    }
}

/// Decision at that location if all attributes are unknown.
fn decide(policy: &Policy, direction: Direction, location: Location) -> Decision<'_> {
    policy.decide(&policy.judge(direction, &RequestContext::default()), location)
}

fn inspects(policy: &Policy, direction: Direction) -> bool {
    policy.judge(direction, &RequestContext::default()).inspects()
}

/// Asserts the complete text of each error.
fn assert_errors<const N: usize>(cases: [(&str, &str); N]) {
    for (json, expected) in cases {
        assert_eq!(error(json), format!("policy: {expected}"), "{json}");
    }
}

#[test]
fn an_empty_policy_masks_everywhere() {
    for json in ["{}", "", " \r\n\t", "\u{feff}", "\u{feff}{}"] {
        let policy = parse(json);
        assert_eq!(policy.mode(), Mode::Enforce);
        assert_eq!(policy.mask_style().keep, Keep::First6Last4);
        assert_eq!(policy.mask_style().character, MaskCharacter::ASTERISK);
        assert_eq!(policy.block().request_status, 403);
        assert_eq!(policy.block().response_status, 502);
        assert!(policy.block().body.is_none());
        assert_eq!(policy.uninspectable(), Uninspectable::Pass);
        assert_eq!(policy.limits().paused_bytes, 32768);
        assert!(!policy.records_clean());
        for direction in [Direction::Request, Direction::Response] {
            assert!(inspects(&policy, direction));
            for location in [Location::Headers, Location::Path, Location::Body, Location::Trailers] {
                assert_eq!(
                    decide(&policy, direction, location),
                    Decision {
                        direction,
                        location,
                        intent: Intent::Mask,
                        mode: Mode::Enforce,
                        rule: direction.as_str()
                    }
                );
            }
        }
    }
}

/// Policy with every field that this version supports.
#[test]
fn the_documented_policy_is_accepted() {
    let policy = parse(
        r##"{
            "mode": "enforce",
            "request": "mask",
            "response": "mask",
            "detect": {
                "sensitivity": "balanced",
                "brands": [],
                "authentication_data": false,
                "test_cards": "detect",
                "base64": false,
                "ignore_keys": [],
                "card_keys": [],
                "patterns": []
            },
            "mask": {"keep": "first6_last4", "character": "*"},
            "rules": [],
            "namespaces": {"include": [], "exclude": []},
            "block": {"request_status": 403, "response_status": 502, "body": null},
            "uninspectable": "pass",
            "limits": {"paused_bytes": 32768},
            "audit": {"truncated": false, "fingerprint": false, "clean": false, "keys": ["path", "action", "record"]}
        }"##,
    );
    assert_eq!(policy.limits(), parse("{}").limits());
}

#[test]
fn the_mode_applies_to_every_decision() {
    for mode in [Mode::Enforce, Mode::Monitor] {
        let policy = parse(&format!(r#"{{"mode":"{}"}}"#, mode.as_str()));
        assert_eq!(policy.mode(), mode);
        assert_eq!(decide(&policy, Direction::Response, Location::Body).mode, mode);
    }
    assert_errors([
        (r#"{"mode":"off"}"#, "mode: unknown value, expected one of enforce, monitor"),
        (r#"{"mode":"Enforce"}"#, r#"mode: unknown value; did you mean "enforce"?"#),
        (r#"{"mode":true}"#, "mode: found a boolean, expected one of enforce, monitor"),
        (r#"{"mode":null}"#, "mode: found null, expected one of enforce, monitor"),
        (r#"{"mode":{"enforce":null}}"#, "mode: found an object, expected one of enforce, monitor"),
    ]);
}

#[test]
fn each_direction_has_its_intent() {
    for intent in [Intent::Mask, Intent::Block, Intent::Allow, Intent::Skip] {
        for (direction, other) in [(Direction::Request, Direction::Response), (Direction::Response, Direction::Request)]
        {
            let policy = parse(&format!(r#"{{"{}":"{}"}}"#, direction.as_str(), intent.as_str()));
            assert_eq!(decide(&policy, direction, Location::Body).intent, intent);
            assert_eq!(decide(&policy, other, Location::Body).intent, Intent::Mask);
            assert_eq!(inspects(&policy, direction), intent != Intent::Skip);
            assert!(inspects(&policy, other));
        }
    }
    assert_errors([
        (r#"{"request":"drop"}"#, "request: unknown value, expected one of mask, block, allow, skip"),
        (r#"{"request":[]}"#, "request: found a list, expected one of mask, block, allow, skip"),
        (r#"{"response":403}"#, "response: found a whole number, expected one of mask, block, allow, skip"),
    ]);
}

#[test]
fn masks_keep_the_configured_digits() {
    for (word, keep) in [
        ("none", Keep::None),
        ("last4", Keep::Last4),
        ("first6_last4", Keep::First6Last4),
        ("first8_last4", Keep::First8Last4),
    ] {
        let policy = parse(&format!(r#"{{"mask":{{"keep":"{word}"}}}}"#));
        assert_eq!(policy.mask_style().keep, keep);
    }
    for character in ["*", "#", "x", "X"] {
        let policy = parse(&format!(r#"{{"mask":{{"character":"{character}"}}}}"#));
        assert_eq!(Some(policy.mask_style().character), MaskCharacter::new(character.as_bytes()[0]));
    }
    assert_errors([
        (r#"{"mask":"last4"}"#, "mask: found a string, expected an object"),
        (r#"{"mask":[]}"#, "mask: found a list, expected an object"),
        (r#"{"mask":["last4","*"]}"#, "mask: found a list, expected an object"),
        (
            r#"{"mask":{"keep":"all"}}"#,
            "mask.keep: unknown value, expected one of none, last4, first6_last4, first8_last4",
        ),
        (r#"{"mask":{"keep":"First6-Last4"}}"#, r#"mask.keep: unknown value; did you mean "first6_last4"?"#),
        (
            r#"{"mask":{"keep":4}}"#,
            "mask.keep: found a whole number, expected one of none, last4, first6_last4, first8_last4",
        ),
        (r#"{"mask":{"character":"-"}}"#, "mask.character: value not allowed, expected one of *, #, x, X"),
        (r#"{"mask":{"character":""}}"#, "mask.character: value not allowed, expected one of *, #, x, X"),
        (r#"{"mask":{"character":"**"}}"#, "mask.character: value not allowed, expected one of *, #, x, X"),
        (r#"{"mask":{"character":"•"}}"#, "mask.character: value not allowed, expected one of *, #, x, X"),
        (r#"{"mask":{"character":0}}"#, "mask.character: found a whole number, expected a string"),
        (r#"{"mask":{"keeep":"none"}}"#, r#"mask: unknown field "keeep"; did you mean "keep"?"#),
    ]);
}

#[test]
fn a_local_reply_has_a_status_for_each_direction_and_a_body() {
    let policy = parse(r#"{"block":{"request_status":400,"response_status":599,"body":"no"}}"#);
    assert_eq!(policy.block().status(Direction::Request), 400);
    assert_eq!(policy.block().status(Direction::Response), 599);
    assert_eq!(policy.block().body.as_deref(), Some("no"));

    let body = |length: usize| format!(r#"{{"block":{{"body":"{}"}}}}"#, "b".repeat(length));
    assert_eq!(parse(&body(4096)).block().body.as_ref().map(String::len), Some(4096));
    assert_eq!(
        error(body(4097)),
        "policy: block.body: value not allowed, expected null or a string of at most 4096 bytes"
    );
    assert_errors([
        (
            r#"{"block":{"request_status":200}}"#,
            "block.request_status: value not allowed, expected a whole number from 400 to 599",
        ),
        (
            r#"{"block":{"request_status":399}}"#,
            "block.request_status: value not allowed, expected a whole number from 400 to 599",
        ),
        (
            r#"{"block":{"response_status":600}}"#,
            "block.response_status: value not allowed, expected a whole number from 400 to 599",
        ),
        (
            r#"{"block":{"response_status":18446744073709551615}}"#,
            "block.response_status: value not allowed, expected a whole number from 400 to 599",
        ),
        (
            r#"{"block":{"response_status":-403}}"#,
            "block.response_status: found a negative number, expected a whole number from 400 to 599",
        ),
        (
            r#"{"block":{"response_status":403.0}}"#,
            "block.response_status: found a number with a fraction or an exponent, \
             expected a whole number from 400 to 599",
        ),
        (
            r#"{"block":{"request_status":"403"}}"#,
            "block.request_status: found a string, expected a whole number from 400 to 599",
        ),
        (
            r#"{"block":{"request_status":null}}"#,
            "block.request_status: found null, expected a whole number from 400 to 599",
        ),
        (r#"{"block":{"body":{}}}"#, "block.body: found an object, expected null or a string"),
        (
            r#"{"block":{"requestStatus":403}}"#,
            r#"block: unknown field "requestStatus"; did you mean "request_status"?"#,
        ),
        (
            r#"{"block":{"status":403}}"#,
            r#"block: unknown field "status"; expected one of request_status, response_status, body"#,
        ),
    ]);
}

#[test]
fn uninspectable_messages_pass_or_are_blocked() {
    for uninspectable in [Uninspectable::Pass, Uninspectable::Block] {
        let policy = parse(&format!(r#"{{"uninspectable":"{}"}}"#, uninspectable.as_str()));
        assert_eq!(policy.uninspectable(), uninspectable);
    }
    assert_errors([
        (r#"{"uninspectable":"mask"}"#, "uninspectable: unknown value, expected one of pass, block"),
        (r#"{"uninspectable":false}"#, "uninspectable: found a boolean, expected one of pass, block"),
    ]);
}

#[test]
fn limits_are_bounded() {
    for bytes in [1024, 16_777_216] {
        assert_eq!(parse(&format!(r#"{{"limits":{{"paused_bytes":{bytes}}}}}"#)).limits().paused_bytes, bytes);
    }
    for bytes in ["0", "1023", "16777217", "4294967296", "18446744073709551615"] {
        assert_eq!(
            error(format!(r#"{{"limits":{{"paused_bytes":{bytes}}}}}"#)),
            "policy: limits.paused_bytes: value not allowed, expected a whole number from 1024 to 16777216"
        );
    }
    for ratio in [1, 1_000_000] {
        assert_eq!(parse(&format!(r#"{{"limits":{{"inflate_ratio":{ratio}}}}}"#)).limits().inflate_ratio, ratio);
    }
    assert_errors([
        (
            r#"{"limits":{"inflate_ratio":1000001}}"#,
            "limits.inflate_ratio: value not allowed, expected a whole number from 1 to 1000000",
        ),
        (
            r#"{"limits":{"inflate_ratio":"100:1"}}"#,
            "limits.inflate_ratio: found a string, expected a whole number from 1 to 1000000",
        ),
        (
            r#"{"limits":{"paused_bytes":"64k"}}"#,
            "limits.paused_bytes: found a string, expected a whole number from 1024 to 16777216",
        ),
        (
            r#"{"limits":{"inflate_ratio":0}}"#,
            "limits.inflate_ratio: value not allowed, expected a whole number from 1 to 1000000",
        ),
        (
            r#"{"limits":{"findings_per_message":true}}"#,
            "limits.findings_per_message: found a boolean, expected a whole number from 1 to 1000000",
        ),
        (
            r#"{"limits":{"header_count":1025}}"#,
            "limits.header_count: value not allowed, expected a whole number from 1 to 1024",
        ),
        (
            r#"{"limits":{"header_bytes":1}}"#,
            "limits.header_bytes: value not allowed, expected a whole number from 1024 to 1048576",
        ),
        (
            r#"{"limits":{"findings_per_message":null}}"#,
            "limits.findings_per_message: found null, expected a whole number from 1 to 1000000",
        ),
        (r#"{"limits":65536}"#, "limits: found a whole number, expected an object"),
    ]);
}

#[test]
fn clean_streams_are_recorded_on_demand() {
    assert!(parse(r#"{"audit":{"clean":true}}"#).records_clean());
    assert_errors([
        (r#"{"audit":{"clean":"yes"}}"#, "audit.clean: found a string, expected true or false"),
        (r#"{"audit":{"clean":1}}"#, "audit.clean: found a whole number, expected true or false"),
        (r#"{"audit":true}"#, "audit: found a boolean, expected an object"),
        (r#"{"audit":null}"#, "audit: found null, expected an object"),
    ]);
}

#[test]
fn the_keys_of_the_access_log_are_those_of_the_policy() {
    let published = |json: &str| -> Vec<&str> {
        let policy = parse(json);
        LogKey::ALL.into_iter().filter(|key| policy.publishes(*key)).map(LogKey::as_str).collect()
    };
    assert_eq!(
        published("{}").join(" "),
        "method path action found brands where uninspected fields rules peer fingerprints record"
    );
    assert_eq!(published(r#"{"audit":{"keys":[]}}"#), [""; 0]);
    assert_eq!(published(r#"{"audit":{"keys":["record","path","path"]}}"#), ["path", "record"]);
    for key in LogKey::ALL {
        assert_eq!(published(&format!(r#"{{"audit":{{"keys":["{}"]}}}}"#, key.as_str())), [key.as_str()]);
    }
    let all = "method, path, authority, client, request_id, trace_id, user_agent, action, found, brands, where, uninspected, fields, \
               rules, peer, fingerprints, record, record_object";
    assert_errors([
        (r#"{"audit":{"keys":["host"]}}"#, format!("audit.keys[0]: unknown value, expected one of {all}").as_str()),
        (r#"{"audit":{"keys":["path","useragent"]}}"#, r#"audit.keys[1]: unknown value; did you mean "user_agent"?"#),
        (r#"{"audit":{"keys":[true]}}"#, format!("audit.keys[0]: found a boolean, expected one of {all}").as_str()),
        (r#"{"audit":{"keys":"path"}}"#, "audit.keys: found a string, expected a list of keys"),
        (r#"{"audit":{"keys":null}}"#, "audit.keys: found null, expected a list of keys"),
    ]);
}

#[test]
fn the_effective_policy_has_every_field() {
    let effective = |json| {
        parse(json).effective().iter().map(|(path, value)| format!("{path}={value}")).collect::<Vec<String>>().join(" ")
    };
    assert_eq!(
        effective("{}"),
        "mode=enforce request=mask response=mask rules=none namespaces.include=none namespaces.exclude=none detect.sensitivity=balanced detect.brands=none \
         detect.authentication_data=true detect.test_cards=detect detect.base64=false detect.ignore_keys=none \
         detect.card_keys=none detect.patterns=none detect.builtin_patterns=none mask.keep=first6_last4 mask.character=* block.request_status=403 block.response_status=502 block.body=null uninspectable=pass limits.paused_bytes=32768 limits.inflate_ratio=100 limits.memory_bytes=50331648 limits.findings_per_message=1000 limits.header_count=1000 limits.header_bytes=262144 audit.truncated=false audit.fingerprint=false audit.clean=false audit.keys=method, path, action, found, brands, where, uninspected, fields, rules, peer, fingerprints, record"
    );
    assert_eq!(
        effective(
            r##"{"mode": "monitor", "request": "block", "response": "skip", "rules": [{"name": "a", "action": "block"}, {"name": "b", "action": "allow"}], "namespaces": {"include": ["shop", "pay"], "exclude": ["test"]}, "detect": {"sensitivity": "precise", "brands": ["maestro", "uatp"],
            "authentication_data": false, "test_cards": "ignore", "base64": true, "ignore_keys": ["order_ref"], "card_keys": ["a", "b"],
            "patterns": [{"name": "ssn", "regex": "\\d{3}-\\d{2}-\\d{4}", "keep_last": 4}], "builtin_patterns": ["iban", "jwt"]}, "mask": {"keep": "none", "character": "#"},
            "block": {"request_status": 422, "response_status": 500, "body": "no"}, "uninspectable": "block",
            "limits": {"paused_bytes": 4096, "inflate_ratio": 1000, "memory_bytes": 8388608, "findings_per_message": 7, "header_count": 64, "header_bytes": 65536}, "audit": {"fingerprint": true, "clean": true, "keys": ["trace_id"]}}"##
        ),
        "mode=monitor request=block response=skip rules=a block, b allow namespaces.include=shop, pay namespaces.exclude=test detect.sensitivity=precise detect.brands=maestro, uatp \
         detect.authentication_data=false detect.test_cards=ignore detect.base64=true detect.ignore_keys=order_ref \
         detect.card_keys=a, b detect.patterns=ssn detect.builtin_patterns=iban, jwt mask.keep=none mask.character=# block.request_status=422 \
         block.response_status=500 block.body=set uninspectable=block limits.paused_bytes=4096 limits.inflate_ratio=1000 limits.memory_bytes=8388608 limits.findings_per_message=7 limits.header_count=64 limits.header_bytes=65536 audit.truncated=false audit.fingerprint=true audit.clean=true audit.keys=trace_id"
    );
}

#[test]
fn truncated_numbers_and_fingerprints_exclude_each_other() {
    assert_errors([
        (
            r#"{"audit":{"truncated":true,"fingerprint":true}}"#,
            "audit.fingerprint: value not allowed, expected no audit.truncated with it: PCI DSS 3.5.1 and PCI SSC's FAQ 1308 require \
             separate truncated and hashed numbers",
        ),
        (
            r#"{"audit":{"truncated":true},"mask":{"keep":"none"}}"#,
            "audit.truncated: value not allowed, expected another mask.keep than none, which leaves no digits to report",
        ),
    ]);
    assert!(!parse(r#"{"audit":{"truncated":true}}"#).asks_key());
}

#[test]
fn a_fingerprint_needs_a_key() {
    let policy = || parse(r#"{"audit":{"fingerprint":true}}"#);
    assert!(policy().asks_key());
    for (key, flaw) in [
        (None, "is not set"),
        (Some(""), "is shorter than 128 bits: 32 hexadecimal digits, or 22 other characters"),
        (Some("4111111111111111"), "is shorter than 128 bits: 32 hexadecimal digits, or 22 other characters"),
        (
            Some("00112233445566778899aabbccddeeff\n"),
            "contains a space, a newline or another character that is not printable ASCII",
        ),
        (Some("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), "repeats the same few characters"),
    ] {
        let error = policy().with_key(key.map(str::as_bytes)).err().expect("no good key").to_string();
        let expected = format!(
            "policy: audit.fingerprint: the environment variable PANVEIL_HMAC_KEY of the filter's VM {flaw}; \
             set it to a random key, such as openssl rand -hex 32 makes"
        );
        assert_eq!(error, expected, "{key:?}");
    }
    let keyed = policy().with_key(Some(b"00112233445566778899aabbccddeeff")).expect("a good key");
    assert_eq!(keyed.key_id(), Some("pRfZXLYa"));
    // Without fingerprints no key is needed, and a present one is ignored.
    assert_eq!(parse("{}").with_key(Some(b"weak")).expect("no key is needed").key_id(), None);
}

#[test]
fn masks_keep_no_more_than_the_truncation_rules_permit() {
    let forbidden = "mask.keep: value not allowed, expected a truncation that PCI SSC's FAQ 1091 permits, \
                     one of none, last4, first6_last4, first8_last4";
    let unknown = "mask.keep: unknown value, expected one of none, last4, first6_last4, first8_last4";
    assert_errors([
        (r#"{"mask":{"keep":"first6_last6"}}"#, forbidden),
        (r#"{"mask":{"keep":"first10_last4"}}"#, forbidden),
        (r#"{"mask":{"keep":"last5"}}"#, forbidden),
        (r#"{"mask":{"keep":"first99999_last4"}}"#, unknown),
        (r#"{"mask":{"keep":"first4_last4"}}"#, unknown),
        (r#"{"mask":{"keep":"all"}}"#, unknown),
    ]);
}

#[test]
fn namespaces_are_included_and_excluded() {
    let acts = |namespaces: &str, name: &str| {
        let policy = parse(&format!(r#"{{"namespaces":{namespaces}}}"#));
        assert!(policy.asks_namespace());
        policy.acts_in(name.as_bytes())
    };
    for (namespaces, name, expected) in [
        (r#"{"include":["payments","shop"]}"#, "shop", true),
        (r#"{"include":["payments"]}"#, "payments-test", false),
        (r#"{"exclude":["payments"]}"#, "payments", false),
        (r#"{"exclude":["payments"]}"#, "shop", true),
        (r#"{"include":["payments"],"exclude":["payments"]}"#, "payments", false),
        (r#"{"include":["payments"]}"#, "", false),
    ] {
        assert_eq!(acts(namespaces, name), expected, "{namespaces} {name}");
    }
    for json in ["{}", r#"{"namespaces":{"include":[],"exclude":[]}}"#] {
        assert!(!parse(json).asks_namespace() && parse(json).acts_in(b"any"));
    }
    const NAME: &str = "value not allowed, expected a namespace: 1 to 63 lowercase letters, digits and dashes";
    assert_errors([
        (r#"{"namespaces":["payments"]}"#, "namespaces: found a list, expected an object"),
        (
            r#"{"namespaces":{"include":"payments"}}"#,
            "namespaces.include: found a string, expected a list of namespaces",
        ),
        (r#"{"namespaces":{"exclude":[7]}}"#, "namespaces.exclude[0]: found a whole number, expected a string"),
        (r#"{"namespaces":{"include":["a","team-*"]}}"#, &format!("namespaces.include[1]: {NAME}")),
        (r#"{"namespaces":{"exclude":[""]}}"#, &format!("namespaces.exclude[0]: {NAME}")),
        (r#"{"namespaces":{"exclude":["-a"]}}"#, &format!("namespaces.exclude[0]: {NAME}")),
        (r#"{"namespaces":{"only":[]}}"#, r#"namespaces: unknown field "only"; expected one of include, exclude"#),
    ]);
    let many = |count: usize| format!(r#"{{"namespaces":{{"include":[{}]}}}}"#, vec!["\"a\""; count].join(","));
    parse(&many(1000));
    assert_eq!(error(many(1001)), "policy: namespaces.include: value not allowed, expected at most 1000 namespaces");
    assert_eq!(
        error(format!(r#"{{"namespaces":{{"include":["{}"]}}}}"#, "a".repeat(64))),
        format!("policy: namespaces.include[0]: {NAME}")
    );
}

#[test]
fn contents_of_records_are_booleans() {
    assert_errors([
        (r#"{"audit":{"truncated":null}}"#, "audit.truncated: found null, expected true or false"),
        (r#"{"audit":{"fingerprint":"key"}}"#, "audit.fingerprint: found a string, expected true or false"),
    ]);
}

#[test]
fn unknown_and_duplicate_fields_are_rejected() {
    const TOP: &str =
        "expected one of mode, request, response, rules, namespaces, detect, mask, block, uninspectable, limits, audit";
    assert_errors([
        (r#"{"reqest":"mask"}"#, r#"unknown field "reqest" at the top level; did you mean "request"?"#),
        (r#"{"pattern":[]}"#, &format!(r#"unknown field "pattern" at the top level; {TOP}"#)),
        (r#"{"4111111111111111":1}"#, &format!("unknown field with an unprintable name at the top level; {TOP}")),
        (r#"{"4111-1111-1111-1111":1}"#, &format!("unknown field with an unprintable name at the top level; {TOP}")),
        (r#"{"":1}"#, &format!("unknown field with an unprintable name at the top level; {TOP}")),
        (r#"{"mask":{"kee\np":1}}"#, "mask: unknown field with an unprintable name; expected one of keep, character"),
        (r#"{"mode":"enforce","mode":"monitor"}"#, r#"field "mode" given more than once"#),
        (r#"{"mask":{"keep":"none","keep":"none"}}"#, r#"mask: field "keep" given more than once"#),
        (r#"{"mask":{},"mask":{}}"#, r#"field "mask" given more than once"#),
    ]);
}

#[test]
fn other_texts_than_a_json_object_are_rejected() {
    assert_errors([
        ("[]", "found a list, expected an object"),
        ("null", "found null, expected an object"),
        ("\"{}\"", "found a string, expected an object"),
        ("7", "found a whole number, expected an object"),
        ("{", "not JSON at line 1, column 1: EOF while parsing an object"),
        ("mode: enforce\nrequest: mask\n", "not JSON at line 1, column 1: expected value"),
        ("{\n  \"mode\": \"enforce\"\n  \"request\": 1}", "not JSON at line 3, column 3: expected `,` or `}`"),
        ("{\"mode\": \"enforce\",}", "not JSON at line 1, column 20: trailing comma"),
        ("{} {}", "not JSON at line 1, column 4: trailing characters"),
        ("{mode: 1}", "not JSON at line 1, column 2: key must be a string"),
        ("{\"a\": 1e999}", "not JSON at line 1, column 11: number out of range"),
        ("{\"a\": \"\\ud800\"}", "not JSON at line 1, column 14: unexpected end of hex escape"),
    ]);
}

#[test]
fn hostile_documents_are_rejected_in_one_line() {
    assert_eq!(error(b"{\n\"mode\": \"\xff\"}"), "policy: not UTF-8 text, at line 2");
    assert_eq!(error(vec![b' '; (1 << 20) + 1]), "policy: larger than 1048576 bytes");
    assert!(Policy::parse(&vec![b' '; 1 << 20]).is_ok());
    let deep = format!("{{\"rules\":{}", "[".repeat(100_000));
    assert_eq!(error(deep), "policy: not JSON at line 1, column 136: recursion limit exceeded");
    let nested = format!("{{\"rules\":{}{}}}", "[".repeat(120), "]".repeat(120));
    assert_eq!(error(nested), "policy: rules[0]: found a list, expected an object");
    let wide = format!("{{\"rules\":[{}0]}}", "0,".repeat(500_000));
    assert_eq!(error(wide), "policy: rules: value not allowed, expected at most 100 rules");
    let long_name = format!("{{\"{}\":0}}", "n".repeat(1 << 19));
    assert!(error(long_name).len() < 200);
}

/// Word and number that no error may contain, in any context.
const MARKER: &str = "hunter2secret";
const MARKER_NUMBER: u64 = 4_111_111_111_111_111;

fn documents() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;

    let names = prop::sample::select(vec![
        "mode",
        "request",
        "response",
        "detect",
        "mask",
        "rules",
        "namespaces",
        "block",
        "uninspectable",
        "limits",
        "audit",
        "sensitivity",
        "brands",
        "authentication_data",
        "test_cards",
        "base64",
        "ignore_keys",
        "patterns",
        "keep",
        "character",
        "name",
        "match",
        "action",
        "where",
        "method",
        "path",
        "exact",
        "regex",
        "tls",
        "include",
        "request_status",
        "body",
        "paused_bytes",
        "clean",
        "reqest",
        "4111111111111111",
        "hunter2secret of a name",
    ]);
    let leaves = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        Just(Value::from(MARKER)),
        Just(Value::from(MARKER_NUMBER)),
        Just(Value::from(-4_111_111_111_111_111.5)),
        prop::sample::select(vec!["mask", "enforce", "none", "*", "strict"]).prop_map(Value::from),
        prop::sample::select(vec![403, 65536]).prop_map(Value::from),
    ];
    leaves.prop_recursive(5, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((names.clone(), inner), 0..6).prop_map(|fields| {
                fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Value>()
            }),
        ]
    })
}

fn assert_contains_no_value(error: &PolicyError) {
    for text in [error.to_string(), format!("{error:?}")] {
        assert!(!text.contains(MARKER), "{text}");
        assert!(!text.contains("41111"), "{text}");
        assert!(text.len() < 400, "{text}");
    }
    assert_eq!(error.to_string().lines().count(), 1);
}

proptest! {
    #[test]
    fn errors_contain_no_value(document in documents()) {
        let mut text = document.to_string();
        if let Err(error) = Policy::parse(text.as_bytes()) {
            assert_contains_no_value(&error);
        }
        text.truncate(text.char_indices().nth(text.len() / 2).map_or(0, |(at, _)| at));
        if let Err(error) = Policy::parse(text.as_bytes()) {
            assert_contains_no_value(&error);
        }
    }

    #[test]
    fn damaged_documents_are_read_or_rejected_in_one_line(
        document in documents(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = document.to_string().into_bytes();
        for (index, byte) in damage {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        if let Err(error) = Policy::parse(&bytes) {
            prop_assert_eq!(error.to_string().lines().count(), 1);
        }
    }
}

#[test]
fn detection_settings_are_checked() {
    assert_errors([
        (r#"{"detect":[]}"#, "detect: found a list, expected an object"),
        (
            r#"{"detect":{"sensitivity":"high"}}"#,
            "detect.sensitivity: unknown value, expected one of strict, balanced, precise",
        ),
        (r#"{"detect":{"brands":"maestro"}}"#, "detect.brands: found a string, expected a list of brands"),
        (
            r#"{"detect":{"brands":["uatp",7]}}"#,
            "detect.brands[1]: found a whole number, expected one of visa, mastercard, amex, discover, diners, jcb, \
             unionpay, maestro, mir, troy, elo, hipercard, verve, rupay, uatp, napas, uzcard, humo, borica",
        ),
        (r#"{"detect":{"brands":null}}"#, "detect.brands: found null, expected a list of brands"),
        (
            r#"{"detect":{"authentication_data":null}}"#,
            "detect.authentication_data: found null, expected true or false",
        ),
        (r#"{"detect":{"test_cards":"mask"}}"#, "detect.test_cards: unknown value, expected one of detect, ignore"),
        (r#"{"detect":{"base64":"false"}}"#, "detect.base64: found a string, expected true or false"),
        (r#"{"detect":{"ignore_keys":{}}}"#, "detect.ignore_keys: found an object, expected a list of names of fields"),
        (r#"{"detect":{"card_keys":[[]]}}"#, "detect.card_keys[0]: found a list, expected a string"),
        (r#"{"detect":{"patterns":["\\d+"]}}"#, "detect.patterns[0]: found a string, expected an object"),
        (r#"{"detect":{"patterns":"\\d+"}}"#, "detect.patterns: found a string, expected a list of patterns"),
        (r#"{"detect":{"patterns":[{"regex":"a"}]}}"#, r#"detect.patterns[0]: missing field "name""#),
        (r#"{"detect":{"patterns":[{"name":"a"}]}}"#, r#"detect.patterns[0]: missing field "regex""#),
        (
            r#"{"detect":{"patterns":[{"name":"a","regex":"a","keep_last":65}]}}"#,
            "detect.patterns[0].keep_last: value not allowed, expected a whole number from 0 to 64",
        ),
        (
            r#"{"detect":{"patterns":[{"name":"a","regexp":"a"}]}}"#,
            r#"detect.patterns[0]: unknown field "regexp"; did you mean "regex"?"#,
        ),
        (
            r#"{"detect":{"ignore_keys":["12"]}}"#,
            "detect.ignore_keys[0]: value not allowed, expected 1 to 64 bytes with at least one letter",
        ),
        (
            r#"{"detect":{"patterns":[{"name":"a","regex":"a"},{"name":"b","regex":"("}]}}"#,
            "detect.patterns[1].regex: value not allowed, expected a regular expression over ASCII, without look-around \
             and back-references",
        ),
        (
            r#"{"detect":{"patterns":[{"name":"a","regex":"a+"}]}}"#,
            "detect.patterns[0].regex: value not allowed, expected a regular expression that matches at most 256 bytes, \
             because a stream holds back no more; write {1,32} instead of + or *",
        ),
        (
            r#"{"detect":{"patterns":[{"name":"a","regex":"a?"}]}}"#,
            "detect.patterns[0].regex: value not allowed, expected a regular expression that does not match the empty string",
        ),
        (
            r#"{"detect":{"patterns":[{"name":"a","regex":"[ab]{1,60}a[ab]{40}"}]}}"#,
            "detect.patterns[0].regex: value not allowed, expected a simpler regular expression: the automaton for the \
             patterns up to this one is larger than 512 KiB",
        ),
        (
            r#"{"detect":{"patterns":[{"name":"a","regex":"a","check":"mod10"}]}}"#,
            "detect.patterns[0].check: unknown value, expected one of luhn, iban, aba, verhoeff",
        ),
        (
            r#"{"detect":{"patterns":[{"name":"a","regex":"a","check":"Iban"}]}}"#,
            r#"detect.patterns[0].check: unknown value; did you mean "iban"?"#,
        ),
        (
            r#"{"detect":{"patterns":[{"name":"a","regex":"a","near":"aba"}]}}"#,
            "detect.patterns[0].near: found a string, expected a list of words",
        ),
        (
            r#"{"detect":{"patterns":[{"name":"a","regex":"a","near":["aba","12"]}]}}"#,
            "detect.patterns[0].near[1]: value not allowed, expected 1 to 64 bytes with at least one letter",
        ),
        (
            r#"{"detect":{"patterns":[{"name":"a","regex":"a","not_near":[1]}]}}"#,
            "detect.patterns[0].not_near[0]: found a whole number, expected a string",
        ),
        (
            r#"{"detect":{"builtin_patterns":["iban","us_snn"]}}"#,
            r#"detect.builtin_patterns[1]: unknown value; did you mean "us_ssn"?"#,
        ),
        (
            r#"{"detect":{"builtin_patterns":"iban"}}"#,
            "detect.builtin_patterns: found a string, expected a list of names of patterns",
        ),
        (
            r#"{"detect":{"builtin_patterns":["iban"],"patterns":[{"name":"a","regex":"a"},{"name":"iban","regex":"a"}]}}"#,
            "detect.patterns[1].name: value not allowed, expected a name that detect.builtin_patterns does not contain",
        ),
    ]);
    let criteria = parse(r#"{"detect":{"patterns":[{"name":"a","regex":"[ab]x"}],"brands":["uatp"]}}"#).criteria();
    assert_eq!(criteria.patterns.len(), 1);
    let criteria =
        parse(r#"{"detect":{"patterns":[{"name":"iban","regex":"[ab]x"}],"builtin_patterns":["jwt"]}}"#).criteria();
    assert_eq!(criteria.patterns.len(), 2);
    assert!(parse("{}").criteria().authentication_data.is_some());
}
