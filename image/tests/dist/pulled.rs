//! Image that skopeo pulled from a registry, with every digest verified.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use oci_spec::image::Descriptor;
use panveil_image::layout::sha256;
use tempfile::TempDir;

use crate::{done, from_environment};

/// Image from a registry on this machine.
pub struct Pulled {
    folder: TempDir,
    manifest: Vec<u8>,
}

impl Pulled {
    /// Pulls `name`: an image with its registry, and with a tag or a digest.
    pub fn new(name: &str) -> Result<Self> {
        Self::from(&format!("docker://{name}"))
    }

    /// Copies an image from any source that skopeo supports.
    pub fn from(source: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let to = format!("dir:{}", folder.path().display());
        let mut skopeo = Command::new(from_environment("SKOPEO")?);
        skopeo.args(["--insecure-policy", "copy", "--quiet", "--preserve-digests", "--src-tls-verify=false"]);
        done(skopeo.arg(source).arg(to))?;
        let manifest = fs::read(folder.path().join("manifest.json"))?;
        Ok(Self { folder, manifest })
    }

    /// Manifest, as the registry sent it.
    pub fn manifest(&self) -> &[u8] {
        &self.manifest
    }

    /// Digest that Istio compares with `sha256` of the resource.
    pub fn digest(&self) -> Result<String> {
        Ok(sha256(&self.manifest)?.to_string())
    }

    /// Content of `layer`.
    pub fn blob(&self, layer: &Descriptor) -> Result<Vec<u8>> {
        let content =
            fs::read(self.folder.path().join(layer.digest().digest())).with_context(|| layer.digest().to_string())?;
        ensure!(sha256(&content)? == *layer.digest(), "the content of {} does not match its digest", layer.digest());
        ensure!(u64::try_from(content.len())? == layer.size(), "{} has not the size in the manifest", layer.digest());
        Ok(content)
    }
}
