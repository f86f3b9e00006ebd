//! Tests of every field of a rule, and of the rule that decides.

use super::request_context::Tri;
use super::*;
use proptest::prelude::*;

const REQUEST: Direction = Direction::Request;
const RESPONSE: Direction = Direction::Response;

fn parse(json: &str) -> Policy {
    match Policy::parse(json.as_bytes()) {
        Ok(policy) => policy,
        Err(error) => panic!("{json}: {error}"),
    }
}

fn error(json: &str) -> String {
    match Policy::parse(json.as_bytes()) {
        Ok(_) => panic!("accepted: {json}"),
        Err(error) => error.to_string(),
    }
}

/// Attributes in most tests: a client with mutual TLS sends a POST request with JSON to /v1/charges.
fn usual() -> RequestContext {
    let mut known = RequestContext::default();
    known.note_request_line(Some(b"POST"), Some(b"API.example.com:443"), Some(b"/v1/charges?expand=card"));
    known.note_content_type(REQUEST, Some(b"application/json; charset=utf-8"));
    known.note_content_type(RESPONSE, Some(b"text/csv"));
    known.note_headers([("x-tenant", vec![b"acme".to_vec()]), ("x-absent", vec![])].into_iter());
    known.note_connection(Some(Connection::MutualTls));
    known.note_source(Some(b"spiffe://cluster.local/ns/checkout/sa/web"));
    known.note_destination(Some(b"spiffe://cluster.local/ns/payments/sa/api"));
    known.note_remote_address(Some(b"10.0.3.7:51734"));
    known.note_port(Some(8443));
    known.note_route(Some(b"charges".to_vec()));
    known.note_cluster(Some(b"outbound|443||api.example.com".to_vec()));
    known.note_status(Some(404));
    known
}

/// Name of the rule that decides at that location.
fn decides<'p>(policy: &'p Policy, known: &RequestContext, direction: Direction, location: Location) -> &'p str {
    policy.decide(&policy.judge(direction, known), location).rule
}

fn with_match(condition: &str) -> Policy {
    parse(&format!(
        r#"{{"request":"skip","response":"skip","rules":[{{"name":"a","action":"block","match":{condition}}}]}}"#
    ))
}

