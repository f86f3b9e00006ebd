//! Tests that the output of `make dist` reaches a sidecar: through a real registry, with skopeo, by the rules of
//! Istio's agent.
//!
//! `PANVEIL_WASM` names the module that `dist/image` was packed from, `REGISTRY` a registry, `SKOPEO` skopeo. `make
//! test-dist` sets all of them.

mod istio;
mod notes;
mod package;
mod pulled;
mod registry;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs};

use anyhow::{Context, Result, ensure};
use istio::Kind;
use oci_spec::image::ImageManifest;
use pulled::Pulled;
use registry::Registry;

/// Images in `dist/image`, and the format that Istio's agent must recognize for each.
const VARIANTS: [(&str, Kind); 2] = [("compat", Kind::Compat), ("artifact", Kind::Artifact)];
const RESOURCES: [&str; 2] = ["wasmplugin.yaml", "trafficextension.yaml"];

#[test]
fn what_istio_pulls_is_the_module() -> Result<()> {
    let module = fs::read(from_environment("PANVEIL_WASM")?)?;
    let registry = Registry::start()?;
    for (variant, kind) in VARIANTS {
        let image = format!("{}/panveil/panveil:{variant}", registry.address);
        let digest = pushed(&image, variant)?;
        let by_digest = format!("{}/panveil/panveil@{digest}", registry.address);
        for name in [&image, &by_digest] {
            let pulled = Pulled::new(name)?;
            ensure!(pulled.digest()? == digest, "{name} has the digest {}, pushed was {digest}", pulled.digest()?);
            let (found, as_kind) = istio::module(&pulled).with_context(|| name.clone())?;
            ensure!(as_kind == kind, "{name} was recognized as {as_kind:?}");
            ensure!(found == module, "{name} holds another module");
        }
    }
    Ok(())
}

#[test]
fn a_push_pins_the_image_in_the_resources() -> Result<()> {
    let registry = Registry::start()?;
    let image = format!("{}/panveil:0.1.0", registry.address);
    let room = tempfile::tempdir()?;
    for resource in RESOURCES {
        fs::write(room.path().join(resource), fixture(resource)?.replace("REGISTRY", &registry.address))?;
    }
    let digest = pushed(&image, "compat")?;
    let told = done(
        Command::new(env!("CARGO_BIN_EXE_image"))
            .args(["pin", "--digest", &digest, "--image", &image])
            .arg(room.path()),
    )?;
    ensure!(!told.contains("but its url names"), "{told}");
    let digits = digest.strip_prefix("sha256:").context("no SHA-256")?;
    for resource in RESOURCES {
        let expected = fixture(resource)?.replace("REGISTRY", &registry.address).replace(&"0".repeat(64), digits);
        ensure!(fs::read_to_string(room.path().join(resource))? == expected, "{resource} changed elsewhere");
        // The URL of the resource is the one that a sidecar requests.
        let url = expected.lines().find_map(|line| line.trim().strip_prefix("url: oci://")).context("no url")?;
        ensure!(Pulled::new(url)?.digest()? == digest, "{url} has another digest");
    }
    Ok(())
}

#[test]
fn the_archive_of_a_release_holds_the_same_images() -> Result<()> {
    let module = fs::read(from_environment("PANVEIL_WASM")?)?;
    let dist = root().join("dist");
    for (variant, kind) in VARIANTS {
        let archived = Pulled::from(&format!("oci-archive:{}/panveil-image.tar:{variant}", dist.display()))?;
        let packed = Pulled::from(&format!("oci:{}/image:{variant}", dist.display()))?;
        ensure!(archived.digest()? == packed.digest()?, "{variant} is another image in the archive");
        ensure!(istio::module(&archived)? == (module.clone(), kind), "{variant} holds something else in the archive");
    }
    Ok(())
}

#[test]
fn the_artifact_tells_the_abi_of_the_module() -> Result<()> {
    let image = Pulled::from(&format!("oci:{}:artifact", root().join("dist/image").display()))?;
    let manifest = ImageManifest::from_reader(image.manifest())?;
    let runtime: serde_json::Value = serde_json::from_slice(&image.blob(manifest.config())?)?;
    let abi = runtime["abiVersions"][0].as_str().context("no ABI version")?;
    let export = format!("proxy_abi_version_{}", abi.replace('.', "_"));
    let (module, _) = istio::module(&image)?;
    ensure!(
        module.windows(export.len()).any(|bytes| bytes == export.as_bytes()),
        "the module does not export {export}"
    );
    Ok(())
}

#[test]
fn a_registry_that_is_gone_is_told_in_one_line() -> Result<()> {
    let registry = Registry::start()?;
    let image = format!("{}/panveil:1", registry.address);
    drop(registry);
    let output = push(&image, "compat")?;
    let told = String::from_utf8(output.stderr)?;
    ensure!(!output.status.success() && output.stdout.is_empty(), "it reports a push");
    ensure!(told.lines().count() == 2 && told.contains("connection refused"), "{told}");
    Ok(())
}

#[test]
fn what_names_no_image_is_told() -> Result<()> {
    for (image, variant) in
        [("", "compat"), ("panveil", "compat"), ("127.0.0.1:5000/panveil", "compat"), ("a/b:c", "tar")]
    {
        let output = push(image, variant)?;
        let told = String::from_utf8(output.stderr)?;
        ensure!(!output.status.success(), "{image} was pushed");
        ensure!(told.lines().count() == 1 && told.starts_with("push: "), "{told}");
    }
    Ok(())
}

/// Pushes an image of `dist/image`, and returns the digest that skopeo prints.
fn pushed(image: &str, variant: &str) -> Result<String> {
    let output = push(image, variant)?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

fn push(image: &str, variant: &str) -> Result<Output> {
    Ok(Command::new(root().join("scripts/push")).args([image, variant]).output()?)
}

/// Output of a command, which must succeed.
fn done(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot run {}", command.get_program().display()))?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(String::from_utf8(output.stdout)?)
}

fn fixture(name: &str) -> Result<String> {
    let path = root().join("image/tests/dist/resources").join(name);
    fs::read_to_string(&path).with_context(|| path.display().to_string())
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn from_environment(name: &str) -> Result<PathBuf> {
    env::var_os(name).map(PathBuf::from).with_context(|| format!("{name} is not set; run: make test-dist"))
}
