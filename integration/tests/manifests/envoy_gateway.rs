//! Manifests for Envoy Gateway, as kustomize renders them, and their agreement with the files for standalone Envoy.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::files::{document, parse, root};
use crate::istio::policy;
use crate::shape::check;
use crate::standalone::sidecar;
use crate::{trial, with_tool};

const TOOL: &str = "KUSTOMIZE";
const BASE: &str = "envoy-gateway/base/envoyextensionpolicy.yaml";
const PROXY: &str = "envoy-gateway/proxy/envoyproxy.yaml";
const POLICY: &str = "EnvoyExtensionPolicy";

pub fn trials() -> Vec<Trial> {
    vec![
        trial("envoy_gateway::the_image_is_of_this_version_and_pinned", the_image_is_of_this_version_and_pinned),
        trial("envoy_gateway::the_access_log_is_that_of_the_sidecar", the_access_log_is_that_of_the_sidecar),
        trial("envoy_gateway::the_tags_are_those_of_the_sidecar", the_tags_are_those_of_the_sidecar),
        trial("envoy_gateway::panveil_comes_before_what_reads_requests", panveil_comes_before_what_reads_requests),
        with_tool(TOOL, "envoy_gateway::every_overlay_is_whole", every_overlay_is_whole),
        with_tool(TOOL, "envoy_gateway::overlays_do_what_they_are_called", overlays_do_what_they_are_called),
        with_tool(TOOL, "envoy_gateway::the_component_takes_the_module_from_a_server", the_component),
    ]
}

/// Manifests of an overlay, with these components.
fn render(overlay: &str, components: &[&str]) -> Result<Vec<Value>> {
    let tool = std::env::var_os(TOOL).context("KUSTOMIZE is not set; `make test` provides it")?;
    let folder = TempDir::with_prefix("panveil-envoy-gateway-")?;
    let copied = Command::new("cp").arg("-r").arg(root().join("envoy-gateway")).arg(folder.path()).status()?;
    ensure!(copied.success(), "cp failed");
    let components: Vec<String> = components.iter().map(|name| format!("envoy-gateway/components/{name}")).collect();
    let kustomization = json!({
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [format!("envoy-gateway/overlays/{overlay}")],
        "components": components,
    });
    fs::write(folder.path().join("kustomization.yaml"), kustomization.to_string())?;
    let done = Command::new(&tool).arg("build").arg(folder.path()).output().context("KUSTOMIZE cannot be run")?;
    ensure!(done.status.success(), "{overlay}: {}", String::from_utf8_lossy(&done.stderr).trim());
    parse(std::str::from_utf8(&done.stdout)?)
}

fn overlays() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(root().join("envoy-gateway/overlays"))? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    ensure!(names.len() > 2, "{names:?}");
    Ok(names)
}

/// Policy among these manifests.
fn extension_policy(manifests: &[Value]) -> Result<&Value> {
    manifests.iter().find(|manifest| manifest["kind"] == POLICY).context("no EnvoyExtensionPolicy")
}

fn the_image_is_of_this_version_and_pinned() -> Result<()> {
    let image = &document(&root().join(BASE))?["spec"]["wasm"][0]["code"]["image"];
    let manifest: toml::Table = include_str!("../../../Cargo.toml").parse()?;
    let version = manifest["workspace"]["package"]["version"].as_str().context("no version")?;
    let url = image["url"].as_str().context("no url")?;
    ensure!(url.ends_with(&format!(":{version}")), "{url} is not of version {version}");
    // Lines that `make push` reads and rewrites.
    let text = fs::read_to_string(root().join(BASE))?;
    let lines = |start: &str| text.lines().filter(|line| line.trim_start().starts_with(start)).count();
    ensure!(lines("url: oci://") == 1 && lines("sha256: \"") == 1, "`make push` could not pin it");
    Ok(())
}

