//! `panveil scan`: every card number, its location, and the parts that it could not read.

use crate::command::{drain, failure, file, folder, panveil, run, stderr_line};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::process::{Command, Output, Stdio};
use std::thread;

const CARD: &str = "411111******1111";

/// Standard output, standard error and exit status.
pub fn outcome(output: &Output) -> (String, String, i32) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr), output.status.code().unwrap())
}

/// Standard output of a run with findings and without a warning.
pub fn found(arguments: &[&str], input: &[u8]) -> String {
    let (printed, stderr, status) = outcome(&run(arguments, input));
    assert_eq!(status, 1, "{arguments:?} {printed} {stderr}");
    let is_quiet = arguments.iter().any(|argument| matches!(*argument, "-q" | "--quiet"));
    assert_eq!(stderr.lines().count(), usize::from(!is_quiet), "{arguments:?} {stderr}");
    assert!(is_quiet || is_summary(&stderr), "{stderr}");
    printed
}

/// True for the last line of a scan.
fn is_summary(line: &str) -> bool {
    line.starts_with("panveil: ") && line.contains(" finding") && line.contains(" scanned")
}

/// Lines on standard error before the summary.
pub fn notes(output: &Output) -> Vec<String> {
    let (_, stderr, _) = outcome(output);
    let mut lines: Vec<String> = stderr.lines().map(str::to_owned).collect();
    assert!(is_summary(&lines.pop().unwrap()), "{stderr}");
    lines.iter().map(|line| line.strip_prefix("panveil: ").unwrap().to_owned()).collect()
}

fn note(output: &Output) -> String {
    let mut lines = notes(output);
    assert_eq!(lines.len(), 1, "{lines:?}");
    lines.remove(0)
}

fn gzip(text: &str) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(text.as_bytes()).unwrap();
    packed.finish().unwrap()
}

#[test]
fn a_card_is_printed_with_its_position_and_truncated() {
    let text = "first\n卡 4111111111111111, 3782-822463-10005\n30569309025904";
    let expected = |name: &str| {
        format!(
            "{name}:2:3: visa, 16 digits, {CARD}\n\
             {name}:2:21: amex, 15 digits, 378282*****0005\n\
             {name}:3:1: diners, 14 digits, **********5904\n"
        )
    };
    let path = file("position.txt", text);
    assert_eq!(found(&["scan", &path], b""), expected(&path));
    assert_eq!(found(&["scan"], text.as_bytes()), expected("-"));
    assert_eq!(found(&["scan", "-"], text.as_bytes()), expected("-"));
    let whole = found(&["scan", "--show", &path], b"");
    assert!(whole.contains("4111111111111111\n") && whole.contains("378282246310005\n"), "{whole}");
}

#[test]
fn escaped_numbers_are_printed_in_plain_digits() {
    let text = "GET /pay?pan=%34111+1111+1111+1111 HTTP/1.1\n{\"b\":\"\\u00355555555\\u00355554444\"} &#51;78282246310005 ４111111111111111";
    let expected = format!(
        "-:1:14: visa, 16 digits, {CARD}\n-:2:7: mastercard, 16 digits, 555555******4444\n\
         -:2:36: amex, 15 digits, 378282*****0005\n-:2:56: visa, 16 digits, {CARD}\n"
    );
    assert_eq!(found(&["scan"], text.as_bytes()), expected);
    assert!(found(&["scan", "--show"], text.as_bytes()).contains(", 5555555555554444\n"));
    let markup = b"<a>4111<!-- -->1111<![CDATA[11111111]]></a>";
    assert_eq!(found(&["scan"], markup), format!("-:1:4: visa, 16 digits, {CARD}\n"));
}

