//! Mutual TLS between workloads.

use crate::audit::coverage::Coverage;
use crate::audit::finding::Finding;
use crate::audit::mesh::{CORE, Mesh, NETWORKING, SECURITY};
use crate::audit::mtls::{EffectiveMtls, MtlsMode};
use crate::audit::rules;
use crate::manifest::Resource;
use std::collections::BTreeSet;

pub fn check(mesh: &Mesh<'_>, coverage: &[Coverage<'_, '_>], findings: &mut Vec<Finding>) {
    modes(mesh, coverage, findings);
    for policy in mesh.of(SECURITY, "PeerAuthentication") {
        // A policy may exist for its ports alone.
        let is_unset = MtlsMode::at(policy, &["spec", "mtls", "mode"]).is_none();
        if is_unset && policy.get(&["spec", "portLevelMtls"]).is_none() {
            let detail = "sets no mode, and inherits one";
            findings.push(Finding::new(&rules::MTLS_UNSET, policy.location.clone(), policy.title(), detail));
        }
    }
    for rule in mesh.of(NETWORKING, "DestinationRule") {
        let host = rule.node().text(&["spec", "host"]).unwrap_or_default();
        let is_disabled = rule.node().text(&["spec", "trafficPolicy", "tls", "mode"]) == Some("DISABLE");
        if is_disabled && is_in_mesh(mesh, rule, host) {
            let detail = format!("tls.mode DISABLE for {host}");
            findings.push(Finding::new(&rules::CLIENT_TLS_DISABLED, rule.location.clone(), rule.title(), detail));
        }
    }
}

/// Findings about effective modes other than STRICT, each once for the workload, port or namespace that it concerns.
fn modes(mesh: &Mesh<'_>, coverage: &[Coverage<'_, '_>], findings: &mut Vec<Finding>) {
    let mut seen = BTreeSet::new();
    for one in coverage {
        let (Some(workload), Some(mode)) = (one.workload, one.mtls) else { continue };
        let effective = EffectiveMtls::of(mesh, workload.namespace(), &workload.labels, one.port);
        let (rule, detail) = match (mode, effective.source) {
            (MtlsMode::Strict, _) => continue,
            (_, None) => {
                (&rules::MTLS_ABSENT, "no PeerAuthentication sets a mode, so plaintext is accepted".to_owned())
            }
            (MtlsMode::Permissive, Some(policy)) => {
                (&rules::MTLS_PERMISSIVE, format!("PERMISSIVE by {}", policy.title()))
            }
            (MtlsMode::Disable, Some(policy)) => (&rules::MTLS_DISABLED, format!("DISABLE by {}", policy.title())),
        };
        let namespace = format!("Namespace {}", workload.namespace());
        let subject = if effective.is_own { workload.title.clone() } else { namespace };
        let port =
            one.port.filter(|port| effective.is_own && effective.source.is_some_and(|policy| sets_port(policy, *port)));
        if seen.insert((subject.clone(), rule.id, port)) {
            let location = effective.source.map_or_else(|| one.location.clone(), |policy| policy.location.clone());
            findings.push(Finding::new(rule, location, subject, detail).at_port(port));
        }
    }
}

fn sets_port(policy: &Resource, port: u16) -> bool {
    MtlsMode::at(policy, &["spec", "portLevelMtls", &port.to_string(), "mode"]).is_some()
}

/// True if a DestinationRule's host is a Service in the input: by its short name, or by its name and namespace.
fn is_in_mesh(mesh: &Mesh<'_>, rule: &Resource, host: &str) -> bool {
    mesh.of(CORE, "Service").any(|service| {
        let full = format!("{}.{}", service.name, service.namespace);
        let is_short = host == service.name && service.namespace == rule.namespace;
        let pattern = host.strip_prefix('*');
        is_short
            || host.strip_prefix(&full).is_some_and(|rest| rest.is_empty() || rest.starts_with(".svc"))
            || pattern.is_some_and(|suffix| format!("{full}.svc.cluster.local").ends_with(suffix))
    })
}
