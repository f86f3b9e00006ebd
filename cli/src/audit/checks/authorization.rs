//! Authorization of clients at workloads that may receive card numbers.

use crate::audit::coverage::{Coverage, Inspection};
use crate::audit::finding::Finding;
use crate::audit::mesh::{Mesh, SECURITY};
use crate::audit::rules;
use crate::audit::weakness::{PassingRule, passing_rules};
use crate::audit::workload::DataPlane;
use crate::document::Node;
use crate::manifest::Resource;
use std::collections::BTreeSet;

/// Fields of a source that name authenticated workloads.
const WORKLOADS: [&str; 3] = ["principals", "namespaces", "serviceAccounts"];

/// Field of a source that names authenticated users.
const USERS: &str = "requestPrincipals";

/// Keys of conditions that test the same identities.
const IDENTITY_KEYS: [&str; 4] = ["source.principal", "source.namespace", "source.serviceAccount", "request.auth."];

pub fn check(mesh: &Mesh<'_>, coverage: &[Coverage<'_, '_>], findings: &mut Vec<Finding>) {
    let mut seen = BTreeSet::new();
    for one in coverage.iter().filter(|one| one.may_receive_cards()) {
        let Some(workload) = one.workload.filter(|workload| workload.data_plane == DataPlane::Sidecar) else {
            continue;
        };
        if !seen.insert(workload.title.as_str()) {
            continue;
        }
        let is_allow = |policy: &&Resource| policy.node().text(&["spec", "action"]).unwrap_or("ALLOW") == "ALLOW";
        let policies = mesh.applying(SECURITY, "AuthorizationPolicy", workload.namespace(), &workload.labels);
        if policies.iter().any(|policy| denies_others(policy)) {
            continue;
        }
        let policies: Vec<&Resource> = policies.into_iter().filter(is_allow).collect();
        if policies.is_empty() {
            let detail = "may receive card numbers, and no ALLOW policy limits its clients";
            let subject = workload.title.clone();
            findings.push(Finding::new(&rules::AUTHORIZATION_ABSENT, one.location.clone(), subject, detail));
            continue;
        }
        let open: Vec<(&Resource, &Node)> =
            policies.iter().filter_map(|policy| Some((*policy, open_rule(policy)?))).collect();
        for (policy, rule) in &open {
            if seen_policy(findings, policy) {
                continue;
            }
            let detail = format!("allows any client of {}", workload.title);
            let location = policy.location_of(rule);
            findings.push(Finding::new(&rules::AUTHORIZATION_WITHOUT_PRINCIPAL, location, policy.title(), detail));
        }
        if let (Inspection::By(plugin), true) = (&one.inspection, open.is_empty()) {
            for rule in passing_rules(plugin.config()) {
                if let Some(wider) = wider(&rule, &policies) {
                    let detail =
                        format!("rule {} allows {wider} at {}, which no policy admits", rule.name, workload.title);
                    let (location, title) = (plugin.resource.location_of(rule.node), plugin.resource.title());
                    findings.push(Finding::new(&rules::RULE_WIDER, location, title, detail));
                }
            }
        }
    }
}

/// True for a DENY policy that rejects every client except the listed ones.
fn denies_others(policy: &Resource) -> bool {
    let is_limit = |rule: &Node| {
        rule.field("to").is_none()
            && rule.field("when").is_none()
            && rule.items(&["from"]).any(|from| {
                ["notPrincipals", "notNamespaces"].iter().any(|field| !from.texts(&["source", field]).is_empty())
                    && from.get(&["source"]).is_some_and(|source| source.names().count() == 1)
            })
    };
    policy.node().text(&["spec", "action"]) == Some("DENY") && policy.node().items(&["spec", "rules"]).any(is_limit)
}

fn seen_policy(findings: &[Finding], policy: &Resource) -> bool {
    let title = policy.title();
    findings
        .iter()
        .any(|finding| finding.rule.id == rules::AUTHORIZATION_WITHOUT_PRINCIPAL.id && finding.subject == title)
}

/// Rule of the policy that admits clients without a principal. A policy without rules admits nobody.
fn open_rule(policy: &Resource) -> Option<&Node> {
    policy.node().items(&["spec", "rules"]).find(|rule| {
        let mut sources = rule.items(&["from"]).peekable();
        let is_open = |source: &Node| {
            let named =
                WORKLOADS.iter().chain([&USERS]).flat_map(|field| source.texts(&["source", field])).collect::<Vec<_>>();
            named.is_empty() || named.contains(&"*")
        };
        let is_limited = rule.items(&["when"]).any(|condition| {
            let key = condition.text(&["key"]).unwrap_or_default();
            let values = condition.texts(&["values"]);
            IDENTITY_KEYS.iter().any(|known| key.starts_with(known)) && !values.is_empty() && !values.contains(&"*")
        });
        !is_limited && (sources.peek().is_none() || sources.any(is_open))
    })
}

