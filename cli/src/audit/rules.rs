//! Rules of the audit. Each finding belongs to one.

use crate::terminal;

/// Severity of a rule.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Card numbers pass uninspected, or reach a log.
    High,
    /// Card numbers pass under a condition, or a control around them is missing.
    Medium,
    /// The audit cannot decide, or a safeguard is weaker than it could be.
    Low,
}

impl Severity {
    /// Name of the severity.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }
}

/// Rule of the audit.
pub struct AuditRule {
    /// Name in the output and in suppressions.
    pub id: &'static str,
    pub severity: Severity,
    /// Requirements of PCI DSS 4.0.1 on which it bears.
    pub requirement: &'static str,
    /// Problem in general, for the list of rules.
    pub problem: &'static str,
    /// Remedy.
    pub fix: &'static str,
}

/// Table of all rules.
pub fn list() -> String {
    let title = ["rule", "severity", "PCI DSS", "problem"].map(str::to_owned);
    let row = |rule: &AuditRule| [rule.id, rule.severity.as_str(), rule.requirement, rule.problem].map(str::to_owned);
    terminal::table(&std::iter::once(title).chain(ALL.iter().map(row)).collect::<Vec<_>>()).concat()
}

macro_rules! rules {
    ($($name:ident $id:literal $severity:ident $requirement:literal $problem:literal $fix:literal)*) => {
        $(pub const $name: AuditRule = AuditRule {
            id: $id,
            severity: Severity::$severity,
            requirement: $requirement,
            problem: $problem,
            fix: $fix,
        };)*

        /// All rules, in the order of the documentation.
        pub const ALL: &[AuditRule] = &[$($name),*];
    };
}

