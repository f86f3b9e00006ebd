//! The two image formats from which Istio's agent extracts a Wasm module.
//!
//! Both are defined in the [wasm image specification](https://github.com/solo-io/wasm/tree/master/spec). The agent
//! distinguishes them by their layers.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};
use oci_spec::image::{
    ANNOTATION_CREATED, ANNOTATION_DESCRIPTION, ANNOTATION_LICENSES, ANNOTATION_SOURCE, ANNOTATION_TITLE,
    ANNOTATION_VERSION, Arch, Descriptor, Digest, ImageConfigurationBuilder, ImageManifest, ImageManifestBuilder,
    MediaType, Os, RootFsBuilder,
};

use crate::layout::{Layout, json, sha256};

/// File that the agent searches for in the last layer of a [`Variant::Compat`].
const MODULE_FILE: &str = "plugin.wasm";
const MODULE_LAYER: &str = "application/vnd.module.wasm.content.layer.v1+wasm";
const RUNTIME_CONFIG: &str = "application/vnd.module.wasm.config.v1+json";
/// Annotation with the address of the page that Artifact Hub shows.
const README_URL: &str = "io.artifacthub.package.readme-url";
/// First bytes of every Wasm module of version 1.
const MAGIC: &[u8] = b"\0asm\x01\0\0\0";
/// Maximum module size of the agent by default.
const MOST_BYTES: usize = 256 * 1024 * 1024;

/// Image format for a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// Ordinary container image with the file `plugin.wasm` in its only layer. Every registry stores it.
    Compat,
    /// OCI artifact with the module itself as a layer, for registries and tools that show artifacts.
    Artifact,
}

impl Variant {
    /// Both variants.
    pub const ALL: [Self; 2] = [Self::Compat, Self::Artifact];

    /// Name in the layout, after the colon in `oci:dist/image:compat`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Compat => "compat",
            Self::Artifact => "artifact",
        }
    }
}

/// Packed image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Format of the image.
    pub variant: Variant,
    /// Digest of its manifest: `sha256` of an Istio resource with an `oci://` URL.
    pub digest: Digest,
}

/// Commit that an image is built from. Artifact Hub lists only images that name it.
#[derive(Clone, Debug)]
pub struct Origin {
    /// Address of the repository, on GitHub.
    pub source: String,
    /// Time of the commit, in RFC 3339.
    pub created: String,
}

/// Packs `module` in every variant, into one layout.
///
/// # Errors
///
/// When `module` is no Wasm module, or is too large for the agent.
pub fn pack(module: &[u8], origin: Option<&Origin>) -> Result<(Layout, Vec<Image>)> {
    ensure!(module.starts_with(MAGIC), "not a wasm module: it does not begin as one");
    ensure!(
        module.len() <= MOST_BYTES,
        "{} bytes are more than the {MOST_BYTES} that Istio's agent accepts",
        module.len()
    );
    let mut layout = Layout::default();
    let mut images = Vec::new();
    for variant in Variant::ALL {
        let manifest = match variant {
            Variant::Compat => compat(&mut layout, module, origin),
            Variant::Artifact => artifact(&mut layout, module, origin),
        };
        let manifest = manifest.with_context(|| format!("cannot make the variant {}", variant.name()))?;
        images.push(Image { variant, digest: layout.add_image(variant.name(), &manifest)? });
    }
    Ok((layout, images))
}

fn compat(layout: &mut Layout, module: &[u8], origin: Option<&Origin>) -> Result<ImageManifest> {
    let files = tar_of(module)?;
    let root = RootFsBuilder::default().typ("layers").diff_ids([sha256(&files)?.to_string()]).build()?;
    let config = ImageConfigurationBuilder::default()
        .architecture(Arch::Wasm)
        .os(Os::Other("wasip1".to_owned()))
        .rootfs(root)
        .build()?;
    let config = layout.add_blob(MediaType::ImageConfig, json(&config)?)?;
    let layer = layout.add_blob(MediaType::ImageLayerGzip, gzip(&files)?)?;
    let mut annotations = annotations(origin);
    annotations.insert("module.wasm.image/variant".to_owned(), Variant::Compat.name().to_owned());
    manifest(config, vec![layer], annotations)
}

