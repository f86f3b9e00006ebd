//! One fault at a time: the audit names it, and nothing else.

use super::{MESH, changed, findings, records};

/// Name of the case, text to replace, its replacement, and the findings. Each case without findings is the twin of the one before.
type Case = (&'static str, &'static str, &'static str, &'static [&'static str]);

const WEB: &str = "Deployment shop/web";

fn check(cases: &[Case]) {
    for (name, from, to, expected) in cases {
        assert_eq!(findings(&format!("audit-{name}.yaml"), &changed(from, to)), *expected, "{name}");
    }
}

#[test]
fn a_covered_mesh_has_no_finding() {
    assert_eq!(findings("audit-clean.yaml", MESH), [""; 0]);
    let (ports, _) = records("audit-ports.yaml", MESH, "port");
    let of_web: Vec<_> = ports.iter().filter(|port| port["subject"] == WEB).collect();
    assert_eq!(of_web.len(), 2);
    assert_eq!(of_web[0]["plugin"], "shop/panveil");
    assert_eq!(of_web[0]["mode"], "enforce");
    assert_eq!(of_web[0]["phase"], "AUTHN");
    assert_eq!(of_web[0]["priority"], 1000);
    assert_eq!(of_web[0]["fail_strategy"], "FAIL_RELOAD");
    assert_eq!(of_web[0]["mtls"], "STRICT");
    assert_eq!(of_web[0]["policy"]["rules"], "charges allow");
    assert_eq!(of_web[0]["digest"].as_str().unwrap().len(), 64);
    assert!(ports.iter().all(|port| port["inspected"] == true), "{ports:?}");
}

#[test]
fn faults_of_workloads() {
    let inject = "istio-injection: enabled";
    let example = "example: \"1\"";
    let pod = "      labels:\n        app: web\n";
    let spec = "    spec:\n      containers:\n        - name: web\n";
    check(&[
        ("not-injected", inject, "istio-injection: disabled", &["no-sidecar Deployment shop/web"]),
        ("revision", inject, "istio.io/rev: stable", &[]),
        (
            "opted-out",
            pod,
            "      labels:\n        app: web\n        sidecar.istio.io/inject: \"false\"\n",
            &["no-sidecar Deployment shop/web"],
        ),
        (
            "host-network",
            spec,
            "    spec:\n      hostNetwork: true\n      containers:\n        - name: web\n",
            &["host-network Deployment shop/web"],
        ),
        ("no-host-network", spec, "    spec:\n      hostNetwork: false\n      containers:\n        - name: web\n", &[]),
        (
            "namespace-unknown",
            "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n",
            "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: other\n",
            &["injection-unknown Deployment shop/web"],
        ),
        (
            "excluded-inbound",
            example,
            "traffic.sidecar.istio.io/excludeInboundPorts: \"9090, 9091\"",
            &["port-excluded Deployment shop/web 9090"],
        ),
        ("excluded-other", example, "traffic.sidecar.istio.io/excludeInboundPorts: \"9091\"", &[]),
        (
            "included-inbound",
            example,
            "traffic.sidecar.istio.io/includeInboundPorts: \"8080\"",
            &["port-excluded Deployment shop/web 9090"],
        ),
        ("included-all", example, "traffic.sidecar.istio.io/includeInboundPorts: \"*\"", &[]),
        ("no-interception", example, "sidecar.istio.io/interceptionMode: NONE", &["port-excluded Deployment shop/web"]),
        (
            "excluded-outbound",
            example,
            "traffic.sidecar.istio.io/excludeOutboundPorts: \"443\"",
            &["outbound-excluded Deployment shop/web"],
        ),
        ("included-outbound", example, "traffic.sidecar.istio.io/includeOutboundIPRanges: \"*\"", &[]),
        ("tcp-port", "    - name: http\n", "    - name: tcp-api\n", &["tcp-port Deployment shop/web 8080"]),
        ("grpc-port", "    - name: http\n", "    - name: grpc-api\n", &[]),
        ("tls-port", "    - name: http\n", "    - name: https\n", &["tls-port Deployment shop/web 8080"]),
        ("app-protocol", "    - name: http\n", "    - name: https\n      appProtocol: http\n", &[]),
        (
            "mysql-port",
            "    - name: http\n      port: 80\n",
            "    - name: main\n      port: 3306\n",
            &["tcp-port Deployment shop/web 8080"],
        ),
        ("unnamed-port", "    - name: http\n", "    - name: main\n", &[]),
    ]);
}

#[test]
fn labels_of_the_control_plane_hide_nothing_elsewhere() {
    let fake = changed("istio-injection: enabled", "a: b").replacen("        app: web\n", "        app: istiod\n", 1);
    assert_eq!(findings("audit-control-plane-fake.yaml", &fake), ["no-sidecar Deployment shop/web"]);
    let istiod = "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: istiod, namespace: istio-system}\nspec: {template: {metadata: {labels: {app: istiod}}, spec: {containers: []}}}\n";
    assert_eq!(findings("audit-control-plane.yaml", &format!("{MESH}{istiod}")), [""; 0]);
}

#[test]
fn settings_of_the_injector_concern_all_workloads() {
    let with = |values: &str| {
        format!(
            "{MESH}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: istio-sidecar-injector, namespace: istio-system}}\n\
             data: {{values: '{values}'}}\n"
        )
    };
    for (name, values, expected) in [
        (
            "none",
            r#"{"global": {"proxy": {"excludeInboundPorts": "", "includeInboundPorts": "*", "includeIPRanges": "*"}}}"#,
            "",
        ),
        (
            "inbound",
            r#"{"global": {"proxy": {"excludeInboundPorts": "9090"}}}"#,
            "port-excluded Deployment shop/web 9090",
        ),
        (
            "outbound",
            r#"{"global": {"proxy": {"excludeIPRanges": "10.0.0.0/8"}}}"#,
            "outbound-excluded Deployment shop/web",
        ),
    ] {
        assert_eq!(findings(&format!("audit-injector-{name}.yaml"), &with(values)).join("; "), expected, "{name}");
    }
    let by_default = with(r#"{"sidecarInjectorWebhook": {"enableNamespacesByDefault": true}}"#);
    let ambient = "istio.io/dataplane-mode: ambient";
    let unlabelled = by_default
        .replace("    istio-injection: enabled", "    a: b")
        .replace(ambient, "istio.io/dataplane-mode: ambient\n    istio-injection: disabled");
    assert_eq!(findings("audit-injector-default.yaml", &unlabelled), [""; 0]);
    let mode = changed("accessLogFile: \"\"", "defaultConfig: {interceptionMode: NONE}");
    assert_eq!(findings("audit-injector-mode.yaml", &mode), ["port-excluded Deployment shop/web"]);
}

#[test]
fn faults_of_plugins() {
    let matches = "    - mode: SERVER\n";
    check(&[
        ("client-mode", matches, "    - mode: CLIENT\n", &["no-plugin Deployment shop/web"]),
        ("both-modes", matches, "    - mode: CLIENT_AND_SERVER\n", &[]),
        (
            "ports",
            matches,
            "    - mode: SERVER\n      ports: [{number: 8080}]\n",
            &["no-plugin Deployment shop/web 9090"],
        ),
        ("all-ports", matches, "    - ports: [{number: 8080}, {number: 9090}]\n", &[]),
        (
            "selector",
            "  pluginName: panveil\n  pluginConfig:\n",
            "  selector: {matchLabels: {app: api}}\n  pluginName: panveil\n  pluginConfig:\n",
            &["plugin-unattached WasmPlugin shop/panveil", "no-plugin Deployment shop/web"],
        ),
        (
            "selected",
            "  pluginName: panveil\n  pluginConfig:\n",
            "  selector: {matchLabels: {app: web}}\n  pluginName: panveil\n  pluginConfig:\n",
            &[],
        ),
        (
            "excluded",
            "    mode: enforce\n",
            "    mode: enforce\n    namespaces: {exclude: [shop]}\n",
            &["namespace-excluded Deployment shop/web"],
        ),
        ("excluded-other", "    mode: enforce\n", "    mode: enforce\n    namespaces: {exclude: [ship]}\n", &[]),
        ("fail-open", "FAIL_RELOAD", "FAIL_OPEN", &["fail-open WasmPlugin shop/panveil"]),
        ("fail-close", "FAIL_RELOAD", "FAIL_CLOSE", &[]),
        ("monitor", "mode: enforce", "mode: monitor", &["monitor-mode WasmPlugin shop/panveil"]),
        ("invalid", "request: block", "request: blok", &["policy-invalid WasmPlugin shop/panveil"]),
        ("valid", "request: block", "request: mask", &[]),
        ("skip", "action: allow", "action: skip", &["rule-skips WasmPlugin shop/panveil"]),
        (
            "client-controlled",
            "source: [\"spiffe://cluster.local/ns/checkout/*\"]",
            "path: {prefix: /v1}",
            &[
                "rule-client-controlled WasmPlugin shop/panveil",
                "rule-wider-than-authorization WasmPlugin shop/panveil",
            ],
        ),
        (
            "tag",
            "  sha256: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n  phase",
            "  phase",
            &["module-not-pinned WasmPlugin shop/panveil"],
        ),
        (
            "placeholder",
            "sha256: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            "sha256: \"0000000000000000000000000000000000000000000000000000000000000000\"",
            &["digest-unknown WasmPlugin shop/panveil"],
        ),
        ("late", "phase: AUTHN", "phase: STATS", &["phase-late WasmPlugin shop/panveil"]),
        ("behind-jwt", "phase: AUTHN", "phase: AUTHZ", &[]),
        ("no-priority", "  priority: 1000\n", "", &["priority-unset WasmPlugin shop/panveil"]),
        ("negative-priority", "  priority: 1000\n", "  priority: -5\n", &[]),
    ]);
}

#[test]
fn faults_of_gateways_and_waypoints() {
    let waypoint = "      kind: Gateway\n      name: waypoint\n";
    let of_gateway = "  selector:\n    matchLabels:\n      istio: ingress\n  wasm";
    check(&[
        (
            "gateway-server",
            of_gateway,
            "  match: [{mode: SERVER}]\n  selector:\n    matchLabels:\n      istio: ingress\n  wasm",
            &["gateway-without-plugin Gateway shop/public 443"],
        ),
        (
            "gateway-client",
            of_gateway,
            "  match: [{mode: CLIENT}]\n  selector:\n    matchLabels:\n      istio: ingress\n  wasm",
            &[],
        ),
        ("passthrough", "mode: SIMPLE", "mode: PASSTHROUGH", &["gateway-passthrough Gateway shop/public 443"]),
        ("mutual", "mode: SIMPLE", "mode: MUTUAL", &[]),
        (
            "no-waypoint",
            "    istio.io/use-waypoint: waypoint\n",
            "",
            &["ambient-without-waypoint StatefulSet catalog/search"],
        ),
        (
            "waypoint-target",
            waypoint,
            "      kind: Gateway\n      name: other\n",
            &[
                "waypoint-without-plugin Gateway catalog/waypoint",
                "waypoint-without-plugin StatefulSet catalog/search",
                "plugin-unattached WasmPlugin catalog/panveil",
            ],
        ),
        (
            "waypoint-ports",
            "  targetRefs:\n    - group: gateway.networking.k8s.io\n      kind: Gateway\n      name: waypoint\n",
            "  match: [{ports: [{number: 80}]}]\n  targetRefs:\n    - group: gateway.networking.k8s.io\n      kind: Gateway\n      name: waypoint\n",
            &["waypoint-without-plugin Gateway catalog/waypoint", "waypoint-without-plugin StatefulSet catalog/search"],
        ),
    ]);
}

#[test]
fn gateways_of_other_controllers_are_left_out() {
    let gateway = |controller: &str| {
        format!(
            "{MESH}---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: edge, namespace: shop}}\nspec:\n  \
             gatewayClassName: edge\n  listeners: [{{name: a, port: 80, protocol: HTTP}}]\n---\n\
             apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: {{name: edge}}\nspec: {{controllerName: {controller}}}\n"
        )
    };
    assert_eq!(findings("audit-class-other.yaml", &gateway("gateway.envoyproxy.io/x")), [""; 0]);
    let found = findings("audit-class-istio.yaml", &gateway("istio.io/gateway-controller"));
    assert_eq!(found, ["gateway-without-plugin Gateway shop/edge 80"]);
}

#[test]
fn faults_of_logs_and_filters() {
    let provider =
        "          logFormat:\n            labels:\n              path: \"%FILTER_STATE(wasm.panveil.path:PLAIN)%\"\n";
    check(&[
        (
            "raw-path",
            "%FILTER_STATE(wasm.panveil.path:PLAIN)%",
            "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
            &["access-log-raw Telemetry shop/panveil"],
        ),
        ("request-id", "%FILTER_STATE(wasm.panveil.path:PLAIN)%", "%REQ(X-REQUEST-ID):36%", &[]),
        ("cookie", "%REQ(:METHOD)%", "%REQ(cookie)%", &["access-log-raw Telemetry shop/panveil"]),
        (
            "built-in",
            "        - name: panveil\n---",
            "        - name: envoy\n---",
            &["access-log-raw Telemetry shop/panveil"],
        ),
        (
            "format-default",
            provider,
            "          other:\n            labels:\n",
            &["access-log-raw Telemetry shop/panveil"],
        ),
        (
            "neighbours",
            "accessLogFile: \"\"",
            "accessLogFile: /dev/stdout",
            &["access-log-raw Namespace catalog", "access-log-raw Namespace ingress"],
        ),
        (
            "neighbours-format",
            "accessLogFile: \"\"",
            "accessLogFile: /dev/stdout\n    accessLogFormat: \"%RESPONSE_CODE%\"",
            &[],
        ),
    ]);
    let filter = |patch: &str| {
        format!(
            "{MESH}---\napiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata: {{name: x, namespace: shop}}\nspec:\n  configPatches:\n  - {patch}\n"
        )
    };
    for (name, patch, is_finding) in [
        ("remove", "{applyTo: HTTP_FILTER, patch: {operation: REMOVE}}", true),
        (
            "listener",
            "{applyTo: LISTENER, patch: {operation: MERGE, value: {per_connection_buffer_limit_bytes: 1}}}",
            false,
        ),
        (
            "chain",
            "{applyTo: NETWORK_FILTER, patch: {operation: MERGE, value: {typed_config: {http_filters: []}}}}",
            true,
        ),
        ("cluster", "{applyTo: CLUSTER, patch: {operation: MERGE, value: {connect_timeout: 5s}}}", false),
        ("route", "{applyTo: HTTP_ROUTE, patch: {operation: MERGE, value: {typed_per_filter_config: {}}}}", true),
    ] {
        let found = findings(&format!("audit-filter-{name}.yaml"), &filter(patch));
        let expected: &[&str] = if is_finding { &["envoy-filter EnvoyFilter shop/x"] } else { &[] };
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn faults_of_mutual_tls() {
    let mode = "  mtls:\n    mode: STRICT\n";
    let with = |policy: &str| {
        format!(
            "{MESH}---\napiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {{name: x, namespace: shop}}\nspec: {policy}\n"
        )
    };
    check(&[
        (
            "mtls-absent",
            "kind: PeerAuthentication",
            "kind: RequestAuthentication",
            &["mtls-absent Namespace shop", "mtls-absent Namespace catalog"],
        ),
        (
            "mtls-unset",
            mode,
            "  mtls:\n    mode: UNSET\n",
            &[
                "mtls-unset PeerAuthentication istio-system/default",
                "mtls-absent Namespace shop",
                "mtls-absent Namespace catalog",
            ],
        ),
        (
            "mtls-permissive",
            mode,
            "  mtls:\n    mode: PERMISSIVE\n",
            &["mtls-permissive Namespace shop", "mtls-permissive Namespace catalog"],
        ),
        (
            "mtls-disabled",
            mode,
            "  mtls:\n    mode: DISABLE\n",
            &["mtls-disabled Namespace shop", "mtls-disabled Namespace catalog"],
        ),
    ]);
    for (name, policy, expected) in [
        (
            "port",
            "{selector: {matchLabels: {app: web}}, portLevelMtls: {9090: {mode: DISABLE}}}",
            "mtls-disabled Deployment shop/web 9090",
        ),
        ("port-unset", "{selector: {matchLabels: {app: web}}, portLevelMtls: {9090: {mode: UNSET}}}", ""),
        ("other", "{selector: {matchLabels: {app: api}}, mtls: {mode: DISABLE}}", ""),
        (
            "workload",
            "{selector: {matchLabels: {app: web}}, mtls: {mode: PERMISSIVE}}",
            "mtls-permissive Deployment shop/web",
        ),
        ("namespace", "{mtls: {mode: PERMISSIVE}}", "mtls-permissive Namespace shop"),
        ("inherits", "{mtls: {mode: UNSET}}", "mtls-unset PeerAuthentication shop/x"),
        // Without a selector, the modes of ports have no effect.
        ("ports-alone", "{portLevelMtls: {9090: {mode: DISABLE}}}", ""),
    ] {
        let found = findings(&format!("audit-mtls-{name}.yaml"), &with(policy));
        assert_eq!(found.join("; "), expected, "{name}");
    }
}

#[test]
fn faults_of_authorization_and_egress() {
    let principals = "        - source:\n            principals: [\"cluster.local/ns/checkout/*\"]\n";
    let source = "spiffe://cluster.local/ns/checkout/*";
    check(&[
        (
            "authorization-absent",
            "kind: AuthorizationPolicy",
            "kind: RequestAuthentication",
            &["authorization-absent Deployment shop/web"],
        ),
        (
            "anybody",
            principals,
            "        - source:\n            ipBlocks: [10.0.0.0/8]\n",
            &["authorization-without-principal AuthorizationPolicy shop/web"],
        ),
        (
            "any-principal",
            "[\"cluster.local/ns/checkout/*\"]\n---",
            "[\"*\"]\n---",
            &["authorization-without-principal AuthorizationPolicy shop/web"],
        ),
        (
            "condition",
            "    - from:\n        - source:\n            principals: [\"cluster.local/ns/checkout/*\"]\n---",
            "    - when: [{key: source.namespace, values: [checkout]}]\n---",
            &[],
        ),
        ("users", "principals: [\"cluster.local/ns/checkout/*\"]\n---", "requestPrincipals: [issuer/*]\n---", &[]),
        ("namespaces", "principals: [\"cluster.local/ns/checkout/*\"]\n---", "namespaces: [checkout]\n---", &[]),
        ("wider", source, "spiffe://cluster.local/ns/*", &["rule-wider-than-authorization WasmPlugin shop/panveil"]),
        ("narrower", source, "spiffe://cluster.local/ns/checkout/sa/cart", &[]),
    ]);
    let limited = MESH.replace(
        "            principals: [\"cluster.local/ns/checkout/*\"]\n",
        "            principals: [\"cluster.local/ns/checkout/*\"]\n      to: [{operation: {methods: [POST], paths: [/v1/*]}}]\n",
    );
    let rule = "          direction: request\n";
    let wider: &[&str] = &["rule-wider-than-authorization WasmPlugin shop/panveil"];
    for (name, condition, expected) in [
        ("any", "", wider),
        ("method", "          method: [POST]\n          path: {prefix: /v1/charges}\n", &[][..]),
        ("path", "          method: [POST]\n          path: {prefix: /v2}\n", wider),
        ("paths", "          method: [POST]\n          path: [{prefix: /v1/charges}, {exact: /v1/charges}]\n", &[][..]),
        ("one-of-paths", "          method: [POST]\n          path: [{prefix: /v1/charges}, {prefix: /v2}]\n", wider),
        ("methods", "          method: [POST, PUT]\n          path: {prefix: /v1/charges}\n", wider),
        ("regex", "          method: [POST]\n          path: {regex: \"/v2\"}\n", &[]),
    ] {
        let text = limited.replace(rule, &format!("{rule}{condition}"));
        assert_eq!(findings(&format!("audit-limited-{name}.yaml"), &text), expected, "{name}");
    }
    let denied = changed(
        "spec:\n  rules:\n    - from:\n        - source:\n            principals:",
        "spec:\n  action: DENY\n  rules:\n    - from:\n        - source:\n            notPrincipals:",
    );
    assert_eq!(findings("audit-denied.yaml", &denied), [""; 0]);
    let some = denied.replace("notPrincipals:", "principals:");
    assert_eq!(findings("audit-denied-some.yaml", &some), ["authorization-absent Deployment shop/web"]);
    let masked = changed("action: allow", "action: mask");
    let masked = masked.replace("kind: AuthorizationPolicy", "kind: RequestAuthentication");
    assert_eq!(findings("audit-masked.yaml", &masked), [""; 0]);
    let entry = |port: &str| {
        format!(
            "{MESH}---\napiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {{name: psp, namespace: shop}}\nspec:\n  hosts: [psp.example]\n  ports: [{port}]\n"
        )
    };
    for (name, port, expected) in [
        ("tls", "{number: 443, name: tls, protocol: TLS}", "egress-tls ServiceEntry shop/psp 443"),
        ("http", "{number: 80, name: http, protocol: HTTP}", "egress-uninspected ServiceEntry shop/psp 80"),
    ] {
        assert_eq!(findings(&format!("audit-egress-{name}.yaml"), &entry(port)).join("; "), expected);
    }
    let internal =
        entry("{number: 443, name: tls, protocol: TLS}").replace("hosts:", "location: MESH_INTERNAL\n  hosts:");
    assert_eq!(findings("audit-egress-internal.yaml", &internal), [""; 0]);
    let inspected =
        entry("{number: 80, name: http, protocol: HTTP}").replace("mode: SERVER", "mode: CLIENT_AND_SERVER");
    assert_eq!(findings("audit-egress-inspected.yaml", &inspected), [""; 0]);
    let plaintext = format!(
        "{MESH}---\napiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {{name: x, namespace: shop}}\nspec:\n  host: web\n  trafficPolicy: {{tls: {{mode: DISABLE}}}}\n"
    );
    assert_eq!(findings("audit-client-tls.yaml", &plaintext), ["client-tls-disabled DestinationRule shop/x"]);
    let external = plaintext.replace("host: web", "host: psp.example");
    assert_eq!(findings("audit-client-tls-external.yaml", &external), [""; 0]);
}
