//! Overlays and components as kustomize renders them, in both kinds.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::files::{all, document, parse, root};
use crate::istio::{asked, policy};
use crate::shape::check;
use crate::with_tool;

const TOOL: &str = "KUSTOMIZE";

pub fn trials() -> Vec<Trial> {
    vec![
        with_tool(TOOL, "rendering::every_overlay_is_whole", every_overlay_is_whole),
        with_tool(TOOL, "rendering::both_kinds_of_an_overlay_are_the_same", both_kinds_of_an_overlay_are_the_same),
        with_tool(TOOL, "rendering::overlays_do_what_they_are_called", overlays_do_what_they_are_called),
        with_tool(
            TOOL,
            "rendering::the_incident_ends_with_the_former_overlay",
            the_incident_ends_with_the_former_overlay,
        ),
        with_tool(TOOL, "rendering::third_parties_are_reached_through_the_gateway", third_parties_through_the_gateway),
        with_tool(TOOL, "rendering::components_do_what_they_are_called", components_do_what_they_are_called),
    ]
}

/// Kinds, and the folders of their overlays.
const TREES: [(&str, &str); 2] = [("WasmPlugin", "overlays"), ("TrafficExtension", "traffic-extension/overlays")];

/// Workload for the components, in a namespace without an overlay.
const WORKLOAD: &str = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: web}, spec: {selector: \
    {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: web}]}}}}";

/// Rendered resources of a namespace, by kind. Further ones of the same kind are under kind and name.
type Rendered = BTreeMap<String, Value>;

