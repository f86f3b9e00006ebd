//! Settings of Istio's injector for all workloads, from the ConfigMap `istio-sidecar-injector`.
//!
//! Source: the injection template of Istio's chart. An annotation of the pod replaces the value in `global.proxy`.

use super::workload::Workload;
use crate::document::{self, Node, Origin};
use crate::manifest::Resource;
use std::rc::Rc;

/// Values of the chart that the injector uses.
#[derive(Default)]
pub struct InjectorValues(Option<Rc<Node>>);

impl InjectorValues {
    /// Values in the input.
    pub fn find(resources: &[Resource]) -> Self {
        let is_injector =
            |resource: &&Resource| resource.is("", "ConfigMap") && resource.name.starts_with("istio-sidecar-injector");
        let values = resources.iter().filter(is_injector).find_map(|map| {
            let text = map.node().text(&["data", "values"])?;
            document::read_all(text, Origin::FILE).ok()?.into_iter().next()
        });
        Self(values)
    }

    /// True if namespaces without a label get sidecars too.
    pub fn injects_by_default(&self) -> bool {
        let setting = ["sidecarInjectorWebhook", "enableNamespacesByDefault"];
        self.0.as_ref().is_some_and(|values| values.is_true(&setting))
    }

    /// Setting of traffic interception for a workload: its annotation, or else the value of that name in `global.proxy`.
    pub fn setting<'s>(&'s self, workload: &Workload<'s>, annotation: &str, value: &str) -> Option<&'s str> {
        let own = workload.annotations.get(format!("traffic.sidecar.istio.io/{annotation}").as_str()).copied();
        own.or_else(|| self.0.as_ref()?.text(&["global", "proxy", value]))
    }
}
