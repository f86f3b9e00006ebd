//! `panveil scan`: output formats, and the history of a git repository.

use crate::command::{failure, file, folder, panveil, run, stderr_line};
use crate::scan::{found, notes, outcome};
use serde_json::Value;
use std::fs;
use std::process::{Command, Output};

const CARD: &str = "411111******1111";

/// Runs git in a repository, with a fixed author.
fn git(root: &str, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]);
    let output = command.args(arguments).current_dir(root).output().unwrap();
    assert!(output.status.success(), "{arguments:?} {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn scan_in(root: &str, arguments: &[&str]) -> Output {
    panveil(&[&["scan"], arguments].concat()).current_dir(root).output().unwrap()
}

#[test]
fn json_is_one_document_with_errors_and_numbers() {
    let root = folder("json");
    fs::write(format!("{root}/a.txt"), "4111111111111111 5555555555554444").unwrap();
    fs::write(format!("{root}/b.pdf"), "%PDF-1.4\n").unwrap();
    let (printed, _, status) = outcome(&run(&["scan", "--format", "json", &root], b""));
    let document: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!((document["findings"].as_array().unwrap().len(), status), (2, 2));
    assert!(document["errors"][0].as_str().unwrap().contains("b.pdf: PDF is not supported"));
    assert_eq!((&document["summary"]["findings"], &document["summary"]["incomplete"]), (&2.into(), &1.into()));
    let (printed, _, _) = outcome(&run(&["scan", "--format", "json", "-"], b""));
    assert_eq!(serde_json::from_str::<Value>(&printed).unwrap()["findings"], Value::Array(Vec::new()));
}

#[test]
fn sarif_has_paths_relative_to_the_current_directory() {
    let root = folder("relative");
    fs::create_dir(format!("{root}/src")).unwrap();
    fs::write(format!("{root}/src/a.txt"), "4111111111111111").unwrap();
    for path in ["src", "./src", &format!("{root}/src")] {
        let (printed, _, _) = outcome(&scan_in(&root, &["--format", "sarif", path]));
        let document: Value = serde_json::from_str(&printed).unwrap();
        let artifact = &document["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"];
        assert_eq!(artifact, &serde_json::json!({"uri": "src/a.txt", "uriBaseId": "%SRCROOT%"}));
    }
}

#[test]
fn junit_has_a_case_for_each_file_and_error() {
    let root = folder("junit");
    fs::write(format!("{root}/a&b.txt"), "4111111111111111 5555555555554444").unwrap();
    fs::write(format!("{root}/c.txt"), "clean").unwrap();
    let (printed, _, _) = outcome(&run(&["scan", "--format", "junit", &root, "no/such"], b""));
    for part in [
        "<testsuites name=\"panveil scan\" tests=\"2\" failures=\"1\" errors=\"1\"",
        &format!("<testcase name=\"{root}/a&amp;b.txt\" classname=\"panveil scan\""),
        "<failure message=\"2 findings\"",
        &format!("a&amp;b.txt:1:1: visa, 16 digits, {CARD}"),
        "<error message=\"no/such: cannot be read",
    ] {
        assert!(printed.contains(part), "{part}\n{printed}");
    }
    let (printed, _, _) = outcome(&run(&["scan", "--format", "junit", &format!("{root}/c.txt")], b""));
    assert!(printed.contains("tests=\"1\" failures=\"0\" errors=\"0\""), "{printed}");
    let many = file("many.junit.txt", "4111111111111111\n".repeat(150));
    let printed = found(&["scan", "--format", "junit", &many], b"");
    assert!(printed.contains("message=\"150 findings\"") && printed.contains("50 more"), "{printed}");
}

#[test]
fn github_annotations_have_escaped_properties() {
    let root = folder("github");
    fs::write(format!("{root}/a,b:100%.txt"), "x 4111111111111111").unwrap();
    let printed = outcome(&scan_in(&root, &["--format", "github", "."])).0;
    let expected = format!(
        "::error file=a%2Cb%3A100%25.txt,line=1,col=3,endColumn=19,title=Cardholder data::./a,b:100%25.txt:1:3: visa, \
         16 digits, {CARD}\n"
    );
    assert_eq!(printed, expected);
}

