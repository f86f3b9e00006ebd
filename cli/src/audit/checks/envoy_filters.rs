//! `EnvoyFilter` resources that change the filter chain.

use crate::audit::finding::Finding;
use crate::audit::mesh::{Mesh, NETWORKING};
use crate::audit::rules;
use crate::document::{Node, YamlValue};

/// Fields with which a merged patch replaces filters, disables one for a route, or writes an access log.
const TOUCHING: [&str; 5] = ["http_filters", "filter_chains", "filters", "access_log", "typed_per_filter_config"];

pub fn check(mesh: &Mesh<'_>, findings: &mut Vec<Finding>) {
    for filter in mesh.of(NETWORKING, "EnvoyFilter") {
        for patch in filter.node().items(&["spec", "configPatches"]) {
            let object = patch.text(&["applyTo"]).unwrap_or_default();
            let operation = patch.text(&["patch", "operation"]).unwrap_or("MERGE");
            if touches(object, operation, patch.field("patch")) {
                let detail = format!("{operation} on {object}");
                findings.push(Finding::new(&rules::ENVOY_FILTER, filter.location_of(patch), filter.title(), detail));
            }
        }
    }
}

/// True if the patch can remove, replace, precede or disable panveil's filter, or log around it.
fn touches(object: &str, operation: &str, patch: Option<&Node>) -> bool {
    let names_field = || patch.is_some_and(|patch| contains(patch, &TOUCHING));
    match object {
        "HTTP_FILTER" | "EXTENSION_CONFIG" => true,
        "NETWORK_FILTER" | "FILTER_CHAIN" | "LISTENER" | "LISTENER_FILTER" => operation != "MERGE" || names_field(),
        "HTTP_ROUTE" | "VIRTUAL_HOST" | "ROUTE_CONFIGURATION" => names_field(),
        _ => false,
    }
}

/// True if an object within has one of these fields.
fn contains(node: &Node, names: &[&str]) -> bool {
    match &node.value {
        YamlValue::Object(fields) => {
            fields.iter().any(|(name, value)| names.contains(&name.text.as_str()) || contains(value, names))
        }
        YamlValue::List(items) => items.iter().any(|item| contains(item, names)),
        _ => false,
    }
}
