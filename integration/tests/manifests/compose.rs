//! `compose.yaml`: pinned images, mounts and ports, and an Envoy that differs from the tested sidecar in its address only.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::files::{document, parse};
use crate::standalone::sidecar;
use crate::trial;

const LISTENER: &str = "/static_resources/listeners/0/address/socket_address";
const SERVICE: &str =
    "/static_resources/clusters/0/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/socket_address";
/// Built, or taken from a release.
const MODULE: &str = "./dist/panveil.wasm";

pub fn trials() -> Vec<Trial> {
    vec![
        trial("compose::images_are_pinned", images_are_pinned),
        trial("compose::mounts_are_where_the_sidecar_looks", mounts_are_where_the_sidecar_looks),
        trial("compose::envoy_is_the_tested_sidecar", envoy_is_the_tested_sidecar),
        trial("compose::the_service_is_the_upstream", the_service_is_the_upstream),
    ]
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn service(name: &str) -> Result<Value> {
    Ok(document(&repository().join("compose.yaml"))?["services"][name].clone())
}

fn images_are_pinned() -> Result<()> {
    let envoy = fs::read_to_string(repository().join(".envoy-version"))?;
    let image = format!("envoyproxy/envoy:v{}", envoy.trim());
    ensure!(service("envoy")?["image"] == image, "compose.yaml: Envoy is not {image}");
    let image = service("service")?["image"].clone();
    let (_, tag) = image.as_str().and_then(|image| image.split_once(':')).context("no tag")?;
    let numbers = tag.split('.').filter(|part| part.parse::<u32>().is_ok()).count();
    ensure!(numbers == 3, "compose.yaml: {image} is not a version");
    Ok(())
}

fn mounts_are_where_the_sidecar_looks() -> Result<()> {
    let envoy = service("envoy")?;
    let folder = envoy["working_dir"].as_str().context("no working_dir")?;
    let mounts = envoy["volumes"].as_array().context("no volumes")?;
    ensure!(mounts.iter().any(|mount| mount["source"] == MODULE), "compose.yaml: {MODULE} is not mounted");
    for mount in mounts {
        let source = mount["source"].as_str().context("no source")?;
        ensure!(source == MODULE || repository().join(source).exists(), "compose.yaml: no {source}");
        let target = source.replacen('.', folder, 1);
        ensure!(
            mount["target"] == target,
            "compose.yaml: {source} is mounted at {} instead of {target}",
            mount["target"]
        );
    }
    Ok(())
}

fn envoy_is_the_tested_sidecar() -> Result<()> {
    let envoy = service("envoy")?;
    let command = envoy["command"].as_array().context("no command")?;
    let script = command.last().and_then(Value::as_str).context("no script")?.replace("$$", "$");
    let prints = script.replacen("exec envoy --config-yaml", "printf %s", 1);
    ensure!(command.len() == 3 && prints != script, "compose.yaml: {script}");
    let printed = Command::new("sh").args(["-c", &prints]).current_dir(repository()).output()?;
    let mut config = parse(&String::from_utf8(printed.stdout)?)?.pop().context("no configuration")?;
    let listener = config.pointer_mut(LISTENER).context("no listener")?;
    ensure!(listener["address"] == "0.0.0.0", "compose.yaml: no port is published from {listener}");
    let port = listener["port_value"].clone();
    listener["address"] = "127.0.0.1".into();
    ensure!(config == sidecar()?, "compose.yaml: Envoy runs another configuration");
    ensure!(envoy["ports"] == json!([format!("127.0.0.1:{port}:{port}")]), "compose.yaml: {}", envoy["ports"]);
    Ok(())
}

fn the_service_is_the_upstream() -> Result<()> {
    let service = service("service")?;
    let sidecar = sidecar()?;
    let upstream = sidecar.pointer(SERVICE).context("no upstream")?;
    let listens = json!({"HOST": upstream["address"], "PORT": upstream["port_value"].to_string()});
    ensure!(service["environment"] == listens, "compose.yaml: the service is not at {upstream}");
    ensure!(service["network_mode"] == "service:envoy", "compose.yaml: Envoy and the service share no loopback");
    Ok(())
}
