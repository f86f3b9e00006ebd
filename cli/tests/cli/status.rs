//! `panveil status` on admin pages in the format of Envoy 1.40.

#![expect(clippy::indexing_slicing, reason = "a panic here is a failed test")]

use crate::command::{failure, file, printed, run};
use serde_json::{Value, json};

const NAME: &str = "extensions.istio.io/trafficextension/shop.panveil~istio-translated-wasmplugin";
const DISCOVERY: &str = "envoy_extension_config_discovery_http_filter_extensions_istio_io_trafficextension_shop_panveil_istio_translated_wasmplugin";
/// Time of the last delivery in the pages, and the same in milliseconds.
const DELIVERED: (&str, u64) = ("2026-11-30T12:12:34.217Z", 1_796_040_754_217);
const DIGEST: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const DETAILS: &str = "unable to open file '/dev/stdout': Permission denied";

/// Page `/stats/prometheus` with these samples.
fn stats(samples: &[&str]) -> String {
    let begin = "# TYPE envoy_server_live gauge\nenvoy_server_live{} 1\n";
    samples.iter().fold(begin.to_owned(), |page, sample| page + sample + "\n")
}

/// Samples after so many accepted, rejected and repeated deliveries, of which one was accepted last.
fn deliveries(accepted: u64, rejected: u64, repeated: u64) -> String {
    let samples = [
        ("config_reload", accepted.saturating_add(rejected)),
        ("update_success", accepted.saturating_add(repeated)),
        ("update_rejected", rejected),
        ("update_time", if accepted > 0 { DELIVERED.1 } else { 0 }),
    ];
    samples.map(|(name, value)| format!("{DISCOVERY}_{name}{{}} {value}\n")).concat()
}

/// Page of a proxy in which panveil runs, with these samples about deliveries.
fn running(deliveries: &str) -> String {
    stats(&[
        r#"panveil_config_info{version="0.1.0",mode="monitor"} 0"#,
        r#"panveil_config_info{version="0.1.0",mode="enforce"} 1"#,
        deliveries.trim_end(),
        "envoy_listener_manager_lds_update_rejected{} 0",
    ])
}

fn active() -> String {
    running(&deliveries(1, 0, 0))
}

/// Filter chain, with or without panveil's filter.
fn chain(with: bool) -> Value {
    let router = json!({"name": "envoy.filters.http.router"});
    let own = json!({"name": NAME, "config_discovery": {"config_source": {"ads": {}}}});
    let filters = if with { json!([own, router]) } else { json!([router]) };
    json!({"filters": [{"name": "hcm", "typed_config": {"http_filters": filters}}]})
}

fn listener(chains: &[bool], rejected: bool) -> Value {
    let chains: Vec<Value> = chains.iter().map(|with| chain(*with)).collect();
    let mut listener = json!({
        "name": "virtualInbound",
        "active_state": {"listener": {"name": "virtualInbound", "filter_chains": chains}},
    });
    if rejected {
        let failed = json!({"name": "virtualInbound", "filter_chains": [chain(true)]});
        listener["error_state"] = json!({"failed_configuration": failed, "details": DETAILS});
    }
    listener
}

/// Page `/config_dump` with this listener and this configuration of panveil's filter.
fn dump(listener: &Value, delivered: Option<&Value>) -> String {
    let filters: Vec<Value> = delivered
        .iter()
        .map(|config| json!({"ecds_filter": {"name": NAME, "typed_config": config}, "last_updated": DELIVERED.0}))
        .collect();
    let page = json!({"configs": [
        {"@type": "type.googleapis.com/envoy.admin.v3.EcdsConfigDump", "ecds_filters": filters},
        {"@type": "type.googleapis.com/envoy.admin.v3.ListenersConfigDump", "dynamic_listeners": [listener]},
    ]});
    page.to_string()
}

