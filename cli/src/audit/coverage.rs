//! Inspection of each workload's ports, and of each gateway's.

use super::attachment::Proxy;
use super::finding::Finding;
use super::mesh::{CORE, GATEWAY_API, Mesh, NETWORKING};
use super::mtls::{EffectiveMtls, MtlsMode};
use super::plugin::{Plugin, TrafficClass};
use super::port::{Protocol, number, ports, services};
use super::rules::{self, AuditRule};
use super::workload::{DataPlane, GATEWAY_NAME, NoSidecar, Workload, is_waypoint};
use crate::manifest::{Labels, Location, Resource, selects};

/// Port of a workload or gateway, and what inspects its inbound traffic.
pub struct Coverage<'r, 'm> {
    /// Workload, or `None` for a gateway.
    pub workload: Option<&'r Workload<'m>>,
    /// Kind, namespace and name.
    pub subject: String,
    pub location: Location,
    /// `None` for all ports.
    pub port: Option<u16>,
    pub protocol: Option<Protocol>,
    pub inspection: Inspection<'r, 'm>,
    /// Mutual TLS of inbound connections. `None` outside the mesh.
    pub mtls: Option<MtlsMode>,
}

/// Inspection of a port.
pub enum Inspection<'r, 'm> {
    By(&'r Plugin<'m>),
    None(&'static AuditRule, String),
}

impl<'r, 'm> Coverage<'r, 'm> {
    /// Coverage of all workloads and gateways.
    pub fn all(mesh: &'r Mesh<'m>) -> Vec<Self> {
        let mut all = Vec::new();
        for workload in mesh.workloads.iter().filter(|workload| workload.data_plane != DataPlane::Gateway) {
            Self::of_workload(mesh, workload, &mut all);
        }
        let of_istio = mesh.of(GATEWAY_API, "Gateway").filter(|gateway| is_of_istio(mesh, gateway));
        for gateway in of_istio.chain(mesh.of(NETWORKING, "Gateway")) {
            Self::of_gateway(mesh, gateway, &mut all);
        }
        all
    }

    /// True if card numbers in some requests reach the upstream.
    pub fn may_receive_cards(&self) -> bool {
        match &self.inspection {
            Inspection::By(plugin) => plugin.passes_cards(),
            Inspection::None(..) => true,
        }
    }

    fn of_workload(mesh: &'r Mesh<'m>, workload: &'r Workload<'m>, all: &mut Vec<Self>) {
        let ports = ports(mesh, workload);
        let named = ports.into_iter().map(|(port, protocol)| (Some(port), Some(protocol))).collect::<Vec<_>>();
        for (port, protocol) in if named.is_empty() { vec![(None, None)] } else { named } {
            let is_meshed = matches!(workload.data_plane, DataPlane::Sidecar | DataPlane::Ambient);
            let mtls = || EffectiveMtls::of(mesh, workload.namespace(), &workload.labels, port).mode;
            all.push(Self {
                workload: Some(workload),
                subject: workload.title.clone(),
                location: workload.resource.location.clone(),
                port,
                protocol,
                inspection: inspection(mesh, workload, port, protocol),
                mtls: is_meshed.then(mtls),
            });
        }
    }

