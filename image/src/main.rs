//! The image tool behind `make image` and `make push`: packs the images, and pins one of them.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use oci_spec::image::Sha256Digest;
use panveil_image::pinning::pin;
use panveil_image::variants::{Origin, pack};

#[derive(Parser)]
#[command(name = "image", about = "Packs a wasm module into the images that Istio pulls")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Write the images of a module as an OCI image layout, and print the digests of their manifests
    Pack {
        /// The module
        #[arg(long)]
        wasm: PathBuf,
        /// The folder of the layout; a layout that is there is replaced
        #[arg(long)]
        to: PathBuf,
        /// The address of the repository, on GitHub
        #[arg(long, requires = "created")]
        source: Option<String>,
        /// The time of the commit, in RFC 3339
        #[arg(long, requires = "source")]
        created: Option<String>,
    },
    /// Write the digest of a manifest into the Istio resources that name the image
    Pin {
        /// The digest: sha256:, then 64 hexadecimal digits
        #[arg(long, value_parser = manifest_digest)]
        digest: Sha256Digest,
        /// The image that was pushed; resources that name another image stay unchanged
        #[arg(long)]
        image: String,
        /// Resources, or folders with them
        #[arg(required = true)]
        paths: Vec<PathBuf>,
    },
}

fn main() -> ExitCode {
    let told = match Arguments::parse().task {
        Task::Pack { wasm, to, source, created } => {
            let origin = source.zip(created).map(|(source, created)| Origin { source, created });
            pack_into(&wasm, &to, origin.as_ref())
        }
        Task::Pin { digest, image, paths } => pin_in(&digest, &image, &paths),
    };
    let written = told.and_then(|lines| Ok(io::stdout().write_all(lines.as_bytes())?));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error is the last resort: no further report is possible if this write fails too.
            let _ = writeln!(io::stderr(), "image: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn pack_into(wasm: &Path, to: &Path, origin: Option<&Origin>) -> Result<String> {
    let module = fs::read(wasm).with_context(|| format!("cannot read {}", wasm.display()))?;
    let (layout, images) = pack(&module, origin).with_context(|| wasm.display().to_string())?;
    layout.write(to)?;
    Ok(images
        .iter()
        .map(|image| format!("oci:{}:{:<8}  {}\n", to.display(), image.variant.name(), image.digest))
        .collect())
}

fn pin_in(digest: &Sha256Digest, image: &str, paths: &[PathBuf]) -> Result<String> {
    let mut told = String::new();
    for pinned in pin(digest, paths)? {
        let what = if pinned.changed { "now pins this digest" } else { "pinned this digest already" };
        told.push_str(&format!("{} {what}\n", pinned.path.display()));
        if pinned.image != image {
            told.push_str(&format!("    but its url names {}; change it, here or in an overlay\n", pinned.image));
        }
    }
    Ok(told)
}

fn manifest_digest(text: &str) -> Result<Sha256Digest> {
    let digits = text.strip_prefix("sha256:").context("expected sha256: and 64 hexadecimal digits")?;
    Sha256Digest::from_str(digits).context("expected sha256: and 64 hexadecimal digits")
}