#[test]
fn without_findings_nothing_is_printed() {
    let path = file("clean.txt", "ts=1748503543012 4111111111111112 \x00\u{ff}");
    let summary = "panveil: no findings; 1 file scanned\n".to_owned();
    for arguments in [&["scan", &path][..], &["scan", "--count", &path], &["scan", "--format", "jsonl", &path]] {
        assert_eq!(outcome(&run(arguments, b"")), (String::new(), summary.clone(), 0), "{arguments:?}");
    }
    assert_eq!(outcome(&run(&["scan"], b"x")), (String::new(), summary.clone(), 0));
    assert_eq!(outcome(&run(&["scan", "-"], b"")), (String::new(), summary, 0));
}

#[test]
fn a_scan_without_input_is_an_error() {
    let nothing = |stdin: Stdio| panveil(&["scan"]).stdin(stdin).output().unwrap();
    let output = nothing(Stdio::null());
    let line = "no input; give files or directories, or pipe data in, see panveil scan --help";
    assert_eq!((stderr_line(&output).as_str(), output.status.code()), (line, Some(2)));
    // Some CI systems close a pipe at once.
    let output = run(&["scan"], b"");
    let line = "standard input: empty; give files or directories, or - if it may be empty";
    assert_eq!((note(&output).as_str(), output.status.code()), (line, Some(2)));
    let path = file("redirected.txt", "4111111111111111");
    assert_eq!(nothing(fs::File::open(path).unwrap().into()).status.code(), Some(1));
}

#[test]
fn directories_are_scanned_completely_and_in_order() {
    let root = folder("order");
    let mut expected = String::new();
    for number in 0..60 {
        let name = format!("{root}/{}/{number:02}.log", ["a", "b/c", ".hidden"][number / 20]);
        fs::create_dir_all(name.rsplit_once('/').unwrap().0).unwrap();
        // The first file of every twenty takes longest.
        let lines = if number % 20 == 0 { 50_000 } else { number };
        fs::write(&name, format!("{}pan=4111111111111111", "nothing here\n".repeat(lines))).unwrap();
        expected.push_str(&format!("{name}:{}:5: visa, 16 digits, {CARD}\n", lines + 1));
    }
    let mut lines: Vec<&str> = expected.lines().collect();
    lines.sort_by_key(|line| line.split(':').next());
    let expected = lines.join("\n") + "\n";
    for _ in 0..5 {
        assert_eq!(found(&["scan", &root, &format!("{root}/b")], b"").replace("/b/b", "/b"), expected);
    }
    assert_eq!(found(&["scan", "--count", &root], b"").lines().next().unwrap(), format!("{root}/.hidden/40.log:1"));
}

#[test]
fn json_has_a_line_for_each_card() {
    let text = "卡\n x 4111 1111 1111 1111 and 5555555555554444";
    let path = file("a\"b\u{1b}\u{9b}.txt", text);
    let printed = found(&["scan", "--format", "jsonl", &path], b"");
    assert!(!printed.contains(['\u{1b}', '\u{9b}']));
    let lines: Vec<Value> = printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let numbers = ["4111 1111 1111 1111", "5555555555554444"];
    assert_eq!(lines.len(), numbers.len());
    for (line, number) in lines.iter().zip(numbers) {
        let field = |name: &str| usize::try_from(line[name].as_u64().unwrap()).unwrap();
        assert_eq!(line["path"], path.as_str());
        assert_eq!(text.get(field("offset")..field("offset") + field("length")), Some(number));
        assert_eq!((field("line"), field("digits")), (2, 16));
        assert_eq!(field("column"), text.lines().nth(1).unwrap().find(number).unwrap() + 1);
    }
    assert_eq!((lines[0]["brand"].as_str(), lines[0]["number"].as_str()), (Some("visa"), Some(CARD)));
    let counts = found(&["scan", "--format", "jsonl", "--count", &path], b"");
    assert_eq!(serde_json::from_str::<Value>(&counts).unwrap()["findings"], 2);
}

