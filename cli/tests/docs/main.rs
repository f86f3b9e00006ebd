//! Correctness of the documents: paths, links, names, policies, examples and commands.

#![expect(clippy::panic, reason = "a panic here is a failed test")]

#[expect(clippy::unwrap_used, dead_code, reason = "the tests of the command need more of it")]
#[path = "../cli/command.rs"]
mod command;
mod commands;
mod examples;
mod markdown;
mod names;
mod paths;
mod runs;
mod shell;
mod tested;

use std::fs;
use std::path::{Path, PathBuf};

/// Documents outside `docs/`.
const OUTSIDE: [&str; 5] =
    ["README.md", "CONTRIBUTING.md", "SECURITY.md", "envoy-config/README.md", "integration/README.md"];

/// Document by its path from the root of the repository.
struct Document {
    path: String,
    text: String,
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn read(path: &Path) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn documents() -> Vec<Document> {
    let mut paths: Vec<PathBuf> = OUTSIDE.map(PathBuf::from).into();
    if let Ok(entries) = fs::read_dir(root().join("docs")) {
        paths.extend(entries.flatten().map(|entry| Path::new("docs").join(entry.file_name())));
    }
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "md"));
    paths.sort();
    let document = |path: PathBuf| Document { text: read(&path), path: path.to_string_lossy().into_owned() };
    paths.into_iter().map(document).collect()
}

/// Runs a check over all documents. Fails with the missing names, and when it finds nothing to check.
fn check(kind: &str, named: impl Fn(&Document) -> Vec<String>, complaint: impl Fn(&Document, &str) -> Option<String>) {
    let mut problems = Vec::new();
    let mut count: usize = 0;
    for document in documents() {
        for name in named(&document) {
            count = count.saturating_add(1);
            problems.extend(complaint(&document, &name).map(|complaint| format!("{}: {complaint}", document.path)));
        }
    }
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
    assert!(count > 0, "no {kind} in any document");
}

/// Content of every file below a folder whose name has this ending.
fn texts(folder: &str, ending: &str) -> String {
    let mut all = String::new();
    let mut left = vec![root().join(folder)];
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path()));
        } else if path.to_string_lossy().ends_with(ending) {
            all.push_str(&fs::read_to_string(path).unwrap_or_default());
        }
    }
    assert!(!all.is_empty(), "nothing in {folder}");
    all
}
