//! Forms of input, output, and suppressions.

use super::{MESH, changed, findings, records};
use crate::command::{failure, file, folder, printed, run, stderr_line};
use serde_json::Value;
use std::fs;

/// Running pod of `web` with these containers.
fn pod(name: &str, proxy: Option<&str>) -> String {
    let proxy = proxy.map(|image| format!(", {{name: istio-proxy, image: {image}}}")).unwrap_or_default();
    format!(
        "---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\n  namespace: shop\n  labels: {{app: web, pod-template-hash: abc}}\n  \
         ownerReferences: [{{kind: ReplicaSet, name: web-abc, controller: true}}]\nspec:\n  nodeName: node-1\n  \
         containers: [{{name: web, image: a}}{proxy}]\nstatus: {{phase: Running}}\n"
    )
}

#[test]
fn running_pods_show_whether_they_have_a_sidecar() {
    let image = "docker.io/istio/proxyv2:1.29.6";
    let (one, two, bare) = (pod("web-1", Some(image)), pod("web-2", Some(image)), pod("web-3", None));
    assert_eq!(findings("audit-pods.yaml", &format!("{MESH}{one}{two}")), [""; 0]);
    assert_eq!(findings("audit-pods-some.yaml", &format!("{MESH}{one}{bare}")), ["pod-outdated Deployment shop/web"]);
    assert_eq!(findings("audit-pods-none.yaml", &format!("{MESH}{bare}")), ["no-sidecar Deployment shop/web"]);
    let old = one.replace("1.29.6", "1.26.2-distroless");
    assert_eq!(findings("audit-pods-old.yaml", &format!("{MESH}{old}")), ["istio-too-old Deployment shop/web"]);
}

#[test]
fn lists_of_kubectl_are_read() {
    let lines: Vec<&str> = MESH.lines().skip(1).collect();
    let items: String =
        lines.join("\n").split("\n---\n").map(|item| format!("- {}\n", item.replace('\n', "\n  "))).collect();
    for kind in ["List", "SomethingList"] {
        let list = format!("apiVersion: v1\nkind: {kind}\nitems:\n{items}");
        assert_eq!(findings("audit-list.yaml", &list), [""; 0]);
        assert_eq!(records("audit-list.yaml", &list, "port").0.len(), 5);
    }
}

#[test]
fn directories_are_read_and_unread_files_are_reported() {
    let root = folder("audit-directory");
    fs::write(format!("{root}/mesh.yaml"), MESH).unwrap();
    fs::write(format!("{root}/notes.txt"), "a: [").unwrap();
    fs::write(format!("{root}/values.yaml"), "replicas: 2\n").unwrap();
    assert!(
        printed(&["audit", &root], b"")
            .ends_with("5 of 5 ports inspected; findings: 0 high, 0 medium, 0 low, 0 suppressed\n")
    );
    for (name, text, expected) in [
        ("chart.yaml", "a: {{ .Values.a }}\n", "chart.yaml:1:"),
        (
            "kustomization.yaml",
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n",
            "a kustomization is not built here",
        ),
    ] {
        let path = format!("{root}/{name}");
        fs::write(&path, text).unwrap();
        let output = run(&["audit", &root], b"");
        let note = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{note}");
        assert!(note.contains(expected), "{note}");
        fs::remove_file(path).unwrap();
    }
    assert_eq!(failure(&["audit", "-"], b"a: 1\n"), "no Kubernetes resource and no configuration dump in the input");
}

#[test]
fn shipped_manifests_are_clean_but_for_their_placeholder() {
    let shipped = |name: &str| format!("{}/../envoy-config/istio/{name}", env!("CARGO_MANIFEST_DIR"));
    let telemetry = ["telemetry/telemetry.yaml", "telemetry/mesh-config.yaml"].map(shipped);
    for plugin in ["base/wasmplugin.yaml", "traffic-extension/base/trafficextension.yaml"] {
        let text = fs::read_to_string(shipped(plugin)).unwrap();
        let digest = "0".repeat(64);
        assert!(text.contains(&digest));
        let pinned = file("audit-shipped.yaml", text.replace(&digest, &"12".repeat(32)));
        printed(&["audit", &pinned, &telemetry[0], &telemetry[1]], b"");
        let output = run(&["audit", "--format", "json", &shipped(plugin)], b"");
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(text.matches("\"record\":\"finding\"").count(), 1, "{text}");
        assert!(text.contains("digest-unknown"), "{text}");
    }
}