/// Renders these overlays of different namespaces together, with these components. By namespace.
fn render(overlays: &[String], components: &[&str]) -> Result<BTreeMap<String, Rendered>> {
    let tool = std::env::var_os(TOOL).context("KUSTOMIZE is not set; `make test` provides it")?;
    let folder = TempDir::with_prefix("panveil-manifests-")?;
    copy(&root().join("istio"), &folder.path().join("istio"))?;
    fs::write(folder.path().join("workload.yaml"), WORKLOAD)?;
    let mut resources: Vec<String> = overlays.iter().map(|overlay| format!("istio/{overlay}")).collect();
    resources.push("workload.yaml".to_owned());
    let components: Vec<String> = components.iter().map(|component| format!("istio/components/{component}")).collect();
    let kustomization = json!({
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": resources,
        "components": components,
    });
    fs::write(folder.path().join("kustomization.yaml"), kustomization.to_string())?;
    let done = Command::new(&tool).arg("build").arg(folder.path()).output().context("KUSTOMIZE cannot be run")?;
    ensure!(done.status.success(), "{components:?}: {}", String::from_utf8_lossy(&done.stderr).trim());
    let mut rendered: BTreeMap<String, Rendered> = BTreeMap::new();
    for manifest in parse(std::str::from_utf8(&done.stdout)?)? {
        let of = |value: &Value| value.as_str().map(str::to_owned).context("no kind or namespace");
        let (mut key, namespace) = (of(&manifest["kind"])?, of(&manifest["metadata"]["namespace"])?);
        let of_namespace = rendered.entry(namespace).or_default();
        if of_namespace.contains_key(&key) {
            key = format!("{key} {}", of(&manifest["metadata"]["name"])?);
        }
        of_namespace.insert(key, manifest);
    }
    Ok(rendered)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Names of the folders in this one.
fn folders(parent: &str) -> Result<Vec<String>> {
    let files = all(&root().join("istio").join(parent), "yaml")?;
    let name = |file: &PathBuf| Some(file.parent()?.file_name()?.to_string_lossy().into_owned());
    let folders: Vec<String> = files.iter().filter_map(name).collect();
    ensure!(folders.len() > 5, "{parent}: {} folders", folders.len());
    Ok(folders)
}

/// Every overlay of a tree, by name.
fn overlays(tree: &str) -> Result<BTreeMap<String, Rendered>> {
    let mut overlays = BTreeMap::new();
    // Separately, since two of them may have the same namespace.
    for name in folders(tree)? {
        let path = format!("{tree}/{name}");
        let kustomization = document(&root().join("istio").join(&path).join("kustomization.yaml"))?;
        let namespace = kustomization["namespace"].as_str().context("no namespace")?;
        let rendered = render(&[path], &[])?.remove(namespace);
        overlays.insert(name, rendered.with_context(|| format!("nothing for {namespace}"))?);
    }
    Ok(overlays)
}

/// Configuration of the plugin among these.
fn plugin(rendered: &Rendered) -> Result<Value> {
    let manifest = TREES.iter().find_map(|(kind, _)| rendered.get(*kind)).context("no plugin")?;
    asked(manifest)
}

/// Checks that it has the fields of its kinds, a valid policy, and a log without card numbers.
fn is_whole(rendered: &Rendered) -> Result<()> {
    for manifest in rendered.values() {
        check(manifest["kind"].as_str().context("no kind")?, manifest)?;
    }
    ensure!(rendered.contains_key("Telemetry"), "Istio's own access log is left in place");
    let plugin = plugin(rendered)?;
    policy(&plugin["pluginConfig"])?;
    for field in ["phase", "priority", "match", "failStrategy", "pluginName"] {
        ensure!(!plugin[field].is_null(), "no {field}");
    }
    ensure!(plugin["failStrategy"] != "FAIL_OPEN", "it would let cards through");
    Ok(())
}

fn every_overlay_is_whole() -> Result<()> {
    for (kind, tree) in TREES {
        for (name, rendered) in overlays(tree)? {
            ensure!(rendered.contains_key(kind), "{tree}/{name}: no {kind}");
            is_whole(&rendered).with_context(|| format!("{tree}/{name}"))?;
            let plugin = plugin(&rendered)?;
            ensure!(plugin["failStrategy"] == "FAIL_RELOAD", "{tree}/{name}: {}", plugin["failStrategy"]);
            ensure!(plugin["url"].as_str().is_some_and(|url| url.starts_with("oci://")), "{tree}/{name}");
        }
    }
    Ok(())
}

fn both_kinds_of_an_overlay_are_the_same() -> Result<()> {
    let [plugins, extensions] = TREES.map(|(_, tree)| overlays(tree));
    let (plugins, extensions) = (plugins?, extensions?);
    ensure!(plugins.keys().eq(extensions.keys()), "{:?} {:?}", plugins.keys(), extensions.keys());
    for (name, rendered) in plugins {
        let other = &extensions[&name];
        let [one, two] = [plugin(&rendered)?, plugin(other)?];
        ensure!(one == two, "{name}: {one}\n{two}");
        ensure!(rendered["Telemetry"] == other["Telemetry"], "{name}: another log");
        let namespace = |rendered: &Rendered, kind: &str| rendered[kind]["metadata"]["namespace"].clone();
        ensure!(
            namespace(&rendered, "WasmPlugin") == namespace(other, "TrafficExtension"),
            "{name}: another namespace"
        );
    }
    Ok(())
}

fn overlays_do_what_they_are_called() -> Result<()> {
    let overlays = overlays("overlays")?;
    let plugin = |name: &str| plugin(overlays.get(name).with_context(|| format!("no overlay {name}"))?);
    let setting = |name: &str, field: &str| -> Result<Value> { Ok(plugin(name)?["pluginConfig"][field].clone()) };
    ensure!(setting("mask", "request")? == "mask" && setting("mask", "mode")? == "enforce");
    ensure!(setting("block", "request")? == "block" && setting("block", "mode")? == "enforce");
    ensure!(setting("monitor", "mode")? == "monitor");
    ensure!(setting("payments", "rules")?[0]["action"] == "allow" && setting("payments", "request")? == "block");
    let rule = &setting("payment-api", "rules")?[0];
    ensure!(rule["action"] == "allow" && setting("payment-api", "request")? == "block");
    ensure!(rule["match"]["source"] == json!(["spiffe://cluster.local/ns/shop/sa/checkout"]));
    ensure!(overlays["mesh-wide"]["WasmPlugin"]["metadata"]["namespace"] == "istio-system");
    ensure!(!setting("mesh-wide", "namespaces")?["exclude"].as_array().context("no exclude")?.is_empty());
    let priority = |name: &str| -> Result<i64> { plugin(name)?["priority"].as_i64().context("no priority") };
    ensure!(priority("mesh-wide")? < priority("mask")?, "the mesh's policy comes before that of a namespace");
    for name in overlays.keys() {
        let mode = match name.as_str() {
            "gateway" | "gateway-api" | "egress" => "CLIENT",
            "incident" => "CLIENT_AND_SERVER",
            _ => "SERVER",
        };
        ensure!(plugin(name)?["match"] == json!([{"mode": mode}]), "{name}: {}", plugin(name)?["match"]);
        ensure!(name == "incident" || priority(name)? < priority("incident")?, "{name} comes before an incident");
        let targeted = ["gateway-api", "waypoint"].contains(&name.as_str());
        ensure!(plugin(name)?["targetRefs"].is_array() == targeted, "{name}: targetRefs");
    }
    ensure!(setting("egress", "request")? == "block" && plugin("egress")?["selector"].is_object());
    // A waypoint ignores plugins that do not name it.
    let waypoint = &overlays["waypoint"];
    ensure!(waypoint["Telemetry"]["spec"]["targetRefs"] == waypoint["WasmPlugin"]["spec"]["targetRefs"]);
    Ok(())
}

/// Overlay of this tree, as rendered.
fn overlay(tree: &str, name: &str) -> Result<Rendered> {
    let rendered = render(&[format!("{tree}/{name}")], &[])?;
    rendered.into_values().find(|one| one.contains_key("Telemetry")).with_context(|| format!("no overlay {name}"))
}

/// The overlay replaces the plugin of the mesh, by its name.
fn the_incident_ends_with_the_former_overlay() -> Result<()> {
    for (kind, tree) in TREES {
        let (incident, former) = (overlay(tree, "incident")?, overlay(tree, "mesh-wide")?);
        ensure!(incident.keys().eq(former.keys()), "{tree}: {:?} {:?}", incident.keys(), former.keys());
        ensure!(incident[kind]["metadata"] == former[kind]["metadata"], "{tree}: {}", incident[kind]["metadata"]);
        ensure!(incident["Telemetry"] == former["Telemetry"], "{tree}: another log");
        let mut incident = plugin(&incident)?;
        // What logs contain stays as it is.
        let audit = incident["pluginConfig"].as_object_mut().and_then(|policy| policy.remove("audit"));
        ensure!(audit == plugin(&former)?["pluginConfig"].get("audit").cloned(), "{tree}: {audit:?}");
        let wanted = json!({
            "mode": "enforce", "request": "block", "response": "block", "rules": [], "mask": {"keep": "none"},
            "uninspectable": "block", "namespaces": {"include": [], "exclude": []},
        });
        ensure!(incident["pluginConfig"] == wanted, "{tree}: {}", incident["pluginConfig"]);
    }
    Ok(())
}

/// The sidecars send HTTP for the third party to the gateway, which opens TLS to the host and verifies it.
fn third_parties_through_the_gateway() -> Result<()> {
    let egress = overlay("overlays", "egress")?;
    let of = |kind: &str, name: &str| {
        let named = |resource: &&Value| resource["kind"] == kind && resource["metadata"]["name"] == name;
        egress.values().find(named).map(|resource| &resource["spec"]).with_context(|| format!("no {kind} {name}"))
    };
    let third_party = "api-psp-example";
    let entry = of("ServiceEntry", third_party)?;
    let host = entry["hosts"][0].as_str().context("no host")?;
    ensure!(
        entry["ports"] == json!([{"number": 80, "name": "http", "protocol": "HTTP", "targetPort": 443}]),
        "{entry}"
    );
    let tls = of("DestinationRule", third_party)?;
    // Sidecars that lack the route to the gateway must not send plaintext.
    ensure!(tls["host"] == host && tls["exportTo"].is_null(), "{tls}");
    let opened = json!([{
        "port": {"number": 80}, "tls": {"mode": "SIMPLE", "sni": host, "subjectAltNames": [host]},
    }]);
    ensure!(tls["trafficPolicy"]["portLevelSettings"] == opened, "{tls}");
    let gateway = of("Gateway", "egress")?;
    ensure!(gateway["selector"] == plugin(&egress)?["selector"]["matchLabels"], "panveil is at another gateway");
    ensure!(gateway["servers"][0]["tls"]["mode"] == "ISTIO_MUTUAL", "{gateway}");
    let service = "istio-egressgateway";
    let mutual = of("DestinationRule", service)?;
    ensure!(mutual["host"] == service && mutual["trafficPolicy"]["tls"]["mode"] == "ISTIO_MUTUAL", "{mutual}");
    let routes = of("VirtualService", third_party)?;
    ensure!(routes["hosts"] == json!([host]), "{routes}");
    let conditions = [json!({"gateways": ["mesh"], "port": 80}), json!({"gateways": ["egress"]})];
    for (index, (condition, destination)) in conditions.into_iter().zip([service, host]).enumerate() {
        let route = &routes["http"][index];
        ensure!(route["match"] == json!([condition]), "{route}");
        ensure!(route["route"] == json!([{"destination": {"host": destination, "port": {"number": 80}}}]), "{route}");
    }
    let rule = &plugin(&egress)?["pluginConfig"]["rules"][0];
    ensure!(rule["match"]["cluster"] == json!([format!("outbound|80||{host}")]), "{rule}");
    Ok(())
}

/// Each component, with plugins of both kinds, including one of the mesh.
fn components_do_what_they_are_called() -> Result<()> {
    let overlays = [
        "overlays/mask",
        "overlays/mesh-wide",
        "traffic-extension/overlays/block",
        "traffic-extension/overlays/payments",
    ];
    let overlays = overlays.map(str::to_owned);
    for component in folders("components")? {
        let mut rendered = render(&overlays, &[&component])?;
        let workload = rendered.remove("web").and_then(|mut all| all.remove("Deployment")).context("no workload")?;
        ensure!(rendered.len() == overlays.len(), "{component}: {:?}", rendered.keys());
        for (namespace, rendered) in &rendered {
            is_whole(rendered)
                .and_then(|()| component_did(&component, &plugin(rendered)?, rendered.contains_key("WasmPlugin")))
                .with_context(|| format!("{component}, {namespace}"))?;
        }
        let policy = |namespace: &str| rendered[namespace]["TrafficExtension"]["spec"]["wasm"]["pluginConfig"].clone();
        ensure!(policy("reporting")["request"] == "block", "{component}");
        let has_rules = policy("payments")["rules"].as_array().is_some_and(|rules| !rules.is_empty());
        ensure!(has_rules != (component == "incident"), "{component}: {}", policy("payments"));
        component_did_to(&component, &workload["spec"]["template"]).with_context(|| component.clone())?;
    }
    Ok(())
}

/// Checks the change of a component to a plugin.
fn component_did(component: &str, plugin: &Value, older: bool) -> Result<()> {
    let (field, wanted) = match component {
        "older-istio" => ("failStrategy", json!(if older { "FAIL_CLOSE" } else { "FAIL_RELOAD" })),
        "after-authentication" => ("phase", json!("AUTHZ")),
        "private-registry" => ("imagePullSecret", json!("panveil-registry")),
        "http-source" => ("url", json!("https://artifacts.example/panveil/panveil-0.1.0.wasm")),
        "file-source" => ("url", json!("file:///etc/panveil/panveil.wasm")),
        "fingerprints" => ("vmConfig", json!({"env": [{"name": "PANVEIL_HMAC_KEY", "valueFrom": "HOST"}]})),
        "metrics" | "incident" => ("phase", json!("AUTHN")),
        _ => bail!("nothing is known of it"),
    };
    ensure!(plugin[field] == wanted, "{field} is {}", plugin[field]);
    ensure!(plugin["sha256"].is_null() == (component == "file-source"), "sha256 is {}", plugin["sha256"]);
    let fingerprints = plugin["pluginConfig"]["audit"]["fingerprint"] == true;
    ensure!(fingerprints == (component == "fingerprints"), "fingerprints: {fingerprints}");
    let config = &plugin["pluginConfig"];
    let blocks = ["request", "response", "uninspectable"].iter().all(|field| config[*field] == "block");
    let is_incident = blocks && config["mode"] == "enforce" && config["mask"]["keep"] == "none";
    ensure!(is_incident == (component == "incident"), "{config}");
    Ok(())
}

/// Checks the change of a component to a workload's pods.
fn component_did_to(component: &str, pod: &Value) -> Result<()> {
    let containers = pod["spec"]["containers"].as_array().context("no containers")?;
    let proxy = containers.iter().find(|container| container["name"] == "istio-proxy");
    let annotation = |name: &str| pod["metadata"]["annotations"][name].as_str().unwrap_or_default();
    ensure!(containers.iter().any(|container| container["name"] == "web"), "the workload is gone");
    ensure!(proxy.is_some() == (component == "fingerprints"), "{pod}");
    if let Some(proxy) = proxy {
        let key =
            json!({"name": "PANVEIL_HMAC_KEY", "valueFrom": {"secretKeyRef": {"name": "panveil-hmac", "key": "key"}}});
        ensure!(proxy["image"] == "auto" && proxy["env"] == json!([key]), "{proxy}");
    }
    if component == "file-source" {
        let volume: Value = serde_json::from_str(annotation("sidecar.istio.io/userVolume"))?;
        let mount: Value = serde_json::from_str(annotation("sidecar.istio.io/userVolumeMount"))?;
        ensure!(volume["panveil"]["persistentVolumeClaim"]["readOnly"] == true, "{volume}");
        ensure!(mount["panveil"] == json!({"mountPath": "/etc/panveil", "readOnly": true}), "{mount}");
    }
    ensure!(annotation("proxy.istio.io/config").is_empty() == (component != "metrics"), "{pod}");
    Ok(())
}
