//! The crate package contains every file that `cargo install` needs to build the command.

use std::collections::BTreeSet;
use std::fs::File;
use std::process::Command;

use anyhow::{Result, ensure};
use flate2::read::GzDecoder;

use crate::{done, root};

const VERSION: &str = env!("CARGO_PKG_VERSION");
const BESIDE_SOURCES: [&str; 5] = ["Cargo.lock", "CHANGELOG.md", "LICENSE", "NOTICE", "README.md"];

#[test]
fn the_package_has_every_source() -> Result<()> {
    let room = tempfile::tempdir()?;
    let options =
        ["package", "--quiet", "--locked", "--offline", "--allow-dirty", "--no-verify", "--package", "panveil"];
    done(Command::new(env!("CARGO")).current_dir(root()).args(options).arg("--target-dir").arg(room.path()))?;
    let package = File::open(room.path().join(format!("package/panveil-{VERSION}.crate")))?;
    let mut packed = BTreeSet::new();
    for entry in tar::Archive::new(GzDecoder::new(package)).entries()? {
        packed.insert(entry?.path()?.to_string_lossy().into_owned());
    }
    let sources = done(Command::new("find").current_dir(root()).args(["src", "-type", "f"]))?;
    for name in sources.lines().chain(BESIDE_SOURCES) {
        ensure!(packed.contains(&format!("panveil-{VERSION}/{name}")), "the package lacks {name}");
    }
    Ok(())
}