#[test]
fn the_output_can_be_a_file_and_coloured() {
    let path = file("output.txt", "4111111111111111");
    let target = format!("{path}.out");
    assert_eq!(found(&["scan", "--output", &target, &path], b""), "");
    let plain = format!("{path}:1:1: visa, 16 digits, {CARD}\n");
    assert_eq!(fs::read_to_string(&target).unwrap(), plain);
    assert_eq!(found(&["scan", "--color", "auto", &path], b""), plain);
    let colored = found(&["scan", "--color", "always", &path], b"");
    assert!(colored.starts_with("\u{1b}[35m"), "{colored:?}");
    let line = failure(&["scan", "-o", "no/such/file", &path], b"");
    assert_eq!(line, "no/such/file: cannot be written: No such file or directory (os error 2)");
}

#[test]
fn the_output_is_not_scanned() {
    let root = folder("own-output");
    let [text, out] = ["text", "out"].map(|name| format!("{root}/{name}"));
    fs::write(&text, "4111111111111111\n").unwrap();
    let expected = format!("{text}:1:1: visa, 16 digits, 4111111111111111\n");
    let note = [format!("not scanned, as the output is written to it: {out}")];
    // The file is new, then one of an earlier run.
    for expected_notes in [&[][..], &note[..]] {
        let output = run(&["scan", "--show", "--output", &out, &root], b"");
        assert_eq!((notes(&output).as_slice(), output.status.code()), (expected_notes, Some(1)));
        assert_eq!(fs::read_to_string(&out).unwrap(), expected);
    }
    // Standard output, which is added to the file.
    let append = || fs::OpenOptions::new().append(true).open(&out).unwrap();
    let output = panveil(&["scan", "--show", &root]).stdout(append()).output().unwrap();
    assert_eq!((notes(&output).as_slice(), output.status.code()), (&note[..], Some(1)));
    assert_eq!(fs::read_to_string(&out).unwrap(), expected.repeat(2));
    let input = fs::File::open(&out).unwrap();
    let output = panveil(&["scan", "--show"]).stdin(input).stdout(append()).output().unwrap();
    let problem = "standard input: not scanned: the output is written to it; use another file";
    assert_eq!((notes(&output), output.status.code()), (vec![problem.to_owned()], Some(2)));
    // A named input is not lost, and neither is the result of an earlier run before an error.
    let before = fs::read_to_string(&out).unwrap();
    let line = failure(&["scan", "--output", &out, &text, &out], b"");
    assert_eq!(line, format!("{out}: input and output are the same file; use another --output"));
    failure(&["scan", "--output", &out, "--baseline", "no/such/file", &text], b"");
    assert_eq!(fs::read_to_string(&out).unwrap(), before);
    // Without an output, the file is scanned.
    let output = panveil(&["scan", "--quiet", &out]).stdout(append()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn verbose_names_binary_and_excluded_files() {
    let root = folder("verbose");
    fs::write(format!("{root}/a.pyc"), b"\xa7\x0d\x0d\x0a\0\0\0\0\xff\xfe\x80").unwrap();
    fs::write(format!("{root}/b.log"), "4111111111111111").unwrap();
    let output = run(&["scan", "--verbose", "--exclude", "*.log", "--jobs", "1", &root], b"");
    assert_eq!(notes(&output), [format!("{root}/a.pyc: binary"), format!("{root}/b.log: excluded")]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        failure(&["scan", "--jobs", "0", &root], b""),
        "invalid value '0' for '--jobs <N>': number would be zero for non-zero type; see panveil --help"
    );
}

#[test]
fn the_history_contains_removed_files_and_messages() {
    let root = folder("history");
    git(&root, &["init", "--quiet", "--initial-branch", "main"]);
    fs::create_dir(format!("{root}/d")).unwrap();
    fs::write(format!("{root}/d/a b.txt"), "pan = 4111111111111111\n").unwrap();
    fs::write(format!("{root}/copy.txt"), "pan = 4111111111111111\n").unwrap();
    fs::write(format!("{root}/.panveilignore"), "fixtures/\n").unwrap();
    git(&root, &["add", "--all"]);
    git(&root, &["commit", "--quiet", "--message", "Add a card"]);
    let first = git(&root, &["rev-parse", "--short=12", "HEAD"]);
    git(&root, &["rm", "--quiet", "d/a b.txt", "copy.txt"]);
    git(&root, &["commit", "--quiet", "--message", "Remove 5555555555554444"]);
    let second = git(&root, &["rev-parse", "--short=12", "HEAD"]);
    git(&root, &["checkout", "--quiet", "-b", "branch"]);
    fs::create_dir(format!("{root}/fixtures")).unwrap();
    fs::write(format!("{root}/fixtures/c.txt"), "4111111111111111").unwrap();
    fs::write(format!("{root}/d.csv"), "378282246310005").unwrap();
    git(&root, &["add", "--all"]);
    git(&root, &["commit", "--quiet", "--message", "Branch"]);
    let third = git(&root, &["rev-parse", "--short=12", "HEAD"]);
    git(&root, &["checkout", "--quiet", "main"]);

    assert_eq!(outcome(&scan_in(&root, &["."])).2, 0);
    let output = scan_in(&root, &["--git"]);
    let (printed, stderr, status) = outcome(&output);
    assert_eq!(status, 1);
    let expected = format!(
        "{second}:commit message:6:8: mastercard, 16 digits, 555555******4444\n\
         {first}:copy.txt:1:7: visa, 16 digits, {CARD}\n{third}:d.csv:1:1: amex, 15 digits, 378282*****0005\n"
    );
    assert_eq!(printed, expected, "{stderr}");
    assert_eq!(stderr, "panveil: 3 findings in 3 files; 6 files scanned; 1 excluded\n");
    let (printed, _, _) = outcome(&scan_in("/", &["--git", "--exclude", "d.csv", "--format", "jsonl", &root]));
    assert_eq!(printed.lines().count(), 2, "{printed}");

    // A shallow clone would hide the first commits.
    let clone = folder("shallow");
    git(&clone, &["clone", "--quiet", "--depth", "1", &format!("file://{root}"), "."]);
    let line = stderr_line(&scan_in(&clone, &["--git"]));
    assert_eq!(line, ".: a shallow clone, which lacks commits; run git fetch --unshallow, or set fetch-depth: 0");
}

#[test]
fn contents_under_an_excluded_path_are_scanned_under_another() {
    let root = folder("history-excluded");
    git(&root, &["init", "--quiet", "--initial-branch", "main"]);
    fs::create_dir(format!("{root}/fixtures")).unwrap();
    let commit = |path: &str| {
        fs::write(format!("{root}/{path}"), "4111111111111111\n").unwrap();
        git(&root, &["add", "--all"]);
        git(&root, &["commit", "--quiet", "--message", path]);
        git(&root, &["rev-parse", "--short=12", "HEAD"])
    };
    commit("fixtures/a.txt");
    commit("fixtures/b.txt");
    let third = commit("live.txt");
    commit("z.txt");
    let (printed, stderr, _) = outcome(&scan_in(&root, &["--git", "--exclude", "fixtures/"]));
    assert_eq!(printed, format!("{third}:live.txt:1:1: visa, 16 digits, {CARD}\n"));
    assert_eq!(stderr, "panveil: 1 finding in 1 file; 5 files scanned; 1 excluded\n");
}

#[test]
fn the_history_needs_git_and_a_repository() {
    let output = panveil(&["scan", "--git", "/"]).output().unwrap();
    assert!(stderr_line(&output).starts_with("/: not a git repository"), "{output:?}");
    assert_eq!(output.status.code(), Some(2));
    let output = panveil(&["scan", "--git"]).env("PATH", "").output().unwrap();
    assert_eq!(stderr_line(&output), ".: --git needs the git command; install git");
    assert_eq!(output.status.code(), Some(2));
}

/// The tests of `scan` run each of its options.
#[test]
fn every_option_is_tested() {
    let tests = [
        include_str!("scan.rs"),
        include_str!("scan_formats.rs"),
        include_str!("scan_output.rs"),
        include_str!("scan_suppression.rs"),
    ]
    .concat();
    let help = outcome(&run(&["scan", "--help"], b"")).0;
    // An option begins its line, alone or behind its letter.
    let is_option = |line: &&str| line.starts_with("--") || line.starts_with('-') && line.contains(", --");
    let options = help.lines().map(str::trim_start).filter(is_option).filter_map(|line| line.split_once("--"));
    let names = options.filter_map(|(_, rest)| rest.split([' ', ',']).next()).filter(|name| *name != "help");
    let mut count = 0;
    for name in names {
        count += 1;
        assert!(tests.contains(&format!("\"--{name}\"")), "--{name}");
    }
    assert!(count > 15 && !help.contains("--records"), "{help}");
}
