//! Checks of workloads, besides the coverage of their ports.

use crate::audit::attachment::Proxy;
use crate::audit::finding::Finding;
use crate::audit::mesh::Mesh;
use crate::audit::rules;
use crate::audit::workload::{DataPlane, Workload};

/// Annotations with which outbound traffic bypasses the sidecar, and the chart's value for all workloads.
const OUTBOUND: [(&str, &str); 3] = [
    ("excludeOutboundPorts", "excludeOutboundPorts"),
    ("excludeOutboundIPRanges", "excludeIPRanges"),
    ("includeOutboundIPRanges", "includeIPRanges"),
];

/// First minor version of Istio 1 with `failStrategy: FAIL_RELOAD`, and with `TrafficExtension`.
const FAIL_RELOAD_SINCE: u32 = 27;
const TRAFFIC_EXTENSION_SINCE: u32 = 30;

pub fn check(mesh: &Mesh<'_>, findings: &mut Vec<Finding>) {
    for workload in &mesh.workloads {
        let location = || workload.resource.location.clone();
        let title = || workload.title.clone();
        let is_sidecar = workload.data_plane == DataPlane::Sidecar;
        for (name, value) in OUTBOUND.iter().filter(|_| is_sidecar) {
            let setting = mesh.injector.setting(workload, name, value);
            if let Some(list) = setting.filter(|list| !matches!(list.trim(), "" | "*")) {
                let detail = format!("{name}: {list} bypasses the sidecar");
                findings.push(Finding::new(&rules::OUTBOUND_EXCLUDED, location(), title(), detail));
            }
        }
        if is_sidecar {
            if let Some(pod) = workload.without_sidecar.first() {
                let count = workload.without_sidecar.len();
                let detail = format!("{count} running pods have no sidecar, such as {}", pod.name);
                findings.push(Finding::new(&rules::POD_OUTDATED, pod.location.clone(), title(), detail));
            }
            if let Some(detail) = too_old(mesh, workload) {
                findings.push(Finding::new(&rules::ISTIO_TOO_OLD, location(), title(), detail));
            }
        }
    }
}

/// Feature of an attached plugin that the workload's proxies lack, by the tag of their image.
fn too_old(mesh: &Mesh<'_>, workload: &Workload<'_>) -> Option<String> {
    let images = workload.proxy_images.iter().copied();
    let (minor, image) = images.filter_map(|image| Some((minor_version(image)?, image))).min()?;
    let proxy = Proxy::of(workload);
    mesh.plugins.iter().filter(|plugin| proxy.has(plugin, mesh.root)).find_map(|plugin| {
        let lacks = if plugin.resource.kind == "TrafficExtension" && minor < TRAFFIC_EXTENSION_SINCE {
            "TrafficExtension"
        } else if plugin.fail_strategy() == "FAIL_RELOAD" && minor < FAIL_RELOAD_SINCE {
            "FAIL_RELOAD"
        } else {
            return None;
        };
        Some(format!("{} needs {lacks}, which {image} lacks", plugin.name()))
    })
}

/// Minor version in the tag of a proxy image of Istio 1, such as `docker.io/istio/proxyv2:1.29.6`.
fn minor_version(image: &str) -> Option<u32> {
    let (repository, tag) = image.split('@').next()?.rsplit_once(':')?;
    if !repository.ends_with("/proxyv2") {
        return None;
    }
    tag.strip_prefix("1.")?.split(['.', '-']).next()?.parse().ok()
}
