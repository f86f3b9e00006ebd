//! Images and their blobs as an [OCI image
//! layout](https://github.com/opencontainers/image-spec/blob/main/image-layout.md).

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use oci_spec::image::{
    ANNOTATION_REF_NAME, Descriptor, Digest, ImageIndexBuilder, ImageManifest, MediaType, OciLayoutBuilder,
    Sha256Digest,
};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

const LAYOUT_FILE: &str = "oci-layout";
const INDEX_FILE: &str = "index.json";
const LAYOUT_VERSION: &str = "1.0.0";

/// Images with all blobs that they refer to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Layout {
    blobs: BTreeMap<String, Vec<u8>>,
    manifests: Vec<Descriptor>,
}

impl Layout {
    /// Adds `content` as a blob, and returns the descriptor by which a manifest refers to it.
    ///
    /// # Errors
    ///
    /// None that a caller could cause: a SHA-256 has 64 hexadecimal digits.
    pub fn add_blob(&mut self, media_type: MediaType, content: Vec<u8>) -> Result<Descriptor> {
        let digest = sha256(&content)?;
        let descriptor = Descriptor::new(media_type, u64::try_from(content.len())?, digest.clone());
        self.blobs.insert(digest.digest().to_owned(), content);
        Ok(descriptor)
    }

    /// Adds `manifest` as the image with this `name`, and returns its digest, which Istio compares.
    ///
    /// # Errors
    ///
    /// When the manifest cannot be written as JSON.
    pub fn add_image(&mut self, name: &str, manifest: &ImageManifest) -> Result<Digest> {
        let mut descriptor = self.add_blob(MediaType::ImageManifest, json(manifest)?)?;
        let digest = descriptor.digest().clone();
        descriptor.set_annotations(Some(HashMap::from([(ANNOTATION_REF_NAME.to_owned(), name.to_owned())])));
        self.manifests.push(descriptor);
        Ok(digest)
    }

    /// Writes the layout into the folder `to` and replaces a layout that is there. The folder appears complete or not
    /// at all.
    ///
    /// # Errors
    ///
    /// When `to` exists and is no layout, or cannot be written.
    pub fn write(&self, to: &Path) -> Result<()> {
        if to.exists() && !to.join(LAYOUT_FILE).is_file() {
            bail!("{} is there and is no image layout; remove it or name another folder", to.display());
        }
        let mut name = to.file_name().with_context(|| format!("{}: no name of a folder", to.display()))?.to_owned();
        name.push(".new");
        let unfinished = to.with_file_name(name);
        self.write_files(&unfinished).with_context(|| format!("cannot write {}", unfinished.display()))?;
        if to.exists() {
            fs::remove_dir_all(to).with_context(|| format!("cannot replace {}", to.display()))?;
        }
        fs::rename(&unfinished, to).with_context(|| format!("cannot write {}", to.display()))
    }

    fn write_files(&self, folder: &Path) -> Result<()> {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        let blobs = folder.join("blobs").join("sha256");
        fs::create_dir_all(&blobs)?;
        for (digest, content) in &self.blobs {
            fs::write(blobs.join(digest), content)?;
        }
        let layout = OciLayoutBuilder::default().image_layout_version(LAYOUT_VERSION).build()?;
        fs::write(folder.join(LAYOUT_FILE), json(&layout)?)?;
        let index = ImageIndexBuilder::default()
            .schema_version(2_u32)
            .media_type(MediaType::ImageIndex)
            .manifests(self.manifests.clone())
            .build()?;
        fs::write(folder.join(INDEX_FILE), json(&index)?)?;
        Ok(())
    }
}

/// Digest under which registries store `content`.
///
/// # Errors
///
/// None that a caller could cause: a SHA-256 has 64 hexadecimal digits.
pub fn sha256(content: &[u8]) -> Result<Digest> {
    let digits: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Sha256Digest::from_str(&digits)?.into())
}

/// Serializes to JSON with the members of every object sorted by name. Annotations come from a map without an order.
pub(crate) fn json(value: &impl Serialize) -> Result<Vec<u8>> {
    let mut value = serde_json::to_value(value)?;
    value.sort_all_objects();
    Ok(serde_json::to_vec(&value)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_that_of_sha256sum() {
        let empty = sha256(b"").unwrap();
        assert_eq!(empty.as_ref(), "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }

    #[test]
    fn members_are_in_the_order_of_their_names() {
        let value = serde_json::json!({"b": 1, "a": {"d": 2, "c": 3}});
        assert_eq!(json(&value).unwrap(), br#"{"a":{"c":3,"d":2},"b":1}"#);
    }

    #[test]
    fn what_is_no_layout_is_not_replaced() {
        let room = tempfile::tempdir().unwrap();
        fs::write(room.path().join("mine"), "").unwrap();
        let error = Layout::default().write(room.path()).unwrap_err().to_string();
        assert!(error.contains("is no image layout"), "{error}");
        assert!(room.path().join("mine").exists());
    }

    #[test]
    fn nothing_is_left_of_what_was_there() {
        let room = tempfile::tempdir().unwrap();
        let to = room.path().join("image");
        let mut first = Layout::default();
        first.add_blob(MediaType::ImageLayer, b"old".to_vec()).unwrap();
        first.write(&to).unwrap();
        Layout::default().write(&to).unwrap();
        assert_eq!(fs::read_dir(to.join("blobs/sha256")).unwrap().count(), 0);
        assert_eq!(fs::read_dir(room.path()).unwrap().count(), 1);
    }
}
