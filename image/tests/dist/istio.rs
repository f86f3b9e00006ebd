//! Selection of the module by Istio's agent, after `pkg/wasm/imagefetcher.go` of Istio 1.29 to 1.31.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use flate2::read::GzDecoder;
use oci_spec::image::{Descriptor, ImageManifest};

use crate::pulled::Pulled;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const COMPAT_LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const MODULE_LAYER: &str = "application/vnd.module.wasm.content.layer.v1+wasm";
/// Maximum size of a module for the agent.
const MOST_BYTES: u64 = 256 * 1024 * 1024;

/// Format that the agent recognizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Container image with a file `plugin.wasm` in its last layer.
    Compat,
    /// Artifact with two layers, one of which is the module.
    Artifact,
}

/// Module in an image. The agent tries one format, then the other.
pub fn module(image: &Pulled) -> Result<(Vec<u8>, Kind)> {
    let manifest = ImageManifest::from_reader(image.manifest())?;
    let media_type = manifest.media_type().as_ref().map(ToString::to_string);
    ensure!(media_type.as_deref() == Some(MANIFEST), "the manifest is of the type {media_type:?}");
    let blob = |layer: &Descriptor| image.blob(layer);
    let not_compat = match compat(manifest.layers(), blob) {
        Ok(module) => return Ok((module, Kind::Compat)),
        Err(error) => error,
    };
    match artifact(manifest.layers(), blob) {
        Ok(module) => Ok((module, Kind::Artifact)),
        Err(error) => bail!("no compat image: {not_compat:#}; no artifact: {error:#}"),
    }
}

fn compat(layers: &[Descriptor], blob: impl Fn(&Descriptor) -> Result<Vec<u8>>) -> Result<Vec<u8>> {
    let layer = layers.last().context("no layer")?;
    ensure!(layer.media_type().to_string() == COMPAT_LAYER, "the last layer is a {}", layer.media_type());
    let compressed = blob(layer)?;
    let mut archive = tar::Archive::new(GzDecoder::new(compressed.as_slice()).take(MOST_BYTES));
    for entry in archive.entries()? {
        let mut entry = entry?;
        if entry.path()?.file_name() == Path::new("plugin.wasm").file_name() {
            let mut module = Vec::new();
            entry.read_to_end(&mut module)?;
            return Ok(module);
        }
    }
    bail!("no plugin.wasm in the last layer")
}

fn artifact(layers: &[Descriptor], blob: impl Fn(&Descriptor) -> Result<Vec<u8>>) -> Result<Vec<u8>> {
    ensure!(layers.len() == 2, "{} layers", layers.len());
    let layer = layers.iter().find(|layer| layer.media_type().to_string() == MODULE_LAYER);
    blob(layer.context("no layer is a module")?)
}

mod tests {
    use anyhow::Result;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use oci_spec::image::MediaType;

    use super::*;

    fn layer(media_type: &str) -> Result<Descriptor> {
        let digest: oci_spec::image::Digest = format!("sha256:{}", "0".repeat(64)).parse()?;
        Ok(Descriptor::new(MediaType::from(media_type), 0_u64, digest))
    }

    fn archive(name: &str) -> Result<Vec<u8>> {
        let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        let mut header = tar::Header::new_ustar();
        header.set_size(4);
        archive.append_data(&mut header, name, b"\0asm".as_slice())?;
        Ok(archive.into_inner()?.finish()?)
    }

    #[test]
    fn the_agent_takes_the_file_by_its_name() -> Result<()> {
        let layers = [layer(COMPAT_LAYER)?];
        ensure!(compat(&layers, |_| archive("a/plugin.wasm"))? == b"\0asm");
        ensure!(compat(&layers, |_| archive("panveil.wasm")).is_err(), "another file name was accepted");
        Ok(())
    }

    #[test]
    fn the_agent_takes_the_last_layer_only_and_only_gzip() -> Result<()> {
        for layers in [
            vec![],
            vec![layer(COMPAT_LAYER)?, layer("text/plain")?],
            vec![layer("application/vnd.oci.image.layer.v1.tar+zstd")?],
        ] {
            ensure!(compat(&layers, |_| archive("plugin.wasm")).is_err(), "{layers:?}");
        }
        Ok(())
    }

    #[test]
    fn the_agent_takes_an_artifact_of_two_layers() -> Result<()> {
        let (config, module) = (layer("application/vnd.module.wasm.config.v1+json")?, layer(MODULE_LAYER)?);
        let blob = |_: &Descriptor| Ok(b"\0asm".to_vec());
        ensure!(artifact(&[config.clone(), module.clone()], blob)? == b"\0asm");
        for layers in [vec![module.clone()], vec![config.clone(), config.clone()], vec![config.clone(), config, module]]
        {
            ensure!(artifact(&layers, blob).is_err(), "{layers:?}");
        }
        Ok(())
    }
}
