//! Policies within Kubernetes manifests.

use crate::document::{Diagnostic, Node, YamlValue};

/// Policy in a Kubernetes manifest: an Istio `WasmPlugin` or `TrafficExtension`, or an `EnvoyExtensionPolicy` of Envoy Gateway.
/// `None` if the document has no field `spec`, which no policy has.
pub fn configuration(document: &Node) -> Result<Option<&Node>, Diagnostic> {
    let Some(spec) = document.only_field("spec")? else { return Ok(None) };
    let plugin = spec.only_field("wasm")?.unwrap_or(spec);
    let (plugin, name) = match &plugin.value {
        // Envoy Gateway has a list.
        YamlValue::List(plugins) => match plugins.as_slice() {
            [plugin] => (&**plugin, "config"),
            _ => return Err(Diagnostic::at(plugin.position, "expected one plugin; check each policy on its own")),
        },
        _ => (plugin, "pluginConfig"),
    };
    let missing =
        || Diagnostic::at(plugin.position, format!("no {name} in this manifest; an empty one is {name}: {{}}"));
    plugin.only_field(name)?.map(Some).ok_or_else(missing)
}

impl Node {
    /// Field of that name. A duplicate is an error.
    fn only_field(&self, name: &str) -> Result<Option<&Self>, Diagnostic> {
        match self.names().filter(|other| other.text == name).nth(1) {
            Some(second) => Err(Diagnostic::at(second.position, format!("{name} given more than once"))),
            None => Ok(self.field(name)),
        }
    }
}
