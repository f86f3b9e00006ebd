//! Workloads, and whether they have a sidecar.

use super::mesh::{CORE, GATEWAY_API, Mesh, NETWORKING, is_system};
use crate::document::Node;
use crate::manifest::{Labels, Resource, selects};
use std::collections::BTreeMap;

/// Label of the pods of a gateway or waypoint of the Gateway API.
pub const GATEWAY_NAME: &str = "gateway.networking.k8s.io/gateway-name";

/// Name of the container that Istio's injector adds.
const PROXY_CONTAINER: &str = "istio-proxy";

/// Pod template with its running pods.
pub struct Workload<'m> {
    /// Resource with the template, or the first of the pods.
    pub resource: &'m Resource,
    /// Kind and name, as in `Deployment shop/web`.
    pub title: String,
    pub labels: Labels<'m>,
    pub annotations: Labels<'m>,
    /// Specification of the pod.
    pub pod_spec: &'m Node,
    /// Running pods that have no sidecar.
    pub without_sidecar: Vec<&'m Resource>,
    /// Images of the proxies.
    pub proxy_images: Vec<&'m str>,
    pub data_plane: DataPlane,
}

/// Proxy through which the inbound traffic of a workload passes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum DataPlane {
    Sidecar,
    /// The workload is the proxy of a gateway or waypoint.
    Gateway,
    Ambient,
    None(NoSidecar),
    /// The namespace is not in the input.
    Unknown,
}

/// Reason why a pod has no sidecar.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum NoSidecar {
    HostNetwork,
    /// Label or annotation of the pod.
    Pod,
    /// Labels of the namespace.
    Namespace,
    /// The running pods have none.
    Running,
}

impl<'m> Workload<'m> {
    /// All workloads outside the namespaces of Kubernetes itself. Pods with an owner in the input belong to it.
    pub fn all(mesh: &Mesh<'m>) -> Vec<Self> {
        let mut all: BTreeMap<String, Self> = BTreeMap::new();
        for resource in mesh.resources().filter(|resource| !is_system(&resource.namespace)) {
            let fields: &[&str] = match (resource.group.as_str(), resource.kind.as_str()) {
                ("apps", "Deployment" | "StatefulSet" | "DaemonSet") => &["spec", "template"],
                // A Job that a CronJob has created is part of it.
                ("batch", "Job") if resource.get(&["metadata", "ownerReferences"]).is_none() => &["spec", "template"],
                ("batch", "CronJob") => &["spec", "jobTemplate", "spec", "template"],
                _ => continue,
            };
            if let Some(workload) = Self::of(resource, resource.title(), fields) {
                all.entry(workload.title.clone()).or_insert(workload);
            }
        }
        for pod in mesh.of(CORE, "Pod").filter(|pod| !is_system(&pod.namespace) && is_running(pod)) {
            let title = owner(pod).unwrap_or_else(|| pod.title());
            if !all.contains_key(&title) {
                all.extend(Self::of(pod, title.clone(), &[]).map(|workload| (title.clone(), workload)));
            }
            if let Some(workload) = all.get_mut(&title) {
                workload.take_pod(pod);
            }
        }
        let mut workloads: Vec<Self> = all.into_values().collect();
        for workload in &mut workloads {
            workload.data_plane = workload.find_data_plane(mesh);
        }
        // Anyone may use these labels elsewhere.
        workloads.retain(|workload| workload.namespace() != mesh.root || !is_control_plane(workload));
        workloads
    }

    fn of(resource: &'m Resource, title: String, template: &[&str]) -> Option<Self> {
        let template = resource.get(template)?;
        Some(Self {
            resource,
            title,
            labels: template.pairs(&["metadata", "labels"]).collect(),
            annotations: template.pairs(&["metadata", "annotations"]).collect(),
            pod_spec: template.field("spec")?,
            without_sidecar: Vec::new(),
            proxy_images: Vec::new(),
            data_plane: DataPlane::Unknown,
        })
    }

