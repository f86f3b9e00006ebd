//! Dependency rule of CONTRIBUTING.md: each stage uses only the stages before it. The test reads the source.

#![expect(clippy::arithmetic_side_effects, clippy::panic, reason = "a panic here is a failed test")]

mod source;

use std::fs;
use std::path::{Path, PathBuf};

use source::{Module, Source};

/// Stages in the order of the flow. Each may name those before it.
const STAGES: [&str; 9] = ["scan", "verdict", "mask", "policy", "stream", "audit", "host", "exchange", "plugin"];

/// First stage that the command must not use: it runs without a proxy.
const FIRST_WITH_A_PROXY: &str = "host";

/// The folder of the command that acts as a proxy to the filter, and the first stage that it must not use.
const PLAYBACK: (&str, &str) = ("cli/playback/", "plugin");

/// Names of external code, and the files that may use them.
const OUTSIDE: [(&str, &[&str]); 4] = [
    ("proxy_wasm", &["host/envoy.rs", "plugin.rs"]),
    ("serde", &["policy/config_value.rs", "audit/record.rs", "exchange/refusal.rs", "cli/"]),
    ("serde_json", &["policy/config_value.rs", "audit/record.rs", "exchange/refusal.rs", "cli/"]),
    ("unsafe", &["host/envoy.rs", "host/live.rs", "scan/lanes.rs"]),
];

/// Files that may declare foreign functions.
const FOREIGN: [&str; 3] = ["host/envoy.rs", "host/live.rs", "plugin.rs"];

/// Folders of source, with the prefix of their files in this test.
const FOLDERS: [(&str, &str); 3] = [("src", ""), ("cli/src", "cli/"), ("codings/src", "codings/")];

const MOST_LINES: usize = 400;

#[test]
fn every_source_file_keeps_the_rules() {
    let mut files = Vec::new();
    let mut problems = Vec::new();
    for (folder, prefix) in FOLDERS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        for path in rust_files(&folder) {
            let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let path = path.strip_prefix(&folder).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            files.push((format!("{prefix}{path}"), text));
        }
    }
    assert!(files.len() > STAGES.len(), "only {} files", files.len());
    let test_modules = source::test_modules(&files);
    for (path, text) in &files {
        problems.extend(violations(path, text, source::is_in(path, &test_modules)));
    }
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// Violations in a file, one line each. `path` is relative to `src/`.
fn violations(path: &str, text: &str, is_test: bool) -> Vec<String> {
    let source = Source::read(text);
    let module = Module::of_file(path);
    let mut problems = Vec::new();
    let mut report = |line: usize, problem: String| problems.push(format!("src/{path}:{line}: {problem}"));
    if !text.starts_with("//! ") {
        report(1, "does not begin with module documentation".to_owned());
    }
    if text.lines().next().is_some_and(|line| line.contains('?')) {
        report(1, "begins with a question instead of a noun phrase".to_owned());
    }
    for (line, named) in source.stages_named(&module) {
        if let Some(problem) = forbids(path, &module, &named) {
            report(line, problem);
        }
    }
    for (line, word) in source.words(is_test) {
        let place = OUTSIDE.iter().find(|(outside, _)| *outside == word);
        if place.is_some_and(|(_, places)| !places.iter().any(|place| path.starts_with(place))) {
            report(line, format!("names {word}"));
        }
    }
    for line in source.foreign_functions().filter(|_| !FOREIGN.contains(&path)) {
        report(line, "declares foreign functions".to_owned());
    }
    let lines = if is_test { 0 } else { source.lines_of_code() };
    if lines > MOST_LINES {
        report(1, format!("{lines} lines of code; at most {MOST_LINES}"));
    }
    problems
}

/// Reason why `module`, in the file at `path`, may not name this stage. `None` when it may.
fn forbids(path: &str, module: &Module, named: &str) -> Option<String> {
    let rank = |stage: &str| STAGES.iter().position(|known| *known == stage);
    let Some(rank_named) = rank(named) else { return Some(format!("names {named}, which is no stage")) };
    match module {
        Module::Map => None,
        Module::Apart => Some(format!("{path} names {named}, a stage of the filter")),
        Module::Command => {
            let first = if path.starts_with(PLAYBACK.0) { PLAYBACK.1 } else { FIRST_WITH_A_PROXY };
            (Some(rank_named) >= rank(first)).then(|| format!("the command names {named}"))
        }
        Module::Stage(path) => {
            let stage = path.first().map_or("", String::as_str);
            match rank(stage) {
                Some(own) if rank_named <= own => None,
                Some(_) => Some(format!("{stage} names {named}, a later stage")),
                None => Some(format!("{stage} is no stage")),
            }
        }
    }
}

