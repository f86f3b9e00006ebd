//! `panveil scan`: excluded files, accepted findings, and the settings of a policy.

use crate::command::{failure, file, folder, panveil, run, stderr_line};
use crate::scan::{found, notes, outcome};
use std::fs;
use std::io::Read;
use std::process::Command;

const CARD: &str = "411111******1111";

/// Writes files below a new folder.
fn tree(name: &str, files: &[(&str, &str)]) -> String {
    let root = folder(name);
    for (path, text) in files {
        let path = format!("{root}/{path}");
        fs::create_dir_all(path.rsplit_once('/').unwrap().0).unwrap();
        fs::write(path, text).unwrap();
    }
    root
}

/// Names of the files with findings, relative to `root`, and the summary.
fn scanned(root: &str, arguments: &[&str]) -> (Vec<String>, String) {
    let output = run(&[&["scan", "--count"], arguments].concat(), b"");
    let (printed, stderr, _) = outcome(&output);
    let name = |line: &str| line.trim_start_matches(&format!("{root}/")).rsplit_once(':').unwrap().0.to_owned();
    (printed.lines().map(name).collect(), stderr.lines().last().unwrap().to_owned())
}

#[test]
fn ignored_files_are_not_scanned_and_counted() {
    let pan = "4111111111111111\n";
    let root = tree(
        "ignored",
        &[
            (".git/objects/pack", pan),
            (".gitignore", "*.log\n/build/\n!keep.log\n"),
            (".panveilignore", "fixtures/\n"),
            ("a.txt", pan),
            ("a.log", pan),
            ("keep.log", pan),
            ("build/out.txt", pan),
            ("src/build/in.txt", pan),
            ("src/fixtures/b.txt", pan),
            ("src/.gitignore", "c.txt\n"),
            ("src/c.txt", pan),
            ("src/.env", pan),
        ],
    );
    fs::remove_file(format!("{root}/.git/objects/pack")).unwrap();
    let (names, summary) = scanned(&root, &[&root]);
    assert_eq!(names, ["a.txt", "keep.log", "src/.env", "src/build/in.txt"]);
    assert_eq!(summary, "panveil: 4 findings in 4 files; 7 files scanned; 4 excluded");
    let (names, _) = scanned(&root, &["--exclude", "*.txt", "--exclude", "!a.txt", &root]);
    assert_eq!(names, ["a.txt", "keep.log", "src/.env"]);
    let (names, summary) = scanned(&root, &["--no-ignore", &root]);
    assert_eq!(names.len(), 8, "{names:?}");
    assert!(!summary.contains("excluded"), "{summary}");
    // The rules above a scanned directory apply.
    let (names, _) = scanned(&root, &[&format!("{root}/src")]);
    assert_eq!(names, ["src/.env", "src/build/in.txt"]);
    // Git reads named files that its rules ignore. Those of panveil exclude them, for hooks.
    let (names, _) = scanned(&root, &[&format!("{root}/a.log"), &format!("{root}/src/fixtures/b.txt")]);
    assert_eq!(names, ["a.log"]);
    let note = notes(&run(&["scan", &root], b""));
    assert_eq!(note, [format!("not scanned, as git compresses its contents: {root}/.git; use --no-ignore to scan it")]);
    assert!(failure(&["scan", "--exclude", "a{b", &root], b"").starts_with("--exclude a{b: "));
}

#[test]
fn without_a_repository_gitignore_does_not_apply() {
    // The folder of the tests is in a repository.
    let room = tempfile::tempdir().unwrap();
    let root = room.path().canonicalize().unwrap().into_os_string().into_string().unwrap();
    fs::write(format!("{root}/.gitignore"), "*.log\n").unwrap();
    fs::write(format!("{root}/a.log"), "4111111111111111").unwrap();
    let (names, _) = scanned(&root, &[&root]);
    assert_eq!(names, ["a.log"]);
}

#[test]
fn a_line_accepts_its_findings() {
    let long = "x".repeat(2000);
    for (text, count, accepted) in [
        ("pan = 4111111111111111 # panveil:allow\n4111111111111111\n".to_owned(), 1, 1),
        ("/* panveil:allow */ 4111111111111111 5555555555554444".to_owned(), 0, 2),
        ("# panveil:allow\n4111111111111111".to_owned(), 1, 0),
        ("4111111111111111 # panveil: allow".to_owned(), 1, 0),
        // Too far away.
        (format!("4111111111111111 {long} panveil:allow"), 1, 0),
        // The line crosses the end of a chunk.
        (format!("{}\n4111111111111111 # panveil:allow", ".".repeat((1 << 20) - 25)), 0, 1),
    ] {
        let (printed, stderr, status) = outcome(&run(&["scan"], text.as_bytes()));
        assert_eq!((printed.lines().count(), status), (count, i32::from(count > 0)), "{stderr}");
        let note = format!(", {accepted} more accepted by panveil:allow");
        assert_eq!(stderr.contains(&note), accepted > 0, "{stderr}");
    }
}