#[test]
fn sarif_is_one_document_with_or_without_findings() {
    let root = folder("sarif");
    fs::write(format!("{root}/a b.txt"), "4111111111111111").unwrap();
    fs::write(format!("{root}/c.txt"), "\nxx 5555555555554444 378282246310005").unwrap();
    let document = |arguments: &[&str], status| {
        let output = run(&[&["scan", "--format", "sarif"], arguments].concat(), b"");
        assert_eq!(output.status.code(), Some(status));
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(document["version"], "2.1.0");
        assert_eq!(document["runs"][0]["tool"]["driver"]["rules"][0]["id"], "payment-card-number");
        document["runs"][0].clone()
    };
    let run = document(&[&root], 1);
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 3);
    let location = |index: usize| &results[index]["locations"][0]["physicalLocation"];
    assert_eq!(location(0)["artifactLocation"]["uri"], format!("file://{root}/a%20b.txt"));
    let region = serde_json::json!(
        {"startLine": 2, "startColumn": 4, "endColumn": 20, "byteOffset": 4, "byteLength": 16});
    assert_eq!(location(1)["region"], region);
    assert_eq!(results[0]["message"]["text"], format!("visa, 16 digits, {CARD}"));
    assert_eq!(results[0]["partialFingerprints"]["panveil/v1"].as_str().unwrap().len(), 32);
    assert_eq!(run["invocations"][0]["executionSuccessful"], true);
    for rule in run["tool"]["driver"]["rules"].as_array().unwrap() {
        assert!(rule["helpUri"].as_str().unwrap().starts_with("https://"), "{rule}");
        let severity: f32 = rule["properties"]["security-severity"].as_str().unwrap().parse().unwrap();
        assert!((0.1..=10.0).contains(&severity), "{rule}");
    }

    let run = document(&[&file("clean-sarif.txt", "")], 0);
    assert_eq!(run["results"], serde_json::json!([]));
    let run = document(&["no/such"], 2);
    assert_eq!(run["invocations"][0]["executionSuccessful"], false);
    let message = &run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"];
    assert_eq!(message, "no/such: cannot be read: No such file or directory (os error 2)");
}

#[test]
fn quiet_prints_nothing() {
    let path = file("quiet.txt", "4111111111111111");
    for format in ["text", "json", "jsonl", "sarif", "junit", "github"] {
        assert_eq!(found(&["scan", "--quiet", "--format", format, &path], b""), "");
    }
    assert_eq!(run(&["scan", "-q", "no/such", &path], b"").status.code(), Some(2));
}

#[test]
fn conflicting_options_are_rejected() {
    for (arguments, line) in [
        (&["scan", "--count", "--format", "sarif"][..], "--count: needs --format text or jsonl"),
        (&["scan", "--count", "--quiet"], "the argument '--count' cannot be used with '--quiet'; see panveil --help"),
        (
            &["scan", "--records", "-", "--show"],
            "the argument '--records <FILE>' cannot be used with '--show'; see panveil --help",
        ),
    ] {
        assert_eq!(failure(arguments, b""), line);
    }
}

#[test]
fn gzip_is_decompressed_whatever_its_name() {
    let [one, two] = ["one 4111111111111111\n", "two\n5555555555554444\n"].map(gzip);
    let path = file("packed.bin", [one.clone(), two.clone()].concat());
    let expected =
        format!("{path}:1:5: visa, 16 digits, {CARD}\n{path}:3:1: mastercard, 16 digits, 555555******4444\n");
    assert_eq!(found(&["scan", &path], b""), expected);
    assert_eq!(found(&["scan"], &[one.clone(), two].concat()), expected.replace(&path, "-"));
    // The end of a gzip member inside a number does not end the number.
    let halves = [gzip("41111111"), gzip("11111111")].concat();
    assert_eq!(found(&["scan"], &halves), format!("-:1:1: visa, 16 digits, {CARD}\n"));

    let large = format!("{}4111111111111111", ".".repeat(3 << 20));
    assert_eq!(found(&["scan", "--count"], &gzip(&large)), "-:1\n");
}

