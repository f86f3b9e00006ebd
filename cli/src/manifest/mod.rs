//! Files of manifests and of Envoy's configuration, which several commands read.

pub mod files;
mod resource;

pub use resource::{Labels, Location, Resource, items, resource_name, selects};

use crate::document::Node;

/// True if one of these names of a plugin, such as those of its resource and module, names panveil.
pub fn names_panveil<'n>(names: impl IntoIterator<Item = Option<&'n str>>) -> bool {
    names.into_iter().flatten().any(|name| name.contains("panveil"))
}

/// True for the input of kustomize.
pub fn is_kustomization(node: &Node) -> bool {
    node.text(&["apiVersion"]).is_some_and(|version| version.starts_with("kustomize.config.k8s.io/"))
}