    pub fn namespace(&self) -> &'m str {
        &self.resource.namespace
    }

    fn take_pod(&mut self, pod: &'m Resource) {
        let images: Vec<&str> = pod.get(&["spec"]).into_iter().flat_map(proxy_images).collect();
        // A pod without a node is a manifest, not a running pod.
        if images.is_empty() && pod.get(&["spec", "nodeName"]).is_some() {
            self.without_sidecar.push(pod);
        }
        self.proxy_images.extend(images);
    }

    fn find_data_plane(&self, mesh: &Mesh<'m>) -> DataPlane {
        let own = |name: &str| self.labels.get(name).copied();
        let is_classic_gateway = || {
            mesh.of(NETWORKING, "Gateway").any(|gateway| {
                gateway.get(&["spec", "selector"]).is_some()
                    && selects(gateway.node(), &["spec", "selector"], &self.labels)
            })
        };
        if own(GATEWAY_NAME).is_some()
            || self.annotations.get("inject.istio.io/templates") == Some(&"gateway")
            || is_classic_gateway()
        {
            return DataPlane::Gateway;
        }
        let template_has_proxy = proxy_images(self.pod_spec).any(|image| image != "auto");
        if !self.proxy_images.is_empty() || template_has_proxy {
            return DataPlane::Sidecar;
        }
        if self.pod_spec.is_true(&["hostNetwork"]) {
            return DataPlane::None(NoSidecar::HostNetwork);
        }
        let namespace = mesh.namespace(self.namespace());
        let labels = namespace.map(Resource::labels).unwrap_or_default();
        let has_bare_pods = !self.without_sidecar.is_empty();
        let by_default = mesh.injector.injects_by_default();
        let injected = self.injected(namespace.is_some().then_some(&labels), by_default);
        // Ambient mode leaves pods with a sidecar alone.
        if injected == DataPlane::Sidecar && !has_bare_pods {
            return injected;
        }
        if own("istio.io/dataplane-mode").or(labels.get("istio.io/dataplane-mode").copied()) == Some("ambient") {
            return DataPlane::Ambient;
        }
        if has_bare_pods { DataPlane::None(NoSidecar::Running) } else { injected }
    }

    /// Decision of Istio's webhooks and injector, by the labels of the pod and of its namespace.
    fn injected(&self, namespace: Option<&Labels<'_>>, by_default: bool) -> DataPlane {
        let wish = self.labels.get("sidecar.istio.io/inject").or(self.annotations.get("sidecar.istio.io/inject"));
        if wish == Some(&"false") {
            return DataPlane::None(NoSidecar::Pod);
        }
        let pod_asks =
            self.labels.get("sidecar.istio.io/inject") == Some(&"true") || self.labels.contains_key("istio.io/rev");
        let Some(namespace) = namespace else {
            return if pod_asks { DataPlane::Sidecar } else { DataPlane::Unknown };
        };
        match namespace.get("istio-injection") {
            Some(&"enabled") => DataPlane::Sidecar,
            None if pod_asks || by_default || namespace.contains_key("istio.io/rev") => DataPlane::Sidecar,
            _ => DataPlane::None(NoSidecar::Namespace),
        }
    }
}

/// Images of the proxy's containers. A native sidecar is an init container.
fn proxy_images(pod_spec: &Node) -> impl Iterator<Item = &str> {
    let containers = pod_spec.items(&["containers"]).chain(pod_spec.items(&["initContainers"]));
    let proxies = containers.filter(|container| container.text(&["name"]) == Some(PROXY_CONTAINER));
    proxies.filter_map(|container| container.text(&["image"]))
}

/// False for pods that have ended.
fn is_running(pod: &Resource) -> bool {
    !matches!(pod.node().text(&["status", "phase"]), Some("Succeeded" | "Failed"))
}

/// Title of the workload that a pod belongs to. A ReplicaSet belongs to the Deployment in its name.
fn owner(pod: &Resource) -> Option<String> {
    let owner = pod.node().items(&["metadata", "ownerReferences"]).find(|owner| owner.is_true(&["controller"]))?;
    let (kind, name) = owner.text(&["kind"]).zip(owner.text(&["name"]))?;
    let hash = pod.node().text(&["metadata", "labels", "pod-template-hash"]);
    let deployment = hash.and_then(|hash| name.strip_suffix(hash)?.strip_suffix('-'));
    let (kind, name) = if kind == "ReplicaSet" { ("Deployment", deployment?) } else { (kind, name) };
    Some(format!("{kind} {}/{name}", pod.namespace))
}

/// True for istiod, ztunnel and the CNI agent, which carry no traffic of applications in HTTP.
fn is_control_plane(workload: &Workload<'_>) -> bool {
    let is_named = |name: &str| matches!(name, "istiod" | "ztunnel" | "istio-cni-node");
    ["app", "k8s-app", "app.kubernetes.io/name"]
        .iter()
        .any(|label| workload.labels.get(label).is_some_and(|name| is_named(name)))
}

/// True for a waypoint among the gateways of the Gateway API.
pub fn is_waypoint(gateway: &Resource) -> bool {
    gateway.is(GATEWAY_API, "Gateway") && gateway.node().text(&["spec", "gatewayClassName"]) == Some("istio-waypoint")
}
