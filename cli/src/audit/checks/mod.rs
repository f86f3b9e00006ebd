//! Checks of the audit, by subject.

mod access_logs;
mod authorization;
mod egress;
mod envoy_filters;
mod mtls;
mod plugins;
mod proxies;
mod workloads;

use super::coverage::{self, Coverage};
use super::finding::Finding;
use super::mesh::Mesh;
use super::proxy::ProxyDump;

/// Findings of all checks, by file and line.
pub fn findings(
    mesh: &Mesh<'_>,
    coverage: &[Coverage<'_, '_>],
    proxies: &[ProxyDump],
    digests: &[String],
) -> Vec<Finding> {
    let mut findings = Vec::new();
    coverage::findings(coverage, &mut findings);
    plugins::check(mesh, digests, &mut findings);
    workloads::check(mesh, &mut findings);
    envoy_filters::check(mesh, &mut findings);
    access_logs::check(mesh, &mut findings);
    mtls::check(mesh, coverage, &mut findings);
    authorization::check(mesh, coverage, &mut findings);
    egress::check(mesh, coverage, &mut findings);
    proxies::check(proxies, &mut findings);
    findings.sort_by(|one, other| {
        let key =
            |finding: &Finding| (finding.location.file.to_string(), finding.location.position.line, finding.rule.id);
        key(one).cmp(&key(other))
    });
    findings
}
