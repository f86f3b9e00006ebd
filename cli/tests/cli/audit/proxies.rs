//! Running proxies, by `/config_dump`.

use crate::command::{file, run};
use serde_json::{Value, json};

const FILTER: &str = "extensions.istio.io/trafficextension/shop.panveil~istio-translated-wasmplugin";

/// Configuration dump of a pod of `web.shop`.
fn dump(pod: &str, listed: bool, policy: &str, minor: u64) -> Value {
    let router = json!({"name": "envoy.filters.http.router"});
    let filters = if listed { json!([{"name": FILTER}, router]) } else { json!([router]) };
    let file = format!("/var/lib/istio/data/{}.wasm", "0123456789abcdef".repeat(4));
    json!({"configs": [
        {"@type": "type.googleapis.com/envoy.admin.v3.BootstrapConfigDump", "bootstrap": {"node": {
            "id": format!("sidecar~10.0.0.1~{pod}.shop~shop.svc.cluster.local"),
            "cluster": "web.shop",
            "user_agent_build_version": {"version": {"major_number": 1, "minor_number": minor}},
        }}},
        {"@type": "type.googleapis.com/envoy.admin.v3.EcdsConfigDump", "ecds_filters": [{"ecds_filter": {
            "name": FILTER,
            "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm", "config": {
                "vm_config": {"code": {"local": {"filename": file}}},
                "failure_policy": "FAIL_RELOAD",
                "configuration": {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": policy},
            }},
        }}]},
        {"@type": "type.googleapis.com/envoy.admin.v3.ListenersConfigDump", "dynamic_listeners": [{
            "active_state": {"listener": {"name": "virtualInbound", "http_filters": filters}},
        }]},
    ]})
}

fn findings(name: &str, dumps: &[Value]) -> Vec<String> {
    let files: Vec<String> = dumps
        .iter()
        .enumerate()
        .map(|(index, dump)| file(&format!("audit-proxy-{name}-{index}.json"), dump.to_string()))
        .collect();
    let mut arguments = vec!["audit", "--format", "json"];
    arguments.extend(files.iter().map(String::as_str));
    let output = run(&arguments, b"");
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let found: Vec<Value> = lines.filter(|line| line["record"] == "finding").collect();
    assert_eq!(output.status.code(), Some(i32::from(!found.is_empty())), "{text}");
    let part = |finding: &Value, field: &str| finding[field].as_str().unwrap().to_owned();
    found.iter().map(|finding| format!("{} {}", part(finding, "rule"), part(finding, "subject"))).collect()
}

#[test]
fn proxies_are_compared() {
    let good = |pod| dump(pod, true, "{}", 40);
    assert_eq!(findings("clean", &[good("web-1"), good("web-2")]), [""; 0]);
    assert_eq!(
        findings("without", &[good("web-1"), dump("web-2", false, "{}", 40)]),
        ["proxy-without-panveil proxy web-2.shop"]
    );
    assert_eq!(
        findings("differ", &[good("web-1"), good("web-2"), dump("web-3", true, "{\"mode\":\"monitor\"}", 40)]),
        ["monitor-mode proxy web-3.shop", "proxies-differ proxies web.shop"]
    );
    assert_eq!(findings("old", &[dump("web-1", true, "{}", 35)]), ["envoy-untested proxy web-1.shop"]);
    let mut open = good("web-1");
    open["configs"][1]["ecds_filters"][0]["ecds_filter"]["typed_config"]["config"]["failure_policy"] =
        json!("FAIL_OPEN");
    assert_eq!(findings("open", &[open]), ["fail-open proxy web-1.shop"]);
    let mut partly = good("web-1");
    let listener = &mut partly["configs"][2]["dynamic_listeners"][0];
    listener["active_state"]["listener"]["other"] = json!({"http_filters": []});
    assert_eq!(findings("partly", &[partly.clone()]), ["proxy-partly-covered proxy web-1.shop"]);
    let mut rejected = good("web-1");
    rejected["configs"][2]["dynamic_listeners"][0]["error_state"] = json!({"details": "denied"});
    assert_eq!(findings("rejected", &[rejected]), ["proxy-update-rejected proxy web-1.shop"]);
}

#[test]
fn delivered_policies_are_audited() {
    let of_policy = |name: &str, policy: &str| findings(name, &[dump("web-1", true, policy, 40)]);
    let rule = |action: &str, conditions: &str| {
        format!(r#"{{"rules":[{{"name":"all","match":{{{conditions}}},"action":"{action}"}}]}}"#)
    };
    let source = r#""source":["spiffe://cluster.local/ns/shop/sa/till"]"#;
    for (name, policy, expected) in [
        ("monitor", r#"{"mode":"monitor"}"#.to_owned(), "monitor-mode"),
        ("skips", r#"{"request":"skip"}"#.to_owned(), "rule-skips"),
        ("rule-skips", rule("skip", source), "rule-skips"),
        ("client", rule("allow", r#""host":["api.example"]"#), "rule-client-controlled"),
        ("invalid", r#"{"mode":"watch"}"#.to_owned(), "policy-invalid"),
    ] {
        assert_eq!(of_policy(name, &policy), [format!("{expected} proxy web-1.shop")], "{policy}");
    }
    // Connections that drain keep a plugin of which no listener has the filter any more.
    let mut draining = dump("web-1", true, "{}", 40);
    let filters = &mut draining["configs"][1]["ecds_filters"];
    let mut removed = filters[0].clone();
    removed["ecds_filter"]["name"] = json!("extensions.istio.io/trafficextension/istio-system.panveil");
    removed["ecds_filter"]["typed_config"]["config"]["configuration"]["value"] = json!(r#"{"mode":"monitor"}"#);
    filters.as_array_mut().unwrap().push(removed);
    assert_eq!(findings("draining", &[draining]), [""; 0]);
    for (name, policy) in [
        ("enforce", r#"{"mode":"enforce"}"#.to_owned()),
        ("by-source", rule("allow", source)),
        ("responses", rule("skip", &format!(r#"{source},"direction":"response""#))),
    ] {
        assert_eq!(of_policy(name, &policy), [""; 0], "{policy}");
    }
}
