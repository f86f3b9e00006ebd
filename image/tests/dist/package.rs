//! The packages from which `cargo install` builds the command hold all files that the build needs.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use flate2::read::GzDecoder;

use crate::{done, root};

const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The packages, with their folders. Each needs the ones before it.
const PACKAGES: [(&str, &str); 3] = [("panveil-codings", "codings"), ("panveil", "."), ("panveil-cli", "cli")];
const BESIDE_SOURCES: [&str; 3] = ["Cargo.lock", "LICENSE", "NOTICE"];

#[test]
fn the_packages_have_every_source() -> Result<()> {
    let room = tempfile::tempdir()?;
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(root()).args(["package", "--quiet", "--locked", "--offline", "--allow-dirty", "--no-verify"]);
    for (package, _) in PACKAGES {
        command.args(["--package", package]);
    }
    done(command.arg("--target-dir").arg(room.path()))?;
    for (package, folder) in PACKAGES {
        check(room.path(), package, folder).with_context(|| package.to_owned())?;
    }
    Ok(())
}

fn check(target: &Path, package: &str, folder: &str) -> Result<()> {
    let archive = File::open(target.join(format!("package/{package}-{VERSION}.crate")))?;
    let mut packed = BTreeSet::new();
    for entry in tar::Archive::new(GzDecoder::new(archive)).entries()? {
        packed.insert(entry?.path()?.to_string_lossy().into_owned());
    }
    let sources = done(Command::new("find").current_dir(root().join(folder)).args(["src", "-type", "f"]))?;
    for name in sources.lines().chain(BESIDE_SOURCES) {
        ensure!(packed.contains(&format!("{package}-{VERSION}/{name}")), "the package lacks {name}");
    }
    Ok(())
}
