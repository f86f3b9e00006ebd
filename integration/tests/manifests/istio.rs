//! Agreement of the files for Istio among each other, and with the files for standalone Envoy.

use std::collections::BTreeSet;

use std::path::Path;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use panveil::policy::Policy;
use panveil_integration::istio::{Plugin, Release, render};
use serde_json::{Value, json};

use crate::files::{document, manifests, root};
use crate::standalone::sidecar;
use crate::{trial, with_tool};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("istio::both_kinds_ask_for_the_same", both_kinds_ask_for_the_same),
        trial("istio::the_image_is_of_this_version", the_image_is_of_this_version),
        trial("istio::the_digest_is_one_line", the_digest_is_one_line),
        trial("istio::a_kustomization_names_what_is_there", a_kustomization_names_what_is_there),
        trial("istio::the_access_log_is_that_of_the_sidecar", the_access_log_is_that_of_the_sidecar),
        trial("istio::the_tags_are_those_of_the_sidecar", the_tags_are_those_of_the_sidecar),
        trial("istio::the_policies_of_the_bases_are_policies", the_policies_of_the_bases_are_policies),
        with_tool("KUSTOMIZE", "istio::the_stand_in_makes_what_istio_sent", the_stand_in_makes_what_istio_sent),
    ]
}

/// Paths of the two bases.
const BASES: [&str; 2] = ["istio/base/wasmplugin.yaml", "istio/traffic-extension/base/trafficextension.yaml"];

/// Fields of a plugin as in a `WasmPlugin`, for both kinds.
pub fn asked(manifest: &Value) -> Result<Value> {
    let mut spec = manifest["spec"].clone();
    let fields = spec.as_object_mut().context("no spec")?;
    if let Some(Value::Object(wasm)) = fields.remove("wasm") {
        fields.extend(wasm);
    }
    Ok(spec)
}

/// Parses a `pluginConfig` like panveil at the start of a proxy.
pub fn policy(config: &Value) -> Result<Policy> {
    Policy::parse(config.to_string().as_bytes()).map_err(|error| anyhow::anyhow!("{error}"))
}

fn bases() -> Result<[Value; 2]> {
    let [plugin, extension] = BASES.map(|path| document(&root().join(path)));
    Ok([asked(&plugin?)?, asked(&extension?)?])
}

fn both_kinds_ask_for_the_same() -> Result<()> {
    let [plugin, extension] = bases()?;
    ensure!(plugin == extension, "{plugin}\n{extension}");
    Ok(())
}

fn the_image_is_of_this_version() -> Result<()> {
    let [plugin, _] = bases()?;
    let manifest: toml::Table = include_str!("../../../Cargo.toml").parse()?;
    let version = manifest["workspace"]["package"]["version"].as_str().context("no version")?;
    let url = plugin["url"].as_str().context("no url")?;
    ensure!(url.ends_with(&format!(":{version}")), "{url} is not of version {version}");
    Ok(())
}

/// Line that `make push` rewrites.
fn the_digest_is_one_line() -> Result<()> {
    for path in BASES {
        let text = std::fs::read_to_string(root().join(path))?;
        let lines: Vec<&str> = text.lines().filter(|line| line.trim_start().starts_with("sha256: \"")).collect();
        ensure!(lines.len() == 1 && lines[0].ends_with('"'), "{path}: {lines:?}");
    }
    Ok(())
}

fn a_kustomization_names_what_is_there() -> Result<()> {
    for path in manifests()? {
        if !path.ends_with("kustomization.yaml") {
            continue;
        }
        let manifest = document(&path)?;
        let folder = path.parent().context("no folder")?;
        for list in ["resources", "components"] {
            for named in manifest[list].as_array().into_iter().flatten().filter_map(Value::as_str) {
                let file = folder.join(named);
                let there = if file.is_dir() { file.join("kustomization.yaml") } else { file };
                ensure!(there.is_file(), "{}: {named} is not there", path.display());
            }
        }
    }
    Ok(())
}

