//! `panveil check`: policies in manifests, configurations of Envoy, lists and directories.

use crate::command::{failure, file, folder, printed, run};
use std::fs;
use std::path::Path;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Manifests with a valid policy each, and the title in its line.
const MANIFESTS: [(&str, &str); 6] = [
    (
        "apiVersion: extensions.istio.io/v1alpha1\nkind: WasmPlugin\nmetadata: {name: panveil, namespace: shop, annotations: {sidecar: on}}\nspec:\n  phase: AUTHN\n  pluginConfig:\n    mode: monitor\n",
        "7:5: WasmPlugin shop/panveil",
    ),
    (
        "kind: TrafficExtension\nmetadata: {name: cards}\nspec:\n  wasm:\n    url: oci://registry.example/panveil:1\n    pluginConfig: {mode: monitor}\n",
        "6:19: TrafficExtension cards",
    ),
    (
        "kind: EnvoyExtensionPolicy\nmetadata: {name: waf}\nspec:\n  wasm:\n  - name: other\n    config: {mode: 5}\n  - name: panveil\n    config: {mode: monitor}\n",
        "8:13: EnvoyExtensionPolicy waf",
    ),
    (
        "apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata: {name: cards, namespace: shop}\nspec:\n  configPatches:\n  - patch:\n      value:\n        name: panveil\n        typedConfig:\n          \"@type\": type.googleapis.com/udpa.type.v1.TypedStruct\n          value:\n            config:\n              vmConfig: {}\n              configuration:\n                \"@type\": type.googleapis.com/google.protobuf.Struct\n                value: {mode: monitor}\n",
        "15:17: EnvoyFilter shop/cards",
    ),
    (
        "static_resources:\n  listeners:\n  - filter_chains:\n    - filters:\n      - typed_config:\n          http_filters:\n          - name: cards\n            typed_config:\n              config:\n                root_id: panveil\n                vm_config: {runtime: envoy.wasm.runtime.v8}\n                configuration:\n                  \"@type\": type.googleapis.com/google.protobuf.StringValue\n                  value: |\n                    {\"mode\": \"monitor\"}\n",
        "13:19: filter cards",
    ),
    (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: envoy}\ndata:\n  envoy.yaml: |\n    # panveil\n    config:\n      name: panveil\n      vm_config: {}\n      configuration:\n        \"@type\": type.googleapis.com/google.protobuf.StringValue\n        value: '{\"mode\": \"monitor\"}'\n",
        "11:9: ConfigMap envoy",
    ),
];

#[test]
fn policies_are_found_in_manifests_and_configurations_of_envoy() {
    for (text, title) in MANIFESTS {
        let shown = printed(&["check", "-"], text.as_bytes());
        assert!(shown.starts_with(&format!("<stdin>:{title}: valid\n\nmode ")), "{shown}");
        assert!(shown.contains(" monitor\n"), "{shown}");
    }
}

#[test]
fn documents_and_items_of_lists_have_a_line_each() {
    let documents: Vec<&str> = MANIFESTS.iter().map(|(text, _)| *text).collect();
    let dump = format!("{}---\nkind: Service\nspec: {{}}\n", documents.join("---\n"));
    let shown = printed(&["check", "-"], dump.as_bytes());
    assert_eq!(shown.lines().count(), MANIFESTS.len(), "{shown}");
    let items: String = documents.iter().map(|text| format!("- {}\n", text.trim_end().replace('\n', "\n  "))).collect();
    let list = printed(&["check", "-"], format!("apiVersion: v1\nkind: List\nitems:\n{items}").as_bytes());
    let titles = |text: &str| -> Vec<String> {
        text.lines().filter_map(|line| line.split(": ").nth(1).map(str::to_owned)).collect()
    };
    assert_eq!(titles(&list), titles(&shown));
}

#[test]
fn rules_are_printed_with_their_conditions() {
    let policy = "rules:
- name: charges
  match:
    where: [body, headers]
    path: [{prefix: /v1/a}, {exact: /b}]
    tls: mutual
  action: allow
  expires: 2999-12-31
- name: rest
  action: block
  mode: monitor
";
    let shown = printed(&["check", "-", &file("second.yaml", "rules: []")], policy.as_bytes());
    let (first, rest) = shown.split_once('\n').unwrap();
    assert_eq!(first, "<stdin>: valid");
    let expected =
        "  charges  allow (expires 2999-12-31)  where body or headers; path prefix /v1/a or exact /b; tls mutual
  rest     block (monitor)             always
";
    assert!(rest.starts_with(expected), "{shown}");
}

#[test]
fn expired_rules_are_named() {
    let policy = "rules: [{name: a, action: allow, expires: 2020-01-01}]";
    let output = run(&["check", "-"], policy.as_bytes());
    assert_eq!(output.status.code(), Some(0));
    let note = "panveil: <stdin>:1:9: rule a has expired and no longer matches; remove it, or set a later day\n";
    assert_eq!(String::from_utf8_lossy(&output.stderr), note);
}