#[test]
fn each_violation_is_reported() {
    for (path, text, expected) in [
        ("scan/prefilter.rs", "use crate::policy::Policy;", "scan names policy, a later stage"),
        ("verdict/luhn.rs", "use crate::{scan::{A, B}, policy::{C, D}};", "verdict names policy, a later stage"),
        ("scan/prefilter.rs", "fn f() -> crate::audit::Line { crate::scan::x() }", "scan names audit, a later stage"),
        ("scan/mod.rs", "use super::verdict::Pan;", "scan names verdict, a later stage"),
        ("scan/prefilter.rs", "use super::super::verdict::Pan;", "scan names verdict, a later stage"),
        ("mask.rs", "mod tests {\n use super::super::host::Host;\n}", "src/mask.rs:3: mask names host, a later stage"),
        ("policy/tests.rs", "use crate::exchange::Exchange;", "policy names exchange, a later stage"),
        ("policy/mod.rs", "use crate::helpers::x;", "names helpers, which is no stage"),
        ("helpers.rs", "use crate::scan::x;", "helpers is no stage"),
        ("cli/mask.rs", "use panveil::{policy::Policy, host::Host};", "the command names host"),
        ("cli/playback/play.rs", "use panveil::plugin::Root;", "the command names plugin"),
        ("cli/replay.rs", "use panveil::exchange::Exchange;", "the command names exchange"),
        ("exchange/mod.rs", "use proxy_wasm::types::Action;", "names proxy_wasm"),
        ("stream/body.rs", "fn f() { serde_json::to_string(&1); }", "names serde_json"),
        ("scan/prefilter.rs", "fn f() { unsafe { g() } }", "names unsafe"),
        ("host/mod.rs", "extern \"C\" fn f() {}", "declares foreign functions"),
    ] {
        let problems = violations(path, &format!("//! Module.\n{text}"), false);
        assert!(problems.len() == 1 && problems.iter().all(|line| line.ends_with(expected)), "{text}: {problems:?}");
    }
    assert_eq!(violations("mask.rs", "fn f() {}", false).len(), 1);
    let question = violations("mask.rs", "//! How is a number masked?\nfn f() {}", false);
    assert_eq!(question, ["src/mask.rs:1: begins with a question instead of a noun phrase"]);
    let long = format!("//! Module.\n{}", "fn f() {}\n".repeat(MOST_LINES + 1));
    assert_eq!(violations("mask.rs", &long, false), ["src/mask.rs:1: 401 lines of code; at most 400"]);
}

#[test]
fn allowed_code_is_not_reported() {
    for (path, text, is_test) in [
        ("exchange/mod.rs", "use crate::{audit::{Line, Tally}, host::Host};\nuse self::fields::Fields;", false),
        ("scan/prefilter.rs", "/// See [`crate::audit`].\nconst A: &str = \"crate::policy\"; // crate::policy", false),
        (
            "scan/prefilter.rs",
            "const A: &str = r#\"use crate::policy; \" unsafe\"#; const B: char = '\"'; fn f<'a>() {}",
            false,
        ),
        ("scan/candidate_iter.rs", "pub(super) struct A; use super::view::View;", false),
        ("stream/laws.rs", "use serde_json::Value;", true),
        ("stream/body.rs", "#[cfg(test)]\nmod tests { use serde_json::Value; }", false),
        ("host/envoy.rs", "unsafe extern \"C\" { fn proxy_log(); }", false),
        ("cli/playback/play.rs", "use panveil::{exchange::Exchange, host::Host};", false),
        ("lib.rs", "pub mod scan;\npub use crate::plugin::x;", false),
    ] {
        let problems = violations(path, &format!("//! Module.\n{text}"), is_test);
        assert!(problems.is_empty(), "{problems:?}");
    }
    let tests = format!("//! Module.\n#[cfg(test)]\nmod tests {{\n{}}}\n", "fn f() {}\n".repeat(MOST_LINES + 1));
    assert!(violations("mask.rs", &tests, false).is_empty());
    let documented = format!("//! Module.\n{}", "/// Documented.\n\n".repeat(MOST_LINES + 1));
    assert!(violations("mask.rs", &documented, false).is_empty());
}

#[test]
fn files_of_tests_are_known() {
    let files = [
        ("stream/mod.rs".to_owned(), "mod body;\n#[cfg(test)]\nmod laws;".to_owned()),
        ("mask.rs".to_owned(), "#[cfg(test)]\nmod tests;".to_owned()),
        (
            "scan.rs".to_owned(),
            "#[cfg(any(test, feature = \"fuzzing\"))]\n#[allow(a, reason = \"b\")]\npub mod slow;\n\
             #[cfg(feature = \"fuzzing\")]\nmod fast;"
                .to_owned(),
        ),
    ];
    let modules = source::test_modules(&files);
    assert_eq!(modules, ["stream/laws", "mask/tests", "scan/slow"]);
    for file in ["stream/laws.rs", "stream/laws/mod.rs", "stream/laws/carriers.rs", "mask/tests.rs"] {
        assert!(source::is_in(file, &modules), "{file}");
    }
    for file in ["stream/body.rs", "stream/laws_of_all.rs", "mask.rs"] {
        assert!(!source::is_in(file, &modules), "{file}");
    }
}