/// Part of the rule that no policy admits: a source, or its methods and path for that source.
fn wider(rule: &PassingRule<'_>, policies: &[&Resource]) -> Option<String> {
    let sources = rule.node.texts(&["match", "source"]);
    if sources.is_empty() {
        return Some("any source".to_owned());
    }
    let admitted: Vec<&Node> = policies.iter().flat_map(|policy| policy.node().items(&["spec", "rules"])).collect();
    sources.into_iter().find_map(|source| {
        let name = source.strip_prefix("spiffe://").unwrap_or(source);
        // A rule without sources limits them by conditions, which are not compared.
        let is_of_source = |admitted: &&&Node| {
            admitted.field("from").is_none() || admitted.items(&["from"]).any(|from| admits(from, name))
        };
        let mut of_source = admitted.iter().filter(is_of_source).peekable();
        if of_source.peek().is_none() {
            return Some(source.to_owned());
        }
        let is_operation = |admitted: &&Node| {
            let mut operations = admitted.items(&["to"]).peekable();
            operations.peek().is_none() || operations.any(|to| admits_operation(to, rule.node))
        };
        (!of_source.any(is_operation)).then(|| format!("other methods or paths for {source}"))
    })
}

/// True if an operation of an AuthorizationPolicy admits all methods and paths of a rule. A path that cannot be compared, such as a
/// regular expression, counts as admitted.
fn admits_operation(to: &Node, rule: &Node) -> bool {
    let admitted_methods = to.texts(&["operation", "methods"]);
    let methods = rule.texts(&["match", "method"]);
    let is_method = admitted_methods.is_empty()
        || !methods.is_empty() && methods.iter().all(|method| admitted_methods.contains(method));
    let admitted_paths = to.texts(&["operation", "paths"]);
    let paths: Vec<&Node> = match rule.list(&["match", "path"]) {
        Some(_) => rule.items(&["match", "path"]).collect(),
        None => rule.get(&["match", "path"]).into_iter().collect(),
    };
    // A prefix matches the path itself and everything below it.
    let admits_path = |pattern: &str, path: &Node| match (path.text(&["exact"]), path.text(&["prefix"])) {
        (Some(exact), _) => covers(exact_or_template(pattern), exact),
        (_, Some(prefix)) => covers(exact_or_template(pattern), &format!("{prefix}*")),
        _ => true,
    };
    let is_admitted = |path: &&Node| admitted_paths.iter().any(|pattern| admits_path(pattern, path));
    is_method && (admitted_paths.is_empty() || !paths.is_empty() && paths.iter().all(is_admitted))
}

/// Path of an AuthorizationPolicy. A template, such as `/a/{*}`, cannot be compared, and admits everything.
fn exact_or_template(pattern: &str) -> &str {
    if pattern.contains('{') { "*" } else { pattern }
}

/// True if a source of an AuthorizationPolicy admits every identity that a pattern of panveil matches. The pattern has no scheme:
/// `cluster.local/ns/checkout/*`.
fn admits(from: &Node, pattern: &str) -> bool {
    let path: Vec<&str> = pattern.split('/').collect();
    let is_service_account = |account: &str| match (path.as_slice(), account.split_once('/')) {
        ([_, "ns", namespace, "sa", name], Some((own, account))) => *namespace == own && *name == account,
        _ => false,
    };
    let namespace = if let [_, "ns", namespace, ..] = path.as_slice() { *namespace } else { "*" };
    let names_workloads = WORKLOADS.iter().any(|field| !from.texts(&["source", field]).is_empty());
    !names_workloads
        || from.texts(&["source", "principals"]).into_iter().any(|principal| covers(principal, pattern))
        || from.texts(&["source", "namespaces"]).into_iter().any(|own| namespace != "*" && covers(own, namespace))
        || from.texts(&["source", "serviceAccounts"]).into_iter().any(is_service_account)
}

/// True if a value of Istio, exact or with `*` at one end, matches all that the pattern matches.
fn covers(value: &str, pattern: &str) -> bool {
    if let Some(start) = value.strip_suffix('*') {
        return pattern.starts_with(start);
    }
    match value.strip_prefix('*') {
        Some(end) => !pattern.ends_with('*') && pattern.ends_with(end),
        None => value == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wider_pattern_is_not_covered() {
        for (value, pattern, expected) in [
            ("cluster.local/ns/a/sa/b", "cluster.local/ns/a/sa/b", true),
            ("cluster.local/ns/a/*", "cluster.local/ns/a/sa/b", true),
            ("cluster.local/ns/a/*", "cluster.local/ns/a/*", true),
            ("cluster.local/ns/a/sa/b", "cluster.local/ns/a/*", false),
            ("*/sa/b", "cluster.local/ns/a/sa/b", true),
            ("*/sa/b", "cluster.local/ns/a/sa/*", false),
            ("*", "cluster.local/ns/a/*", true),
        ] {
            assert_eq!(covers(value, pattern), expected, "{value} {pattern}");
        }
    }
}
