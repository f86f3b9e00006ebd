//! Policies in Kubernetes manifests, and in the patches of a kustomization.

use super::Configuration;
use super::finder::{Clue, Finder, looks_like_policy};
use crate::document::{self, Diagnostic, Node, YamlValue};
use crate::manifest::{is_kustomization, names_panveil, resource_name};
use std::rc::Rc;

/// Plugin in a resource.
struct PluginFields {
    /// Fields about the plugin.
    fields: Rc<Node>,
    /// Field with the policy.
    name: &'static str,
}

impl Finder<'_> {
    /// Takes the policies of a resource, or of a document without a kind.
    pub(super) fn take_resource(&mut self, kind: Option<&str>, node: &Rc<Node>) {
        if is_kustomization(node) {
            self.note(Clue::Kustomization);
            self.take_patches(node);
            return;
        }
        let title = kind.map(|kind| title(kind, node));
        match (kind, &title) {
            (Some(kind @ ("WasmPlugin" | "TrafficExtension" | "EnvoyExtensionPolicy")), Some(title)) => {
                self.take_plugins(kind, node, title, false);
            }
            (Some("ConfigMap"), Some(title)) => self.take_texts(node, title),
            _ => self.take_filters(node, None, title.as_deref()),
        }
    }

    fn take_plugins(&mut self, kind: &str, node: &Node, title: &str, is_patch: bool) {
        let resource = node.text(&["metadata", "name"]);
        match plugins(kind, node) {
            Err(diagnostic) => self.add(title, node.position, Err(diagnostic)),
            Ok(plugins) => plugins.iter().for_each(|plugin| self.take_plugin(plugin, resource, title, is_patch)),
        }
    }

    fn take_plugin(&mut self, plugin: &PluginFields, resource: Option<&str>, title: &str, is_patch: bool) {
        let PluginFields { fields, name } = plugin;
        let text = |path: &[&str]| fields.text(path);
        let names = [
            resource,
            text(&["pluginName"]),
            text(&["url"]),
            text(&["name"]),
            text(&["rootID"]),
            text(&["code", "image", "url"]),
            text(&["code", "http", "url"]),
        ];
        let config = fields.only_field(name);
        // A patch may have a name that matches any resource.
        let is_policy = matches!(&config, Ok(Some(config)) if is_patch && looks_like_policy(config));
        if !names_panveil(names) && !is_policy {
            return self.note(Clue::OtherPlugin);
        }
        match config {
            Err(diagnostic) => self.add(title, fields.position, Err(diagnostic)),
            Ok(Some(config)) => self.add(title, config.position, Ok(Configuration::Tree(config))),
            Ok(None) if is_patch => {}
            Ok(None) => {
                let text = format!("no {name}, and the defaults would apply; write {name}: {{}} for them");
                self.add(title, fields.position, Err(Diagnostic::at(fields.position, text)));
            }
        }
    }

    /// Takes the configurations of Envoy in the texts of a ConfigMap.
    fn take_texts(&mut self, node: &Node, title: &str) {
        let Some(YamlValue::Object(texts)) = node.field("data").map(|data| &data.value) else { return };
        for (_, value) in texts {
            let Some(text) = value.as_text().filter(|text| text.contains("panveil")) else { continue };
            // A text that is no YAML is no configuration of Envoy.
            let documents = document::read_all(text, self.origin(text, value.position)).unwrap_or_default();
            documents.iter().for_each(|document| self.take_filters(document, None, Some(title)));
        }
    }

    /// Takes the policies in the patches of a kustomization. Its other files are not read.
    fn take_patches(&mut self, kustomization: &Node) {
        let inline = kustomization.items(&["patches"]).filter_map(|patch| patch.field("patch"));
        let older = kustomization.items(&["patchesJson6902"]).filter_map(|patch| patch.field("patch"));
        for patch in inline.chain(older).chain(kustomization.items(&["patchesStrategicMerge"])) {
            // One line is the path of a file.
            let Some(text) = patch.as_text().filter(|text| text.contains('\n')) else { continue };
            match document::read_all(text, self.origin(text, patch.position)) {
                Err(diagnostic) => self.add("patch", patch.position, Err(diagnostic)),
                Ok(documents) => documents.iter().for_each(|document| self.take_patch(document)),
            }
        }
    }

    fn take_patch(&mut self, patch: &Node) {
        for operation in patch.items(&[]) {
            self.take_operation(operation);
        }
        if let Some(kind) = patch.text(&["kind"]) {
            self.take_plugins(kind, patch, &format!("patch of {}", title(kind, patch)), true);
        }
    }

    /// Takes an operation of a JSON patch.
    fn take_operation(&mut self, operation: &Node) {
        let path = operation.text(&["path"]).unwrap_or_default();
        let of_istio =
            ["/spec/pluginConfig", "/spec/wasm/pluginConfig"].iter().find_map(|start| path.strip_prefix(start));
        // `/spec/wasm/0/config`
        let of_gateway = || path.strip_prefix("/spec/wasm/")?.split_once("/config").map(|(_, rest)| rest);
        match (of_istio.or_else(of_gateway), operation.shared(&["value"])) {
            (Some(""), Some(value)) if looks_like_policy(&value) => {
                self.add("JSON patch", value.position, Ok(Configuration::Tree(value)));
            }
            (Some(rest), _) if rest.starts_with('/') => {
                let text = "a JSON patch of a part of a policy is not checked; pipe the output of kubectl kustomize to \
                            panveil check -";
                self.remarks.push(Diagnostic::at(operation.position, text));
            }
            _ => {}
        }
    }
}

/// Plugins in a resource of this kind.
fn plugins(kind: &str, node: &Node) -> Result<Vec<PluginFields>, Diagnostic> {
    let Some(spec) = node.only_field("spec")? else { return Ok(Vec::new()) };
    if kind == "WasmPlugin" {
        return Ok(vec![PluginFields { fields: spec, name: "pluginConfig" }]);
    }
    let Some(wasm) = spec.only_field("wasm")? else { return Ok(Vec::new()) };
    Ok(match &wasm.value {
        YamlValue::List(plugins) if kind == "EnvoyExtensionPolicy" => {
            plugins.iter().map(|plugin| PluginFields { fields: Rc::clone(plugin), name: "config" }).collect()
        }
        _ if kind == "TrafficExtension" => vec![PluginFields { fields: wasm, name: "pluginConfig" }],
        _ => Vec::new(),
    })
}

/// Kind, namespace and name.
fn title(kind: &str, node: &Node) -> String {
    let name = resource_name(node).unwrap_or("without name");
    match node.text(&["metadata", "namespace"]) {
        Some(namespace) => format!("{kind} {namespace}/{name}"),
        None => format!("{kind} {name}"),
    }
}
