//! Is it true what the documents say? Each path they name exists, each make target and link too, and each policy they
//! show is one.

#![expect(clippy::panic, reason = "what fails here is the test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use panveil::policy::Policy;

/// Folders whose files the documents name by their paths.
const FOLDERS: [&str; 7] = ["src/", "envoy-config/", "integration/", "scripts/", "tests/", "docs/", "fuzz/"];

/// JSON that is no policy shows by a key that no policy has: a record and a problem document.
const OTHER_JSON: [&str; 2] = ["\"findings\"", "\"title\""];

/// A document by its path from the repository's root.
struct Document {
    path: String,
    text: String,
}

/// Something in a code block or a code span, by its first line.
struct Code<'a> {
    language: &'a str,
    text: &'a str,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn documents() -> Vec<Document> {
    let mut paths = vec![PathBuf::from("README.md"), "CONTRIBUTING.md".into(), "SECURITY.md".into()];
    if let Ok(entries) = fs::read_dir(root().join("docs")) {
        paths.extend(entries.flatten().map(|entry| Path::new("docs").join(entry.file_name())));
    }
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "md"));
    paths.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(root().join(&path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Document { path: path.to_string_lossy().into_owned(), text }
    };
    paths.into_iter().map(read).collect()
}

/// Runs a check over all documents; fails with what it finds missing, and when it finds nothing to check.
fn check(kind: &str, named: impl Fn(&Document) -> Vec<String>, complaint: impl Fn(&Document, &str) -> Option<String>) {
    let mut told = Vec::new();
    let mut count: usize = 0;
    for document in documents() {
        for name in named(&document) {
            count = count.saturating_add(1);
            told.extend(complaint(&document, &name).map(|complaint| format!("{}: {complaint}", document.path)));
        }
    }
    assert!(told.is_empty(), "\n{}\n", told.join("\n"));
    assert!(count > 0, "no {kind} in any document");
}

#[test]
fn every_path_exists() {
    let missing = |_: &Document, path: &str| (!exists(path)).then(|| format!("{path} does not exist"));
    check("path", |document| paths(&document.text), missing);
}

#[test]
fn every_link_leads_somewhere() {
    let missing = |document: &Document, target: &str| {
        let folder = Path::new(&document.path).parent().unwrap_or(Path::new(""));
        (!root().join(folder).join(target).exists()).then(|| format!("({target}) leads nowhere"))
    };
    check("link", |document| links(&document.text), missing);
}

#[test]
fn every_make_target_exists() {
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap_or_default();
    let targets: BTreeSet<&str> =
        makefile.lines().filter_map(|line| line.split_once(':')).map(|(name, _)| name).collect();
    let missing = |_: &Document, target: &str| (!targets.contains(target)).then(|| format!("make {target}: no target"));
    check("make target", |document| make_targets(&document.text), missing);
}

#[test]
fn every_policy_is_one() {
    let refused = |_: &Document, json: &str| {
        let refused = Policy::parse(json.as_bytes()).err();
        refused.map(|error| format!("{error}, in {json}"))
    };
    check("policy", |document| policies(&document.text), refused);
    assert!(documents().iter().any(|document| document.path == "README.md" && !policies(&document.text).is_empty()));
}

/// The paths that a text names, with `*` for any part of a name.
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

/// Where the links go that stay in the repository.
fn links(text: &str) -> Vec<String> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let targets = targets.filter(|target| !target.contains("://") && !target.starts_with('#'));
    targets.map(|target| target.split('#').next().unwrap_or(target).to_owned()).collect()
}

/// The targets of `make …`, where that is a command.
fn make_targets(text: &str) -> Vec<String> {
    let is_target = |word: &&str| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    let commands = code(text).flat_map(|code| code.text.lines());
    let arguments = commands.filter_map(|line| line.trim_start_matches("$ ").strip_prefix("make "));
    arguments.flat_map(|words| words.split_whitespace().take_while(is_target)).map(str::to_owned).collect()
}

/// Every block of JSON that does not show that it is something else.
fn policies(text: &str) -> Vec<String> {
    let blocks = code(text).filter(|code| code.language == "json");
    let policies = blocks.filter(|block| !OTHER_JSON.iter().any(|key| block.text.contains(key)));
    policies.map(|block| block.text.to_owned()).collect()
}

/// The code in a document: what stands between three backticks, and in the rest what stands between single ones.
fn code(text: &str) -> impl Iterator<Item = Code<'_>> {
    text.split("```").enumerate().flat_map(|(index, part)| {
        let spans = part.split('`').skip(1).step_by(2).map(|text| Code { language: "", text });
        let (language, block) = part.split_once('\n').unwrap_or((part, ""));
        let is_block = index % 2 == 1;
        let block = is_block.then_some(Code { language: language.trim(), text: block });
        block.into_iter().chain(spans.filter(move |_| !is_block))
    })
}

#[test]
fn what_is_wrong_is_seen() {
    assert_eq!(
        paths("See `src/gone.rs`, src/lib.rs. Not https://x/src/y nor target/src/."),
        ["src/gone.rs", "src/lib.rs"]
    );
    assert!(exists("src/lib.rs") && exists("src/*.rs") && exists("src/") && exists("integration/cases/*.toml"));
    assert!(!exists("src/gone.rs") && !exists("src/*.txt") && !exists("gone/*"));
    assert_eq!(links("[a](docs/b.md#c), [d](https://e.example), [f](#g)"), ["docs/b.md"]);
    let text = "make it so. `make demo`, `make`\n```console\n$ make wasm envoy   # both\n$ make test ENVOY=/x\n```\n";
    assert_eq!(make_targets(text), ["demo", "wasm", "envoy", "test"]);
    let text = "`{}`\n```json\n{\"requst\": 1}\n```\n```json\n{\"findings\": []}\n```\n```text\n{}\n```\n";
    assert_eq!(policies(text), ["{\"requst\": 1}\n"]);
    assert!(Policy::parse(b"{\"requst\": 1}").is_err());
}