#[test]
fn each_condition_matches_or_does_not() {
    for (condition, matches) in [
        ("{}", true),
        (r#"{"direction":"request"}"#, true),
        (r#"{"direction":"response"}"#, false),
        (r#"{"where":["trailers","body"]}"#, true),
        (r#"{"where":["headers","path","trailers"]}"#, false),
        (r#"{"method":["PUT","POST"]}"#, true),
        (r#"{"method":["GET"]}"#, false),
        (r#"{"host":["other.example.com","api.example.com"]}"#, true),
        (r#"{"host":["*.example.com"]}"#, true),
        (r#"{"host":["example.com"]}"#, false),
        (r#"{"path":{"exact":"/v1/charges"}}"#, true),
        (r#"{"path":{"exact":"/v1"}}"#, false),
        (r#"{"path":{"prefix":"/v1"}}"#, true),
        (r#"{"path":{"prefix":"/v1/charge"}}"#, false),
        (r#"{"path":{"regex":"/v[0-9]+/.+"}}"#, true),
        (r#"{"path":{"regex":"/v[0-9]+"}}"#, false),
        (r#"{"path":[{"exact":"/v2"},{"prefix":"/v1"}]}"#, true),
        (r#"{"path":[{"exact":"/v2"},{"prefix":"/v3"}]}"#, false),
        (r#"{"content_type":["application/json"]}"#, true),
        (r#"{"content_type":["application/*"]}"#, true),
        (r#"{"content_type":["text/csv"]}"#, false),
        (r#"{"source":["spiffe://cluster.local/ns/checkout/*"]}"#, true),
        (r#"{"source":["spiffe://cluster.local/ns/payments/*"]}"#, false),
        (r#"{"header":{"name":"X-Tenant","exact":"acme"}}"#, true),
        (r#"{"header":{"name":"x-tenant","exact":"acm"}}"#, false),
        (r#"{"header":{"name":"x-tenant","prefix":"ac"}}"#, true),
        (r#"{"header":{"name":"x-tenant","prefix":"acme2"}}"#, false),
        (r#"{"header":{"name":"x-tenant","present":true}}"#, true),
        (r#"{"header":{"name":"x-absent","present":true}}"#, false),
        (r#"{"header":{"name":"x-absent","present":false}}"#, true),
        (r#"{"header":{"name":"x-tenant","present":false}}"#, false),
        (r#"{"header":[{"name":"x-absent","exact":"a"},{"name":"x-tenant","present":true}]}"#, true),
        (r#"{"remote_ip":["10.0.0.0/8"]}"#, true),
        (r#"{"remote_ip":["192.0.2.1","fd00::/8"]}"#, false),
        (r#"{"port":[80,8443]}"#, true),
        (r#"{"port":[80]}"#, false),
        (r#"{"route":["charges"]}"#, true),
        (r#"{"route":["ch*s"]}"#, true),
        (r#"{"route":["charge","*-charges"]}"#, false),
        (r#"{"cluster":["outbound|443||*"]}"#, true),
        (r#"{"cluster":["*.example.com"]}"#, true),
        (r#"{"cluster":["outbound|*|example.com"]}"#, false),
        (r#"{"not":{"method":["POST"]}}"#, false),
        (r#"{"not":{"method":["GET"]}}"#, true),
        (r#"{"not":{"direction":"response"}}"#, true),
        (r#"{"not":{"where":["body"]}}"#, false),
        (r#"{"not":{"where":["body"],"method":["GET"]}}"#, true),
        (r#"{"tls":"any","not":{"source":["spiffe://cluster.local/ns/checkout/*"]}}"#, false),
        (r#"{"tls":"none","not":{"source":["spiffe://cluster.local/ns/other/*"]}}"#, false),
        (r#"{"tls":"mutual"}"#, true),
        (r#"{"tls":"any"}"#, true),
        (r#"{"tls":"none"}"#, false),
        (r#"{"method":["POST"],"host":["api.example.com"],"path":{"prefix":"/"},"tls":"any","where":["body"]}"#, true),
        (r#"{"method":["POST"],"host":["api.example.com"],"path":{"prefix":"/x"},"tls":"any"}"#, false),
    ] {
        let policy = with_match(condition);
        assert_eq!(decides(&policy, &usual(), REQUEST, Location::Body) == "a", matches, "{condition}");
    }
}

#[test]
fn each_finding_gets_the_action_of_the_first_rule_that_matches_it() {
    let policy = parse(
        r#"{"response":"skip","rules":[
            {"name":"charges","match":{"path":{"prefix":"/v1/charges"},"kind":["pan"]},"action":"allow"},
            {"name":"codes","match":{"direction":"request","kind":["verification_code","pin"]},"action":"block"},
            {"name":"ssn","match":{"kind":["pattern:ssn"]},"action":"mask","mode":"monitor"},
            {"name":"patterns","match":{"direction":"request","kind":["pattern"]},"action":"allow"}
        ],"detect":{"patterns":[{"name":"ssn","regex":"[0-9]{9}"},{"name":"iban","regex":"[A-Z]{2}[0-9]{20}"}]}}"#,
    );
    let pan = FindingAttributes { name: FindingName::Pan, pattern: None, field: &FieldPath::Unknown };
    let of = |name| FindingAttributes { name, ..pan };
    let pattern = |name| FindingAttributes { name: FindingName::Pattern, pattern: Some(name), ..pan };
    for (finding, request, response) in [
        (pan, ("charges", Outcome::Allowed), ("charges", Outcome::Allowed)),
        (of(FindingName::VerificationCode), ("codes", Outcome::Blocked), ("response", Outcome::Clean)),
        (of(FindingName::Pin), ("codes", Outcome::Blocked), ("response", Outcome::Clean)),
        (of(FindingName::Track), ("request", Outcome::Masked), ("response", Outcome::Clean)),
        (of(FindingName::Chip), ("request", Outcome::Masked), ("response", Outcome::Clean)),
        (pattern("ssn"), ("ssn", Outcome::Reported), ("ssn", Outcome::Reported)),
        (pattern("iban"), ("patterns", Outcome::Allowed), ("response", Outcome::Clean)),
    ] {
        for (direction, expected) in [(REQUEST, request), (RESPONSE, response)] {
            let decisions = policy.judge(direction, &usual());
            let decision = policy.decide_finding(&decisions, Location::Body, &finding);
            assert_eq!((decision.rule, decision.outcome()), expected, "{} {direction:?}", finding.name.as_str());
            let by_finding = policy.finding_decisions(&decisions, Location::Body).unwrap();
            assert_eq!(by_finding.outcome(&finding), decision.outcome());
        }
    }
    // The message is handled as its strictest finding requires.
    assert_eq!(decides(&policy, &usual(), REQUEST, Location::Body), "codes");
    assert_eq!(decides(&policy, &usual(), RESPONSE, Location::Body), "ssn");
    assert!(policy.judge(REQUEST, &usual()).blocks(Content::Finding));
    let response = policy.judge(RESPONSE, &usual());
    assert!(response.inspects() && !response.blocks(Content::Finding));
}

#[test]
fn a_name_matches_at_any_depth_and_a_path_from_the_outermost_field() {
    use Tri::{No, Unknown, Yes};
    for (field, path, matches) in [
        ("pan", Some("pan"), Yes),
        ("pan", Some("card.pan"), Yes),
        ("pan", Some("card.PAN"), Yes),
        ("pan", Some("pan.x"), No),
        ("pan", Some("xpan"), No),
        ("pan", None, Unknown),
        ("pan", Some(""), No),
        ("card.pan", Some("card.pan"), Yes),
        ("card.pan", Some("a.card.pan"), No),
        ("card.pan", Some("pan"), No),
        ("*.card.pan", Some("a.b.card.pan"), Yes),
        ("*.card.pan", Some("card.pan"), No),
        ("card.*", Some("card.a.b"), Yes),
        ("card.*", Some("card"), No),
        ("*.card.*", Some("a.card.b"), Yes),
        ("*.card.*", Some("a.b.card.card.c"), Yes),
        ("*.card.*", Some("card.b"), No),
        ("*.card.*", Some("a.card"), No),
        ("a.*.c", Some("a.b.c"), Yes),
        ("a.*.c", Some("a.b.b.c"), No),
        ("a.*.c", Some("a.c"), No),
        ("*.a.*.c", Some("x.a.b.c"), Yes),
        ("*.*.c", Some("a.b.c"), Yes),
        ("*.*.c", Some("b.c"), No),
        ("x-order", Some("x-order"), Yes),
    ] {
        let policy = with_match(&format!(r#"{{"field":["other","{field}"]}}"#));
        let path = path.map_or(FieldPath::Unknown, |path| match path {
            "" => FieldPath::Outside,
            names => FieldPath::Names(names.as_bytes().into()),
        });
        let finding = FindingAttributes { name: FindingName::Pan, pattern: None, field: &path };
        let rule = |policy: &Policy| {
            let decisions = policy.judge(REQUEST, &usual());
            assert!(
                policy.finding_decisions(&decisions, Location::Body).is_some_and(|decisions| decisions.test_fields())
            );
            policy.decide_finding(&decisions, Location::Body, &finding).rule == "a"
        };
        let negated = with_match(&format!(r#"{{"not":{{"field":["{field}"]}}}}"#));
        assert_eq!((rule(&policy), rule(&negated)), (matches != No, matches != Yes), "{field}");
    }
    let both = with_match(r#"{"field":["pan"],"kind":["pin"]}"#);
    let path = FieldPath::Names(b"pan".as_slice().into());
    for (name, rule) in [(FindingName::Pan, "request"), (FindingName::Pin, "a")] {
        let finding = FindingAttributes { name, pattern: None, field: &path };
        assert_eq!(both.decide_finding(&both.judge(REQUEST, &usual()), Location::Body, &finding).rule, rule);
    }
    let kinds = with_match(r#"{"kind":["pan"]}"#);
    let decisions = kinds.finding_decisions(&kinds.judge(REQUEST, &usual()), Location::Body).unwrap();
    assert!(!decisions.test_fields());
}

#[test]
fn a_rule_selects_the_values_of_its_fields_where_it_may_match() {
    let policy = parse(
        r#"{"rules":[
            {"name":"a","match":{"direction":"request","where":["body"],"field":["*.ssn"],"kind":["value"],"host":["api.example.com"]},
             "action":"block"},
            {"name":"b","match":{"where":["body"],"field":["note"],"kind":["pan"]},"action":"allow"}]}"#,
    );
    let names = |names: &str| FieldPath::Names(names.as_bytes().into());
    let decisions = policy.judge(REQUEST, &usual());
    assert!(policy.selects_values(&decisions));
    let by_finding = policy.finding_decisions(&decisions, Location::Body).unwrap();
    for (path, is_selected) in [
        (names("a.ssn"), true),
        (names("ssn"), false),
        (names("note"), false),
        (FieldPath::Outside, false),
        (FieldPath::Unknown, false),
    ] {
        assert_eq!(by_finding.select_value(&path), is_selected);
    }
    let path = names("a.ssn");
    let finding = |name| FindingAttributes { name, pattern: None, field: &path };
    assert_eq!(by_finding.outcome(&finding(FindingName::Value)), Outcome::Blocked);
    assert_eq!(by_finding.outcome(&finding(FindingName::Pan)), Outcome::Masked);
    assert!(!policy.selects_values(&policy.judge(RESPONSE, &usual())));
}

#[test]
fn a_rule_that_cannot_match_leaves_one_decision() {
    let rule = r#"{"name":"a","match":{"direction":"response","kind":["pan"]},"action":"block"}"#;
    let policy = parse(&format!(r#"{{"rules":[{rule}]}}"#));
    assert!(policy.finding_decisions(&policy.judge(REQUEST, &usual()), Location::Body).is_none());
    assert!(policy.finding_decisions(&policy.judge(RESPONSE, &usual()), Location::Body).is_some());
}

#[test]
fn content_that_cannot_be_inspected_may_hold_any_finding() {
    // A number would pass, in enforce mode. A code would be reported only.
    let policy = parse(
        r#"{"request":"allow","rules":[{"name":"a","match":{"kind":["pin"]},"action":"block","mode":"monitor"}]}"#,
    );
    let decisions = policy.judge(REQUEST, &usual());
    assert_eq!(decisions.outcome_at(Location::Body, Content::Finding), Outcome::Reported);
    assert_eq!(decisions.outcome_at(Location::Body, Content::UNAVAILABLE), Outcome::Blocked);
}

#[test]
fn a_rule_matches_until_the_end_of_its_last_day() {
    let last_second: u64 = 1_798_761_599;
    for (rule, time, matches) in [
        (r#""action":"allow","expires":"2026-12-31""#, Some(0), true),
        (r#""action":"allow","expires":"2026-12-31""#, Some(last_second), true),
        (r#""action":"allow","expires":"2026-12-31""#, Some(last_second + 1), false),
        (r#""action":"allow","expires":"2026-12-31""#, None, false),
        (r#""action":"skip","expires":"2026-12-31""#, None, false),
        (r#""action":"block","mode":"monitor","expires":"2026-12-31""#, Some(last_second + 1), false),
        (r#""action":"allow","owner":"team checkout","description":"until the migration""#, None, true),
    ] {
        let policy = parse(&format!(r#"{{"rules":[{{"name":"a",{rule}}}]}}"#));
        let mut known = usual();
        known.note_time(time);
        assert_eq!(decides(&policy, &known, REQUEST, Location::Body) == "a", matches, "{rule} at {time:?}");
    }
}

#[test]
fn a_rule_that_never_matches_is_named() {
    for (first, second, is_unreachable) in [
        ("", "", true),
        ("", r#","match":{"path":{"prefix":"/v1"}}"#, true),
        (r#","match":{"direction":"request"}"#, r#","match":{"direction":"request","tls":"none"}"#, true),
        (r#","match":{"direction":"request"}"#, r#","match":{"tls":"none"}"#, false),
        (r#","match":{"where":["body","path"]}"#, r#","match":{"where":["path"]}"#, true),
        (r#","match":{"where":["body","path"]}"#, r#","match":{"where":["path","headers"]}"#, false),
        (r#","match":{"where":["body","path"]}"#, "", false),
        (r#","match":{"method":["POST"]}"#, "", false),
        (r#","match":{"kind":["pan"]}"#, "", false),
        (r#","match":{"port":[1]}"#, "", false),
        (r#","match":{"cluster":["a"]}"#, "", false),
        (r#","match":{"not":{"where":["path"]}}"#, r#","match":{"where":["body"]}"#, false),
        (r#","match":{"kind":["pan"]}"#, r#","match":{"kind":["pan","track"]}"#, false),
        (r#","match":{"kind":["pan","track"]}"#, r#","match":{"kind":["track"],"tls":"none"}"#, true),
        ("", r#","match":{"kind":["track"]}"#, true),
        (r#","match":{"field":["a","b.c"]}"#, r#","match":{"field":["b.c"],"kind":["pan"]}"#, true),
        (r#","match":{"field":["a"]}"#, r#","match":{"field":["a","b"]}"#, false),
        (r#","match":{"field":["a"]}"#, "", false),
        (r#","expires":"2027-01-01""#, "", false),
    ] {
        let policy = parse(&format!(
            r#"{{"rules":[{{"name":"a","action":"allow"{first}}},{{"name":"b","action":"mask"{second}}}]}}"#
        ));
        let expected: &[(&str, &str)] = if is_unreachable { &[("b", "a")] } else { &[] };
        assert_eq!(policy.unreachable_rules(), expected, "{first} {second}");
    }
}

#[test]
fn rules_test_a_response_and_its_request() {
    for (condition, matches) in [
        (r#"{"content_type":["text/csv"]}"#, true),
        (r#"{"content_type":["application/json"]}"#, false),
        (r#"{"direction":"response","destination":["spiffe://cluster.local/ns/payments/*"]}"#, true),
        (r#"{"direction":"response","destination":["spiffe://cluster.local/ns/checkout/*"]}"#, false),
        (r#"{"method":["POST"],"path":{"prefix":"/v1"},"source":["spiffe://cluster.local/ns/checkout/*"]}"#, true),
        (r#"{"method":["GET"]}"#, false),
        (r#"{"direction":"response","status":[200,404]}"#, true),
        (r#"{"direction":"response","status":[200]}"#, false),
        (r#"{"direction":"response","not":{"status":[200]}}"#, true),
        (r#"{"direction":"response","not":{"destination":["spiffe://cluster.local/ns/payments/*"]}}"#, false),
        (r#"{"header":{"name":"x-tenant","present":true},"port":[8443],"route":["charges"]}"#, true),
    ] {
        let policy = with_match(condition);
        assert_eq!(decides(&policy, &usual(), RESPONSE, Location::Headers) == "a", matches, "{condition}");
    }
}

#[test]
fn the_first_rule_that_matches_decides_for_each_location() {
    let policy = parse(
        r#"{"response":"allow","rules":[
            {"name":"no-cards-in-paths","match":{"where":["path"]},"action":"block"},
            {"name":"charges","match":{"direction":"request","where":["body"],"path":{"prefix":"/v1/charges"}},"action":"allow"},
            {"name":"all-bodies","match":{"where":["body"]},"action":"block","mode":"monitor"},
            {"name":"never","match":{"where":["body"]},"action":"skip"}
        ]}"#,
    );
    let decision = |direction, location| {
        let decision = policy.decide(&policy.judge(direction, &usual()), location);
        (decision.rule.to_owned(), decision.intent, decision.mode)
    };
    let decided = |rule: &str, intent, mode| (rule.to_owned(), intent, mode);
    assert_eq!(decision(REQUEST, Location::Path), decided("no-cards-in-paths", Intent::Block, Mode::Enforce));
    assert_eq!(decision(REQUEST, Location::Body), decided("charges", Intent::Allow, Mode::Enforce));
    assert_eq!(decision(REQUEST, Location::Headers), decided("request", Intent::Mask, Mode::Enforce));
    assert_eq!(decision(RESPONSE, Location::Body), decided("all-bodies", Intent::Block, Mode::Monitor));
    assert_eq!(decision(RESPONSE, Location::Trailers), decided("response", Intent::Allow, Mode::Enforce));
}

#[test]
fn rules_decide_the_inspected_locations() {
    let policy = parse(r#"{"request":"skip","rules":[{"name":"a","match":{"where":["trailers"]},"action":"mask"}]}"#);
    let decisions = policy.judge(REQUEST, &usual());
    assert!(
        decisions.inspects() && decisions.inspects_at(Location::Trailers) && !decisions.inspects_at(Location::Body)
    );
    let policy = parse(
        r#"{"response":"mask","rules":[{"name":"a","match":{"where":["headers","body","trailers"]},"action":"skip"}]}"#,
    );
    assert!(policy.judge(REQUEST, &usual()).inspects(), "the path");
    assert!(!policy.judge(RESPONSE, &usual()).inspects(), "a response has none");
}

#[test]
fn monitor_mode_of_the_policy_overrides_the_rules() {
    let rule = r#""rules":[{"name":"a","action":"block","mode":"enforce"},{"name":"b","action":"mask"}]"#;
    assert!(!parse(&format!(r#"{{"mode":"monitor",{rule}}}"#)).judge(REQUEST, &usual()).enforces());
    assert!(parse(&format!("{{{rule}}}")).judge(REQUEST, &usual()).blocks(Content::Finding));
}

#[test]
fn the_strictest_decision_applies_to_ambiguous_messages() {
    let policy = parse(
        r#"{"rules":[
            {"name":"pay","match":{"path":{"prefix":"/pay"}},"action":"allow"},
            {"name":"images","match":{"content_type":["image/*"]},"action":"skip"},
            {"name":"admin","match":{"path":{"prefix":"/admin"}},"action":"block"}
        ]}"#,
    );
    let decides = |path: &str, content_type: &str| {
        let mut known = usual();
        known.note_request_line(Some(b"POST"), Some(b"a"), Some(path.as_bytes()));
        known.note_content_type(REQUEST, Some(content_type.as_bytes()));
        let decision = policy.decide(&policy.judge(REQUEST, &known), Location::Body);
        (decision.rule.to_owned(), decision.intent)
    };
    for (path, content_type, rule, intent) in [
        ("/pay/x", "a/b", "pay", Intent::Allow),
        ("/admin/x", "a/b", "admin", Intent::Block),
        ("/x", "image/png", "images", Intent::Skip),
        // Below /pay in some interpretations, below /admin in none.
        ("/pay%2F../x", "a/b", "request", Intent::Mask),
        ("/x/..;/pay/1", "a/b", "request", Intent::Mask),
        // Below /admin in some interpretations.
        ("/pay/../admin", "a/b", "admin", Intent::Block),
        ("/pay/%2e%2e/admin", "a/b", "admin", Intent::Block),
        ("//admin", "a/b", "admin", Intent::Block),
        // No interpretation.
        ("/pay/%zz", "a/b", "admin", Intent::Block),
        // A certain match ends the search: images, or the rule before it.
        ("/pay/%zz", "image/png", "pay", Intent::Allow),
        ("/x", "image/png, application/json", "request", Intent::Mask),
    ] {
        let (decided, action) = decides(path, content_type);
        assert_eq!((decided.as_str(), action), (rule, intent), "{path} {content_type}");
    }
    // A method in another case, and no host.
    for condition in [r#"{"method":["POST"]}"#, r#"{"host":["a"]}"#] {
        let mut known = usual();
        known.note_request_line(Some(b"Post"), None, Some(b"/"));
        assert_eq!(self::decides(&with_match(condition), &known, REQUEST, Location::Body), "a", "{condition}");
    }
}

/// A rule on an attribute that is unknown or ambiguous may match, and so may a rule on its absence.
#[test]
fn an_unknown_attribute_leads_to_the_strictest_decision() {
    for condition in [
        r#""header":{"name":"x-tenant","exact":"acme"}"#,
        r#""remote_ip":["10.0.0.0/8"]"#,
        r#""port":[80]"#,
        r#""route":["a"]"#,
        r#""cluster":["a"]"#,
    ] {
        for condition in [format!("{{{condition}}}"), format!(r#"{{"not":{{{condition}}}}}"#)] {
            let policy = with_match(&condition);
            assert_eq!(decides(&policy, &RequestContext::default(), REQUEST, Location::Body), "a", "{condition}");
            let allow = parse(&format!(r#"{{"rules":[{{"name":"a","action":"allow","match":{condition}}}]}}"#));
            assert_eq!(decides(&allow, &RequestContext::default(), REQUEST, Location::Body), "request", "{condition}");
        }
    }
    let policy = with_match(r#"{"direction":"response","status":[200]}"#);
    assert_eq!(decides(&policy, &RequestContext::default(), RESPONSE, Location::Body), "a");
}

#[test]
fn values_of_a_header_must_agree() {
    for (pattern, values, matches) in [
        (r#""exact":"a""#, &["a"][..], Tri::Yes),
        (r#""exact":"a""#, &["a", "a"], Tri::Yes),
        (r#""exact":"a""#, &["b", "c"], Tri::No),
        (r#""exact":"a""#, &[], Tri::No),
        (r#""exact":"a""#, &["a", "b"], Tri::Unknown),
        (r#""exact":"a""#, &["A"], Tri::Unknown),
        (r#""exact":"a""#, &["b, a"], Tri::Unknown),
        (r#""exact":"b, a""#, &["b, a"], Tri::Yes),
        (r#""exact":"a""#, &["ab, ba"], Tri::No),
        (r#""prefix":"a""#, &["ab, c"], Tri::Yes),
        (r#""prefix":"a""#, &["c, ab"], Tri::Unknown),
        (r#""prefix":"a""#, &["Ab"], Tri::Unknown),
        (r#""present":true"#, &[""], Tri::Yes),
    ] {
        let policy = with_match(&format!(r#"{{"header":{{"name":"x-a",{pattern}}}}}"#));
        let mut known = RequestContext::default();
        let values = values.iter().map(|value| value.as_bytes().to_vec()).collect();
        known.note_headers([("x-a", values)].into_iter());
        let rule = |policy: &Policy| decides(policy, &known, REQUEST, Location::Body) == "a";
        let negated = with_match(&format!(r#"{{"not":{{"header":{{"name":"x-a",{pattern}}}}}}}"#));
        assert_eq!((rule(&policy), rule(&negated)), (matches != Tri::No, matches != Tri::Yes), "{pattern}");
    }
}

#[test]
fn a_negated_kind_matches_the_other_findings() {
    let policy = with_match(r#"{"where":["body"],"not":{"kind":["pan"],"method":["POST"]}}"#);
    let decisions = policy.judge(REQUEST, &usual());
    for (name, rule) in [(FindingName::Pan, "request"), (FindingName::Pin, "a")] {
        let finding = FindingAttributes { name, pattern: None, field: &FieldPath::Unknown };
        assert_eq!(policy.decide_finding(&decisions, Location::Body, &finding).rule, rule);
    }
    let headers = FindingAttributes { name: FindingName::Pin, pattern: None, field: &FieldPath::Unknown };
    assert_eq!(policy.decide_finding(&decisions, Location::Headers, &headers).rule, "request");
}

#[test]
fn a_route_without_a_name_is_none() {
    let policy = with_match(r#"{"route":["a*"]}"#);
    for (route, rule) in [(Some(vec![]), "request"), (Some(b"ab".to_vec()), "a"), (None, "a")] {
        let mut known = RequestContext::default();
        known.note_route(route);
        assert_eq!(decides(&policy, &known, REQUEST, Location::Body), rule);
    }
}

#[test]
fn an_identity_comes_from_mutual_tls_alone() {
    let policy = with_match(r#"{"source":["spiffe://*/*"]}"#);
    for (connection, rule) in [
        (Some(Connection::MutualTls), "a"),
        (Some(Connection::Tls), "request"),
        (Some(Connection::Plain), "request"),
        // The proxy does not provide the connection, so it may be mutual TLS.
        (None, "a"),
    ] {
        let mut known = RequestContext::default();
        known.note_connection(connection);
        known.note_source(Some(b"spiffe://cluster.local/ns/a"));
        assert_eq!(decides(&policy, &known, REQUEST, Location::Body), rule, "{connection:?}");
    }
    let mut known = usual();
    known.note_source(None);
    assert_eq!(decides(&policy, &known, REQUEST, Location::Body), "request", "a certificate without a name");
}

#[test]
fn only_tested_attributes_are_needed() {
    let none = NeededAttributes::default();
    assert_eq!(parse("{}").needed(), none);
    for (condition, needed) in [
        (r#"{"where":["body"],"direction":"request"}"#, none),
        (r#"{"method":["GET"]}"#, NeededAttributes { request_line: true, ..none }),
        (r#"{"host":["a"]}"#, NeededAttributes { request_line: true, ..none }),
        (r#"{"path":{"exact":"/"}}"#, NeededAttributes { request_line: true, ..none }),
        (r#"{"content_type":["a/b"]}"#, NeededAttributes { content_type: true, ..none }),
        (r#"{"tls":"any"}"#, NeededAttributes { connection: true, ..none }),
        (r#"{"header":{"name":"a","present":true}}"#, NeededAttributes { headers: true, ..none }),
        (r#"{"remote_ip":["::1"]}"#, NeededAttributes { remote_ip: true, ..none }),
        (r#"{"port":[1]}"#, NeededAttributes { port: true, ..none }),
        (r#"{"route":["a"]}"#, NeededAttributes { route: true, ..none }),
        (r#"{"cluster":["a"]}"#, NeededAttributes { cluster: true, ..none }),
        (r#"{"direction":"response","status":[200]}"#, NeededAttributes { status: true, ..none }),
        (
            r#"{"not":{"header":{"name":"a","exact":"b"},"port":[1]}}"#,
            NeededAttributes { headers: true, port: true, ..none },
        ),
        (r#"{"kind":["pan"],"not":{"where":["body"]}}"#, none),
        (r#"{"source":["spiffe://a/b"]}"#, NeededAttributes { connection: true, source: true, ..none }),
        (r#"{"direction":"response","destination":["spiffe://a/b"]}"#, NeededAttributes { destination: true, ..none }),
    ] {
        assert_eq!(with_match(condition).needed(), needed, "{condition}");
    }
}

#[test]
fn rules_are_checked() {
    for (json, expected) in [
        (r#"{"rules":{}}"#, "rules: found an object, expected a list of rules"),
        (r#"{"rules":null}"#, "rules: found null, expected a list of rules"),
        (r#"{"rules":[[]]}"#, "rules[0]: found a list, expected an object"),
        (r#"{"rules":[{"action":"mask"}]}"#, r#"rules[0]: missing field "name""#),
        (r#"{"rules":[{"name":"a"}]}"#, r#"rules[0]: missing field "action""#),
        (
            r#"{"rules":[{"name":"","action":"mask"}]}"#,
            "rules[0].name: value not allowed, expected 1 to 64 letters, digits (4 at most), '.', '_' or '-'",
        ),
        (r#"{"rules":[{"name":"a"},{"name":"4111-1111-1111-1111"}]}"#, r#"rules[0]: missing field "action""#),
        (
            r#"{"rules":[{"name":"4111-1111-1111-1111"}]}"#,
            "rules[0].name: value not allowed, expected 1 to 64 letters, digits (4 at most), '.', '_' or '-'",
        ),
        (
            r#"{"rules":[{"name":"a\nb"}]}"#,
            "rules[0].name: value not allowed, expected 1 to 64 letters, digits (4 at most), '.', '_' or '-'",
        ),
        (r#"{"rules":[{"name":["a"]}]}"#, "rules[0].name: found a list, expected a string"),
        (
            r#"{"rules":[{"name":"a","action":"hide"}]}"#,
            "rules[0].action: unknown value, expected one of mask, block, allow, skip",
        ),
        (
            r#"{"rules":[{"name":"a","action":"mask","mode":"try"}]}"#,
            "rules[0].mode: unknown value, expected one of enforce, monitor",
        ),
        (
            r#"{"rules":[{"name":"a","action":"mask","mode":null}]}"#,
            "rules[0].mode: found null, expected one of enforce, monitor",
        ),
        (r#"{"rules":[{"name":"a","action":"mask","match":null}]}"#, "rules[0].match: found null, expected an object"),
        (
            r#"{"rules":[{"name":"a","action":"mask","match":{"direction":"both"}}]}"#,
            "rules[0].match.direction: unknown value, expected one of request, response",
        ),
        (
            r#"{"rules":[{"name":"a","action":"mask","match":{"where":"body"}}]}"#,
            "rules[0].match.where: found a string, expected a list of headers, path, body, trailers",
        ),
        (
            r#"{"rules":[{"name":"a","action":"mask","match":{"where":["body","cookies"]}}]}"#,
            "rules[0].match.where[1]: unknown value, expected one of headers, path, body, trailers",
        ),
        (
            r#"{"rules":[{"name":"a","action":"mask","match":{"method":"POST"}}]}"#,
            "rules[0].match.method: found a string, expected a list of methods",
        ),
        (
            r#"{"rules":[{"name":"a","action":"mask","match":{"host":[null]}}]}"#,
            "rules[0].match.host[0]: found null, expected a string",
        ),
        (
            r#"{"rules":[{"name":"a","action":"mask","match":{"content_type":true}}]}"#,
            "rules[0].match.content_type: found a boolean, expected a list of content types",
        ),
        (
            r#"{"rules":[{"name":"a","action":"mask","match":{"source":1.5}}]}"#,
            "rules[0].match.source: found a number with a fraction or an exponent, expected a list of SPIFFE IDs",
        ),
        (
            r#"{"rules":[{"name":"a","action":"mask","match":{"destination":-1}}]}"#,
            "rules[0].match.destination: found a negative number, expected a list of SPIFFE IDs",
        ),
        (
            r#"{"rules":[{"name":"a","action":"mask","match":{"kind":"pan"}}]}"#,
            "rules[0].match.kind: found a string, expected a list of kinds of findings",
        ),
        (
            r#"{"rules":[{"name":"a","action":"mask","match":{"kind":[]}}]}"#,
            "rules[0].match.kind: value not allowed, expected 1 to 100 kinds of findings; without the field everything matches",
        ),
        (
            r#"{"rules":[{"name":"a","action":"mask","match":{"field":"pan"}}]}"#,
            "rules[0].match.field: found a string, expected a list of fields",
        ),
        (
            r#"{"rules":[{"name":"a","action":"skip","match":{"field":["pan"]}}]}"#,
            "rules[0].action: value not allowed, expected mask, block or allow for a rule on kinds or fields: skip does not \
             inspect, so it finds nothing",
        ),
        (
            r#"{"rules":[{"name":"a","action":"skip","match":{"not":{"field":["pan"]}}}]}"#,
            "rules[0].action: value not allowed, expected mask, block or allow for a rule on kinds or fields: skip does not \
             inspect, so it finds nothing",
        ),
        (
            r#"{"rules":[{"name":"a","action":"mask","match":{"where":["body"],"kind":["value"]}}]}"#,
            "rules[0].match.kind: value not allowed, expected field with value: a rule on values names their fields",
        ),
        (
            r#"{"rules":[{"name":"a","action":"mask","match":{"field":["a"],"kind":["pan","value"]}}]}"#,
            r#"rules[0].match.where: value not allowed, expected ["body"] with kind value: values are found in bodies alone"#,
        ),
        (
            r#"{"rules":[{"name":"a","action":"allow","match":{"where":["body"],"field":["a"],"kind":["value"]}}]}"#,
            "rules[0].action: value not allowed, expected mask or block for a rule on values: another value of a field is no finding",
        ),
        (
            r#"{"rules":[{"name":"a","action":"mask","match":{"not":{"where":["body"],"field":["a"],"kind":["value"]}}}]}"#,
            "rules[0].match.not.kind: value not allowed, expected no value within not",
        ),
        (
            r#"{"rules":[{"name":"a","action":"mask","match":{"kinds":["pan"]}}]}"#,
            r#"rules[0].match: unknown field "kinds"; did you mean "kind"?"#,
        ),
        (
            r#"{"rules":[{"name":"a","action":"skip","match":{"kind":["pan"]}}]}"#,
            "rules[0].action: value not allowed, expected mask, block or allow for a rule on kinds or fields: skip does not \
             inspect, so it finds nothing",
        ),
        (
            r#"{"rules":[{"name":"a","action":"mask","match":{"kind":["pan","pin"]}}],"detect":{"authentication_data":false}}"#,
            "rules[0].match.kind[1]: value not allowed, expected detect.authentication_data with it, without which it is not \
             detected",
        ),
        (
            r#"{"rules":[{"name":"a","action":"mask","match":{"kind":["pattern"]}}]}"#,
            "rules[0].match.kind[0]: value not allowed, expected the name of a pattern in detect.patterns or detect.builtin_patterns",
        ),
        (
            r#"{"rules":[{"name":"a","action":"mask","match":{"kind":["pattern:ibam"]}}],"detect":{"patterns":[{"name":"iban","regex":"a"}]}}"#,
            "rules[0].match.kind[0]: value not allowed, expected the name of a pattern in detect.patterns or detect.builtin_patterns",
        ),
        (
            r#"{"rules":[{"name":"a","action":"mask","match":{"tls":true}}]}"#,
            "rules[0].match.tls: found a boolean, expected one of mutual, any, none",
        ),
        (
            r#"{"rules":[{"name":"a","action":"mask","match":{"path":"/v1"}}]}"#,
            "rules[0].match.path: found a string, expected an object",
        ),
        (
            r#"{"rules":[{"name":"a","action":"mask","match":{"path":[]}}]}"#,
            "rules[0].match.path: value not allowed, expected 1 to 100 paths; without the field everything matches",
        ),
        (
            r#"{"rules":[{"name":"a","action":"mask","match":{"path":[{"exact":"/a"},"/v1"]}}]}"#,
            "rules[0].match.path[1]: found a string, expected an object",
        ),
        (
            r#"{"rules":[{"name":"a","action":"mask","expires":"2027-01-01"}]}"#,
            "rules[0].expires: value not allowed, expected no expiry for a rule that masks or blocks: card numbers could pass \
             afterwards",
        ),
        (
            r#"{"rules":[{"name":"a","action":"allow","expires":"2027-02-29"}]}"#,
            "rules[0].expires: value not allowed, expected a day, such as 2027-03-31",
        ),
        (
            r#"{"rules":[{"name":"a","action":"allow","expires":20270228}]}"#,
            "rules[0].expires: found a whole number, expected a string",
        ),
        (
            r#"{"rules":[{"name":"a","action":"allow","owner":"a\nb"}]}"#,
            "rules[0].owner: value not allowed, expected 1 to 200 bytes on one line, with 11 digits at most",
        ),
        (
            r#"{"rules":[{"name":"a","action":"allow","description":""}]}"#,
            "rules[0].description: value not allowed, expected 1 to 200 bytes on one line, with 11 digits at most",
        ),
        (
            r#"{"rules":[{"name":"a","action":"mask","match":{"path":{}}}]}"#,
            "rules[0].match.path: value not allowed, expected exactly one of exact, prefix, regex",
        ),
        (
            r#"{"rules":[{"name":"a","action":"mask","match":{"path":{"exact":"/a","prefix":"/a"}}}]}"#,
            "rules[0].match.path: value not allowed, expected exactly one of exact, prefix, regex",
        ),
        (
            r#"{"rules":[{"name":"a","action":"mask","match":{"path":{"regex":7}}}]}"#,
            "rules[0].match.path.regex: found a whole number, expected a string",
        ),
        (
            r#"{"rules":[{"name":"a","action":"mask","match":{"path":{"sufix":"/a"}}}]}"#,
            r#"rules[0].match.path: unknown field "sufix"; expected one of exact, prefix, regex"#,
        ),
        (
            r#"{"rules":[{"name":"a","action":"mask","match":{"metod":["GET"]}}]}"#,
            r#"rules[0].match: unknown field "metod"; did you mean "method"?"#,
        ),
        (
            r#"{"rules":[{"name":"a","action":"mask"},{"name":"b","action":"mask"},{"name":"a","action":"skip"}]}"#,
            "rules[2].name: value not allowed, expected a name that no other rule has",
        ),
        (
            r#"{"rules":[{"name":"request","action":"mask"}]}"#,
            "rules[0].name: value not allowed, expected another name: records use request and response when no rule matches",
        ),
        (
            r#"{"rules":[{"name":"a","action":"mask","match":{"host":[]}}]}"#,
            "rules[0].match.host: value not allowed, expected 1 to 100 hosts; without the field everything matches",
        ),
        (
            r#"{"rules":[{"name":"a","action":"mask","match":{"destination":["spiffe://a/b"]}}]}"#,
            "rules[0].match.destination: value not allowed, expected direction response with it: the upstream is unknown \
             before its response",
        ),
        (
            r#"{"rules":[{"name":"a","action":"mask","match":{"direction":"request","destination":["spiffe://a/b"]}}]}"#,
            "rules[0].match.destination: value not allowed, expected direction response with it: the upstream is unknown \
             before its response",
        ),
        (
            r#"{"rules":[{"name":"a","action":"mask","match":{"status":[200]}}]}"#,
            "rules[0].match.status: value not allowed, expected direction response with it: the upstream is unknown before its \
             response",
        ),
        (
            r#"{"rules":[{"name":"a","action":"mask","match":{"direction":"request","not":{"status":[200]}}}]}"#,
            "rules[0].match.not.status: value not allowed, expected direction response with it: the upstream is unknown before \
             its response",
        ),
        (
            r#"{"rules":[{"name":"a","action":"mask","match":{"not":{"not":{"port":[1]}}}}]}"#,
            "rules[0].match.not.not: value not allowed, expected no not within not",
        ),
        (
            r#"{"rules":[{"name":"a","action":"mask","match":{"not":{}}}]}"#,
            "rules[0].match.not: value not allowed, expected at least one field; without one, the rule never matches",
        ),
        (
            r#"{"rules":[{"name":"a","action":"mask","match":{"not":[]}}]}"#,
            "rules[0].match.not: found a list, expected an object",
        ),
        (
            r#"{"rules":[{"name":"a","action":"mask","match":{"not":{"metod":["GET"]}}}]}"#,
            r#"rules[0].match.not: unknown field "metod"; did you mean "method"?"#,
        ),
        (
            r#"{"rules":[{"name":"a","action":"skip","match":{"not":{"kind":["pan"]}}}]}"#,
            "rules[0].action: value not allowed, expected mask, block or allow for a rule on kinds or fields: skip does not \
             inspect, so it finds nothing",
        ),
        (
            r#"{"rules":[{"name":"a","action":"mask","match":{"not":{"kind":["pattern:a"]}}}]}"#,
            "rules[0].match.not.kind[0]: value not allowed, expected the name of a pattern in detect.patterns or \
             detect.builtin_patterns",
        ),
        (
            r#"{"rules":[{"name":"a","action":"mask","match":{"headers":{"name":"a","present":true}}}]}"#,
            r#"rules[0].match: unknown field "headers"; did you mean "header"?"#,
        ),
        (
            r#"{"rules":[{"name":"a","action":"mask","match":{"remoteIp":["10.0.0.1"]}}]}"#,
            r#"rules[0].match: unknown field "remoteIp"; did you mean "remote_ip"?"#,
        ),
        (
            r#"{"rules":[{"name":"a","action":"mask","match":{"header":[]}}]}"#,
            "rules[0].match.header: value not allowed, expected 1 to 100 headers; without the field everything matches",
        ),
        (
            r#"{"rules":[{"name":"a","action":"mask","match":{"direction":"response","where":["path"]}}]}"#,
            "rules[0].match.where: value not allowed, expected direction request with path: a response has no path",
        ),
    ] {
        assert_eq!(error(json), format!("policy: {expected}"), "{json}");
    }
    let rules = |count: usize| {
        let rules: Vec<String> = (0..count).map(|n| format!(r#"{{"name":"a{}","action":"mask"}}"#, n)).collect();
        format!(r#"{{"rules":[{}]}}"#, rules.join(","))
    };
    parse(&rules(100));
    assert_eq!(error(&rules(101)), "policy: rules: value not allowed, expected at most 100 rules");
    let methods = |count: usize| {
        let methods = vec!["\"GET\""; count].join(",");
        format!(r#"{{"rules":[{{"name":"a","action":"mask","match":{{"method":[{methods}]}}}}]}}"#)
    };
    parse(&methods(100));
    assert_eq!(
        error(&methods(101)),
        "policy: rules[0].match.method: value not allowed, expected 1 to 100 methods; without the field everything matches"
    );
}

#[test]
fn each_value_of_a_condition_is_checked() {
    const PLAIN: &str = "value not allowed, expected a normalized path: it begins with a slash and has no query, \
                         escapes, parameters, backslashes, empty or dot segments";
    const HOST: &str = "value not allowed, expected the name of a host without port, or *. and such a name";
    const MEDIA: &str =
        "value not allowed, expected a content type without parameters, such as application/json or text/*";
    const PEER: &str = "value not allowed, expected spiffe://trust-domain/path, in which * stands for a whole segment, or at the end for the rest";
    const METHOD: &str = "value not allowed, expected a method in capital letters, such as POST";
    const HEADER: &str = "value not allowed, expected the name of a header, such as x-tenant; method, host and path have \
                          conditions of their own";
    const ONE: &str = "value not allowed, expected exactly one of exact, prefix, present";
    const VALUE: &str = "value not allowed, expected 1 to 256 bytes on one line, without spaces around them";
    const NETWORK: &str = "value not allowed, expected a network such as 10.0.0.0/8 or 2001:db8::/32, with zeros behind the \
                           prefix, or one address";
    const NAME: &str = "value not allowed, expected 1 to 256 bytes, in which one * stands for any characters; without the field \
                        everything matches";
    const FIELD: &str = "value not allowed, expected a name, or names with dots between them, of which * stands for any: pan, \
                         card.number, *.holder.ssn";
    let long = |length: usize| "a".repeat(length);
    let cases = [
        (r#"{"method":["post"]}"#.to_owned(), format!("method[0]: {METHOD}")),
        (r#"{"method":["GET",""]}"#.to_owned(), format!("method[1]: {METHOD}")),
        (format!(r#"{{"method":["{}"]}}"#, "A".repeat(33)), format!("method[0]: {METHOD}")),
        (r#"{"host":["a:80"]}"#.to_owned(), format!("host[0]: {HOST}")),
        (r#"{"host":["*"]}"#.to_owned(), format!("host[0]: {HOST}")),
        (r#"{"host":["a.*.com"]}"#.to_owned(), format!("host[0]: {HOST}")),
        (r#"{"host":["https://a"]}"#.to_owned(), format!("host[0]: {HOST}")),
        (format!(r#"{{"host":["{}"]}}"#, long(254)), format!("host[0]: {HOST}")),
        (r#"{"path":{"exact":"v1"}}"#.to_owned(), format!("path.exact: {PLAIN}")),
        (r#"{"path":{"exact":"/a?b"}}"#.to_owned(), format!("path.exact: {PLAIN}")),
        (r#"{"path":{"exact":"/%61"}}"#.to_owned(), format!("path.exact: {PLAIN}")),
        (r#"{"path":{"prefix":"//a"}}"#.to_owned(), format!("path.prefix: {PLAIN}")),
        (r#"{"path":{"prefix":"/a/../b"}}"#.to_owned(), format!("path.prefix: {PLAIN}")),
        (r#"{"path":{"prefix":"/a;b"}}"#.to_owned(), format!("path.prefix: {PLAIN}")),
        (r#"{"path":{"prefix":""}}"#.to_owned(), "path.prefix: value not allowed, expected 1 to 1024 bytes".to_owned()),
        (
            format!(r#"{{"path":{{"exact":"/{}"}}}}"#, long(1024)),
            "path.exact: value not allowed, expected 1 to 1024 bytes".to_owned(),
        ),
        (
            r#"{"path":{"regex":"/("}}"#.to_owned(),
            "path.regex: value not allowed, expected a regular expression over ASCII, without look-around and back-references"
                .to_owned(),
        ),
        (
            r#"{"path":{"regex":"[ab]*a[ab]{12}"}}"#.to_owned(),
            "path.regex: value not allowed, expected a simpler regular expression: its automaton is larger than 64 KiB"
                .to_owned(),
        ),
        (r#"{"content_type":["json"]}"#.to_owned(), format!("content_type[0]: {MEDIA}")),
        (r#"{"content_type":["*/*"]}"#.to_owned(), format!("content_type[0]: {MEDIA}")),
        (r#"{"content_type":["a/b; c=d"]}"#.to_owned(), format!("content_type[0]: {MEDIA}")),
        (r#"{"source":["checkout"]}"#.to_owned(), format!("source[0]: {PEER}")),
        (r#"{"source":["spiffe://"]}"#.to_owned(), format!("source[0]: {PEER}")),
        (r#"{"source":["spiffe://a/b*"]}"#.to_owned(), format!("source[0]: {PEER}")),
        (r#"{"source":["spiffe://a*/b"]}"#.to_owned(), format!("source[0]: {PEER}")),
        (r#"{"source":["spiffe://A/b"]}"#.to_owned(), format!("source[0]: {PEER}")),
        (r#"{"source":["spiffe://a/b/"]}"#.to_owned(), format!("source[0]: {PEER}")),
        (format!(r#"{{"source":["spiffe://a/{}"]}}"#, long(2048)), format!("source[0]: {PEER}")),
        (r#"{"header":{"name":":path","present":true}}"#.to_owned(), format!("header.name: {HEADER}")),
        (format!(r#"{{"header":{{"name":"{}","present":true}}}}"#, long(65)), format!("header.name: {HEADER}")),
        (r#"{"header":{"exact":"a"}}"#.to_owned(), r#"header: missing field "name""#.to_owned()),
        (r#"{"header":{"name":"a"}}"#.to_owned(), format!("header: {ONE}")),
        (r#"{"header":{"name":"a","exact":"b","prefix":"b"}}"#.to_owned(), format!("header: {ONE}")),
        (r#"{"header":{"name":"x-4111-1111-1111-1111","present":true}}"#.to_owned(), format!("header.name: {HEADER}")),
        (r#"{"header":{"name":"a","present":1}}"#.to_owned(), "header.present: found a whole number, expected true or false".to_owned()),
        (r#"{"header":[{"name":"a","exact":""}]}"#.to_owned(), format!("header[0].exact: {VALUE}")),
        (r#"{"header":{"name":"a","exact":" b"}}"#.to_owned(), format!("header.exact: {VALUE}")),
        (r#"{"header":{"name":"a","prefix":"b\u0000"}}"#.to_owned(), format!("header.prefix: {VALUE}")),
        (format!(r#"{{"header":{{"name":"a","exact":"{}"}}}}"#, long(257)), format!("header.exact: {VALUE}")),
        (r#"{"remote_ip":["10.0.0.1/8"]}"#.to_owned(), format!("remote_ip[0]: {NETWORK}")),
        (r#"{"remote_ip":["10.0.0.0/33"]}"#.to_owned(), format!("remote_ip[0]: {NETWORK}")),
        (r#"{"remote_ip":["office"]}"#.to_owned(), format!("remote_ip[0]: {NETWORK}")),
        (r#"{"remote_ip":[10]}"#.to_owned(), "remote_ip[0]: found a whole number, expected a string".to_owned()),
        (
            r#"{"port":[0]}"#.to_owned(),
            "port[0]: value not allowed, expected a whole number from 1 to 65535".to_owned(),
        ),
        (
            r#"{"port":["80"]}"#.to_owned(),
            "port[0]: found a string, expected a whole number from 1 to 65535".to_owned(),
        ),
        (
            r#"{"direction":"response","status":[99]}"#.to_owned(),
            "status[0]: value not allowed, expected a whole number from 100 to 599".to_owned(),
        ),
        (
            r#"{"direction":"response","status":["5xx"]}"#.to_owned(),
            "status[0]: found a string, expected a whole number from 100 to 599".to_owned(),
        ),
        (r#"{"route":["*"]}"#.to_owned(), format!("route[0]: {NAME}")),
        (r#"{"route":["a*b*"]}"#.to_owned(), format!("route[0]: {NAME}")),
        (r#"{"cluster":["a\n"]}"#.to_owned(), format!("cluster[0]: {NAME}")),
        (format!(r#"{{"cluster":["{}"]}}"#, long(257)), format!("cluster[0]: {NAME}")),
        (r#"{"field":[""]}"#.to_owned(), format!("field[0]: {FIELD}")),
        (r#"{"field":["*"]}"#.to_owned(), format!("field[0]: {FIELD}")),
        (r#"{"field":["a","*.*"]}"#.to_owned(), format!("field[1]: {FIELD}")),
        (r#"{"field":["a..b"]}"#.to_owned(), format!("field[0]: {FIELD}")),
        (r#"{"field":["card_*"]}"#.to_owned(), format!("field[0]: {FIELD}")),
        (r#"{"field":["a\n"]}"#.to_owned(), format!("field[0]: {FIELD}")),
        (r#"{"field":["card.4111111111111111"]}"#.to_owned(), format!("field[0]: {FIELD}")),
        (format!(r#"{{"field":["{}"]}}"#, long(257)), format!("field[0]: {FIELD}")),
        (r#"{"field":[7]}"#.to_owned(), "field[0]: found a whole number, expected a string".to_owned()),
        (r#"{"field":{}}"#.to_owned(), "field: found an object, expected a list of fields".to_owned()),
        (
            r#"{"kind":["cvv"]}"#.to_owned(),
            "kind[0]: unknown value, expected one of pan, track, chip, verification_code, pin, pattern, value, pattern:NAME"
                .to_owned(),
        ),
        (
            r#"{"kind":["pan","verification-code"]}"#.to_owned(),
            r#"kind[1]: unknown value; did you mean "verification_code"?"#.to_owned(),
        ),
        (r#"{"kind":[7]}"#.to_owned(), "kind[0]: found a whole number, expected a string".to_owned()),
        (
            r#"{"kind":["pattern:"]}"#.to_owned(),
            "kind[0]: value not allowed, expected 1 to 64 letters, digits (4 at most), '.', '_' or '-'".to_owned(),
        ),
        (
            r#"{"kind":["pattern:4111111111111111"]}"#.to_owned(),
            "kind[0]: value not allowed, expected 1 to 64 letters, digits (4 at most), '.', '_' or '-'".to_owned(),
        ),
        (r#"{"tls":"on"}"#.to_owned(), "tls: unknown value, expected one of mutual, any, none".to_owned()),
    ];
    for (condition, expected) in cases {
        let json = format!(r#"{{"rules":[{{"name":"a","action":"mask","match":{condition}}}]}}"#);
        assert_eq!(error(&json), format!("policy: rules[0].match.{expected}"));
    }
}

proptest! {
    /// No spelling of a path leads to a less strict decision than its normalized form.
    #[test]
    fn evasions_lead_to_stricter_decisions_only(
        intents in prop::collection::vec(prop::sample::select(vec!["mask", "block", "allow", "skip"]), 4),
        first in prop::sample::select(vec!["/pay", "/admin", "/pay/x", "/other"]),
        trick in prop::sample::select(vec!["%2f", "//", "/./", "/;a/", "%5c", "/x/../", "%252f", "/%2e/"]),
        second in prop::sample::select(vec!["pay", "admin", "x", ".."]),
    ) {
        let policy = parse(&format!(
            r#"{{"request":"{}","rules":[
                {{"name":"a","match":{{"path":{{"prefix":"/pay"}}}},"action":"{}"}},
                {{"name":"b","match":{{"path":{{"exact":"/admin/x"}}}},"action":"{}"}},
                {{"name":"c","match":{{"path":{{"regex":"/(admin|pay/.*)"}}}},"action":"{}"}}
            ]}}"#,
            intents[0], intents[1], intents[2], intents[3]
        ));
        let strictness = |path: &str| {
            let mut known = RequestContext::default();
            known.note_request_line(None, None, Some(path.as_bytes()));
            match policy.decide(&policy.judge(REQUEST, &known), Location::Body).intent {
                Intent::Skip => 0,
                Intent::Allow => 1,
                Intent::Mask => 2,
                Intent::Block => 3,
            }
        };
        let evasion = format!("{first}{trick}{second}");
        let plain = if second == ".." {
            first.rsplit_once('/').map_or("/", |(above, _)| if above.is_empty() { "/" } else { above }).to_owned()
        } else {
            format!("{first}/{second}")
        };
        prop_assert!(strictness(&evasion) >= strictness(&plain), "{} is {}", evasion, plain);
    }
}