fn the_access_log_is_that_of_the_sidecar() -> Result<()> {
    let mesh = document(&root().join("istio/telemetry/mesh-config.yaml"))?;
    let provider = &mesh["meshConfig"]["extensionProviders"][0];
    let log = &sidecar()?["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]["access_log"]
        [0]["typed_config"]["log_format"];
    let file = &provider["envoyFileAccessLog"];
    let labels = &file["logFormat"]["labels"];
    ensure!(log["json_format"].is_object() && *labels == log["json_format"], "{labels}\n{log}");
    ensure!(file["omitEmptyValues"] == log["omit_empty_values"], "{file}");
    let telemetry = document(&root().join("istio/telemetry/telemetry.yaml"))?;
    ensure!(telemetry["spec"]["accessLogging"][0]["providers"][0]["name"] == provider["name"], "another provider");
    Ok(())
}

fn the_tags_are_those_of_the_sidecar() -> Result<()> {
    let names = |list: &Value| -> BTreeSet<String> {
        list.as_array().into_iter().flatten().filter_map(|tag| tag.as_str().map(str::to_owned)).collect()
    };
    let sidecar = sidecar()?;
    let mut wanted = BTreeSet::new();
    for tag in sidecar["stats_config"]["stats_tags"].as_array().context("no tags")? {
        let name = tag["tag_name"].as_str().context("no name")?;
        // Translation of a name in `extraStatTags` by Istio.
        ensure!(tag["regex"] == format!(r"({name}=\.=(.*?);\.;)"), "{tag}");
        wanted.insert(name.to_owned());
    }
    let mesh = document(&root().join("istio/telemetry/mesh-config.yaml"))?;
    let defaults = &mesh["meshConfig"]["defaultConfig"];
    ensure!(names(&defaults["extraStatTags"]) == wanted, "mesh-config.yaml: {defaults}");
    let component = document(&root().join("istio/components/metrics/kustomization.yaml"))?;
    let patch = component["patches"][0]["patch"].as_str().context("no patch")?;
    let patch = crate::files::parse(patch)?;
    let annotation = &patch[0]["spec"]["template"]["metadata"]["annotations"]["proxy.istio.io/config"];
    let config = crate::files::parse(annotation.as_str().context("no annotation")?)?;
    ensure!(names(&config[0]["extraStatTags"]) == wanted, "components/metrics: {annotation}");
    ensure!(config[0]["proxyStatsMatcher"] == defaults["proxyStatsMatcher"], "components/metrics: {annotation}");
    Ok(())
}

fn the_policies_of_the_bases_are_policies() -> Result<()> {
    for base in bases()? {
        policy(&base["pluginConfig"])?;
        crate::standalone::check_keys(&base["pluginConfig"])?;
    }
    Ok(())
}

/// The output of istiod and its agent for each overlay is stored. The model of Istio must produce the same.
fn the_stand_in_makes_what_istio_sent() -> Result<()> {
    const MODULE: &str = "<the module that the agent fetched>";
    let kustomize = std::env::var_os("KUSTOMIZE").context("KUSTOMIZE is not set; `make test` provides it")?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("istio/golden");
    for (tree, kind) in [("overlays", "wasmplugin"), ("traffic-extension/overlays", "trafficextension")] {
        for overlay in ["block", "incident", "mask", "mesh-wide", "monitor", "payment-api", "payments"] {
            let file = format!("{overlay}-{kind}.json");
            let text = std::fs::read_to_string(folder.join(&file)).context(file.clone())?;
            let stored: Value = serde_json::from_str(&text)?;
            let rendered = render(Path::new(&kustomize), &format!("{tree}/{overlay}"))?;
            let plugins = rendered.iter().filter(|manifest| manifest["kind"] != "Telemetry");
            let made = plugins.map(|manifest| {
                let Plugin { name, mut config, .. } = Plugin::of(manifest, Release::From1_30, Path::new(MODULE))?;
                // The stored file has the policy as JSON, since its text differs between builds.
                let policy = &mut config["config"]["configuration"]["value"];
                *policy = serde_json::from_str(policy.as_str().context("no policy")?)?;
                let kind = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig";
                Ok(json!({"@type": kind, "name": name, "typed_config": config}))
            });
            let made = made.collect::<Result<Vec<Value>>>()?;
            ensure!(stored["extensions"] == json!(made), "{file}\n{}\n{}", stored["extensions"], json!(made));
        }
    }
    Ok(())
}