#[test]
fn errors_within_a_text_have_the_line_of_the_file() {
    for (index, [from, to], expected) in [
        (0, ["monitor", "monitr"], "7:11: mode: unknown value; did you mean \"monitor\"?"),
        (3, ["monitor", "monitr"], "16:31: mode: unknown value; did you mean \"monitor\"?"),
        (4, ["monitor", "monitr"], "15:30: mode: unknown value; did you mean \"monitor\"?"),
        (4, ["\"mode\":", "\"mode\""], "15:29: not JSON: expected `:`"),
        // A quoted text has one position.
        (5, ["\"monitor\"", "7"], "12:16: mode: found a whole number, expected one of enforce, monitor"),
    ] {
        let (text, _) = MANIFESTS[index];
        assert_eq!(failure(&["check", "-"], text.replace(from, to).as_bytes()), format!("<stdin>:{expected}"));
    }
}

#[test]
fn a_plugin_without_a_policy_is_an_error() {
    for (text, expected) in [
        (
            "kind: WasmPlugin\nmetadata: {name: panveil}\nspec:\n  url: x\n",
            "4:3: no pluginConfig, and the defaults would apply; write pluginConfig: {} for them",
        ),
        (
            "kind: EnvoyExtensionPolicy\nmetadata: {name: panveil}\nspec: {wasm: [{name: x}]}\n",
            "3:15: no config, and the defaults would apply; write config: {} for them",
        ),
        (
            "name: panveil\nvm_config: {}\n",
            "1:1: no configuration, and the defaults would apply; write a StringValue with {} for them",
        ),
        (
            "name: panveil\nvm_config: {}\nconfiguration: {mode: monitor}\n",
            "3:16: expected a configuration with \"@type\": type.googleapis.com/google.protobuf.StringValue and the policy \
             as value",
        ),
        (
            "kind: WasmPlugin\nmetadata: {name: panveil}\nspec: {pluginConfig: {}}\nspec: {}\n",
            "4:1: spec given more than once",
        ),
        (
            "kind: WasmPlugin\nmetadata: {name: panveil}\nspec: {pluginConfig: {}, pluginConfig: {mode: monitor}}\n",
            "3:26: pluginConfig given more than once",
        ),
    ] {
        assert_eq!(failure(&["check", "-"], text.as_bytes()), format!("<stdin>:{expected}"), "{text}");
    }
}

#[test]
fn a_file_without_a_policy_is_an_error_that_says_so() {
    const GIVE: &str = "give a policy, a manifest with panveil's plugin, or a configuration of Envoy with its filter";
    const OTHER: &str = "a plugin is panveil's if its name, plugin name or module contains panveil";
    for (text, hint) in [
        ("kind: Service\nspec: {}\n", GIVE),
        ("static_resources: {}\n", GIVE),
        ("kind: List\napiVersion: v1\nitems: []\n", GIVE),
        ("kind: WasmPlugin\nmetadata: {name: waf}\nspec: {url: x, pluginConfig: {mode: 5}}\n", OTHER),
        ("name: waf\nvm_config: {}\nconfiguration: {}\n", OTHER),
        (
            "http_filters: [{name: panveil, config_discovery: {}}]\n\"@type\": x\n",
            "discovery delivers the configuration of its filter: check the delivered file",
        ),
        (
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [../../base]\n",
            "a kustomization is not built here: pipe the output of kubectl kustomize to panveil check -",
        ),
    ] {
        assert_eq!(failure(&["check", "-"], text.as_bytes()), format!("<stdin>: no panveil policy; {hint}"), "{text}");
    }
    let empty = folder("check-empty");
    fs::write(format!("{empty}/values.yaml"), "replicas: 2\n").unwrap();
    assert_eq!(failure(&["check", &empty], b""), format!("{empty}: no panveil policy in its files of YAML and JSON"));
}

#[test]
fn every_file_is_checked_after_an_error() {
    let root = folder("check-several");
    for (name, text) in [
        ("a.yaml", "mode: monitr\n"),
        ("b.yaml", "kind: WasmPlugin\nmetadata: {name: panveil}\nspec: {pluginConfig: {request: deny}}\n"),
        ("c.yaml", "mode: monitor\n"),
        ("d.yaml", "a: {{ .Values.a }}\n"),
        ("notes.txt", "mode: x\n"),
        ("values.yaml", "replicas: 2\n"),
    ] {
        fs::write(Path::new(&root).join(name), text).unwrap();
    }
    let output = run(&["check", &root], b"");
    assert_eq!(output.status.code(), Some(2));
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(printed.starts_with(&format!("{root}/c.yaml: valid\n\n")), "{printed}");
    let errors = String::from_utf8(output.stderr).unwrap();
    let errors: Vec<&str> = errors.lines().collect();
    assert_eq!(errors.len(), 3, "{errors:?}");
    assert!(errors[0].contains("/a.yaml:1:7: mode: unknown value"), "{errors:?}");
    assert!(errors[1].contains("/b.yaml:3:32: request: unknown value"), "{errors:?}");
    assert!(errors[2].contains("/d.yaml:1:"), "{errors:?}");
}

