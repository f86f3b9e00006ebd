//! Selection of plugins for a proxy, as Istio selects them.
//!
//! Source: `ShouldAttachPolicy` in `pilot/pkg/model/policyattachment.go`, and `sortByPriority` in `push_context.go`.

use super::mesh::{GATEWAY_API, Mesh, NETWORKING};
use super::plugin::{Plugin, TrafficClass};
use super::workload::Workload;
use crate::document::Node;
use crate::manifest::{Labels, Resource, selects};

/// Proxy to which plugins are attached.
pub struct Proxy<'p> {
    pub namespace: &'p str,
    pub labels: &'p Labels<'p>,
    /// Gateway of the Gateway API whose proxy it is.
    pub gateway: Option<&'p str>,
    pub is_waypoint: bool,
    /// Classic gateways (`networking.istio.io`) that it serves.
    pub classic_gateways: Vec<&'p Resource>,
    /// Services whose traffic passes a waypoint.
    pub services: Vec<&'p Resource>,
}

impl<'p> Proxy<'p> {
    /// Proxy of the workload's pods, without a gateway.
    pub fn of(workload: &'p Workload<'_>) -> Self {
        Self {
            namespace: workload.namespace(),
            labels: &workload.labels,
            gateway: None,
            is_waypoint: false,
            classic_gateways: Vec::new(),
            services: Vec::new(),
        }
    }

    /// True if the plugin is attached to the proxy.
    pub fn has(&self, plugin: &Plugin<'_>, root: &str) -> bool {
        let resource = plugin.resource;
        let refs: Vec<&Node> = resource.node().items(&["spec", "targetRefs"]).collect();
        let is_near = resource.namespace == self.namespace || resource.namespace == root;
        let is_selected = || is_near && selects(resource.node(), &["spec", "selector", "matchLabels"], self.labels);
        let classic = |target: &&Node| {
            let is_target = |gateway: &&Resource| {
                gateway.namespace == resource.namespace && target.text(&["name"]) == Some(gateway.name.as_str())
            };
            is_kind(target, NETWORKING, "Gateway") && self.classic_gateways.iter().any(is_target)
        };
        if refs.iter().any(classic) {
            return true;
        }
        let Some(gateway) = self.gateway else { return refs.is_empty() && is_selected() };
        if refs.is_empty() {
            return !self.is_waypoint && is_selected();
        }
        refs.iter().any(|target| self.is_target(target, gateway, resource, root))
    }

    /// True if the reference of a plugin names this proxy of the Gateway API, or a Service behind this waypoint.
    fn is_target(&self, target: &Node, gateway: &str, plugin: &Resource, root: &str) -> bool {
        let name = target.text(&["name"]);
        let is_service =
            |service: &&Resource| service.namespace == plugin.namespace && name == Some(service.name.as_str());
        if self.is_waypoint {
            if is_kind(target, "", "Service") && self.services.iter().any(is_service) {
                return true;
            }
            let is_class = is_kind(target, GATEWAY_API, "GatewayClass") && name == Some("istio-waypoint");
            if is_class && plugin.namespace == root {
                return true;
            }
        }
        plugin.namespace == self.namespace && is_kind(target, GATEWAY_API, "Gateway") && name == Some(gateway)
    }
}

impl<'m> Mesh<'m> {
    /// Plugins that handle this traffic of a proxy, in the order in which requests pass them.
    pub fn chain(&self, proxy: &Proxy<'_>, class: TrafficClass, port: Option<u16>) -> Vec<&Plugin<'m>> {
        let mut chain: Vec<&Plugin<'m>> =
            self.plugins.iter().filter(|plugin| plugin.matches(class, port) && proxy.has(plugin, self.root)).collect();
        chain.sort_by_key(|plugin| {
            let resource = plugin.resource;
            (plugin.order(), resource.namespace != proxy.namespace, resource.created(), resource.name.as_str())
        });
        chain
    }
}

/// True if the reference is of this group and kind.
pub fn is_kind(target: &Node, group: &str, kind: &str) -> bool {
    target.text(&["kind"]) == Some(kind) && target.text(&["group"]).unwrap_or_default() == group
}
