//! Targets in the documents exist: files, links and their anchors, make targets and their variables.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::markdown::{anchors, blocks, prose, spans};
use crate::{Document, check, read, root, texts};

/// Folders whose files the documents name by path.
const FOLDERS: [&str; 9] =
    ["src/", "envoy-config/", "integration/", "scripts/", "tests/", "docs/", "fuzz/", "image/tests/", ".github/"];

#[test]
fn every_path_exists() {
    let missing = |document: &Document, path: &str| {
        let beside = Path::new(&document.path).with_file_name(path);
        (!exists(path) && !exists(&beside.to_string_lossy())).then(|| format!("{path} does not exist"))
    };
    check("path", |document| paths(&document.text), missing);
}

#[test]
fn every_link_leads_somewhere() {
    let missing = |document: &Document, target: &str| {
        let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
        let folder = Path::new(&document.path).parent().unwrap_or(Path::new(""));
        let to = if path.is_empty() { PathBuf::from(&document.path) } else { folder.join(path) };
        if !root().join(&to).exists() {
            return Some(format!("({target}) leads nowhere"));
        }
        let known = anchor.is_empty() || anchors(&read(&to)).iter().any(|known| known == anchor);
        (!known).then(|| format!("({target}): no such heading"))
    };
    check("link", |document| links(&document.text), missing);
}

#[test]
fn every_page_is_in_the_index() {
    let index = links(&read(Path::new("docs/README.md")));
    let missing = |document: &Document, _: &str| {
        let name = document.path.strip_prefix("docs/").unwrap_or_default();
        let known = name.is_empty() || name == "README.md" || index.iter().any(|link| link == name);
        (!known).then(|| "is not in docs/README.md".to_owned())
    };
    check("page", |document| vec![document.path.clone()], missing);
}

#[test]
fn every_make_target_and_variable_exists() {
    let makefile = read(Path::new("Makefile"));
    let scripts = texts("scripts", "");
    let targets: BTreeSet<&str> =
        makefile.lines().filter_map(|line| line.split_once(':')).map(|(name, _)| name).collect();
    let missing = |_: &Document, word: &str| match word.split_once('=') {
        None => (!targets.contains(word)).then(|| format!("make {word}: no target")),
        Some((variable, _)) => {
            let read = makefile.contains(&format!("$({variable}")) || scripts.contains(&format!("${{{variable}"));
            (!read).then(|| format!("make … {variable}=: no target reads it"))
        }
    };
    check("make target", |document| make_words(&document.text), missing);
}

/// Paths in a text, with `*` for any part of a name.
fn paths(text: &str) -> Vec<String> {
    let belongs = |c: char| c.is_ascii_alphanumeric() || "_./-*".contains(c);
    let words = text.split(|c| !belongs(c)).map(|word| word.trim_end_matches(['.', '-']));
    words.filter(|word| FOLDERS.iter().any(|folder| word.starts_with(folder))).map(str::to_owned).collect()
}

fn exists(path: &str) -> bool {
    let mut found = vec![root().to_owned()];
    for part in path.split('/').filter(|part| !part.is_empty()) {
        found = match part.split_once('*') {
            None => found.iter().map(|folder| folder.join(part)).filter(|path| path.exists()).collect(),
            Some((start, end)) => {
                let entries = found.iter().flat_map(fs::read_dir).flatten().flatten().map(|entry| entry.path());
                let fits = |path: &PathBuf| {
                    let name = path.file_name().unwrap_or_default().to_string_lossy();
                    name.strip_prefix(start).is_some_and(|rest| rest.ends_with(end))
                };
                entries.filter(fits).collect()
            }
        };
    }
    !found.is_empty()
}

/// Targets of the links within the repository.
fn links(text: &str) -> Vec<String> {
    let prose = prose(text);
    let targets = prose.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.filter(|target| !target.contains("://")).map(str::to_owned).collect()
}

/// Targets and variables of commands `make …`.
fn make_words(text: &str) -> Vec<String> {
    let is_target = |word: &str| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    let is_variable = |word: &str| {
        word.split_once('=').is_some_and(|(name, _)| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'))
    };
    let mut commands: Vec<String> = spans(text);
    let blocks = blocks(text).into_iter().filter(|block| block.language == "console" || block.language == "sh");
    commands.extend(blocks.flat_map(|block| block.text.lines().map(str::to_owned).collect::<Vec<_>>()));
    let words = commands.iter().filter_map(|line| line.trim_start_matches("$ ").strip_prefix("make "));
    let words =
        words.flat_map(|words| words.split_whitespace().take_while(|word| is_target(word) || is_variable(word)));
    words.map(str::to_owned).collect()
}

#[test]
fn missing_targets_are_reported() {
    assert_eq!(
        paths("See `src/gone.rs`, src/lib.rs. Not https://x/src/y nor target/src/."),
        ["src/gone.rs", "src/lib.rs"]
    );
    assert!(exists("src/lib.rs") && exists("src/*.rs") && exists("src/") && exists("integration/cases/*.toml"));
    assert!(!exists("src/gone.rs") && !exists("src/*.txt") && !exists("gone/*"));
    assert_eq!(links("[a](docs/b.md#c), [d](https://e.example), [f](#g)"), ["docs/b.md#c", "#g"]);
    let text = "make it so. `make demo`, `make`\n```console\n$ make wasm envoy   # both\n$ make test ENVOY=/x\n```\n";
    assert_eq!(make_words(text), ["demo", "wasm", "envoy", "test", "ENVOY=/x"]);
}