/// Without a tree, the fields of a JSON file do not show whether it is a policy.
#[test]
fn json_that_is_too_deep_is_no_policy_in_a_directory() {
    let root = folder("check-deep");
    let deep = |name: &str| format!("{}1{}", format!("{{\"{name}\":").repeat(70), "}".repeat(70));
    let path = format!("{root}/deep.json");
    fs::write(&path, deep("panels")).unwrap();
    let error = failure(&["check", &root], b"");
    assert!(error.starts_with(&format!("{path}:1:")) && error.contains("recursion limit"), "{error}");
    // A file that is named is a policy.
    let error = failure(&["check", &path], b"");
    assert!(error.starts_with(&format!("{path}: unknown field \"panels\"")), "{error}");
}

#[test]
fn patches_of_a_kustomization_are_checked() {
    let shown = |patch: &str| {
        format!(
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\npatches:\n- path: a.yaml\n- patch: |-\n{patch}"
        )
    };
    let plugin = "    kind: WasmPlugin\n    metadata:\n      name: any\n    spec:\n      pluginConfig:\n        request: block\n";
    let text = printed(&["check", "-"], shown(plugin).as_bytes());
    assert!(text.starts_with("<stdin>:11:9: patch of WasmPlugin any: valid\n"), "{text}");
    let wrong = shown(&plugin.replace("block", "deny"));
    let error = failure(&["check", "-"], wrong.as_bytes());
    assert!(error.starts_with("<stdin>:11:18: request: unknown value"), "{error}");
    let whole = shown("    - op: replace\n      path: /spec/wasm/0/config\n      value: {request: block}\n");
    let text = printed(&["check", "-"], whole.as_bytes());
    assert!(text.starts_with("<stdin>:8:14: JSON patch: valid\n"), "{text}");
    let part = shown("    - op: replace\n      path: /spec/pluginConfig/mode\n      value: monitor\n");
    let output = run(&["check", "-"], part.as_bytes());
    assert_eq!(output.status.code(), Some(2));
    let notes = String::from_utf8(output.stderr).unwrap();
    assert!(notes.contains("<stdin>:6:7: a JSON patch of a part of a policy is not checked; pipe"), "{notes}");
}

#[test]
fn every_shipped_file_is_valid() {
    let output = run(&["check", &format!("{ROOT}/envoy-config")], b"");
    let (shown, notes) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(0), "{notes}");
    let mut with_policy: Vec<&str> = shown
        .lines()
        .filter(|line| !line.starts_with(' '))
        .map(|line| line.rsplit_once("envoy-config/").unwrap().1.split(':').next().unwrap())
        .collect();
    with_policy.dedup();
    for folder in ["istio", "istio/traffic-extension"] {
        for overlay in ["block", "egress", "mesh-wide", "monitor", "payment-api", "payments"] {
            let path = format!("{folder}/overlays/{overlay}/kustomization.yaml");
            assert!(with_policy.contains(&path.as_str()), "{path} is not in {shown}");
        }
    }
    for path in [
        "envoy-gateway/base/envoyextensionpolicy.yaml",
        "istio/base/wasmplugin.yaml",
        "istio/components/fingerprints/kustomization.yaml",
        "istio/components/incident/kustomization.yaml",
        "istio/traffic-extension/base/trafficextension.yaml",
        "standalone/discovery/panveil.yaml",
        "standalone/gateway.yaml",
        "standalone/outbound.yaml",
        "standalone/sidecar.yaml",
    ] {
        assert!(with_policy.contains(&path), "{path} is not in {shown}");
    }
}

#[test]
#[ignore = "needs KUSTOMIZE, which make test sets"]
fn every_rendered_overlay_is_valid() {
    let kustomize = std::env::var_os("KUSTOMIZE").unwrap();
    let mut count = 0;
    for family in ["istio", "istio/traffic-extension", "envoy-gateway"] {
        for overlay in fs::read_dir(format!("{ROOT}/envoy-config/{family}/overlays")).unwrap() {
            let overlay = overlay.unwrap().path();
            let rendered = std::process::Command::new(&kustomize).arg("build").arg(&overlay).output().unwrap();
            assert!(rendered.status.success(), "{}", String::from_utf8_lossy(&rendered.stderr));
            let shown = printed(&["check", "-"], &rendered.stdout);
            assert!(shown.contains("panveil: valid\n"), "{shown}");
            count += 1;
        }
    }
    assert!(count > 20, "{count} overlays");
}