fn wasm(failure_policy: &str) -> Value {
    json!({"@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm", "config": {
        "name": "shop.panveil~istio-translated-wasmplugin",
        "root_id": "panveil",
        "failure_policy": failure_policy,
        "vm_config": {"code": {"local": {"filename": format!("/var/lib/istio/data/a/{DIGEST}.wasm")}}},
        "configuration": {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": r#"{"mode":"enforce"}"#},
    }})
}

fn rbac(rules: Option<Value>) -> Value {
    let mut filter = json!({"@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC"});
    if let Some(rules) = rules {
        filter["rules"] = rules;
    }
    filter
}

/// State of a proxy with these pages, its notes and the exit status.
fn status(proxy: &str, dump: Option<&str>, stats: Option<&str>) -> (String, String, Option<i32>) {
    let pages = [("json", dump), ("prom", stats)];
    let pages: Vec<String> =
        pages.iter().flat_map(|(ending, page)| page.map(|page| file(&format!("{proxy}.{ending}"), page))).collect();
    let mut arguments = vec!["status", "--format", "json"];
    arguments.extend(pages.iter().map(String::as_str));
    let output = run(&arguments, b"");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let line: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(line["proxy"], proxy);
    let notes = line["notes"].as_array().unwrap().iter().map(|note| note.as_str().unwrap()).collect::<Vec<_>>();
    (line["state"].as_str().unwrap().to_owned(), notes.join("; "), output.status.code())
}

#[test]
fn status_lists_each_proxy() {
    let good = dump(&listener(&[true], false), Some(&wasm("FAIL_RELOAD")));
    let pages = [
        file("web-1.json", &good),
        file("web-1.prom", active()),
        file("web-2.json", dump(&listener(&[true], false), Some(&rbac(Some(json!({})))))),
        file("web-2.prom", stats(&[deliveries(1, 0, 0).trim_end()])),
    ];
    let arguments: Vec<&str> = std::iter::once("status").chain(pages.iter().map(String::as_str)).collect();
    let output = run(&arguments, b"");
    let expected = "\
        proxy  state   version  mode     policy        module\n\
        web-1  active  0.1.0    enforce  c592aff2a1e2  0123456789ab\n\
        web-2  off\n  module not fetched: every request is denied with 403\n\n\
        2 proxies: 1 active, 1 off\n";
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
    assert_eq!(output.status.code(), Some(1));
    let text = printed(&["status", &pages[0], &pages[1]], b"");
    assert!(text.ends_with("\n1 proxy: 1 active\n"), "{text}");
    assert!(printed(&["status", "-"], active().as_bytes()).contains("1 active"));
}

#[test]
fn status_gives_the_reason_if_panveil_is_not_active() {
    let named = listener(&[true], false);
    let fetch = r#"istio_agent_wasm_remote_fetch_count{result="download_failure"} 1"#;
    let rejected = deliveries(0, 1, 0);
    let left_out = stats(&[r#"panveil_config_info{version="0.1.0",mode="monitor"} 0"#]);
    let good = dump(&named, Some(&wasm("FAIL_RELOAD")));
    for (proxy, dump, stats, state, note) in [
        ("denied", Some(dump(&named, Some(&rbac(Some(json!({})))))), None, "off", "module not fetched: every request"),
        ("allowed", Some(dump(&named, Some(&rbac(None)))), None, "off", "every request passes unmasked"),
        ("agent", None, Some(stats(&[fetch])), "off", "module not fetched (download_failure)"),
        ("policy", Some(good.clone()), Some(stats(&[rejected.trim_end()])), "off", "first policy rejected"),
        (
            "bare",
            Some(dump(&listener(&[false], false), None)),
            Some(stats(&[])),
            "off",
            "no listener references its filter",
        ),
        ("rejected", Some(dump(&listener(&[false], true), None)), Some(stats(&[])), "off", DETAILS),
        ("drained", Some(dump(&listener(&[false], false), None)), Some(active()), "off", "being drained"),
        ("excluded", Some(good.clone()), Some(left_out), "left out", "excludes the namespace"),
        ("delivered", Some(good), None, "unknown", "/stats/prometheus shows whether"),
    ] {
        let (found, notes, code) = status(proxy, dump.as_deref(), stats.as_deref());
        assert_eq!((found.as_str(), code), (state, Some(1)), "{proxy}: {notes}");
        assert!(notes.contains(note), "{proxy}: {notes}");
    }
}

#[test]
fn status_reports_problems_of_an_active_proxy() {
    let some = dump(&listener(&[true, false], true), Some(&wasm("FAIL_OPEN")));
    let rejected = running(&deliveries(2, 2, 0));
    let (state, notes, code) = status("noted", Some(&some), Some(&rejected));
    assert_eq!((state.as_str(), code), ("active", Some(0)), "{notes}");
    for part in [
        "FAIL_OPEN: ",
        "1 of 2 HTTP filter chains without panveil",
        "updates rejected since the proxy started: 2; a later one is active",
        ": update rejected: unable",
    ] {
        assert!(notes.contains(part), "{notes}");
    }
    let unlabelled = stats(&["panveil_config_version___0_1_0___mode___monitor___info{} 1"]);
    let (state, notes, code) = status("unlabelled", None, Some(&unlabelled));
    assert_eq!((state.as_str(), code), ("active", Some(0)), "{notes}");
    assert!(notes.contains("metrics without labels"), "{notes}");
}

/// Pages that Envoy 1.40 showed, reduced to the parts about panveil.
#[test]
fn status_tells_a_rejected_configuration_from_an_active_one() {
    let pages: Value = serde_json::from_str(include_str!("envoy-pages.json")).unwrap();
    let invalid = "policy: request: unknown value, expected one of mask, block, allow, skip";
    let previous = format!("the previous configuration stays active: {invalid}");
    let listener = format!(
        "listener inbound: the previous configuration stays active: Unable to create Wasm plugin panveil; {invalid}"
    );
    let other =
        "the previous configuration stays active: the policy is valid for this version of the command; see Envoy's log";
    for (name, state, notes) in [
        ("accepted", "active", ""),
        ("rejected", "rejected", &previous),
        ("corrected", "active", "updates rejected since the proxy started: 1; a later one is active"),
        ("rejected-and-repeated", "rejected", &previous),
        (
            "repeated-and-corrected",
            "active",
            "updates rejected since the proxy started: 1; the delivered policy may not be active, see Envoy's log",
        ),
        ("missing-module", "rejected", other),
        ("first-rejected", "off", &format!("first policy rejected: every request fails with 500; {invalid}")),
        ("listener-rejected", "rejected", &listener),
    ] {
        let page = &pages[name];
        let samples: Vec<&str> = page["stats"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
        let found = status(name, Some(&page["config_dump"].to_string()), Some(&(samples.join("\n") + "\n")));
        assert_eq!(found, (state.to_owned(), notes.to_owned(), Some(i32::from(state != "active"))), "{name}");
    }
}

#[test]
fn status_lists_no_policy_that_envoy_rejected() {
    let mut config = wasm("FAIL_RELOAD");
    config["config"]["configuration"]["value"] = json!(r#"{"mode":"enfroce"}"#);
    let pages = [
        file("late-1.json", dump(&listener(&[true], false), Some(&config))),
        file("late-1.prom", running(&deliveries(1, 1, 1))),
    ];
    let output = run(&["status", &pages[0], &pages[1]], b"");
    let expected = "\
        proxy   state     version  mode     policy  module\n\
        late-1  rejected  0.1.0    enforce\n  \
        the previous configuration stays active: policy: mode: unknown value; did you mean \"enforce\"?\n\n\
        1 proxy: 1 rejected\n";
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn status_does_not_guess_without_the_statistics_about_deliveries() {
    let delivered = dump(&listener(&[true], false), Some(&wasm("FAIL_RELOAD")));
    let (state, notes, code) = status("bare-stats", Some(&delivered), Some(&running("")));
    assert_eq!((state.as_str(), code), ("active", Some(0)), "{notes}");
    assert!(notes.contains("no statistics extension_config_discovery"), "{notes}");
    let (state, notes, code) = status("no-dump", None, Some(&running(&deliveries(2, 1, 0))));
    assert_eq!((state.as_str(), code), ("unknown", Some(1)), "{notes}");
    assert!(notes.contains("/config_dump shows whether"), "{notes}");
}

#[test]
fn status_prints_no_card_number_of_a_page() {
    let mut listener = listener(&[false], true);
    listener["error_state"]["details"] = json!("cannot open /4111111111111111\u{1b}[2J");
    let (_, notes, _) = status("card", Some(&dump(&listener, None)), None);
    assert!(!notes.contains("4111111111111111") && !notes.contains('\u{1b}'), "{notes}");
}

#[test]
fn status_rejects_other_files() {
    let other = file("other.txt", "hello\n");
    assert!(
        failure(&["status", &other], b"")
            .ends_with("other.txt: neither /config_dump nor /stats/prometheus; save a page of Envoy's admin interface")
    );
    assert_eq!(
        failure(&["status", "-"], b"{}"),
        "<stdin>: no configs; save the page /config_dump of Envoy's admin interface"
    );
    let pages = [file("twice.a", active()), file("twice.b", active())];
    assert!(
        failure(&["status", &pages[0], &pages[1]], b"")
            .ends_with("twice.b: second page of this kind for one proxy; name the files by pod")
    );
    assert!(failure(&["status", "/nowhere"], b"").starts_with("/nowhere: cannot be read: "));
}