/// Artifact with exactly two layers, as the agent requires. The agent takes the layer with the module's media type.
fn artifact(layout: &mut Layout, module: &[u8], origin: Option<&Origin>) -> Result<ImageManifest> {
    let runtime = serde_json::json!({"type": "envoy_proxy", "abiVersions": ["0.2.1"], "config": {}});
    let runtime = layout.add_blob(MediaType::Other(RUNTIME_CONFIG.to_owned()), json(&runtime)?)?;
    let module = layout.add_blob(MediaType::Other(MODULE_LAYER.to_owned()), module.to_vec())?;
    let layers = vec![titled(runtime.clone(), "runtime-config.json"), titled(module, MODULE_FILE)];
    manifest(runtime, layers, annotations(origin))
}

fn manifest(
    config: Descriptor,
    layers: Vec<Descriptor>,
    annotations: HashMap<String, String>,
) -> Result<ImageManifest> {
    Ok(ImageManifestBuilder::default()
        .schema_version(2_u32)
        .media_type(MediaType::ImageManifest)
        .config(config)
        .layers(layers)
        .annotations(annotations)
        .build()?)
}

fn titled(mut layer: Descriptor, title: &str) -> Descriptor {
    layer.set_annotations(Some(HashMap::from([(ANNOTATION_TITLE.to_owned(), title.to_owned())])));
    layer
}

fn annotations(origin: Option<&Origin>) -> HashMap<String, String> {
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    let mut annotations: HashMap<String, String> = [
        (ANNOTATION_TITLE, "panveil"),
        (
            ANNOTATION_DESCRIPTION,
            "An HTTP filter for Envoy that masks or blocks payment card numbers as they stream by",
        ),
        (ANNOTATION_VERSION, VERSION),
        (ANNOTATION_LICENSES, env!("CARGO_PKG_LICENSE")),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    if let Some(Origin { source, created }) = origin {
        annotations.insert(ANNOTATION_SOURCE.to_owned(), source.clone());
        annotations.insert(ANNOTATION_CREATED.to_owned(), created.clone());
        annotations.insert(README_URL.to_owned(), format!("{source}/raw/v{VERSION}/README.md"));
    }
    annotations
}

/// Tar archive of one file, without owner and time.
fn tar_of(module: &[u8]) -> Result<Vec<u8>> {
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(tar::EntryType::Regular);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(u64::try_from(module.len())?);
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_data(&mut header, MODULE_FILE, module)?;
    Ok(archive.into_inner()?)
}

/// Compresses without the optional time, name and system in the gzip header.
fn gzip(content: &[u8]) -> Result<Vec<u8>> {
    const UNKNOWN_SYSTEM: u8 = 255;
    let mut encoder: GzEncoder<Vec<u8>> =
        GzBuilder::new().mtime(0).operating_system(UNKNOWN_SYSTEM).write(Vec::new(), Compression::best());
    std::io::Write::write_all(&mut encoder, content)?;
    Ok(encoder.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODULE: &[u8] = b"\0asm\x01\0\0\0";

    #[test]
    fn the_same_module_gives_the_same_bytes() {
        assert_eq!(pack(MODULE, None).unwrap(), pack(MODULE, None).unwrap());
    }

    /// Detects a change of the compressor, which changes the digest of every image.
    #[test]
    fn the_layer_is_the_same_on_every_machine() {
        let bytes: Vec<u8> = (0..300_000_u32).map(|n| (n.wrapping_mul(n) >> 7) as u8).collect();
        let layer = gzip(&tar_of(&bytes).unwrap()).unwrap();
        assert_eq!(
            sha256(&layer).unwrap().as_ref(),
            "sha256:9092195413b541216034f95468c703d5c96b4c0b722bc460fb44a143f316e6e7"
        );
    }

    #[test]
    fn another_module_gives_another_digest() {
        let (_, one) = pack(MODULE, None).unwrap();
        let (_, other) = pack(b"\0asm\x01\0\0\0\0", None).unwrap();
        for (one, other) in one.iter().zip(&other) {
            assert_ne!(one.digest, other.digest, "{}", one.variant.name());
        }
    }

    #[test]
    fn what_is_no_module_is_refused() {
        let error = pack(b"<html>", None).unwrap_err().to_string();
        assert_eq!(error, "not a wasm module: it does not begin as one");
    }

    #[test]
    fn artifact_hub_finds_what_it_requires() {
        let origin =
            Origin { source: "https://example.com/a/b".to_owned(), created: "2026-12-01T00:00:00Z".to_owned() };
        let annotations = annotations(Some(&origin));
        let readme = format!("https://example.com/a/b/raw/v{}/README.md", env!("CARGO_PKG_VERSION"));
        assert_eq!(annotations[README_URL], readme);
        assert_eq!(annotations[ANNOTATION_CREATED], "2026-12-01T00:00:00Z");
        assert!(annotations.contains_key(ANNOTATION_DESCRIPTION));
    }
}
