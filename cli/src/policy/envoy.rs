//! Policies in configurations of Envoy: bootstraps, listeners, delivered filters, dumps, and manifests that contain parts of these.
//!
//! Field names are those of Envoy's API, in `snake_case` or in `camelCase`, which Envoy reads both.

use super::Configuration;
use super::finder::{Clue, Finder};
use crate::document::{Diagnostic, Node, YamlValue};
use crate::manifest::names_panveil;

/// Message types of the configuration of a filter that the policy can be.
const TEXT: &str = "type.googleapis.com/google.protobuf.StringValue";
const OBJECT: &str = "type.googleapis.com/google.protobuf.Struct";

impl Finder<'_> {
    /// Takes the policies of the Wasm filters within `node`. `filter` is the name of the filter around it, and `title` that of its
    /// resource.
    pub(super) fn take_filters(&mut self, node: &Node, filter: Option<&str>, title: Option<&str>) {
        match &node.value {
            YamlValue::List(items) => items.iter().for_each(|item| self.take_filters(item, filter, title)),
            YamlValue::Object(fields) => {
                if either(node, "vm_config", "vmConfig").is_some() {
                    return self.take_filter(node, filter, title);
                }
                if ["@type", "static_resources", "staticResources"].iter().any(|name| node.field(name).is_some()) {
                    self.note(Clue::Manifest);
                }
                let own = either(node, "typed_config", "typedConfig").and(node.text(&["name"]));
                let is_discovered = either(node, "config_discovery", "configDiscovery").is_some();
                if is_discovered && names_panveil([node.text(&["name"])]) {
                    self.note(Clue::Discovery);
                }
                for (name, field) in fields {
                    let before = self.policies.len();
                    self.take_filters(field, own.or(filter), title);
                    let is_repeated = || node.names().filter(|other| other.text == name.text).count() > 1;
                    if self.policies.len() > before && is_repeated() {
                        let text = format!("{} given more than once", name.text);
                        let title = title.unwrap_or("configuration of Envoy");
                        self.add(title, name.position, Err(Diagnostic::at(name.position, text)));
                    }
                }
            }
            _ => {}
        }
    }

    /// Takes the policy of a Wasm filter.
    fn take_filter(&mut self, plugin: &Node, filter: Option<&str>, title: Option<&str>) {
        let machine = either(plugin, "vm_config", "vmConfig");
        let of_machine = |path: &[&str]| machine.and_then(|machine| machine.text(path));
        let root = either(plugin, "root_id", "rootId").and_then(Node::as_text);
        let names = [
            filter,
            plugin.text(&["name"]),
            root,
            of_machine(&["vm_id"]),
            of_machine(&["vmId"]),
            of_machine(&["code", "local", "filename"]),
            of_machine(&["code", "remote", "http_uri", "uri"]),
            of_machine(&["code", "remote", "httpUri", "uri"]),
        ];
        if !names_panveil(names) {
            return self.note(Clue::OtherPlugin);
        }
        let own = || format!("filter {}", filter.or(plugin.text(&["name"])).unwrap_or("panveil"));
        let title = title.map_or_else(own, str::to_owned);
        let position = plugin.field("configuration").map_or(plugin.position, |configuration| configuration.position);
        let configuration = self.configuration(plugin);
        self.add(&title, position, configuration);
    }

    fn configuration(&self, plugin: &Node) -> Result<Configuration, Diagnostic> {
        let Some(configuration) = plugin.only_field("configuration")? else {
            let text = "no configuration, and the defaults would apply; write a StringValue with {} for them";
            return Err(Diagnostic::at(plugin.position, text));
        };
        let value = configuration.only_field("value")?;
        match (configuration.text(&["@type"]), value) {
            (Some(TEXT), Some(value)) if value.as_text().is_some() => {
                let text = value.as_text().unwrap_or_default();
                Ok(Configuration::text(text.as_bytes().to_vec(), self.origin(text, value.position)))
            }
            (Some(OBJECT), Some(value)) => Ok(Configuration::Tree(value)),
            _ => {
                let text = format!("expected a configuration with \"@type\": {TEXT} and the policy as value");
                Err(Diagnostic::at(configuration.position, text))
            }
        }
    }
}

/// Field under one of its names.
fn either<'n>(node: &'n Node, snake_case: &str, camel_case: &str) -> Option<&'n Node> {
    node.field(snake_case).or(node.field(camel_case))
}