    fn of_gateway(mesh: &'r Mesh<'m>, gateway: &'m Resource, all: &mut Vec<Self>) {
        let is_classic = gateway.group == NETWORKING;
        let servers = gateway.node().items(&["spec", if is_classic { "servers" } else { "listeners" }]);
        for server in servers {
            let port = if is_classic { server.field("port") } else { Some(server) };
            let port_number = port.and_then(|port| number(port, if is_classic { "number" } else { "port" }));
            let protocol = port.and_then(|port| port.text(&["protocol"])).unwrap_or_default();
            let tls_mode = server.text(&["tls", "mode"]).unwrap_or_default();
            let is_passthrough = tls_mode.to_ascii_uppercase().ends_with("PASSTHROUGH");
            let is_opaque = is_passthrough
                || Protocol::parse(protocol) == Some(Protocol::Tcp)
                || protocol.eq_ignore_ascii_case("TLS");
            let inspection = if is_waypoint(gateway) {
                by_chain(
                    mesh,
                    &waypoint_proxy(mesh, gateway),
                    TrafficClass::Server,
                    None,
                    &rules::WAYPOINT_WITHOUT_PLUGIN,
                )
            } else if is_opaque {
                let shown = if is_passthrough { tls_mode } else { protocol };
                Inspection::None(&rules::GATEWAY_PASSTHROUGH, format!("{shown} connections pass uninspected"))
            } else {
                of_gateway_proxies(mesh, gateway, port_number)
            };
            all.push(Self {
                workload: None,
                subject: gateway.title(),
                location: gateway.location_of(server),
                port: if is_waypoint(gateway) { None } else { port_number },
                protocol: if is_opaque { Some(Protocol::Tcp) } else { Some(Protocol::Http) },
                inspection,
                mtls: None,
            });
        }
    }
}

/// False for a gateway of the Gateway API whose class belongs to another controller.
fn is_of_istio(mesh: &Mesh<'_>, gateway: &Resource) -> bool {
    let class = gateway.node().text(&["spec", "gatewayClassName"]);
    let named = |resource: &&Resource| class == Some(resource.name.as_str());
    let controller = mesh.of(GATEWAY_API, "GatewayClass").find(named);
    let controller = controller.and_then(|class| class.node().text(&["spec", "controllerName"]));
    controller.is_none_or(|controller| controller.starts_with("istio.io/"))
}

/// Inspection of a workload's port.
fn inspection<'r, 'm>(
    mesh: &'r Mesh<'m>,
    workload: &Workload<'m>,
    port: Option<u16>,
    protocol: Option<Protocol>,
) -> Inspection<'r, 'm> {
    let none = |rule: &'static AuditRule, detail: &str| Inspection::None(rule, detail.to_owned());
    match workload.data_plane {
        DataPlane::None(NoSidecar::HostNetwork) => {
            return none(&rules::HOST_NETWORK, "hostNetwork, and so no sidecar");
        }
        DataPlane::None(reason) => {
            let reason = match reason {
                NoSidecar::Pod => "the pod opts out of injection",
                NoSidecar::Running => "its running pods have none",
                _ => "the namespace does not enable injection",
            };
            return Inspection::None(&rules::NO_SIDECAR, format!("no sidecar: {reason}"));
        }
        DataPlane::Unknown => {
            return none(&rules::INJECTION_UNKNOWN, "neither its namespace nor a running pod is in the input");
        }
        DataPlane::Ambient => return of_ambient(mesh, workload),
        DataPlane::Sidecar | DataPlane::Gateway => {}
    }
    if let Some(setting) = bypass(mesh, workload, port) {
        return Inspection::None(&rules::PORT_EXCLUDED, format!("{setting} bypasses the sidecar"));
    }
    match protocol {
        Some(Protocol::Tcp) => return none(&rules::TCP_PORT, "Istio treats the port as TCP"),
        Some(Protocol::Tls) => return none(&rules::TLS_PORT, "the application terminates TLS itself"),
        _ => {}
    }
    by_chain(mesh, &Proxy::of(workload), TrafficClass::Server, port, &rules::NO_PLUGIN)
}

/// First plugin of the chain that acts in the proxy's namespace.
fn by_chain<'r, 'm>(
    mesh: &'r Mesh<'m>,
    proxy: &Proxy<'_>,
    class: TrafficClass,
    port: Option<u16>,
    missing: &'static AuditRule,
) -> Inspection<'r, 'm> {
    let chain = mesh.chain(proxy, class, port);
    if let Some(plugin) = chain.iter().find(|plugin| plugin.acts_in(proxy.namespace)) {
        return Inspection::By(plugin);
    }
    if let Some(plugin) = chain.first() {
        return Inspection::None(&rules::NAMESPACE_EXCLUDED, format!("the policy of {} excludes it", plugin.name()));
    }
    let near = mesh.plugins.iter().find(|plugin| proxy.has(plugin, mesh.root));
    let detail = match near {
        Some(plugin) => format!("match of {} leaves this traffic out", plugin.name()),
        None => "no panveil plugin is attached".to_owned(),
    };
    Inspection::None(missing, detail)
}

/// Setting with which inbound traffic of the port bypasses the sidecar: an annotation, or else one for all workloads.
fn bypass(mesh: &Mesh<'_>, workload: &Workload<'_>, port: Option<u16>) -> Option<String> {
    let mode = workload.annotations.get("sidecar.istio.io/interceptionMode").copied();
    let default = || mesh.config?.node.text(&["defaultConfig", "interceptionMode"]);
    if mode.or_else(default) == Some("NONE") {
        return Some("interceptionMode NONE".to_owned());
    }
    let lists = |list: &str| {
        let number = port.map(|port| port.to_string());
        list.split(',').map(str::trim).any(|item| Some(item) == number.as_deref())
    };
    let setting = |name: &str| mesh.injector.setting(workload, name, name);
    if let Some(excluded) = setting("excludeInboundPorts").filter(|list| lists(list)) {
        return Some(format!("excludeInboundPorts: {excluded}"));
    }
    let included = setting("includeInboundPorts")?;
    (included.trim() != "*" && !lists(included)).then(|| format!("includeInboundPorts: {included:?}"))
}

/// Inspection of an ambient workload by the waypoint of its Services, or of its namespace.
fn of_ambient<'r, 'm>(mesh: &'r Mesh<'m>, workload: &Workload<'m>) -> Inspection<'r, 'm> {
    let services = services(mesh, workload);
    let namespace = mesh.namespace(workload.namespace());
    let waypoint = |owner: &Resource| {
        let name = owner.node().text(&["metadata", "labels", "istio.io/use-waypoint"])?;
        let namespace = owner.node().text(&["metadata", "labels", "istio.io/use-waypoint-namespace"]);
        Some((namespace.unwrap_or(workload.namespace()).to_owned(), name.to_owned()))
    };
    let names = services.iter().map(|service| waypoint(service).or_else(|| namespace.and_then(waypoint)));
    let names: Vec<_> = if services.is_empty() { vec![namespace.and_then(waypoint)] } else { names.collect() };
    let mut inspected = None;
    for name in names {
        let found = name.filter(|(_, name)| name != "none").and_then(|(namespace, name)| {
            mesh.of(GATEWAY_API, "Gateway")
                .find(|gateway| is_waypoint(gateway) && gateway.namespace == namespace && gateway.name == name)
        });
        let Some(gateway) = found else {
            let detail = "in ambient mode without a waypoint in the input";
            return Inspection::None(&rules::AMBIENT_WITHOUT_WAYPOINT, detail.to_owned());
        };
        let proxy = waypoint_proxy(mesh, gateway);
        let inspection = by_chain(mesh, &proxy, TrafficClass::Server, None, &rules::WAYPOINT_WITHOUT_PLUGIN);
        if matches!(inspection, Inspection::None(..)) {
            return inspection;
        }
        inspected = Some(inspection);
    }
    inspected.unwrap_or_else(|| Inspection::None(&rules::AMBIENT_WITHOUT_WAYPOINT, "no waypoint".to_owned()))
}

/// Proxy of a waypoint. Its pods have no labels that a plugin could select.
fn waypoint_proxy<'p>(mesh: &Mesh<'p>, gateway: &'p Resource) -> Proxy<'p> {
    static NO_LABELS: Labels<'static> = Labels::new();

    Proxy {
        namespace: &gateway.namespace,
        labels: &NO_LABELS,
        gateway: Some(&gateway.name),
        is_waypoint: true,
        classic_gateways: Vec::new(),
        services: mesh.of(CORE, "Service").filter(|service| service.namespace == gateway.namespace).collect(),
    }
}

/// Inspection by the proxies of a gateway. Without its workload in the input, the labels of its selector stand for those of the pods.
fn of_gateway_proxies<'r, 'm>(mesh: &'r Mesh<'m>, gateway: &'m Resource, port: Option<u16>) -> Inspection<'r, 'm> {
    let is_classic = gateway.group == NETWORKING;
    let selected: Labels<'_> = gateway.node().pairs(&["spec", "selector"]).collect();
    let is_own = |workload: &&Workload<'_>| {
        if is_classic {
            !selected.is_empty() && selects(gateway.node(), &["spec", "selector"], &workload.labels)
        } else {
            workload.namespace() == gateway.namespace
                && workload.labels.get(GATEWAY_NAME) == Some(&gateway.name.as_str())
        }
    };
    let proxy = |namespace, labels| Proxy {
        namespace,
        labels,
        gateway: (!is_classic).then_some(gateway.name.as_str()),
        is_waypoint: false,
        classic_gateways: if is_classic { vec![gateway] } else { Vec::new() },
        services: Vec::new(),
    };
    let own: Vec<&Workload<'_>> = mesh.workloads.iter().filter(is_own).collect();
    let missing = &rules::GATEWAY_WITHOUT_PLUGIN;
    let mut found = None;
    for workload in &own {
        let proxy = proxy(workload.namespace(), &workload.labels);
        let inspection = by_chain(mesh, &proxy, TrafficClass::Client, port, missing);
        if matches!(inspection, Inspection::None(..)) {
            return inspection;
        }
        found = Some(inspection);
    }
    if let Some(inspection) = found {
        return inspection;
    }
    // The namespace of the pods is unknown: that of any plugin will do.
    let namespaces = mesh.plugins.iter().map(|plugin| plugin.resource.namespace.as_str());
    let candidates = if is_classic { namespaces.collect() } else { vec![gateway.namespace.as_str()] };
    let inspections =
        candidates.into_iter().map(|name| by_chain(mesh, &proxy(name, &selected), TrafficClass::Client, port, missing));
    inspections
        .reduce(|first, second| if matches!(first, Inspection::By(_)) { first } else { second })
        .unwrap_or_else(|| Inspection::None(missing, "no panveil plugin is attached".to_owned()))
}

/// Findings about ports that are not inspected: one for a workload whose ports all have the same reason, else one for each.
pub fn findings(coverage: &[Coverage<'_, '_>], findings: &mut Vec<Finding>) {
    for of_subject in coverage.chunk_by(|one, next| one.subject == next.subject) {
        let reason = |one: &Coverage<'_, '_>| match &one.inspection {
            Inspection::None(rule, detail) => Some((rule.id, detail.clone())),
            Inspection::By(_) => None,
        };
        let is_same = of_subject.windows(2).all(|pair| matches!(pair, [one, next] if reason(one) == reason(next)));
        let shown = if is_same { 1 } else { of_subject.len() };
        for one in of_subject.iter().take(shown) {
            if let Inspection::None(rule, detail) = &one.inspection {
                let port = one.port.filter(|_| !is_same || of_subject.len() == 1);
                findings
                    .push(Finding::new(rule, one.location.clone(), one.subject.clone(), detail.as_str()).at_port(port));
            }
        }
    }
}