rules! {
    NO_SIDECAR "no-sidecar" High "12.5.2"
        "A workload has no sidecar, so nothing inspects its traffic"
        "enable injection for the pod, or keep card numbers away from it"
    HOST_NETWORK "host-network" High "12.5.2"
        "Istio injects no sidecar into pods with hostNetwork"
        "remove hostNetwork, or keep card numbers away from the pod"
    INJECTION_UNKNOWN "injection-unknown" Low "12.5.2"
        "The input does not show whether a workload gets a sidecar"
        "add the Namespace, or the running Pods, to the input"
    POD_OUTDATED "pod-outdated" High "10.7.2"
        "A running pod lacks the sidecar that its namespace requires"
        "restart the workload"
    NO_PLUGIN "no-plugin" High "12.5.2"
        "No panveil plugin handles the inbound traffic of a workload or port"
        "add a plugin that selects it, with mode SERVER and without ports that leave it out"
    NAMESPACE_EXCLUDED "namespace-excluded" High "12.5.2"
        "The policy excludes the namespace"
        "remove the namespace from namespaces.exclude, or add a plugin to it"
    PORT_EXCLUDED "port-excluded" High "12.5.2"
        "Inbound traffic of a port bypasses the sidecar"
        "remove the setting"
    OUTBOUND_EXCLUDED "outbound-excluded" Medium "1.2.4, 12.5.2"
        "Outbound traffic of a workload bypasses its sidecar"
        "remove the setting, or name the destinations in the data-flow diagram"
    TCP_PORT "tcp-port" Medium "12.5.2"
        "Istio treats a port as TCP, so no HTTP filter runs"
        "name the Service port http, http2 or grpc, or set appProtocol, if it carries HTTP"
    TLS_PORT "tls-port" High "12.5.2"
        "The application terminates TLS itself, so the sidecar cannot read the traffic"
        "terminate TLS in the sidecar or gateway, and serve plain HTTP behind it"
    AMBIENT_WITHOUT_WAYPOINT "ambient-without-waypoint" High "12.5.2"
        "An ambient workload has no waypoint, and ztunnel runs no filters"
        "add a waypoint, label the namespace with istio.io/use-waypoint, and attach the plugin to it"
    WAYPOINT_WITHOUT_PLUGIN "waypoint-without-plugin" High "12.5.2"
        "No panveil plugin is attached to a waypoint"
        "name the waypoint in targetRefs of a plugin in its namespace"
    GATEWAY_WITHOUT_PLUGIN "gateway-without-plugin" Medium "12.5.2"
        "No panveil plugin handles the traffic of a gateway"
        "add a plugin for the gateway, with mode CLIENT (overlays/gateway, overlays/gateway-api)"
    GATEWAY_PASSTHROUGH "gateway-passthrough" Medium "12.5.2"
        "A gateway forwards connections that it cannot read"
        "terminate TLS at the gateway, or make sure that the workload behind it inspects"
    PLUGIN_UNATTACHED "plugin-unattached" High "10.7.2"
        "A panveil plugin applies to nothing"
        "correct targetRefs or selector, or delete the plugin"
    FAIL_OPEN "fail-open" High "10.7.2"
        "If panveil fails, traffic passes uninspected"
        "set failStrategy: FAIL_RELOAD (FAIL_CLOSE before Istio 1.27)"
    MONITOR_MODE "monitor-mode" Medium "12.5.2"
        "Monitor mode changes nothing: card numbers pass"
        "set mode: enforce when the reports are as expected"
    POLICY_INVALID "policy-invalid" High "10.7.2"
        "panveil rejects the policy: new proxies reply 500 to every request"
        "correct the policy; panveil check prints the same error"
    RULE_SKIPS "rule-skips" Medium "12.5.2"
        "A rule of the policy skips inspection"
        "use action: allow with a source, or limit the rule to traffic without card numbers"
    RULE_CLIENT_CONTROLLED "rule-client-controlled" High "7.2.5"
        "A rule lets card numbers pass by attributes that any client controls"
        "add source, destination or tls: mutual to the rule"
    MODULE_NOT_PINNED "module-not-pinned" Medium "6.5.1"
        "The module is not pinned by digest, so it can change without review"
        "set sha256"
    DIGEST_UNKNOWN "digest-unknown" High "6.5.1"
        "The digest of the module is not one of a known release"
        "set the digest of a verified release"
    PHASE_LATE "phase-late" Medium "3.5.1"
        "The plugin runs behind authorization, whose logs show the unmasked request"
        "set phase: AUTHN"
    PRIORITY_UNSET "priority-unset" Low "12.5.2"
        "Without a priority, the plugin runs behind every plugin that has one"
        "set priority: 1000"
    ISTIO_TOO_OLD "istio-too-old" High "10.7.2"
        "The Istio version of a proxy does not support the plugin"
        "upgrade Istio, or add components/older-istio"
    ENVOY_FILTER "envoy-filter" Medium "6.5.1, 10.7.2"
        "An EnvoyFilter changes the filter chain that panveil is part of"
        "review the patch: it must not remove, replace or precede panveil's filter"
    ACCESS_LOG_RAW "access-log-raw" High "3.5.1"
        "An access log prints raw paths or headers"
        "use the provider of telemetry/mesh-config.yaml, or remove these operators from the format"
    MTLS_ABSENT "mtls-absent" Medium "4.2.1 if the network is open, else good practice"
        "No PeerAuthentication applies, and the default PERMISSIVE accepts plaintext"
        "add a PeerAuthentication with mode STRICT to the root namespace"
    MTLS_UNSET "mtls-unset" Low "4.2.1 if the network is open, else good practice"
        "A PeerAuthentication sets no mode, and inherits one"
        "set the mode"
    MTLS_PERMISSIVE "mtls-permissive" Medium "4.2.1 if the network is open, else good practice"
        "A sidecar accepts plaintext"
        "set mode: STRICT"
    MTLS_DISABLED "mtls-disabled" High "4.2.1 if the network is open, else good practice"
        "A sidecar accepts plaintext only"
        "set mode: STRICT"
    CLIENT_TLS_DISABLED "client-tls-disabled" Medium "4.2.1 if the network is open, else good practice"
        "Clients send plaintext to a host"
        "set tls.mode: ISTIO_MUTUAL, or remove the setting"
    AUTHORIZATION_ABSENT "authorization-absent" Medium "7.2.5"
        "Any client can send requests to a workload that may receive card numbers"
        "add an AuthorizationPolicy that lists principals"
    AUTHORIZATION_WITHOUT_PRINCIPAL "authorization-without-principal" Medium "7.2.5"
        "An AuthorizationPolicy allows requests without a principal to a workload that may receive card numbers"
        "list principals in every source of the policy"
    RULE_WIDER "rule-wider-than-authorization" Medium "7.2.5"
        "A rule of the policy allows card numbers from more sources than the AuthorizationPolicy admits"
        "limit source of the rule to the admitted principals"
    EGRESS_TLS "egress-tls" Medium "1.2.4, 12.5.2"
        "Applications open TLS to an external host themselves, so no proxy can read the traffic"
        "originate TLS in the sidecar or an egress gateway, or record the data flow"
    EGRESS_UNINSPECTED "egress-uninspected" Medium "1.2.4, 12.5.2"
        "No panveil plugin handles outbound traffic to an external host, neither in the sidecars nor at an egress gateway"
        "route it through an egress gateway with a plugin, add one with mode CLIENT for its clients, or record the data flow"
    PROXY_WITHOUT_PANVEIL "proxy-without-panveil" High "10.7.2"
        "The configuration of a running proxy has no panveil"
        "see the reason with panveil status, and restart the pod"
    PROXY_PARTLY_COVERED "proxy-partly-covered" Medium "12.5.2"
        "A listener of a running proxy has HTTP filter chains without panveil"
        "extend match and ports of the plugin"
    PROXY_UPDATE_REJECTED "proxy-update-rejected" High "10.7.2"
        "A running proxy rejected an update, so an older configuration is active"
        "correct the cause and apply again"
    PROXIES_DIFFER "proxies-differ" High "10.7.2"
        "An apply has not reached all proxies of a workload"
        "compare the proxies with panveil status, and restart those with the old configuration"
    ENVOY_UNTESTED "envoy-untested" Low "6.5.1"
        "The Envoy of a proxy is outside the tested versions"
        "use an Istio release with a tested Envoy (docs/envoy-versions.md), or run make matrix"
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn ids_are_unique_and_texts_fit_in_one_sentence() {
        let ids: BTreeSet<&str> = ALL.iter().map(|rule| rule.id).collect();
        assert_eq!(ids.len(), ALL.len());
        for rule in ALL {
            assert!(rule.id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{}", rule.id);
            for text in [rule.problem, rule.fix] {
                assert!(!text.ends_with('.') && text.split_whitespace().count() <= 25, "{}: {text}", rule.id);
            }
        }
    }
}
