//! Quick starts for Istio and Envoy Gateway: their commands that need no cluster run in one shell, with kustomize in
//! place of the one in kubectl, and must print the output on the page.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use libtest_mimic::Trial;
use tempfile::TempDir;

use crate::with_tool;

#[expect(dead_code, reason = "other tests of pages need the rest")]
#[path = "../../../cli/tests/docs/markdown.rs"]
mod markdown;
#[path = "../../../cli/tests/docs/runs.rs"]
mod runs;
#[path = "../../../cli/tests/docs/shell.rs"]
mod shell;

use markdown::{is_right, steps};
use shell::Shell;

const TOOL: &str = "KUSTOMIZE";

/// `kubectl kustomize FOLDER` as a call of kustomize.
const KUBECTL: &str = "#!/bin/sh\n[ \"$1\" = kustomize ] || exit 9\nshift\nexec \"$KUSTOMIZE\" build \"$@\"\n";

pub fn trials() -> Vec<Trial> {
    vec![
        with_tool(TOOL, "quick_start::istio_renders_what_it_shows", || {
            renders_what_it_shows("docs/quick-start-istio.md", "my-mesh/", 5)
        }),
        with_tool(TOOL, "quick_start::envoy_gateway_renders_what_it_shows", || {
            renders_what_it_shows("docs/quick-start-envoy-gateway.md", "my-gateway/", 2)
        }),
    ]
}

/// Runs the commands of a page that names its copy of the manifests `copy`, and renders at least `least` overlays.
fn renders_what_it_shows(page: &str, copy: &str, least: usize) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
    let folder = TempDir::with_prefix("panveil-quick-start-")?;
    symlink(root.join("envoy-config"), folder.path().join("envoy-config"))?;
    let kubectl = folder.path().join("kubectl");
    fs::write(&kubectl, KUBECTL)?;
    fs::set_permissions(&kubectl, fs::Permissions::from_mode(0o755))?;
    let tool = fs::canonicalize(std::env::var_os(TOOL).context("KUSTOMIZE is not set; `make test` provides it")?)?;
    let search = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap_or_default());
    let mut shell = Shell::start(folder.path(), &[("PATH", &search), (TOOL, &tool.to_string_lossy())])?;
    let text = fs::read_to_string(root.join(page))?;
    let steps = steps(&text);
    let mut rendered = 0;
    for step in &steps {
        if !runs::without_cluster(&step.command) {
            continue;
        }
        let (printed, status) = shell.run(&step.command).map_err(|error| anyhow!(error))?;
        let right = is_right(&step.shown, &printed, status);
        ensure!(right, "{page}:{}: {} ends with {status}:\n{printed}", step.line, step.command);
        rendered += usize::from(step.command.starts_with(runs::RENDERS));
    }
    ensure!(rendered >= least, "only {rendered} overlays are rendered");
    // Files in commands that do not run must exist too.
    for step in steps.iter().filter(|step| !step.command.contains('{')) {
        let words = step.command.split(|c: char| c.is_whitespace() || c == '=');
        for path in words.filter(|word| word.starts_with(copy)) {
            ensure!(folder.path().join(path).exists(), "{page}:{}: no {path}", step.line);
        }
    }
    Ok(())
}