#[test]
fn zero_padding_of_gzip_is_not_an_error() {
    let [one, two] = ["one 4111111111111111\n", "5555555555554444\n"].map(gzip);
    let padded = [one, vec![0; 300_000], two, vec![0; 600]].concat();
    let expected = format!("-:1:5: visa, 16 digits, {CARD}\n-:2:1: mastercard, 16 digits, 555555******4444\n");
    assert_eq!(found(&["scan"], &padded), expected);
    let output = run(&["scan"], &[gzip("4111111111111111"), b"\0rest".to_vec()].concat());
    assert_eq!(output.status.code(), Some(2));
    assert!(note(&output).starts_with("standard input: malformed gzip: "));
}

#[test]
fn malformed_gzip_is_reported_and_scanned_up_to_the_error() {
    let whole = gzip("4111111111111111 and then some more text that is long enough to be cut");
    let root = folder("broken");
    let [cut, misnamed, fine] = ["cut.gz", "misnamed.gz", "z.txt"].map(|name| format!("{root}/{name}"));
    fs::write(&cut, &whole[..whole.len() - 9]).unwrap();
    fs::write(&misnamed, "plain 5555555555554444").unwrap();
    fs::write(&fine, "378282246310005").unwrap();
    fs::write(format!("{root}/empty.gz"), "").unwrap();
    let output = run(&["scan", &root], b"");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        outcome(&output).0,
        format!(
            "{cut}:1:1: visa, 16 digits, {CARD}\n{misnamed}:1:7: mastercard, 16 digits, 555555******4444\n\
             {fine}:1:1: amex, 15 digits, 378282*****0005\n"
        )
    );
    let lines = notes(&output);
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].starts_with(&format!("{cut}: malformed gzip: ")), "{lines:?}");
    assert!(lines[0].ends_with("; scanned up to the error"), "{lines:?}");
    assert_eq!(lines[1], format!("{misnamed}: not gzip, although its extension is gz; scanned as text"));
    assert_eq!(lines[2], "2 of 4 files were not scanned completely and may contain card numbers");
}

