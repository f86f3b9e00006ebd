//! The digest of an image, written into the line `sha256:` of the Istio resources that name the image.
//!
//! No other line of the file changes, so comments and order stay: the file belongs to the operator.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use oci_spec::image::Sha256Digest;

/// Maximum size of a file. A resource is a few kilobytes.
const MOST_BYTES: u64 = 1024 * 1024;

/// A file that pins an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinned {
    /// Path of the file.
    pub path: PathBuf,
    /// Image in its `url`, without `oci://`.
    pub image: String,
    /// Whether it pinned another digest before.
    pub changed: bool,
}

/// Writes `digest` into every file among `paths` that has an `oci://` URL. Of a folder, takes the files that end in
/// `.yaml`.
///
/// # Errors
///
/// When a path is not there, none pins an image, or a file pins more than one.
pub fn pin(digest: &Sha256Digest, paths: &[PathBuf]) -> Result<Vec<Pinned>> {
    let mut pinned = Vec::new();
    for path in paths {
        for file in files(path)? {
            let text = read(&file)?;
            let rewritten = rewrite(&text, digest).with_context(|| file.display().to_string())?;
            let Some((image, rewritten)) = rewritten else { continue };
            let changed = rewritten != text;
            if changed {
                fs::write(&file, rewritten).with_context(|| format!("cannot write {}", file.display()))?;
            }
            pinned.push(Pinned { path: file, image, changed });
        }
    }
    ensure!(!pinned.is_empty(), "no file here has a line `url: oci://...` with a line `sha256:` below it");
    Ok(pinned)
}

fn files(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let file = entry.with_context(|| format!("cannot read {}", path.display()))?.path();
        if file.is_file() && file.extension().is_some_and(|extension| extension == "yaml") {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

fn read(file: &Path) -> Result<String> {
    let size = fs::metadata(file).with_context(|| format!("cannot read {}", file.display()))?.len();
    ensure!(size <= MOST_BYTES, "{}: too large for an Istio resource", file.display());
    fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}

/// Image that `text` names, and `text` with `digest`. `None` when it names no image.
fn rewrite(text: &str, digest: &Sha256Digest) -> Result<Option<(String, String)>> {
    let mut image: Option<&str> = None;
    let mut pinned = false;
    let mut rewritten = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let words = line.trim_start();
        if let Some(url) = words.strip_prefix("url:").and_then(|url| unquoted(url).strip_prefix("oci://")) {
            ensure!(image.is_none(), "pins more than one image; give each a file of its own");
            image = Some(url);
        } else if image.is_some() && !pinned && words.starts_with("sha256:") {
            let indent = line.strip_suffix(words).unwrap_or_default();
            let end = if line.ends_with('\n') { "\n" } else { "" };
            // Quoted: YAML reads a digest of decimal digits only as a number.
            rewritten.push_str(&format!("{indent}sha256: \"{digest}\"{end}"));
            pinned = true;
            continue;
        }
        rewritten.push_str(line);
    }
    match image {
        Some(_) if !pinned => bail!("no line `sha256:` below its `url: oci://...`; add one"),
        image => Ok(image.map(|image| (image.to_owned(), rewritten))),
    }
}

/// Content of a YAML scalar, without blanks, quotes and comment.
fn unquoted(scalar: &str) -> &str {
    let scalar = scalar.split_once(" #").map_or(scalar, |(scalar, _)| scalar);
    scalar.trim().trim_matches(['"', '\''])
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use super::*;

    fn digest() -> Sha256Digest {
        Sha256Digest::from_str(&"ab".repeat(32)).unwrap()
    }

    fn pinned() -> String {
        format!("sha256: \"{}\"", digest())
    }

    #[test]
    fn one_line_changes_and_the_rest_stays() {
        let before =
            "# Keep\nspec:\n  url: oci://127.0.0.1:5000/panveil:1 # this\n  # and this\n  sha256: 00\n  phase: AUTHN\n";
        let (image, after) = rewrite(before, &digest()).unwrap().unwrap();
        assert_eq!(image, "127.0.0.1:5000/panveil:1");
        assert_eq!(after, before.replace("sha256: 00", &pinned()));
    }

    #[test]
    fn a_traffic_extension_is_indented_further() {
        let before = "spec:\n  wasm:\n    url: \"oci://example.com/panveil\"\n    sha256: ''";
        let (image, after) = rewrite(before, &digest()).unwrap().unwrap();
        assert_eq!(image, "example.com/panveil");
        assert_eq!(after, before.replace("sha256: ''", &pinned()));
    }

    #[test]
    fn what_pins_no_image_is_left_alone() {
        for text in ["kind: Kustomization\n", "url: https://example.com/panveil.wasm\nsha256: 00\n", "sha256: 00\n"] {
            assert_eq!(rewrite(text, &digest()).unwrap(), None, "{text}");
        }
    }

    #[test]
    fn two_images_or_no_digest_are_told() {
        let two = "url: oci://a/b\nsha256: 0\n---\nurl: oci://a/c\nsha256: 0\n";
        assert!(rewrite(two, &digest()).unwrap_err().to_string().contains("more than one image"));
        let none = "sha256: 0\nurl: oci://a/b\n";
        assert!(rewrite(none, &digest()).unwrap_err().to_string().contains("no line `sha256:` below"));
    }

    #[test]
    fn of_a_folder_every_resource_is_pinned() {
        let room = tempfile::tempdir().unwrap();
        let resource = room.path().join("wasmplugin.yaml");
        fs::write(&resource, "url: oci://a/b\nsha256: 0\n").unwrap();
        fs::write(room.path().join("kustomization.yaml"), "kind: Kustomization\n").unwrap();
        fs::write(room.path().join("README.md"), "url: oci://a/b\n").unwrap();
        let folder = [room.path().to_owned()];
        let told = |changed| vec![Pinned { path: resource.clone(), image: "a/b".to_owned(), changed }];
        assert_eq!(pin(&digest(), &folder).unwrap(), told(true));
        assert_eq!(pin(&digest(), &folder).unwrap(), told(false));
        assert_eq!(fs::read_to_string(&resource).unwrap(), format!("url: oci://a/b\n{}\n", pinned()));
    }

    #[test]
    fn a_path_that_is_not_there_is_told() {
        let error = pin(&digest(), &["nowhere.yaml".into()]).unwrap_err().to_string();
        assert_eq!(error, "cannot read nowhere.yaml");
    }
}
