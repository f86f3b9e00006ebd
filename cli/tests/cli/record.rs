//! `panveil record`: its events, held to the published schemas, and the absence of card digits in them.

use crate::command::{failure, file, printed, run, stderr_line};
use crate::report::sample;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The oldest version of the schema with every attribute of an event, and the version that events name.
const SCHEMAS: [&str; 2] =
    [include_str!("ocsf/data_security_finding-1.4.0.json"), include_str!("ocsf/data_security_finding-1.8.0.json")];
const CARD: &str = "4111111111111111";

/// Events of a run.
fn events(arguments: &[&str], log: &str) -> Vec<Value> {
    let output = printed(&[&["record", "--to", "ocsf"], arguments].concat(), log.as_bytes());
    let events: Vec<Value> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for schema in SCHEMAS {
        let schema = jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap();
        for event in &events {
            let errors: Vec<String> =
                schema.iter_errors(event).map(|error| format!("{}: {error}", error.instance_path())).collect();
            assert_eq!(errors, [""; 0], "{event}");
        }
    }
    events
}

fn line(record: &Value) -> String {
    json!({"time": "2026-11-30T12:12:34.217Z", "flags": "-", "bytes_received": 0, "protocol": "HTTP/2", "method": "POST",
        "path": "/v1/charges", "panveil_action": "masked", "panveil_record": record.to_string()})
    .to_string()
}

fn finding(kind: &str, action: &str) -> Value {
    json!({"direction": "request", "place": "body", "field": "number", "kind": kind, "length": 16, "action": action, "rule": "request",
        "count": 2})
}

fn record(findings: &Value) -> Value {
    json!({"version": 1, "action": "masked", "found": 2, "findings": findings})
}

#[test]
fn a_record_becomes_a_data_security_finding() {
    let mut visa = finding("pan", "masked");
    visa["brand"] = "visa".into();
    let mut employee = finding("pattern", "masked");
    employee["pattern"] = "employee".into();
    let record = json!({
        "version": 1, "action": "masked", "found": 5, "authentication_data": true, "method": "POST", "host": "shop.example:8443",
        "path": "/v1/charges", "route": "charges", "cluster": "payments", "request_id": "2f0a", "client": "[fd00::7]",
        "source": "spiffe://cluster.local/ns/shop/sa/web", "destination": "spiffe://cluster.local/ns/payments/sa/api", "mtls": true,
        "fingerprint_key": "k", "findings": [visa, employee, finding("verification_code", "masked")], "findings_beyond": 1,
        "uninspected": [{"direction": "response", "reason": "encoding"}], "limits": [{"direction": "request", "limit": "header_count"}],
    });
    let mut events = events(&[], &line(&record));
    let uid = events[0]["finding_info"].as_object_mut().unwrap().remove("uid");
    assert_eq!(uid.unwrap().as_str().unwrap().len(), 22);
    let expected: Value = serde_json::from_str(include_str!("ocsf/event.json")).unwrap();
    assert_eq!(events, [expected]);
}

#[test]
fn the_documented_mapping_is_that_of_the_events() {
    let event: Value = serde_json::from_str(include_str!("ocsf/event.json")).unwrap();
    let page = include_str!("../../../docs/logs-and-metrics.md");
    let (_, table) = page.split_once("| record | attribute of OCSF |").unwrap();
    let (table, _) = table.split_once("\n\n").unwrap();
    let attributes =
        table.lines().filter_map(|row| row.split('|').nth(2)).flat_map(|cell| cell.split('`').skip(1).step_by(2));
    let documented: BTreeSet<String> = attributes.map(str::to_owned).collect();
    let mut set = BTreeSet::from(["finding_info.uid", "dst_endpoint.ip"].map(str::to_owned));
    for (name, value) in event.as_object().unwrap() {
        match value.as_object().filter(|_| name != "unmapped") {
            Some(fields) => set.extend(fields.keys().map(|field| format!("{name}.{field}"))),
            None => drop(set.insert(name.clone())),
        }
    }
    assert_eq!(documented, set);
}

#[test]
fn the_schemas_reject_other_events() {
    let event: Value = serde_json::from_str(include_str!("ocsf/event.json")).unwrap();
    for schema in SCHEMAS {
        let schema = jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap();
        for (pointer, value) in [
            ("/class_uid", json!(2001)),
            ("/metadata", json!({})),
            ("/time", json!("now")),
            ("/src_endpoint", json!({"a": 1})),
        ] {
            let mut other = event.clone();
            other["finding_info"]["uid"] = "x".into();
            assert!(schema.is_valid(&other));
            *other.pointer_mut(pointer).unwrap() = value;
            assert!(!schema.is_valid(&other), "{pointer}");
        }
    }
}

