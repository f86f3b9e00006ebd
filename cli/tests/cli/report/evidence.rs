//! Audits, policies and metrics in a report.

use super::{failure, file, json, rows, run};
use serde_json::{Value, json as object};

/// Output of an audit of the mesh of the audit's tests, with one text replaced, at a time.
fn audit(name: &str, from: &str, to: &str, time: &str) -> String {
    const MESH: &str = include_str!("../audit/mesh.yaml");

    assert!(MESH.contains(from));
    let mesh = file(&format!("report-{name}.yaml"), MESH.replacen(from, to, 1));
    let output = run(&["audit", "--format", "json", &mesh], b"");
    let text = String::from_utf8(output.stdout).unwrap();
    let first: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!(first["record"], "audit");
    file(&format!("report-{name}.json"), text.replacen(first["time"].as_str().unwrap(), time, 1))
}

#[test]
fn audits_show_the_coverage_over_time() {
    let log = file("report-none.log", "");
    let good = audit("good", "failStrategy", "failStrategy", "2026-11-01T00:00:00Z");
    let open = audit("open", "FAIL_RELOAD", "FAIL_OPEN", "2026-11-15T00:00:00Z");
    let also_good = audit("later", "failStrategy", "failStrategy", "2026-11-30T00:00:00Z");
    let report = json(&["--audit", &also_good, "--audit", &open, "--audit", &good, &log]);
    let audits = rows(&report, "audits");
    let counts: Vec<_> =
        audits.iter().map(|row| (row["time"].as_str().unwrap(), row["high"].as_u64().unwrap())).collect();
    assert!(
        matches!(
            counts.as_slice(),
            [("2026-11-01T00:00:00Z", 0), ("2026-11-15T00:00:00Z", 1..), ("2026-11-30T00:00:00Z", 0)]
        ),
        "{counts:?}"
    );
    assert_eq!(audits[0]["ports"], audits[0]["inspected"]);
    let findings = rows(&report, "audit_findings");
    let open = findings.iter().find(|row| row["rule"] == "fail-open").unwrap();
    assert_eq!((&open["first"], &open["open"]), (&object!("2026-11-15T00:00:00Z"), &object!("no")));
    let plugins = rows(&report, "plugins");
    let failures: Vec<_> = plugins.iter().map(|row| row["on_failure"].as_str().unwrap()).collect();
    assert!(failures.contains(&"FAIL_OPEN") && failures.contains(&"FAIL_RELOAD"), "{failures:?}");
    let digest = plugins[0]["policy"].as_str().unwrap();
    assert!(digest.len() == 64 && plugins[0]["first"].as_str() < plugins[0]["last"].as_str(), "{}", plugins[0]);
    assert!(rows(&report, "ports").iter().all(|row| row["inspected"] == "yes"));
}

#[test]
fn rules_have_their_owner_and_last_day() {
    let policy = "rules:
- {name: charges, match: {path: {prefix: /v1/charges}}, action: allow, owner: team checkout, expires: 2027-03-31}
- {name: unused, action: allow, owner: team export}
";
    let policy = file("report-policy.yaml", policy);
    let record = object!({"version": 1, "action": "allowed", "found": 1, "findings": [
        {"direction": "request", "kind": "pan", "action": "allowed", "rule": "charges", "count": 1}]});
    let log = file("report-rules.log", format!("{record}\n"));
    let report = json(&["--policy", &policy, &log]);
    let shown = |row: &Value| ["rule", "findings", "owner", "expires"].map(|name| row[name].clone());
    assert_eq!(
        rows(&report, "rules").iter().map(shown).collect::<Vec<_>>(),
        [
            [object!("charges"), object!(1), object!("team checkout"), object!("2027-03-31")],
            [object!("unused"), object!(0), object!("team export"), object!(null)],
        ]
    );
    assert_eq!(rows(&report, "permitted")[0]["owner"], "team checkout");
}

#[test]
fn audits_of_the_same_time_are_rejected() {
    let good = audit("first", "failStrategy", "failStrategy", "2026-11-01T00:00:00Z");
    let open = audit("second", "FAIL_RELOAD", "FAIL_OPEN", "2026-11-01T00:00:00.5Z");
    let line = failure(&["report", "--audit", &good, "--audit", &open], b"");
    assert_eq!(line, format!("{open}: same time as another audit; give one audit of each time"));
}

