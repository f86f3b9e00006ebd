//! Mesh as its resources describe it.

use super::injector::InjectorValues;
use super::input::AuditInput;
use super::plugin::Plugin;
use super::workload::Workload;
use crate::document::{self, Node, Origin};
use crate::manifest::{Labels, Location, Resource, selects};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Namespaces into which Istio never injects a sidecar (`IgnoredNamespaces` of its injector).
const SYSTEM_NAMESPACES: [&str; 4] = ["kube-system", "kube-public", "kube-node-lease", "local-path-storage"];

/// API groups.
pub const CORE: &str = "";
pub const NETWORKING: &str = "networking.istio.io";
pub const SECURITY: &str = "security.istio.io";
pub const TELEMETRY: &str = "telemetry.istio.io";
pub const EXTENSIONS: &str = "extensions.istio.io";
pub const GATEWAY_API: &str = "gateway.networking.k8s.io";

/// Mesh-wide configuration (`MeshConfig`).
pub struct MeshConfig {
    pub node: Rc<Node>,
    location: Location,
    /// True if it is text within another document, so that positions in it are not those of the file.
    is_embedded: bool,
}

/// Resources of a mesh, by their function.
pub struct Mesh<'m> {
    /// Resources by group and kind.
    by_kind: BTreeMap<(&'m str, &'m str), Vec<&'m Resource>>,
    pub config: Option<&'m MeshConfig>,
    pub injector: InjectorValues,
    /// Namespace whose resources apply to the whole mesh.
    pub root: &'m str,
    pub workloads: Vec<Workload<'m>>,
    pub plugins: Vec<Plugin<'m>>,
}

impl MeshConfig {
    /// Mesh configuration in the input: the ConfigMap `istio`, a resource of an installer, or values of Istio's chart.
    pub fn find(input: &AuditInput) -> Option<Self> {
        let nested = |resource: &Resource, fields: &[&str]| {
            let node = resource.node().shared(fields)?;
            Some(Self { location: resource.location_of(&node), node, is_embedded: false })
        };
        input
            .resources
            .iter()
            .find_map(|resource| match (resource.group.as_str(), resource.kind.as_str()) {
                // `istio-canary` is that of the revision `canary`.
                ("", "ConfigMap") if resource.name == "istio" || resource.name.starts_with("istio-") => {
                    let text = resource.get(&["data", "mesh"])?;
                    let node = document::read_all(text.as_text()?, Origin::FILE).ok()?.into_iter().next()?;
                    Some(Self { node, location: resource.location_of(text), is_embedded: true })
                }
                ("install.istio.io", "IstioOperator") => nested(resource, &["spec", "meshConfig"]),
                ("sailoperator.io", "Istio") => nested(resource, &["spec", "values", "meshConfig"]),
                _ => None,
            })
            .or_else(|| {
                input.charts.iter().find_map(|(chart, location)| {
                    let node = chart.shared(&["meshConfig"])?;
                    Some(Self { location: location.clone(), node, is_embedded: false })
                })
            })
    }

    /// Location of a value in it.
    pub fn location_of(&self, node: &Node) -> Location {
        let position = if self.is_embedded { self.location.position } else { node.position };
        Location { position, ..self.location.clone() }
    }
}

impl<'m> Mesh<'m> {
    pub fn new(resources: &'m [Resource], config: Option<&'m MeshConfig>) -> Self {
        let root = config.and_then(|config| config.node.text(&["rootNamespace"])).unwrap_or("istio-system");
        let mut by_kind: BTreeMap<(&str, &str), Vec<&Resource>> = BTreeMap::new();
        for resource in resources {
            by_kind.entry((&resource.group, &resource.kind)).or_default().push(resource);
        }
        let injector = InjectorValues::find(resources);
        let mut mesh = Self { by_kind, config, injector, root, workloads: Vec::new(), plugins: Vec::new() };
        mesh.plugins = resources.iter().filter_map(Plugin::of).collect();
        mesh.workloads = Workload::all(&mesh);
        mesh
    }

    /// Resources of this group and kind.
    pub fn of(&self, group: &'static str, kind: &'static str) -> impl Iterator<Item = &'m Resource> + use<'_, 'm> {
        self.by_kind.get(&(group, kind)).into_iter().flatten().copied()
    }

    /// All resources, by group and kind.
    pub fn resources(&self) -> impl Iterator<Item = &'m Resource> + use<'_, 'm> {
        self.by_kind.values().flatten().copied()
    }

    /// Namespace of that name.
    pub fn namespace(&self, name: &str) -> Option<&'m Resource> {
        self.of(CORE, "Namespace").find(|namespace| namespace.name == name)
    }

    /// Resources of this kind that apply to a workload by namespace and selector, those of its own namespace first, and each oldest
    /// first. Istio looks resources up in this order (`getConfigsForWorkload`).
    pub fn applying(
        &self,
        group: &'static str,
        kind: &'static str,
        namespace: &str,
        labels: &Labels<'_>,
    ) -> Vec<&'m Resource> {
        let applies = |resource: &&Resource| {
            (resource.namespace == namespace || resource.namespace == self.root)
                && resource.get(&["spec", "targetRefs"]).is_none()
                && selects(resource.node(), &["spec", "selector", "matchLabels"], labels)
        };
        let mut found: Vec<&Resource> = self.of(group, kind).filter(applies).collect();
        found.sort_by_key(|resource| (resource.namespace != namespace, resource.created(), resource.name.as_str()));
        found
    }
}

/// True for a namespace of Kubernetes itself.
pub fn is_system(namespace: &str) -> bool {
    SYSTEM_NAMESPACES.contains(&namespace)
}
