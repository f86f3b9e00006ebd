//! Checks of each plugin and its policy.

use crate::audit::attachment::is_kind;
use crate::audit::finding::Finding;
use crate::audit::mesh::{CORE, GATEWAY_API, Mesh, NETWORKING};
use crate::audit::plugin::Plugin;
use crate::audit::rules::{self, AuditRule};
use crate::audit::weakness::{self, Weakness};
use crate::audit::workload::Workload;
use crate::manifest::{Location, selects};

/// Kinds that `targetRefs` may name.
const TARGETS: [(&str, &str); 5] = [
    (GATEWAY_API, "Gateway"),
    (GATEWAY_API, "GatewayClass"),
    (NETWORKING, "Gateway"),
    (NETWORKING, "ServiceEntry"),
    (CORE, "Service"),
];

pub fn check(mesh: &Mesh<'_>, digests: &[String], findings: &mut Vec<Finding>) {
    for plugin in &mesh.plugins {
        let subject = plugin.resource.title();
        let mut add = |rule: &'static AuditRule, location: Location, detail: String| {
            findings.push(Finding::new(rule, location, subject.clone(), detail));
        };
        if plugin.fail_strategy() == "FAIL_OPEN" {
            add(&rules::FAIL_OPEN, plugin.location_of("failStrategy"), "failStrategy is FAIL_OPEN".to_owned());
        }
        if !matches!(plugin.phase(), "AUTHN" | "AUTHZ") {
            add(&rules::PHASE_LATE, plugin.location_of("phase"), format!("phase is {}", plugin.phase()));
        }
        if plugin.priority().is_none() {
            add(&rules::PRIORITY_UNSET, plugin.resource.location.clone(), "no priority".to_owned());
        }
        if let Some((rule, detail)) = module(plugin, digests) {
            add(rule, plugin.location_of(if plugin.digest().is_some() { "sha256" } else { "url" }), detail);
        }
        if let Some(detail) = unattached(mesh, plugin) {
            add(&rules::PLUGIN_UNATTACHED, plugin.location_of("targetRefs"), detail);
        }
        policy(plugin, &mut add);
    }
}

/// Problem with the module's digest.
fn module(plugin: &Plugin<'_>, digests: &[String]) -> Option<(&'static AuditRule, String)> {
    let Some(digest) = plugin.digest() else {
        let detail = if plugin.url().starts_with("file:") {
            "Istio verifies no digest of a mounted file"
        } else {
            "the module has no sha256"
        };
        return Some((&rules::MODULE_NOT_PINNED, detail.to_owned()));
    };
    if digest.bytes().all(|byte| byte == b'0') {
        return Some((&rules::DIGEST_UNKNOWN, "the digest is the placeholder of the shipped manifest".to_owned()));
    }
    let is_known = digests.is_empty()
        || digests.iter().any(|known| known.trim_start_matches("sha256:").eq_ignore_ascii_case(digest));
    (!is_known).then(|| (&rules::DIGEST_UNKNOWN, "the digest is none of those given by --digest".to_owned()))
}

/// Reason why the plugin is attached to nothing, if the input has the kind of resource to which it could be attached.
fn unattached(mesh: &Mesh<'_>, plugin: &Plugin<'_>) -> Option<String> {
    let node = plugin.resource.node();
    let mut refs = node.items(&["spec", "targetRefs"]).peekable();
    if refs.peek().is_some() {
        let is_absent = refs.all(|target| {
            let name = target.text(&["name"]);
            let kind = TARGETS.iter().find(|(group, kind)| is_kind(target, group, kind));
            kind.is_none_or(|(group, kind)| {
                let is_cluster_wide = *kind == "GatewayClass";
                let mut all = mesh.of(group, kind).peekable();
                let is_known = all.peek().is_some() || !mesh.workloads.is_empty() && !is_cluster_wide;
                is_known
                    && !all.any(|resource| {
                        name == Some(resource.name.as_str())
                            && (is_cluster_wide || resource.namespace == plugin.resource.namespace)
                    })
            })
        });
        return is_absent.then(|| "targetRefs match nothing in its namespace".to_owned());
    }
    let is_mesh_wide = plugin.resource.namespace == mesh.root;
    let near = |workload: &&Workload<'_>| is_mesh_wide || workload.namespace() == plugin.resource.namespace;
    let mut workloads = mesh.workloads.iter().filter(near).peekable();
    let selector = ["spec", "selector", "matchLabels"];
    (workloads.peek().is_some() && !workloads.any(|workload| selects(node, &selector, &workload.labels)))
        .then(|| "its selector matches no workload".to_owned())
}

fn policy(plugin: &Plugin<'_>, add: &mut impl FnMut(&'static AuditRule, Location, String)) {
    let policy = match &plugin.policy {
        Ok(policy) => policy,
        Err(diagnostic) => {
            let mut location = plugin.location_of("pluginConfig");
            location.position = diagnostic.position.unwrap_or(location.position);
            return add(&rules::POLICY_INVALID, location, format!("invalid policy: {}", diagnostic.text));
        }
    };
    for Weakness { rule, node, detail } in weakness::of(policy, plugin.config()) {
        let location = node.map(|node| plugin.resource.location_of(node));
        add(rule, location.unwrap_or_else(|| plugin.location_of("pluginConfig")), detail);
    }
}
