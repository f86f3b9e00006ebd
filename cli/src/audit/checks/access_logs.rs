//! Access logs that print raw paths or headers.
//!
//! Source: `mergeLogs` in `pilot/pkg/model/telemetry.go`. The most specific Telemetry that names providers replaces those of the
//! namespace, mesh and mesh configuration. Istio's own formats, text and JSON, print the path.

use crate::audit::finding::Finding;
use crate::audit::mesh::{GATEWAY_API, Mesh, TELEMETRY};
use crate::audit::rules;
use crate::audit::workload::{DataPlane, Workload};
use crate::document::{Node, YamlValue};
use crate::manifest::{Location, Resource};
use std::collections::BTreeSet;

/// Headers that clients do not fill with data of applications. All others may contain a card number, such as the path.
const HARMLESS: [&str; 7] =
    [":method", ":authority", ":scheme", "x-request-id", "x-forwarded-for", "x-forwarded-proto", "content-type"];

/// Name of Istio's built-in provider.
const BUILT_IN: &str = "envoy";

/// Operators of Envoy's access log that print a header or the path.
const OPERATORS: [&str; 5] = ["%REQ(", "%REQ_WITHOUT_QUERY(", "%RESP(", "%TRAILER(", "%PATH("];

pub fn check(mesh: &Mesh<'_>, findings: &mut Vec<Finding>) {
    let mut seen = BTreeSet::new();
    for namespace in proxied_namespaces(mesh) {
        let near = |one: &&Resource| one.namespace == namespace || one.namespace == mesh.root;
        let all: Vec<&Resource> = mesh.of(TELEMETRY, "Telemetry").filter(near).collect();
        // The logs of single workloads, and the one of all others.
        let of_some = all.iter().filter(|one| one.namespace == namespace && is_for_some(one)).copied();
        let of_all = |is_own: bool| {
            all.iter()
                .copied()
                .find(|one| (one.namespace == namespace) == is_own && !is_for_some(one) && names_any(one))
        };
        let choices = of_some.filter(|one| names_any(one)).map(Some).chain([of_all(true).or_else(|| of_all(false))]);
        for telemetry in choices {
            let (providers, location, subject) = match telemetry {
                Some(telemetry) => (providers(telemetry), telemetry.location.clone(), telemetry.title()),
                None => match default_providers(mesh) {
                    Some((providers, location)) => (providers, location, format!("Namespace {namespace}")),
                    None => continue,
                },
            };
            for provider in providers {
                if let Some((detail, defined)) = raw(mesh, provider) {
                    let location = defined.unwrap_or_else(|| location.clone());
                    if seen.insert((subject.clone(), provider.to_owned())) {
                        findings.push(Finding::new(&rules::ACCESS_LOG_RAW, location, subject.clone(), detail));
                    }
                }
            }
        }
    }
}

/// Namespaces with proxies, or with resources for them.
fn proxied_namespaces<'m>(mesh: &Mesh<'m>) -> BTreeSet<&'m str> {
    let has_proxy = |workload: &&Workload<'_>| {
        matches!(workload.data_plane, DataPlane::Sidecar | DataPlane::Gateway | DataPlane::Unknown)
    };
    let gateways = mesh.of(GATEWAY_API, "Gateway").map(|gateway| gateway.namespace.as_str());
    let plugins = mesh.plugins.iter().map(|plugin| plugin.resource.namespace.as_str());
    let telemetry = mesh.of(TELEMETRY, "Telemetry").map(|telemetry| telemetry.namespace.as_str());
    let workloads = mesh.workloads.iter().filter(has_proxy).map(Workload::namespace);
    workloads.chain(gateways).chain(plugins).chain(telemetry).collect()
}

fn is_for_some(telemetry: &Resource) -> bool {
    let spec = telemetry.spec();
    spec.pairs(&["selector", "matchLabels"]).next().is_some() || spec.field("targetRefs").is_some()
}

/// True if the resource decides about access logs.
fn names_any(telemetry: &Resource) -> bool {
    let disables = |entry: &Node| entry.is_true(&["disabled"]);
    telemetry.spec().items(&["accessLogging"]).any(|entry| entry.field("providers").is_some() || disables(entry))
}

/// Providers that the resource enables.
fn providers(telemetry: &Resource) -> Vec<&str> {
    let enabled = telemetry.spec().items(&["accessLogging"]).filter(|entry| !entry.is_true(&["disabled"]));
    enabled.flat_map(|entry| entry.items(&["providers"])).filter_map(|provider| provider.text(&["name"])).collect()
}

/// Providers of the mesh configuration, for namespaces without Telemetry.
fn default_providers<'m>(mesh: &Mesh<'m>) -> Option<(Vec<&'m str>, Location)> {
    let config = mesh.config?;
    let location = |node: &Node| config.location_of(node);
    if let Some(named) = config.node.get(&["defaultProviders", "accessLogging"]) {
        return Some((named.texts(&[]), location(named)));
    }
    let file = config.node.field("accessLogFile")?;
    file.as_text().filter(|path| !path.is_empty()).map(|_| (vec![BUILT_IN], location(file)))
}

/// Problem with a provider's format, and the location of the format. `None` if the mesh configuration is not in the input.
fn raw(mesh: &Mesh<'_>, provider: &str) -> Option<(String, Option<Location>)> {
    let config = mesh.config?;
    let location = |node: &Node| Some(config.location_of(node));
    let named = |one: &&Node| one.text(&["name"]) == Some(provider);
    let Some(defined) = config.node.items(&["extensionProviders"]).find(named) else {
        if provider != BUILT_IN {
            let logs = config.node.text(&["accessLogFile"]).is_some_and(|path| !path.is_empty());
            return logs.then(|| (format!("provider {provider} is not defined, so Istio's own log stays"), None));
        }
        return match config.node.field("accessLogFormat") {
            Some(format) if format.as_text().is_some_and(|format| !format.is_empty()) => {
                operator(format).map(|operator| (format!("accessLogFormat prints {operator}"), location(format)))
            }
            _ => Some(("Istio's default access log prints the path".to_owned(), None)),
        };
    };
    if let Some(als) = defined.field("envoyHttpAls") {
        return Some((format!("provider {provider} sends paths and headers (envoyHttpAls)"), location(als)));
    }
    let log = defined.field("envoyFileAccessLog").or(defined.field("envoyOtelAls"))?;
    match log.field("logFormat") {
        Some(format) => operator(format).map(|name| (format!("provider {provider} prints {name}"), location(format))),
        None => {
            Some((format!("provider {provider} has no logFormat, and Istio's default prints the path"), location(log)))
        }
    }
}

/// First operator within that prints a header other than the harmless ones.
fn operator(format: &Node) -> Option<String> {
    match &format.value {
        YamlValue::Text(text) => OPERATORS.iter().find_map(|operator| {
            text.match_indices(operator).find_map(|(at, _)| {
                let end = text.get(at..)?.find(')')?;
                let whole = text.get(at..)?.get(..=end)?;
                let names = whole.split_once('(')?.1.trim_end_matches(')');
                // `X?Y` prints Y if X is absent.
                let is_harmless = |name: &str| HARMLESS.iter().any(|harmless| name.eq_ignore_ascii_case(harmless));
                let is_path = *operator == "%PATH(";
                (is_path || !names.split('?').all(is_harmless)).then(|| format!("{whole}%"))
            })
        }),
        YamlValue::Object(fields) => fields.iter().find_map(|(_, value)| operator(value)),
        YamlValue::List(items) => items.iter().find_map(|item| operator(item)),
        _ => None,
    }
}
