//! Ports of workloads, and how Istio treats their traffic.

use super::mesh::{CORE, Mesh};
use super::workload::Workload;
use crate::document::{Node, YamlValue};
use crate::manifest::{Resource, selects};
use std::collections::BTreeMap;

/// Ports that Istio treats as TCP if no protocol is declared (`wellKnownPorts` of its conversion): SMTP, DNS, MySQL, MongoDB.
const TCP_BY_DEFAULT: [u16; 4] = [25, 53, 3306, 27017];

/// Protocol of a port, as Istio's configuration treats it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    Http,
    /// Istio inspects the first bytes: HTTP gets HTTP filters, everything else is TCP.
    Detected,
    Tcp,
    /// TLS that the application terminates.
    Tls,
}

impl Protocol {
    /// Name in the output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Detected => "detected",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        }
    }

    /// Protocol by its name in Istio's resources (`protocol.Parse`), case-insensitively. `None` if Istio does not know the name.
    pub fn parse(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "http" | "http2" | "grpc" | "grpc-web" | "http_proxy" | "kubernetes.io/h2c" | "kubernetes.io/ws" => {
                Some(Self::Http)
            }
            "https" | "tls" | "kubernetes.io/wss" => Some(Self::Tls),
            "tcp" | "mongo" | "redis" | "mysql" => Some(Self::Tcp),
            _ => None,
        }
    }

    /// Protocol of a Service's port: `appProtocol`, or the name up to its first dash. `None` for UDP and SCTP.
    fn of_service_port(port: &Node) -> Option<Self> {
        if port.text(&["protocol"]).is_some_and(|protocol| protocol != "TCP") {
            return None;
        }
        let name = port.text(&["name"]).unwrap_or_default();
        let declared = port.text(&["appProtocol"]).unwrap_or(if starts_with(name, "grpc-web") {
            "grpc-web"
        } else {
            name.split('-').next().unwrap_or_default()
        });
        let by_number = || if TCP_BY_DEFAULT.contains(&number(port, "port")?) { Some(Self::Tcp) } else { None };
        Some(Self::parse(declared).or_else(by_number).unwrap_or(Self::Detected))
    }
}

/// Protocols of the workload's ports by their number: those that a Service names, and those of its containers.
pub fn ports(mesh: &Mesh<'_>, workload: &Workload<'_>) -> BTreeMap<u16, Protocol> {
    let mut ports = BTreeMap::new();
    let containers: Vec<&Node> = workload.pod_spec.items(&["containers"]).collect();
    let declared = || containers.iter().flat_map(|container| container.items(&["ports"]));
    for service in services(mesh, workload) {
        for port in service.node().items(&["spec", "ports"]) {
            let target = match port.text(&["targetPort"]) {
                Some(name) => declared()
                    .find(|port| port.text(&["name"]) == Some(name))
                    .and_then(|port| number(port, "containerPort")),
                None => number(port, "targetPort").or(number(port, "port")),
            };
            if let (Some(target), Some(protocol)) = (target, Protocol::of_service_port(port)) {
                ports.insert(target, protocol);
            }
        }
    }
    for port in declared().filter(|port| port.text(&["protocol"]).is_none_or(|protocol| protocol == "TCP")) {
        if let Some(number) = number(port, "containerPort") {
            ports.entry(number).or_insert(Protocol::Detected);
        }
    }
    // Ports of the proxy itself: Envoy's and the agent's.
    ports.retain(|port, _| !(15000..=15099).contains(port));
    ports
}

/// Services that select the workload.
pub fn services<'m>(mesh: &Mesh<'m>, workload: &Workload<'_>) -> Vec<&'m Resource> {
    mesh.of(CORE, "Service")
        .filter(|service| {
            let selector = ["spec", "selector"];
            service.namespace == workload.namespace()
                && service.node().pairs(&selector).next().is_some()
                && selects(service.node(), &selector, &workload.labels)
        })
        .collect()
}

/// Port number in this field.
pub fn number(node: &Node, field: &str) -> Option<u16> {
    match node.field(field)?.value {
        YamlValue::Whole(number) => u16::try_from(number).ok(),
        _ => None,
    }
}

fn starts_with(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|own| own.eq_ignore_ascii_case(start))
}
