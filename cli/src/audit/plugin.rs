//! Plugins with panveil: `WasmPlugin` and `TrafficExtension`.

use super::mesh::EXTENSIONS;
use super::port::number;
use super::weakness::passing_rules;
use crate::digest;
use crate::document::{Diagnostic, Node};
use crate::manifest::{Location, Resource, names_panveil};
use crate::policy;
use panveil::policy::{Mode, Policy};

/// Fields of a policy that decide what happens to card numbers.
const ACTIONS: [&str; 4] = ["request", "response", "rules", "uninspectable"];

/// Plugin with panveil.
pub struct Plugin<'m> {
    pub resource: &'m Resource,
    /// Fields about the module: `spec`, or `spec.wasm` of a `TrafficExtension`.
    pub wasm: &'m Node,
    pub policy: Result<Policy, Diagnostic>,
}

/// Direction of traffic at a proxy, as plugins select it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TrafficClass {
    /// Inbound at sidecars and waypoints (`SERVER`).
    Server,
    /// Outbound at sidecars, and all traffic of gateways (`CLIENT`).
    Client,
}

impl<'m> Plugin<'m> {
    /// Plugin in this resource, if its name, plugin name or module names panveil.
    pub fn of(resource: &'m Resource) -> Option<Self> {
        let wasm = match resource.kind.as_str() {
            "WasmPlugin" => resource.get(&["spec"])?,
            "TrafficExtension" => resource.get(&["spec", "wasm"])?,
            _ => return None,
        };
        let names = [Some(resource.name.as_str()), wasm.text(&["pluginName"]), wasm.text(&["url"])];
        if resource.group != EXTENSIONS || !names_panveil(names) {
            return None;
        }
        let policy = match wasm.field("pluginConfig") {
            Some(config) => policy::from_tree(config),
            // An absent configuration reaches the filter as an empty one.
            None => Policy::parse(b"{}").map_err(|error| Diagnostic { position: None, text: error.reason() }),
        };
        Some(Self { resource, wasm, policy })
    }

    /// Namespace and name, as in the names of Envoy's filters.
    pub fn name(&self) -> String {
        format!("{}/{}", self.resource.namespace, self.resource.name)
    }

    pub fn phase(&self) -> &'m str {
        self.resource.node().text(&["spec", "phase"]).unwrap_or("UNSPECIFIED")
    }

    pub fn priority(&self) -> Option<i64> {
        self.resource.node().number(&["spec", "priority"])
    }

    /// Key by which Istio orders plugins of one chain: phase, then the highest priority. An absent priority is the smallest one
    /// (`sortByPriority`).
    pub fn order(&self) -> (usize, i64) {
        let phases = ["AUTHN", "AUTHZ", "STATS"];
        let phase = phases.iter().position(|phase| *phase == self.phase()).unwrap_or(phases.len());
        (phase, self.priority().unwrap_or(i64::from(i32::MIN)).saturating_neg())
    }

    /// Failure policy. Istio's default is FAIL_CLOSE.
    pub fn fail_strategy(&self) -> &'m str {
        self.wasm.text(&["failStrategy"]).unwrap_or("FAIL_CLOSE")
    }

    pub fn url(&self) -> &'m str {
        self.wasm.text(&["url"]).unwrap_or_default()
    }

    /// Digest of the module: `sha256`, or the one in the reference of an image.
    pub fn digest(&self) -> Option<&'m str> {
        let of_image = || self.url().rsplit_once("@sha256:").map(|(_, digest)| digest);
        self.wasm.text(&["sha256"]).filter(|digest| !digest.is_empty()).or_else(of_image)
    }

    /// True if the plugin handles traffic of that class and port. Waypoints have port 0, which no entry with ports matches.
    pub fn matches(&self, class: TrafficClass, port: Option<u16>) -> bool {
        let node = self.resource.node();
        let mut entries = node.items(&["spec", "match"]).peekable();
        entries.peek().is_none()
            || entries.any(|entry| {
                let is_class = match entry.text(&["mode"]) {
                    Some("SERVER") => class == TrafficClass::Server,
                    Some("CLIENT") => class == TrafficClass::Client,
                    _ => true,
                };
                let mut ports = entry.items(&["ports"]).map(|port| number(port, "number")).peekable();
                is_class && (ports.peek().is_none() || port.is_some() && ports.any(|own| own == port))
            })
    }

    /// Mode of the policy, `enforce` or `monitor`.
    pub fn mode(&self) -> &'static str {
        match &self.policy {
            Ok(policy) => policy.mode().as_str(),
            Err(_) => "invalid",
        }
    }

    /// SHA-256 of the policy in the plugin, as JSON. Equal policies in another spelling have another digest.
    pub fn policy_digest(&self) -> String {
        let policy = self.config().and_then(|policy| serde_json::to_vec(policy).ok());
        digest::sha256(policy.as_deref().unwrap_or(b"{}"))
    }

    /// Effective actions and rules of the policy, by their fields.
    pub fn actions(&self) -> Vec<(String, String)> {
        let fields = self.policy.as_ref().map(Policy::effective).unwrap_or_default();
        fields.into_iter().filter(|(name, _)| ACTIONS.contains(&name.as_str())).collect()
    }

    /// True if the policy is active in the namespace. An invalid policy is active nowhere, but nothing passes it either.
    pub fn acts_in(&self, namespace: &str) -> bool {
        self.policy.as_ref().map_or(true, |policy| policy.acts_in(namespace.as_bytes()))
    }

    /// Policy, as a tree.
    pub fn config(&self) -> Option<&'m Node> {
        self.wasm.field("pluginConfig")
    }

    /// True if card numbers in some requests reach the upstream unmasked.
    pub fn passes_cards(&self) -> bool {
        let Ok(policy) = &self.policy else { return false };
        let default = self.wasm.text(&["pluginConfig", "request"]);
        policy.mode() == Mode::Monitor
            || matches!(default, Some("allow" | "skip"))
            || passing_rules(self.config()).next().is_some()
    }

    /// Location of a field of the plugin, or else of the resource.
    pub fn location_of(&self, field: &str) -> Location {
        let node = self.wasm.field(field).or(self.resource.get(&["spec", field]));
        node.map_or_else(|| self.resource.location.clone(), |node| self.resource.location_of(node))
    }
}
