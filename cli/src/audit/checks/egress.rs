//! Traffic to hosts outside the mesh.

use crate::audit::attachment::Proxy;
use crate::audit::coverage::{Coverage, Inspection};
use crate::audit::finding::Finding;
use crate::audit::mesh::{Mesh, NETWORKING};
use crate::audit::plugin::{Plugin, TrafficClass};
use crate::audit::port::{Protocol, number};
use crate::audit::rules;
use crate::audit::workload::DataPlane;
use crate::document::Node;
use crate::manifest::Resource;

/// Name for all sidecars in the `gateways` of a VirtualService.
const SIDECARS: &str = "mesh";

pub fn check(mesh: &Mesh<'_>, coverage: &[Coverage<'_, '_>], findings: &mut Vec<Finding>) {
    for entry in mesh.of(NETWORKING, "ServiceEntry") {
        if entry.node().text(&["spec", "location"]) == Some("MESH_INTERNAL") {
            continue;
        }
        let hosts = entry.node().texts(&["spec", "hosts"]);
        let shown = hosts.join(", ");
        let is_behind_gateway = |port| hosts.iter().all(|host| passes_gateway(mesh, coverage, host, port));
        for port in entry.node().items(&["spec", "ports"]) {
            let name = port.text(&["protocol"]).unwrap_or_default();
            let number = number(port, "number");
            let (rule, detail) = match Protocol::parse(name) {
                Some(Protocol::Tls | Protocol::Tcp) => (&rules::EGRESS_TLS, format!("{name} to {shown} passes unread")),
                _ if is_inspected(mesh, number) || is_behind_gateway(number) => continue,
                _ => (&rules::EGRESS_UNINSPECTED, format!("{name} to {shown} passes uninspected")),
            };
            findings.push(Finding::new(rule, entry.location_of(port), entry.title(), detail).at_port(number));
        }
    }
}

/// True if a plugin handles outbound traffic of this port in every sidecar. Without workloads in the input, one such plugin is enough.
fn is_inspected(mesh: &Mesh<'_>, port: Option<u16>) -> bool {
    let mut sidecars = mesh.workloads.iter().filter(|one| one.data_plane == DataPlane::Sidecar).peekable();
    if sidecars.peek().is_none() {
        let is_for_all = |plugin: &&Plugin<'_>| {
            ["selector", "targetRefs"].iter().all(|field| plugin.resource.get(&["spec", field]).is_none())
        };
        return mesh.plugins.iter().filter(is_for_all).any(|plugin| plugin.matches(TrafficClass::Client, port));
    }
    sidecars.all(|workload| {
        let chain = mesh.chain(&Proxy::of(workload), TrafficClass::Client, port);
        chain.iter().any(|plugin| plugin.acts_in(workload.namespace()))
    })
}

/// True if sidecars send requests for the host to egress gateways only, and panveil inspects them at all gateways that have routes for it.
fn passes_gateway(mesh: &Mesh<'_>, coverage: &[Coverage<'_, '_>], host: &str, port: Option<u16>) -> bool {
    let has_host = |service: &&Resource| service.node().texts(&["spec", "hosts"]).contains(&host);
    let (mut to_gateway, mut at_gateway) = (false, false);
    for service in mesh.of(NETWORKING, "VirtualService").filter(has_host) {
        let gateways = service.node().texts(&["spec", "gateways"]);
        let by_default = gateways.is_empty() || gateways.contains(&SIDECARS);
        for route in service.node().items(&["spec", "http"]).filter(|route| is_for_sidecars(route, by_default, port)) {
            if route.items(&["route"]).any(|target| target.text(&["destination", "host"]) == Some(host)) {
                return false;
            }
            to_gateway = true;
        }
        for gateway in gateways.into_iter().filter(|gateway| *gateway != SIDECARS) {
            if !is_gateway_inspected(mesh, coverage, gateway, &service.namespace) {
                return false;
            }
            at_gateway = true;
        }
    }
    to_gateway && at_gateway
}

/// True if sidecars apply the route to requests for the port. `by_default` applies to a route or condition without gateways.
fn is_for_sidecars(route: &Node, by_default: bool, port: Option<u16>) -> bool {
    let applies = |condition: &Node| {
        let gateways = condition.texts(&["gateways"]);
        let has_port = condition.field("port").is_none() || number(condition, "port") == port;
        has_port && if gateways.is_empty() { by_default } else { gateways.contains(&SIDECARS) }
    };
    let mut conditions = route.items(&["match"]).peekable();
    if conditions.peek().is_none() { by_default } else { conditions.any(applies) }
}

/// True if a plugin handles all traffic of the classic gateway, by its name or namespace and name.
fn is_gateway_inspected(mesh: &Mesh<'_>, coverage: &[Coverage<'_, '_>], gateway: &str, namespace: &str) -> bool {
    let (namespace, name) = gateway.split_once('/').unwrap_or((namespace, gateway));
    // A gateway of the Gateway API may have the same subject.
    if !mesh.of(NETWORKING, "Gateway").any(|one| one.namespace == namespace && one.name == name) {
        return false;
    }
    let subject = format!("Gateway {namespace}/{name}");
    let mut rows = coverage.iter().filter(|row| row.workload.is_none() && row.subject == subject).peekable();
    rows.peek().is_some() && rows.all(|row| matches!(row.inspection, Inspection::By(_)))
}