#[test]
fn special_files_are_reported_and_the_scan_continues() {
    let root = folder("special");
    let fifo = format!("{root}/fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let _socket = UnixListener::bind(format!("{root}/socket")).unwrap();
    fs::write(format!("{root}/text"), "4111111111111111").unwrap();
    let (printed, stderr, status) = outcome(&run(&["scan", &root, "no/such/4111111111111111"], b""));
    assert_eq!((printed, status), (format!("{root}/text:1:1: visa, 16 digits, {CARD}\n"), 2));
    assert_eq!(
        stderr,
        format!(
            "panveil: {fifo}: not read: a FIFO, not a regular file; give it as standard input: < {fifo}\n\
             panveil: {root}/socket: not read: a socket, not a regular file\n\
             panveil: no/such/****************: cannot be read: No such file or directory (os error 2)\n\
             panveil: 3 of 4 files were not scanned completely and may contain card numbers\n\
             panveil: 1 finding in 1 file; 1 file scanned\n"
        )
    );
    assert_eq!(run(&["scan", &fifo], b"").status.code(), Some(2));
}

#[test]
fn one_incomplete_file_is_reported_in_the_singular() {
    let path = file("one.txt", "");
    let line = "no/such: cannot be read: No such file or directory (os error 2)";
    let output = run(&["scan", &path, "no/such"], b"");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(notes(&output), [line, "1 of 2 files was not scanned completely and may contain card numbers"]);
    assert_eq!(note(&run(&["scan", "no/such"], b"")), line);
}

#[cfg(target_os = "linux")]
#[test]
fn kernel_file_systems_are_skipped_unless_named() {
    let root = folder("kernel");
    std::os::unix::fs::symlink("/proc", format!("{root}/link")).unwrap();
    fs::write(format!("{root}/text"), "4111111111111111").unwrap();
    let output = run(&["scan", "--follow", &root], b"");
    assert_eq!(outcome(&output).0, format!("{root}/text:1:1: visa, 16 digits, {CARD}\n"));
    let line =
        format!("not scanned, as its contents are generated by the kernel: {root}/link; give its path to scan it");
    assert_eq!((note(&output), output.status.code()), (line, Some(1)));
    let mut child = panveil(&["scan", "/proc/self/attr"]).spawn().unwrap();
    drop(child.stdin.take());
    assert!(!String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap().contains("kernel"));
}

#[test]
fn standard_input_is_read_by_its_path() {
    assert_eq!(
        found(&["scan", "/dev/stdin"], b"4111111111111111"),
        format!("/dev/stdin:1:1: visa, 16 digits, {CARD}\n")
    );
}

#[test]
fn links_are_followed_on_request_except_in_cycles() {
    let root = folder("links");
    let target = file("linked.txt", "4111111111111111");
    std::os::unix::fs::symlink(&target, format!("{root}/file")).unwrap();
    std::os::unix::fs::symlink(&root, format!("{root}/circle")).unwrap();
    let output = run(&["scan", &root], b"");
    assert_eq!(
        (note(&output).as_str(), output.status.code()),
        ("2 symbolic links not followed; use --follow", Some(0))
    );
    let output = run(&["scan", "--follow", &root], b"");
    assert_eq!(note(&output), "1 symbolic link not followed: it is part of a cycle");
    assert_eq!(outcome(&output).0, format!("{root}/file:1:1: visa, 16 digits, {CARD}\n"));
    assert_eq!(found(&["scan", &format!("{root}/file")], b""), format!("{root}/file:1:1: visa, 16 digits, {CARD}\n"));
}

#[test]
fn names_are_printed_without_control_characters_and_card_numbers() {
    let root = folder("names");
    fs::write(format!("{root}/\u{1b}]0;4111111111111111\u{7}\n\u{202e}.log"), "4111111111111111").unwrap();
    for arguments in [&["scan", &root][..], &["scan", "--format", "jsonl", &root], &["scan", "--count", &root]] {
        let printed = found(arguments, b"");
        assert_eq!(printed.lines().count(), 1, "{printed}");
        assert!(!printed.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{printed:?}");
        assert!(!printed.contains("4111111111111111"), "{printed}");
    }
    let (_, stderr, _) = outcome(&run(&["scan", "\u{1b}[2J\n"], b""));
    assert!(stderr.starts_with("panveil: \\x1b[2J\\x0a: cannot be read"), "{stderr:?}");
}

#[test]
fn findings_are_printed_before_the_stream_ends() {
    let mut child = panveil(&["scan"]).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    for _ in 0..3 {
        stdin.write_all(b"card 4111111111111111, and no digit for a long while after it..............\n").unwrap();
        drain(&mut stdout);
    }
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn memory_does_not_grow_with_the_input() {
    const MEGABYTES: usize = 48;

    let mut child = Command::new("sh");
    child.args(["-c", &format!("ulimit -v {}; exec \"$0\" scan --count", 32 << 10), env!("CARGO_BIN_EXE_panveil")]);
    let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let megabyte = [vec![b'.'; (1 << 20) - 17], b" 4111111111111111".to_vec()].concat();
    thread::scope(|scope| {
        scope.spawn(move || (0..MEGABYTES).for_each(|_| stdin.write_all(&megabyte).unwrap()));
        let output = child.wait_with_output().unwrap();
        let summary = format!("panveil: {MEGABYTES} findings in 1 file; 1 file scanned\n");
        assert_eq!(outcome(&output), (format!("-:{MEGABYTES}\n"), summary, 1));
    });
}

#[test]
fn a_closed_output_is_not_an_error() {
    let path = file("many.txt", "4111111111111111\n".repeat(200_000));
    let mut child = panveil(&["scan", &path]).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut [0; 10]).unwrap();
    drop(stdout);
    let output = child.wait_with_output().unwrap();
    assert_eq!((String::from_utf8_lossy(&output.stderr).as_ref(), output.status.code()), ("", Some(1)));
}
