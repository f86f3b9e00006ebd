//! Section *Tested commands* of the quick starts for Istio and Envoy Gateway: the tests that run each command.
//!
//! The section is written by this test. `integration/tests/manifests/quick_start.rs` runs exactly the commands that
//! [`runs::without_cluster`] selects.

use crate::commands::elsewhere;
use crate::markdown::{anchors, steps};
use crate::{read, runs, texts};
use std::path::Path;

const HEADING: &str = "\n## Tested commands\n";

/// Page, the make target that applies its overlays to a real control plane, and the folder of that test.
const PAGES: [(&str, &str, &str); 2] = [
    ("docs/quick-start-istio.md", "make istio", "integration/istio"),
    ("docs/quick-start-envoy-gateway.md", "make envoy-gateway", "integration/envoy-gateway"),
];

#[test]
fn the_page_lists_the_test_of_each_command() {
    for (page, target, folder) in PAGES {
        let text = read(Path::new(page));
        let rows = rows(&text, target, &texts(folder, ".py"));
        let expected = format!("{HEADING}\n| step | commands | test |\n|---|---|---|\n{}", rows.concat());
        assert!(rows.len() > 5, "{page}: only {} rows", rows.len());
        assert!(text.ends_with(&expected), "{page}: the page does not end with:\n{expected}");
    }
}

/// Rows of the table: the commands of a step with the same test.
fn rows(page: &str, target: &str, checks: &str) -> Vec<String> {
    let mut rows: Vec<(String, String, Vec<String>)> = Vec::new();
    for step in steps(page) {
        let before: String = page.lines().take(step.line).fold(String::new(), |text, line| text + line + "\n");
        let heading = before.lines().filter_map(|line| line.strip_prefix("## ")).next_back().unwrap_or_default();
        let anchor = anchors(&before).pop().unwrap_or_default();
        let heading = format!("[{heading}](#{anchor})");
        let test = match overlay(&step.command) {
            _ if runs::without_cluster(&step.command) => "`make test` runs them and compares the output".to_owned(),
            Some(overlay) if applies(checks, overlay) => format!("`{target}` applies and deletes the overlay"),
            _ => format!("none: {}", elsewhere(&step.command).unwrap_or_default()),
        };
        let command = shown(&step.command);
        match rows.iter_mut().find(|(step, known, _)| *step == heading && *known == test) {
            Some((_, _, commands)) if commands.contains(&command) => {}
            Some((_, _, commands)) => commands.push(command),
            None => rows.push((heading, test, vec![command])),
        }
    }
    rows.into_iter()
        .map(|(heading, test, commands)| format!("| {heading} | {} | {test} |\n", commands.join(", ")))
        .collect()
}

/// Beginning of a command, up to its first option or path, and its overlay.
fn shown(command: &str) -> String {
    let is_plain = |word: &&str| word.chars().all(|letter| letter.is_ascii_lowercase());
    let words: Vec<&str> = command.split_whitespace().take_while(is_plain).take(2).collect();
    let overlay = overlay(command).map(|overlay| format!(" of `{overlay}`")).unwrap_or_default();
    format!("`{}`{overlay}", words.join(" "))
}

/// Overlay that a command applies or deletes.
fn overlay(command: &str) -> Option<&str> {
    let rest =
        ["apply", "delete"].iter().find_map(|verb| command.strip_prefix(&format!("kubectl {verb} --kustomize ")))?;
    rest.split_once("overlays/").map(|(_, overlay)| overlay.trim())
}

/// True if a check applies this overlay.
fn applies(checks: &str, overlay: &str) -> bool {
    checks.contains(&format!("applied(\"overlays/{overlay}\""))
        || checks.contains(&format!("_masks(mesh, \"{overlay}\""))
}