#[test]
fn a_baseline_accepts_findings_also_when_their_lines_move() {
    let source = "let visa = \"4111111111111111\";\nlet other = \"5555555555554444\";\n";
    let root = tree("baseline", &[("src/a.rs", source), ("src/b.rs", source)]);
    let baseline = format!("{root}/panveil.baseline");
    let scan = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_panveil"));
        outcome(&command.arg("scan").args(arguments).current_dir(&root).output().unwrap())
    };
    let (printed, stderr, status) = scan(&["--write-baseline", "panveil.baseline", "src"]);
    assert_eq!((printed.lines().count(), status), (4, 0), "{stderr}");
    let text = fs::read_to_string(&baseline).unwrap();
    assert!(text.lines().skip(1).all(|line| !line.contains(|c: char| c.is_ascii_digit())), "{text}");
    assert_eq!(text.lines().count(), 5);

    let accepted = "panveil: no findings, 4 more accepted by the baseline; 2 files scanned\n".to_owned();
    for paths in [&["src"][..], &["./src"], &["src/a.rs", "src/b.rs"], &[&format!("{root}/src")]] {
        assert_eq!(scan(&[&["--baseline", "panveil.baseline"], paths].concat()), (String::new(), accepted.clone(), 0));
    }
    fs::write(format!("{root}/src/a.rs"), format!("// New.\n\n    {source}    let third = \"378282246310005\";\n"))
        .unwrap();
    let (printed, _, status) = scan(&["--baseline", "panveil.baseline", "src"]);
    assert_eq!((printed.as_str(), status), ("src/a.rs:5:18: amex, 15 digits, 378282*****0005\n", 1));
    // Another number in the same text is another finding, and so is a second one.
    fs::write(format!("{root}/src/b.rs"), source.replace("4111111111111111", "4012888888881881").repeat(2)).unwrap();
    let (printed, _, _) = scan(&["--baseline", "panveil.baseline", "src/b.rs"]);
    assert_eq!(printed.lines().count(), 3, "{printed}");

    let line = failure(&["scan", "--baseline", &file("bad.baseline", "# header\nabc\n"), &root], b"");
    assert!(
        line.ends_with("bad.baseline:2: no fingerprint; write the file with panveil scan --write-baseline"),
        "{line}"
    );
    assert!(failure(&["scan", "--baseline", "no/such", &root], b"").starts_with("no/such: cannot be read"));
}

#[test]
fn an_incomplete_baseline_is_not_written() {
    let path = file("incomplete-baseline.txt", "4111111111111111\n".repeat(200_000));
    let baseline = format!("{path}.baseline");
    fs::remove_file(&baseline).ok();
    // The output is closed during the scan, or before its first or last lines.
    for (format, length) in [("text", 10), ("sarif", 0)] {
        let mut child = panveil(&["scan", "--format", format, "--write-baseline", &baseline, &path]).spawn().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        stdout.read_exact(&mut vec![0; length]).unwrap();
        drop(stdout);
        let output = child.wait_with_output().unwrap();
        assert_eq!(stderr_line(&output), format!("{baseline}: not written: the output was closed"));
        assert_eq!(output.status.code(), Some(2));
        assert!(!fs::exists(&baseline).unwrap());
    }
}

#[test]
fn a_policy_and_a_level_set_the_criteria() {
    let policy = file(
        "scan-policy.yaml",
        "detect:\n  test_cards: ignore\n  ignore_keys: [order]\n  patterns:\n  - {name: badge, regex: 'BDG[0-9]{6}'}\n",
    );
    let text = file("scan-policy.txt", "4111111111111111 BDG123456 order=4012001037141112 4485275742308327");
    let printed = found(&["scan", "--policy", &policy, &text], b"");
    assert_eq!(printed, format!("{text}:1:18: badge, 9 characters\n{text}:1:51: visa, 16 digits, 448527******8327\n"));
    let number = file("level.txt", "id 4485275742308327");
    let count = |level: &str| outcome(&run(&["scan", "--level", level, &number], b"")).0.lines().count();
    assert!(count("strict") >= count("balanced") && count("balanced") >= count("precise"));
    assert_eq!((count("strict"), count("precise")), (1, 0));
    let output = run(&["scan", "--policy", &file("bad-policy.yaml", "detect: {level: 1}"), &number], b"");
    assert!(stderr_line(&output).contains("bad-policy.yaml:1:10: detect: unknown field "), "{output:?}");
}

#[test]
fn authentication_data_is_found_and_never_shown() {
    let text = "{\"card\": \"4111111111111111\", \"cvv\": \"123\", \"pin\": \"4567\"}\n\
                ;4111111111111111=29121010000012300000?\n";
    let path = file("authentication.json", text);
    let expected = format!(
        "{path}:1:11: visa, 16 digits, {CARD}\n{path}:1:38: verification code, 3 digits\n{path}:1:52: PIN, 4 characters\n\
         {path}:2:2: track data, visa, 16 digits, {CARD}\n"
    );
    assert_eq!(found(&["scan", &path], b""), expected);
    let shown = found(&["scan", "--show", &path], b"");
    assert!(!shown.contains("123") && !shown.contains("4567") && !shown.contains("2912"), "{shown}");
    let lines = found(&["scan", "--format", "jsonl", &path], b"");
    let kinds: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(kinds[1]["kind"], "verification_code");
    assert!(kinds[1]["number"].is_null() && kinds[1]["brand"].is_null(), "{lines}");
    assert_eq!((&kinds[3]["kind"], &kinds[3]["brand"]), (&"track".into(), &"visa".into()));
}

#[test]
fn headings_name_the_columns_of_csv() {
    let rows = "x;4485275742308327;123\n".repeat(3);
    let path = file("headings.csv", format!("name;cardnumber;cvv\n{rows}"));
    let printed = found(&["scan", &path], b"");
    assert_eq!(printed.matches("verification code, 3 digits").count(), 3, "{printed}");
    let path = file("orders.csv", format!("name;order number;count\n{rows}"));
    assert_eq!(outcome(&run(&["scan", &path], b"")).0, "");
}
