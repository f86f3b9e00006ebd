//! Traffic to hosts outside the mesh.

use crate::audit::attachment::Proxy;
use crate::audit::finding::Finding;
use crate::audit::mesh::{Mesh, NETWORKING};
use crate::audit::plugin::TrafficClass;
use crate::audit::port::{Protocol, number};
use crate::audit::rules;
use crate::audit::workload::DataPlane;

pub fn check(mesh: &Mesh<'_>, findings: &mut Vec<Finding>) {
    for entry in mesh.of(NETWORKING, "ServiceEntry") {
        if entry.node().text(&["spec", "location"]) == Some("MESH_INTERNAL") {
            continue;
        }
        let hosts = entry.node().texts(&["spec", "hosts"]).join(", ");
        for port in entry.node().items(&["spec", "ports"]) {
            let name = port.text(&["protocol"]).unwrap_or_default();
            let number = number(port, "number");
            let (rule, detail) = match Protocol::parse(name) {
                Some(Protocol::Tls | Protocol::Tcp) => (&rules::EGRESS_TLS, format!("{name} to {hosts} passes unread")),
                _ if is_inspected(mesh, number) => continue,
                _ => (&rules::EGRESS_UNINSPECTED, format!("{name} to {hosts} passes uninspected")),
            };
            findings.push(Finding::new(rule, entry.location_of(port), entry.title(), detail).at_port(number));
        }
    }
}

/// True if a plugin handles outbound traffic of this port in every sidecar. Without workloads in the input, one such plugin is enough.
fn is_inspected(mesh: &Mesh<'_>, port: Option<u16>) -> bool {
    let mut sidecars = mesh.workloads.iter().filter(|one| one.data_plane == DataPlane::Sidecar).peekable();
    if sidecars.peek().is_none() {
        return mesh.plugins.iter().any(|plugin| plugin.matches(TrafficClass::Client, port));
    }
    sidecars.all(|workload| {
        let chain = mesh.chain(&Proxy::of(workload), TrafficClass::Client, port);
        chain.iter().any(|plugin| plugin.acts_in(workload.namespace()))
    })
}
