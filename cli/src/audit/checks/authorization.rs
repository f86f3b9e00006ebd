//! Authorization of clients at workloads that may receive card numbers.

use crate::audit::coverage::{Coverage, Inspection};
use crate::audit::finding::Finding;
use crate::audit::mesh::{Mesh, SECURITY};
use crate::audit::plugin::PassingRule;
use crate::audit::resource::Resource;
use crate::audit::rules;
use crate::document::Node;
use std::collections::BTreeSet;

/// Fields of a source that name authenticated workloads.
const IDENTITIES: [&str; 3] = ["principals", "namespaces", "serviceAccounts"];

pub fn check(mesh: &Mesh<'_>, coverage: &[Coverage<'_, '_>], findings: &mut Vec<Finding>) {
    let mut seen = BTreeSet::new();
    for one in coverage.iter().filter(|one| one.mtls.is_some() && one.may_receive_cards()) {
        let Some(workload) = one.workload.filter(|workload| seen.insert(workload.title.as_str())) else { continue };
        let is_allow = |policy: &&Resource| policy.node().text(&["spec", "action"]).unwrap_or("ALLOW") == "ALLOW";
        let policies = mesh.applying(SECURITY, "AuthorizationPolicy", workload.namespace(), &workload.labels);
        let policies: Vec<&Resource> = policies.into_iter().filter(is_allow).collect();
        if policies.is_empty() {
            let detail = "may receive card numbers, and no ALLOW policy limits its clients";
            let subject = workload.title.clone();
            findings.push(Finding::new(&rules::AUTHORIZATION_ABSENT, one.place.clone(), subject, detail));
            continue;
        }
        let open: Vec<(&Resource, &Node)> =
            policies.iter().filter_map(|policy| Some((*policy, open_rule(policy)?))).collect();
        for (policy, rule) in &open {
            if seen_policy(findings, policy) {
                continue;
            }
            let detail = format!("allows any client of {}", workload.title);
            let place = policy.place_of(rule);
            findings.push(Finding::new(&rules::AUTHORIZATION_WITHOUT_PRINCIPAL, place, policy.title(), detail));
        }
        if let (Inspection::By(plugin), true) = (&one.inspection, open.is_empty()) {
            for rule in plugin.passing_rules() {
                if let Some(wider) = wider(&rule, &policies) {
                    let detail =
                        format!("rule {} allows {wider} at {}, which no policy admits", rule.name, workload.title);
                    let (place, title) = (plugin.resource.place_of(rule.node), plugin.resource.title());
                    findings.push(Finding::new(&rules::RULE_WIDER, place, title, detail));
                }
            }
        }
    }
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
            let named = IDENTITIES.iter().flat_map(|field| source.texts(&["source", field])).collect::<Vec<_>>();
            named.is_empty() || named.contains(&"*")
        };
        sources.peek().is_none() || sources.any(is_open)
    })
}

/// First source of the rule that no policy admits.
fn wider(rule: &PassingRule<'_>, policies: &[&Resource]) -> Option<String> {
    let sources = rule.node.texts(&["match", "source"]);
    if sources.is_empty() {
        return Some("any source".to_owned());
    }
    let admitted: Vec<&Node> = policies
        .iter()
        .flat_map(|policy| policy.node().items(&["spec", "rules"]))
        .flat_map(|rule| rule.items(&["from"]))
        .collect();
    let is_admitted = |source: &str| {
        let name = source.strip_prefix("spiffe://").unwrap_or(source);
        admitted.iter().any(|from| admits(from, name))
    };
    sources.into_iter().find(|source| !is_admitted(source)).map(str::to_owned)
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
    from.texts(&["source", "principals"]).into_iter().any(|principal| covers(principal, pattern))
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
