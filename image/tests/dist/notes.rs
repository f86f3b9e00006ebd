//! Release notes: their digests are those of the packed images.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::pulled::Pulled;
use crate::{VARIANTS, done, from_environment, root};

const VERSION: &str = env!("CARGO_PKG_VERSION");

#[test]
fn the_notes_tell_what_changed_and_every_digest() -> Result<()> {
    let release = checkout(&format!(
        "## Unreleased\n\n- Later.\n\n## {VERSION} - 2026-12-01\n\n### Added\n\n- Now.\n\n## 0.0.1\n\n- Before.\n"
    ))?;
    let notes = done(&mut notes(&release, &[&format!("v{VERSION}")]))?;
    ensure!(notes.contains("- Now.") && !notes.contains("Later") && !notes.contains("Before"), "{notes}");
    let mut digests = vec![panveil_image::layout::sha256(&fs::read(from_environment("PANVEIL_WASM")?)?)?.to_string()];
    for (variant, _) in VARIANTS {
        digests.push(Pulled::from(&format!("oci:{}:{variant}", root().join("dist/image").display()))?.digest()?);
    }
    for digest in digests {
        let digits = digest.strip_prefix("sha256:").context("no SHA-256")?;
        ensure!(notes.matches(&format!("| `{digits}` |")).count() == 1, "{digits} is not in {notes}");
    }
    Ok(())
}

#[test]
fn a_tag_that_does_not_fit_is_refused() -> Result<()> {
    let released = checkout(&format!("## {VERSION}\n\n- Now.\n"))?;
    let unreleased = checkout("## Unreleased\n\n- Later.\n")?;
    let tag = format!("v{VERSION}");
    ensure!(notes(&released, &["--check", &tag]).output()?.status.success(), "a tag that fits was refused");
    for (folder, tag, why) in [
        (&released, "v99.0.0", "Cargo.toml says"),
        (&released, VERSION, "Cargo.toml says"),
        (&unreleased, tag.as_str(), "CHANGELOG.md: no section"),
    ] {
        let Output { status, stderr, .. } = notes(folder, &["--check", tag]).output()?;
        let told = String::from_utf8(stderr)?;
        ensure!(!status.success() && told.lines().count() == 1 && told.contains(why), "{tag}: {told}");
    }
    Ok(())
}

/// Checkout with this changelog and the inputs of the release notes.
fn checkout(changelog: &str) -> Result<TempDir> {
    let folder = tempfile::tempdir()?;
    for name in ["Cargo.toml", "scripts/release-notes", "dist/SHA256SUMS", "dist/image/index.json"] {
        let to = folder.path().join(name);
        fs::create_dir_all(to.parent().unwrap_or(Path::new("/")))?;
        fs::copy(root().join(name), to).with_context(|| name.to_owned())?;
    }
    fs::write(folder.path().join("CHANGELOG.md"), changelog)?;
    Ok(folder)
}

fn notes(folder: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new("python3");
    command.arg(folder.path().join("scripts/release-notes")).args(arguments);
    command
}