#[test]
fn actions_and_severities_follow_the_findings() {
    for (findings, action, disposition, severity) in [
        (json!([finding("pan", "blocked")]), "Denied", "Blocked", "Low"),
        (json!([finding("pan", "allowed")]), "Allowed", "Allowed", "Informational"),
        (json!([finding("pan", "reported")]), "Observed", "Detected", "Medium"),
        (json!([finding("pan", "allowed"), finding("pan", "masked")]), "Modified", "Corrected", "Low"),
        (json!([finding("pan", "masked"), finding("pin", "allowed")]), "Modified", "Corrected", "High"),
        (json!([finding("track", "reported")]), "Observed", "Detected", "High"),
        (json!([finding("quantum", "teleported")]), "Unknown", "Unknown", "Low"),
    ] {
        let event = &events(&[], &line(&record(&findings)))[0];
        assert_eq!(
            [&event["action"], &event["disposition"], &event["severity"]],
            [action, disposition, severity],
            "{findings}"
        );
    }
    let mut blocked = record(&json!([finding("pan", "masked")]));
    blocked["action"] = "blocked".into();
    assert_eq!(events(&[], &line(&blocked))[0]["action"], "Denied");
}

#[test]
fn every_event_of_a_long_log_fits_the_schemas() {
    let streams = sample::streams(500);
    let log = sample::lines(&streams).join("\n");
    let path = file("record.log", &log);
    let events = events(&[&path], "");
    assert_eq!(events.len(), streams.iter().filter(|stream| !stream.findings.is_empty()).count());
    let uids: BTreeSet<&str> = events.iter().filter_map(|event| event["finding_info"]["uid"].as_str()).collect();
    assert_eq!(uids.len(), events.len());
    assert_eq!(printed(&["record", "--to", "ocsf", &path], b""), printed(&["record", "--to", "ocsf"], log.as_bytes()));
}

#[test]
fn hosts_and_addresses_have_their_attributes() {
    for (host, client, endpoints) in [
        ("10.0.3.9:80", "10.0.3.7", json!([{"ip": "10.0.3.7"}, {"ip": "10.0.3.9", "port": 80}])),
        ("[fd00::9]", "fd00::7", json!([{"ip": "fd00::7"}, {"ip": "fd00::9"}])),
        ("a:b", "unix", json!([null, {"hostname": "a"}])),
        ("", "[****:****:****:****::1]", json!([null, null])),
        ("", "4111:1111:1111:1111::1", json!([null, null])),
    ] {
        let mut record = record(&json!([finding("pan", "masked")]));
        record["host"] = host.into();
        record["client"] = client.into();
        let event = &events(&[], &line(&record))[0];
        assert_eq!(json!([event["src_endpoint"], event["dst_endpoint"]]), endpoints, "{host} {client}");
    }
}

/// A record that a log contains may not be one of panveil.
#[test]
fn no_text_of_a_record_leaves_a_card_number_in_an_event() {
    let mut finding = finding(CARD, CARD);
    for name in ["direction", "place", "field", "brand", "pattern", "rule"] {
        finding[name] = format!("x {CARD}").into();
    }
    finding["truncated"] = json!(["411111******1111"]);
    finding["fingerprints"] = json!(["fRAywt11O34vkVrQ6JLYn3TiiY9Wnf9WHmoueKqFETI"]);
    let mut record = record(&json!([finding]));
    for name in
        ["method", "host", "path", "route", "cluster", "request_id", "client", "source", "destination", "action"]
    {
        record[name] = format!("\u{1b}[2K{CARD}").into();
    }
    record["uninspected"] = json!([{"direction": CARD, "reason": CARD}]);
    record["limits"] = json!([{"direction": CARD, "limit": CARD}]);
    let output = printed(&["record", "--to", "ocsf"], line(&record).as_bytes());
    for leak in ["1111", "fRAywt11", "\u{1b}"] {
        assert!(!output.contains(leak), "{output}");
    }
}

#[test]
fn lines_without_an_event_are_left_out_or_named() {
    let clean = line(&record(&json!([])));
    let other = "2026-11-30T09:00:00Z\tinfo\tEnvoy proxy is ready";
    let nothing = json!({"time": "2026-11-30T12:12:34.217Z", "flags": "-", "bytes_received": 0}).to_string();
    assert_eq!(printed(&["record", "--to", "ocsf"], [clean.as_str(), other, &nothing].join("\n").as_bytes()), "");
    let without_time = record(&json!([finding("pan", "masked")])).to_string();
    assert_eq!(
        failure(&["record", "--to", "ocsf"], without_time.as_bytes()),
        "1 record without a time not converted; give the lines of the access log"
    );
    let broken = "{\"panveil_action\":\"masked\",\"panveil_record\":\"{\"}\n".repeat(2);
    assert_eq!(
        failure(&["record", "--to", "ocsf"], broken.as_bytes()),
        "2 lines with columns of panveil cannot be read"
    );
    let output = run(&["record", "--to", "ocsf", "absent.log"], b"");
    assert!(stderr_line(&output).starts_with("absent.log: "), "{output:?}");
    assert_eq!(output.status.code(), Some(2));
    for arguments in [&["record"][..], &["record", "--to", "ecs"]] {
        assert!(failure(arguments, b"").contains("--to"), "{arguments:?}");
    }
}
