//! Third parties behind the shipped egress gateway: one fault at a time.

use super::{MESH, findings};
use crate::command::run;

const GATEWAY: &str = include_str!("../../../../envoy-config/istio/egress/gateway.yaml");
const THIRD_PARTY: &str = include_str!("../../../../envoy-config/istio/egress/third-party.yaml");
/// Plugin of the shipped overlay, with a digest.
const PLUGIN: &str = "\
apiVersion: extensions.istio.io/v1alpha1
kind: WasmPlugin
metadata: {name: panveil}
spec:
  url: oci://registry.example/panveil/panveil:0.1.0
  sha256: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
  phase: AUTHN
  priority: 1000
  selector: {matchLabels: {istio: egressgateway}}
  match: [{mode: CLIENT}]
  failStrategy: FAIL_RELOAD
  pluginName: panveil
  pluginConfig: {request: block}
";
/// Root of the repository.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const UNINSPECTED: &str = "egress-uninspected ServiceEntry default/api-psp-example 80";

fn mesh(gateway: &str, third_party: &str, plugin: &str) -> String {
    [MESH, gateway, third_party, plugin].join("---\n")
}

#[test]
fn third_parties_behind_the_shipped_gateway_have_no_finding() {
    assert_eq!(findings("egress.yaml", &mesh(GATEWAY, THIRD_PARTY, PLUGIN)), [""; 0]);
}

#[test]
fn faults_of_the_way_to_a_third_party() {
    let to_gateway = "            host: istio-egressgateway\n";
    let from_sidecar = "      match:\n        - gateways:\n            - mesh\n          port: 80\n";
    for (name, from, to, expected) in [
        ("protocol", "protocol: HTTP\n", "protocol: HTTPS\n", "egress-tls ServiceEntry default/api-psp-example 80"),
        ("direct", to_gateway, "            host: api.psp.example\n", UNINSPECTED),
        (
            "other-host",
            "  hosts:\n    - api.psp.example\n  gateways",
            "  hosts:\n    - x.example\n  gateways",
            UNINSPECTED,
        ),
        ("other-port", "            - mesh\n          port: 80", "            - mesh\n          port: 81", UNINSPECTED),
        ("not-for-sidecars", from_sidecar, &from_sidecar.replace("mesh", "egress"), UNINSPECTED),
        ("no-gateway", "    - mesh\n    - egress\n", "    - mesh\n", UNINSPECTED),
        ("another-gateway", "    - mesh\n    - egress\n", "    - mesh\n    - other\n", UNINSPECTED),
        ("another-namespace", "    - mesh\n    - egress\n", "    - mesh\n    - shop/egress\n", UNINSPECTED),
        ("its-namespace", "    - mesh\n    - egress\n", "    - mesh\n    - default/egress\n", ""),
        ("unconditional", from_sidecar, "", ""),
    ] {
        assert!(THIRD_PARTY.contains(from), "{name}");
        let found =
            findings(&format!("egress-{name}.yaml"), &mesh(GATEWAY, &THIRD_PARTY.replacen(from, to, 1), PLUGIN));
        assert_eq!(found.join("; "), expected, "{name}");
    }
    // A second VirtualService of the same host, whose routes go past the gateway.
    let direct = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: direct}\nspec:\n  hosts: [api.psp.example]\n  \
        http: [{route: [{destination: {host: api.psp.example}}]}]\n";
    let found = findings("egress-second.yaml", &mesh(GATEWAY, &format!("{THIRD_PARTY}---\n{direct}"), PLUGIN));
    assert_eq!(found, [UNINSPECTED]);
    // The routes of sidecars and gateway in a VirtualService each.
    let (for_sidecars, for_gateway) = (
        THIRD_PARTY.replace("    - mesh\n    - egress\n", "    - mesh\n"),
        direct.replace("  hosts:", "  gateways: [egress]\n  hosts:"),
    );
    let found = findings("egress-split.yaml", &mesh(GATEWAY, &format!("{for_sidecars}---\n{for_gateway}"), PLUGIN));
    assert_eq!(found, [""; 0]);
    let elsewhere = GATEWAY.replace("istio: egressgateway", "istio: other");
    let found = findings("egress-selector.yaml", &mesh(&elsewhere, THIRD_PARTY, PLUGIN));
    assert_eq!(found, ["gateway-without-plugin Gateway default/egress 80", UNINSPECTED]);
    let inbound = PLUGIN.replace("CLIENT", "SERVER");
    let found = findings("egress-inbound.yaml", &mesh(GATEWAY, THIRD_PARTY, &inbound));
    assert_eq!(found, ["gateway-without-plugin Gateway default/egress 80", UNINSPECTED]);
}

#[test]
fn an_inspected_gateway_of_the_gateway_api_is_not_the_classic_one_of_its_name() {
    let of_gateway_api = "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: egress}\nspec:\n  \
        gatewayClassName: istio\n  listeners: [{name: http, port: 80, protocol: HTTP}]\n";
    let plugin = PLUGIN.replace(
        "selector: {matchLabels: {istio: egressgateway}}",
        "targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: egress}]",
    );
    let found = findings("egress-gateway-api.yaml", &mesh(of_gateway_api, THIRD_PARTY, &plugin));
    assert_eq!(found, [UNINSPECTED]);
}

#[test]
#[ignore = "needs KUSTOMIZE, which make test sets"]
fn the_shipped_overlay_lacks_a_digest_only() {
    let kustomize = std::env::var_os("KUSTOMIZE").unwrap();
    for family in ["istio", "istio/traffic-extension"] {
        let overlay = format!("{ROOT}/envoy-config/{family}/overlays/egress");
        let rendered = std::process::Command::new(&kustomize).arg("build").arg(&overlay).output().unwrap();
        let output = run(&["audit", "--format", "json", "-"], &rendered.stdout);
        let text = String::from_utf8(output.stdout).unwrap();
        let found: Vec<&str> = text.lines().filter(|line| line.contains(r#""record":"finding""#)).collect();
        assert!(found.len() == 1 && found[0].contains("digest-unknown"), "{found:?}");
    }
}