#[test]
fn an_alert_keeps_its_duration_beside_a_response_with_a_shorter_step() {
    let alert = object!({"__name__": "ALERTS", "alertname": "PanveilMissing", "alertstate": "firing"});
    let response = |step: u64| {
        let values: Vec<_> = (0..=900 / step).map(|sample| object!([1_796_040_000 + sample * step, "1"])).collect();
        let result = [object!({"metric": alert, "values": values})];
        let response = object!({"status": "success", "data": {"resultType": "matrix", "result": result}});
        file(&format!("report-step-{step}.json"), response.to_string())
    };
    let report = json(&["--prometheus", &response(300), "--prometheus", &response(60)]);
    let shown: Vec<_> = rows(&report, "alerts").iter().map(|row| (&row["from"], &row["duration"])).collect();
    let expected = (&object!("2026-11-30T12:00:00Z"), &object!(900));
    assert_eq!(shown, [expected, expected]);
}

#[test]
fn metrics_show_versions_and_failures_over_time() {
    let begin = 1_796_040_000;
    let series = |labels: &[(&str, &str)], values: &[(u64, &str)]| {
        let metric: serde_json::Map<String, Value> =
            labels.iter().map(|(name, value)| ((*name).to_owned(), object!(value))).collect();
        object!({"metric": metric, "values": values.iter().map(|(time, value)| object!([begin + time, value])).collect::<Vec<_>>()})
    };
    let info = |pod, mode| {
        [("__name__", "panveil_config_info"), ("namespace", "shop"), ("pod", pod), ("version", "0.1.0"), ("mode", mode)]
    };
    let alert = [
        ("__name__", "ALERTS"),
        ("alertname", "PanveilMissing"),
        ("alertstate", "firing"),
        ("namespace", "shop"),
        ("pod", "web-1"),
        ("severity", "critical"),
        ("pci_dss", "10.7.2"),
    ];
    let pending = alert.map(|(name, value)| if name == "alertstate" { (name, "pending") } else { (name, value) });
    let missing = [("__name__", "proxy:panveil_missing"), ("namespace", "shop"), ("pod", "web-1")];
    let result = [
        series(&info("web-1", "monitor"), &[(0, "1"), (60, "1"), (120, "0")]),
        series(&info("web-1", "enforce"), &[(60, "0"), (120, "1"), (180, "1")]),
        series(&info("web-2", "enforce"), &[(0, "1"), (60, "1"), (120, "1"), (180, "1")]),
        series(&alert, &[(300, "1"), (360, "1"), (420, "1"), (600, "1")]),
        series(&pending, &[(240, "1")]),
        series(&missing, &[(240, "1"), (300, "1")]),
    ];
    let response = object!({"status": "success", "data": {"resultType": "matrix", "result": result}}).to_string();
    let prometheus = file("report-prometheus.json", response);
    let report = json(&["--prometheus", &prometheus]);
    let shown = |table: &str, names: &[&str]| -> Vec<String> {
        let cell = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let row = |row: &Value| names.iter().map(|name| cell(&row[*name])).collect::<Vec<String>>().join(" ");
        rows(&report, table).iter().map(row).collect()
    };
    assert_eq!(
        shown("versions", &["namespace", "version", "mode", "proxies", "first", "last"]),
        [
            "shop 0.1.0 enforce 2 2026-11-30T12:00:00Z 2026-11-30T12:03:00Z",
            "shop 0.1.0 monitor 1 2026-11-30T12:00:00Z 2026-11-30T12:01:00Z",
        ]
    );
    assert_eq!(
        shown("alerts", &["alert", "severity", "requirement", "pod", "from", "to", "duration"]),
        [
            "PanveilMissing critical 10.7.2 web-1 2026-11-30T12:05:00Z 2026-11-30T12:07:00Z 120",
            "PanveilMissing critical 10.7.2 web-1 2026-11-30T12:10:00Z 2026-11-30T12:10:00Z 0",
        ]
    );
    assert_eq!(shown("missing", &["namespace", "proxy", "from", "duration"]), ["shop web-1 2026-11-30T12:04:00Z 60"]);
}
