//! Running proxies, by their configuration dumps.

use crate::audit::finding::Finding;
use crate::audit::proxy::ProxyDump;
use crate::audit::rules::{self, AuditRule};
use crate::audit::weakness::{self, Weakness};
use crate::document::{self, Origin};
use crate::status::FilterConfig;
use panveil::policy::Policy;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

/// Minor versions of Envoy 1 that the integration suite runs on (docs/envoy-versions.md).
const TESTED: RangeInclusive<u64> = 36..=40;

/// Modules and policies of a proxy.
type Version<'p> = BTreeSet<(&'p str, &'p str)>;

pub fn check(proxies: &[ProxyDump], findings: &mut Vec<Finding>) {
    for proxy in proxies {
        let mut add = |rule, detail: String| {
            findings.push(Finding::new(rule, proxy.location.clone(), format!("proxy {}", proxy.name), detail));
        };
        let config = &proxy.config;
        if config.listeners.is_empty() {
            add(&rules::PROXY_WITHOUT_PANVEIL, "no listener references panveil's filter".to_owned());
        }
        for delivered in &config.delivered {
            match &delivered.config {
                FilterConfig::AllowAll => {
                    add(&rules::PROXY_WITHOUT_PANVEIL, "module not fetched: every request passes unmasked".to_owned());
                }
                FilterConfig::Module { policy_text, fails_open, .. } => {
                    if *fails_open {
                        add(&rules::FAIL_OPEN, "the delivered failure policy is FAIL_OPEN".to_owned());
                    }
                    match policy_text {
                        Some(Ok(text)) => weaknesses(text).into_iter().for_each(|(rule, detail)| add(rule, detail)),
                        Some(Err(error)) => add(&rules::POLICY_INVALID, format!("invalid policy: {error}")),
                        None => {}
                    }
                }
                FilterConfig::DenyAll => {}
            }
        }
        for listener in config.listeners.iter().filter(|listener| listener.without > 0) {
            let all = listener.with.saturating_add(listener.without);
            let detail =
                format!("listener {}: {} of {all} HTTP filter chains lack panveil", listener.name, listener.without);
            add(&rules::PROXY_PARTLY_COVERED, detail);
        }
        for rejected in &config.rejected {
            add(&rules::PROXY_UPDATE_REJECTED, format!("listener {}: {}", rejected.name, rejected.details));
        }
        if let Some((major, minor)) = proxy.envoy.filter(|(major, minor)| *major != 1 || !TESTED.contains(minor)) {
            add(&rules::ENVOY_UNTESTED, format!("Envoy {major}.{minor}"));
        }
    }
    differences(proxies, findings);
}

/// Weaknesses of a delivered policy.
fn weaknesses(text: &str) -> Vec<(&'static AuditRule, String)> {
    let Ok(policy) = Policy::parse(text.as_bytes()) else { return Vec::new() };
    let config = document::read(text, Origin::FILE).ok();
    let found = weakness::of(&policy, config.as_deref());
    found.into_iter().map(|Weakness { rule, detail, .. }| (rule, detail)).collect()
}

/// Findings about proxies of one group with different modules or policies.
fn differences(proxies: &[ProxyDump], findings: &mut Vec<Finding>) {
    let mut groups: BTreeMap<&str, BTreeMap<Version<'_>, Vec<&ProxyDump>>> = BTreeMap::new();
    // A proxy without panveil has a finding of its own.
    let has_panveil = |proxy: &&ProxyDump| !proxy.cluster.is_empty() && !proxy.config.delivered.is_empty();
    for proxy in proxies.iter().filter(has_panveil) {
        let delivered = proxy.config.delivered.iter().filter_map(|delivered| match &delivered.config {
            FilterConfig::Module { module, policy, .. } => Some((module.as_str(), policy.as_str())),
            FilterConfig::DenyAll | FilterConfig::AllowAll => None,
        });
        groups.entry(&proxy.cluster).or_default().entry(delivered.collect()).or_default().push(proxy);
    }
    for (cluster, versions) in groups.iter().filter(|(_, versions)| versions.len() > 1) {
        let Some(rare) = versions.values().min_by_key(|proxies| proxies.len()).and_then(|proxies| proxies.first())
        else {
            continue;
        };
        let detail = format!("{} different modules or policies, such as in {}", versions.len(), rare.name);
        findings.push(Finding::new(
            &rules::PROXIES_DIFFER,
            rare.location.clone(),
            format!("proxies {cluster}"),
            detail,
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tested_versions_are_those_of_the_documentation() {
        let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/envoy-versions.md")).unwrap();
        let tested: BTreeSet<u64> =
            page.lines().filter_map(|line| line.strip_prefix("| 1.")?.split('.').next()?.parse().ok()).collect();
        assert_eq!(tested, TESTED.collect());
    }
}
