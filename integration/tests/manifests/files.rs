//! Files that operators copy, and their content.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::Value;

use crate::trial;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("files::every_file_can_be_read", every_file_can_be_read),
        trial("files::every_file_has_its_line_in_the_readme", every_file_has_its_line_in_the_readme),
    ]
}

/// Folder of these files.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../envoy-config")
}

/// All files below `folder` with this extension, sorted.
pub fn all(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(all(&path, extension)?);
        } else if path.extension().is_some_and(|found| found == extension) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// File with the cases of an overlay, which `panveil test` runs.
const CASES: &str = "policy-test.yaml";

/// Manifests of Kubernetes.
pub fn manifests() -> Result<Vec<PathBuf>> {
    let mut files = [all(&root().join("istio"), "yaml")?, all(&root().join("envoy-gateway"), "yaml")?].concat();
    files.retain(|file| !file.ends_with(CASES));
    Ok(files)
}

/// Documents of a YAML file.
pub fn documents(path: &Path) -> Result<Vec<Value>> {
    parse(&fs::read_to_string(path)?).with_context(|| path.display().to_string())
}

/// Only document of a YAML file.
pub fn document(path: &Path) -> Result<Value> {
    let mut documents = documents(path)?;
    ensure!(documents.len() == 1, "{}: {} documents instead of one", path.display(), documents.len());
    documents.pop().context("no document")
}

/// Documents of a YAML text.
pub fn parse(text: &str) -> Result<Vec<Value>> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(text)?;
    ensure!(!documents.is_empty(), "no document");
    Ok(documents)
}

fn every_file_can_be_read() -> Result<()> {
    let files = all(&root(), "yaml")?;
    ensure!(files.len() > 30, "{} files", files.len());
    for file in files {
        documents(&file)?;
    }
    for file in all(&root(), "json")? {
        let _: Value = serde_json::from_str(&fs::read_to_string(&file)?).with_context(|| file.display().to_string())?;
    }
    Ok(())
}

fn every_file_has_its_line_in_the_readme() -> Result<()> {
    let readme = fs::read_to_string(root().join("README.md"))?;
    let mut missing = Vec::new();
    for file in [all(&root(), "yaml")?, all(&root(), "json")?].concat() {
        let path = file.strip_prefix(root())?;
        // The folder stands for its kustomization and cases.
        let is_of_folder = path.ends_with("kustomization.yaml") || path.ends_with(CASES);
        let path = if is_of_folder { path.parent().unwrap_or(path) } else { path };
        // The documentation lists a part that both kinds have once.
        let told = path
            .strip_prefix("istio/traffic-extension")
            .map_or(path.to_path_buf(), |same| Path::new("istio").join(same));
        let named = |path: &Path| readme.contains(&format!("]({})", path.display()));
        if !named(path) && !named(&told) && !path.ancestors().any(|folder| folder.ends_with("base") && named(folder)) {
            missing.push(path.display().to_string());
        }
    }
    ensure!(missing.is_empty(), "envoy-config/README.md does not tell of {}", missing.join(", "));
    Ok(())
}