#[test]
fn the_first_of_two_definitions_counts() {
    let mesh = file("audit-first.yaml", MESH);
    let policy = "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: default, namespace: istio-system}\n";
    let second = file("audit-second.yaml", format!("{policy}spec: {{mtls: {{mode: DISABLE}}}}\n"));
    let output = run(&["audit", &mesh, &second], b"");
    assert_eq!(output.status.code(), Some(0));
    let note = stderr_line(&output);
    let expected = ":1:1: second PeerAuthentication istio-system/default; the first one counts (1 such resources)";
    assert!(note.ends_with(expected), "{note}");
}

#[test]
fn known_digests_are_compared() {
    let mesh = file("audit-digest.yaml", MESH);
    let digest = "0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef";
    printed(&["audit", "--digest", digest, &mesh], b"");
    let output = run(&["audit", "--digest", "00", &mesh], b"");
    assert!(String::from_utf8_lossy(&output.stdout).contains("[digest-unknown, PCI DSS 6.5.1]"));
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn findings_have_location_problem_and_remedy() {
    let mesh = file("audit-line.yaml", changed("failStrategy: FAIL_RELOAD", "failStrategy: FAIL_OPEN"));
    let output = run(&["audit", &mesh], b"");
    let expected = format!(
        "{mesh}:62:17: high: WasmPlugin shop/panveil: failStrategy is FAIL_OPEN; \
         set failStrategy: FAIL_RELOAD (FAIL_CLOSE before Istio 1.27) [fail-open, PCI DSS 10.7.2]\n"
    );
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(&expected), "{text}");
    let output = run(&["audit", "--format", "sarif", &mesh], b"");
    let sarif: Value = serde_json::from_slice(&output.stdout).unwrap();
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(result["ruleId"], "fail-open");
    assert_eq!(result["level"], "error");
    let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
    assert_eq!(sarif["runs"][0]["tool"]["driver"]["rules"][index]["id"], "fail-open");
    assert_eq!(result["locations"][0]["physicalLocation"]["region"]["startLine"], 62);
}

#[test]
fn names_that_look_like_cards_are_masked() {
    let mesh = changed(
        "  name: web\n  namespace: shop\nspec:\n  template",
        "  name: \"4111111111111111\"\n  namespace: shop\nspec:\n  template",
    );
    let mesh = file("audit-card.yaml", mesh.replace("istio-injection: enabled", "a: b"));
    for format in ["text", "json", "sarif"] {
        let output = run(&["audit", "--format", format, &mesh], b"");
        assert!(!String::from_utf8_lossy(&output.stdout).contains("4111111111111111"), "{format}");
    }
}

#[test]
fn suppressions_beyond_the_limit_are_rejected() {
    let mesh = file("audit-many-suppressed.yaml", MESH);
    let entry = "- rule: no-sidecar\n  subject: shop/web\n  reason: migration\n  expires: 2999-12-31\n";
    let many = file("audit-many-suppressions.yaml", entry.repeat((1 << 20) / entry.len() + 1));
    let line = format!("{many}: larger than 1 MiB; one suppression can accept many subjects with *");
    assert_eq!(failure(&["audit", "--suppress", &many, &mesh], b""), line);
}

#[test]
fn suppressions_need_a_reason_and_an_end() {
    let mesh = file("audit-suppressed.yaml", changed("FAIL_RELOAD", "FAIL_OPEN"));
    let audit = |text: &str| {
        let suppressions = file("audit-suppressions.yaml", text);
        run(&["audit", "--format", "json", "--suppress", &suppressions, &mesh], b"")
    };
    let whole = "- rule: fail-open\n  subject: WasmPlugin shop/*\n  reason: migration\n  expires: 2999-12-31\n";
    let output = audit(whole);
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    let line: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!((&line["record"], &line["reason"]), (&"suppressed".into(), &"migration".into()));
    for (from, to, status, note) in [
        ("2999-12-31", "2020-02-29", 1, ":1:3: suppression expired on 2020-02-29; "),
        ("shop/*", "shop/other", 1, ":1:3: suppression accepts no finding; "),
        ("  reason: migration\n", "", 2, ":1:3: reason missing; every suppression needs it"),
        ("2999-12-31", "never", 2, ":1:3: expires is no date; write YYYY-MM-DD"),
        ("fail-open", "fail-opn", 2, ":1:3: unknown rule; panveil audit --rules lists them"),
        ("reason:", "reasn:", 2, ":3:3: unknown field; expected one of rule, subject, port, reason, expires"),
    ] {
        let output = audit(&whole.replace(from, to));
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(status), "{text}");
        assert!(text.contains(note), "{text}");
    }
}

#[test]
fn rules_are_listed() {
    let list = printed(&["audit", "--rules"], b"");
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/audit.md")).unwrap();
    let documented = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let documented: Vec<&str> = documented.filter(|name| !name.starts_with("--")).collect();
    let listed: Vec<&str> = list.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(documented, listed);
}
