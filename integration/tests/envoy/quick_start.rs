//! Quick start, word for word: its commands run in one shell, in a folder like the repository, and must print the
//! output on the page. Only the ports differ, and the module is already built.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use libtest_mimic::Trial;
use panveil_integration::sidecar::Build;
use tempfile::TempDir;

use crate::trial::named;

#[expect(dead_code, reason = "other tests of pages need the rest")]
#[path = "../../../cli/tests/docs/markdown.rs"]
mod markdown;
#[path = "../../../cli/tests/docs/shell.rs"]
mod shell;

use markdown::{Step, blocks, is_right, is_shown, steps};
use shell::Shell;

/// Ports of the page, each replaced with a free one.
const PORTS: [&str; 5] = ["10000", "10003", "8080", "9901", "9904"];

/// Command that these tests skip, because its results exist.
const BUILT: &str = "make wasm envoy";

/// Interval for log lines, counters and new policies that appear with a delay.
const PAUSE: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(60);

pub fn trials(build: &Build) -> Vec<Trial> {
    vec![
        named(build, "quick_start", "works_word_for_word", |build| Box::pin(async move { word_for_word(&build) })),
        named(build, "quick_start", "the_readme_shows_the_demo", |build| Box::pin(async move { demo(&build) })),
    ]
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn word_for_word(build: &Build) -> Result<()> {
    let text = fs::read_to_string(root().join("docs/quick-start.md"))?;
    let steps = steps(&text);
    ensure!(steps.first().is_some_and(|step| step.command == BUILT), "the page does not begin with {BUILT}");
    let ports = free_ports()?;
    let place = |text: &str| ports.iter().fold(text.to_owned(), |text, (page, free)| text.replace(page, free));
    let folder = repository(build, &place)?;
    let envoy = folder.path().join("envoy");
    let mut shell = Shell::start(folder.path(), &[("ENVOY", &envoy.to_string_lossy())])?;
    for step in steps.iter().skip(1) {
        follow(&mut shell, step, &place)
            .with_context(|| format!("docs/quick-start.md:{}: {}", step.line, step.command))?;
    }
    let left: Vec<PathBuf> = ["my-sidecar", "service.py", "access.log"].map(|name| folder.path().join(name)).into();
    ensure!(left.iter().all(|path| !path.exists()), "the page leaves something behind: {left:?}");
    Ok(())
}

/// Runs one command. Where the page shows output, repeats the command until its output matches.
fn follow(shell: &mut Shell, step: &Step, place: &impl Fn(&str) -> String) -> Result<()> {
    let shown = place(&step.shown);
    let start = Instant::now();
    loop {
        let (printed, status) = shell.run(&place(&step.command)).map_err(|error| anyhow!(error))?;
        if is_right(&shown, &printed, status) {
            return Ok(());
        }
        ensure!(!step.shown.is_empty() && start.elapsed() < LONGEST_WAIT, "ends with {status}: {printed}");
        sleep(PAUSE);
    }
}

/// Folder with the parts of the repository that the page uses: the shipped files with other ports, the scripts, a built
/// module, and an Envoy that runs next to others.
fn repository(build: &Build, place: &impl Fn(&str) -> String) -> Result<TempDir> {
    let folder = TempDir::with_prefix("panveil-quick-start-")?;
    let standalone = folder.path().join("envoy-config/standalone");
    fs::create_dir_all(standalone.join("discovery"))?;
    for file in ["sidecar.yaml", "dynamic.yaml", "discovery/panveil.yaml"] {
        let text = fs::read_to_string(root().join("envoy-config/standalone").join(file))?;
        fs::write(standalone.join(file), place(&text))?;
    }
    fs::create_dir(folder.path().join("dist"))?;
    symlink(build.module.canonicalize()?, folder.path().join("dist/panveil.wasm"))?;
    symlink(root().canonicalize()?.join("scripts"), folder.path().join("scripts"))?;
    let envoy = folder.path().join("envoy");
    let binary = build.envoy.canonicalize()?;
    fs::write(&envoy, format!("#!/bin/sh\nexec '{}' --use-dynamic-base-id \"$@\"\n", binary.display()))?;
    fs::set_permissions(&envoy, fs::Permissions::from_mode(0o755))?;
    Ok(folder)
}

fn free_ports() -> Result<Vec<(&'static str, String)>> {
    let listeners = PORTS.map(|port| Ok((port, TcpListener::bind(("127.0.0.1", 0))?)));
    let listeners: Vec<(&str, TcpListener)> = listeners.into_iter().collect::<Result<_>>()?;
    listeners.iter().map(|(port, listener)| Ok((*port, listener.local_addr()?.port().to_string()))).collect()
}

/// Runs what `make demo` runs once everything is built, and compares it with the pages that show it.
fn demo(build: &Build) -> Result<()> {
    let mut demo = Command::new(env!("CARGO_BIN_EXE_demo"));
    let output = demo.arg("--wasm").arg(&build.module).arg("--envoy").arg(&build.envoy).output()?;
    let printed = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "{printed}");
    for page in ["README.md", "docs/demo.md"] {
        let text = fs::read_to_string(root().join(page))?;
        let blocks = blocks(&text);
        let mut shown = blocks.iter().filter_map(|block| block.text.strip_prefix("$ make demo\n"));
        let shown = shown.next().with_context(|| format!("no demo in {page}"))?;
        ensure!(is_shown(shown, &printed), "not as {page} shows it: {printed}");
    }
    Ok(())
}