fn the_access_log_is_that_of_the_sidecar() -> Result<()> {
    let proxy = document(&root().join(PROXY))?;
    let settings = proxy["spec"]["telemetry"]["accessLog"]["settings"].as_array().context("no access log")?;
    let log = &sidecar()?["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]["access_log"]
        [0]["typed_config"]["log_format"]["json_format"];
    ensure!(settings.len() == 1, "{} logs", settings.len());
    ensure!(log.is_object() && settings[0]["format"]["json"] == *log, "{}\n{log}", settings[0]["format"]["json"]);
    Ok(())
}

fn the_tags_are_those_of_the_sidecar() -> Result<()> {
    let proxy = document(&root().join(PROXY))?;
    let patches = proxy["spec"]["bootstrap"]["jsonPatches"].as_array().context("no patches")?;
    let tags: Vec<&Value> = patches.iter().map(|patch| &patch["value"]).collect();
    let sidecar = sidecar()?;
    let wanted: Vec<&Value> = sidecar["stats_config"]["stats_tags"].as_array().context("no tags")?.iter().collect();
    ensure!(tags == wanted, "{tags:?}\n{wanted:?}");
    ensure!(
        patches.iter().all(|patch| patch["op"] == "add" && patch["path"] == "/stats_config/stats_tags/-"),
        "a patch that does not add a tag"
    );
    Ok(())
}

fn panveil_comes_before_what_reads_requests() -> Result<()> {
    let proxy = document(&root().join(PROXY))?;
    let order = proxy["spec"]["filterOrder"].as_array().context("no order")?;
    let before: Vec<&str> = order.iter().filter_map(|position| position["before"].as_str()).collect();
    ensure!(order.iter().all(|position| position["name"] == "envoy.filters.http.wasm"), "{order:?}");
    for filter in ["ext_proc", "lua", "ext_authz"] {
        ensure!(before.contains(&format!("envoy.filters.http.{filter}").as_str()), "not before {filter}");
    }
    Ok(())
}

fn every_overlay_is_whole() -> Result<()> {
    for name in overlays()? {
        let manifests = render(&name, &[])?;
        for manifest in &manifests {
            let kind = manifest["kind"].as_str().context("no kind")?;
            check(kind, manifest).with_context(|| name.clone())?;
            ensure!(manifest["metadata"]["namespace"].is_string(), "{name}: {kind} without a namespace");
        }
        let spec = &extension_policy(&manifests)?["spec"];
        let wasm = spec["wasm"].as_array().context("no wasm")?;
        ensure!(wasm.len() == 1 && spec["targetRefs"].as_array().is_some_and(|targets| targets.len() == 1), "{name}");
        policy(&wasm[0]["config"]).with_context(|| name.clone())?;
        crate::standalone::check_keys(&wasm[0]["config"]).with_context(|| name.clone())?;
        ensure!(wasm[0]["rootID"] == "panveil", "{name}: the module has no such root");
        ensure!(wasm[0]["failOpen"] == false, "{name}: it would let cards through");
    }
    Ok(())
}

fn overlays_do_what_they_are_called() -> Result<()> {
    let of = |name: &str| -> Result<(Value, bool)> {
        let manifests = render(name, &[])?;
        let proxy = manifests.iter().any(|manifest| manifest["kind"] == "EnvoyProxy");
        Ok((extension_policy(&manifests)?["spec"].clone(), proxy))
    };
    let (monitor, gateway, route) = (of("monitor")?, of("gateway")?, of("route")?);
    for (spec, proxy) in [&monitor, &gateway] {
        ensure!(spec["targetRefs"][0]["kind"] == "Gateway" && *proxy, "{spec}");
    }
    ensure!(monitor.0["wasm"][0]["config"]["mode"] == "monitor", "{}", monitor.0);
    ensure!(gateway.0["wasm"][0]["config"]["mode"] == "enforce", "{}", gateway.0);
    ensure!(route.0["targetRefs"][0]["kind"] == "HTTPRoute" && !route.1, "{}", route.0);
    ensure!(route.0["wasm"][0]["config"]["request"] == "block", "{}", route.0);
    Ok(())
}

fn the_component() -> Result<()> {
    let manifests = render("gateway", &["http-source"])?;
    let policy = extension_policy(&manifests)?;
    check(POLICY, policy)?;
    let code = &policy["spec"]["wasm"][0]["code"];
    ensure!(code["type"] == "HTTP" && code["image"].is_null(), "{code}");
    ensure!(code["http"]["sha256"].is_string(), "nobody would check what is fetched: {code}");
    Ok(())
}
