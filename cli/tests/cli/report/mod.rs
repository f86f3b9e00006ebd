//! `panveil report`: its numbers, its outputs, and the absence of card digits in them.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a panic here is a failed test"
)]

mod evidence;
mod leaks;
pub mod sample;
mod truth;

use crate::command::{failure, file, folder, panveil, printed, run, stderr_line};
use serde_json::Value;
use std::fs::File;
use std::io::Seek;
use std::process::Command;

/// Report in JSON.
fn json(arguments: &[&str]) -> Value {
    let arguments = [&["report", "--format", "json"], arguments].concat();
    serde_json::from_str(&printed(&arguments, b"")).unwrap()
}

/// Rows of a table in a report.
fn rows<'r>(report: &'r Value, table: &str) -> &'r Vec<Value> {
    report["tables"][table]["rows"].as_array().unwrap()
}

#[test]
fn a_report_reads_standard_input() {
    let log = sample::lines(&sample::streams(50)).join("\n");
    let text = printed(&["report"], log.as_bytes());
    assert!(text.contains("\n  streams               50\n"), "{text}");
    assert!(text.contains("\nData flows of card numbers (PCI DSS 1.2.4, 12.5.2)\n"), "{text}");
}

#[test]
fn lines_that_cannot_be_read_are_counted_and_named() {
    let broken = "{\"panveil_action\":\"masked\",\"panveil_record\":\"{\"}\nenvoy started\n\u{fffd}\n";
    let long = format!("{{\"panveil_action\":null,\"path\":\"{}\"}}\n", "x".repeat(2 << 20));
    let last = "{\"panveil_action\":null,\"path\":\"/\",\"protocol\":\"HTTP/2\"}";
    let output = run(&["report", "--format", "json"], [broken, &long, last].concat().as_bytes());
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let [lines, other, unreadable] =
        ["lines", "other_lines", "unreadable_lines"].map(|name| report["input"][name].as_u64());
    assert_eq!((lines, other, unreadable), (Some(5), Some(2), Some(2)));
    assert_eq!(report["summary"]["streams"], 1);
    assert_eq!(stderr_line(&output), "2 lines with columns of panveil cannot be read; see input in the report");
    let output = run(&["report", "--format", "json"], b"{\"panveil_record\":\"{\"}\n");
    assert_eq!(stderr_line(&output), "1 line with columns of panveil cannot be read; see input in the report");
    assert_eq!(output.status.code(), Some(0));
}

/// Lines of other programs in the same file are no lines of panveil, whatever their encoding.
#[test]
fn lines_that_are_not_utf_8_are_read() {
    let stream = b"{\"panveil_action\":null,\"path\":\"/\xff\",\"protocol\":\"HTTP/2\"}\n";
    let output = run(&["report", "--format", "json"], &[&b"caf\xe9 started\n"[..], stream].concat());
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["input"]["other_lines"], &report["summary"]["streams"]), (&1.into(), &1.into()));
    assert_eq!((output.stderr.as_slice(), output.status.code()), (&b""[..], Some(0)));
}

/// A kubelet keeps its logs under links.
#[test]
fn links_in_a_directory_are_reported() {
    let root = folder("report-links");
    let log = file("report-linked.log", "");
    for (links, line) in
        [(1, "1 symbolic link not followed; give its target"), (2, "2 symbolic links not followed; give their targets")]
    {
        std::os::unix::fs::symlink(&log, format!("{root}/{links}.log")).unwrap();
        let output = run(&["report", &root], b"");
        assert!(String::from_utf8(output.stdout.clone()).unwrap().contains("\n  files                 0\n"));
        assert_eq!((stderr_line(&output).as_str(), output.status.code()), (line, Some(2)));
    }
    let fifo = format!("{root}/fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let line = format!("{fifo}: not read: a FIFO, not a regular file; give it as standard input: < {fifo}");
    assert_eq!(stderr_line(&run(&["report", &fifo], b"")), line);
}

#[test]
fn the_period_selects_streams_by_time() {
    let log = file(
        "report-period.log",
        "{\"time\":\"2026-11-29T23:59:59.999Z\",\"path\":\"/\",\"protocol\":\"HTTP/2\",\"panveil_action\":null}\n\
         {\"time\":\"2026-11-30T00:00:00Z\",\"path\":\"/\",\"protocol\":\"HTTP/2\",\"panveil_action\":null}\n\
         {\"time\":null,\"path\":\"/\",\"protocol\":\"HTTP/2\",\"panveil_action\":null}\n",
    );
    for (arguments, streams) in [
        (&[][..], 3),
        (&["--from", "2026-11-30"], 1),
        (&["--to", "2026-11-29"], 1),
        (&["--from", "2026-11-29", "--to", "2026-11-30T00:00:01Z"], 2),
    ] {
        let report = json(&[arguments, &[log.as_str()]].concat());
        assert_eq!(report["summary"]["streams"], streams, "{arguments:?}");
        assert_eq!(report["input"]["outside_period"], 3 - streams, "{arguments:?}");
    }
}

#[test]
fn errors_are_one_line_with_the_remedy() {
    let log = file("report-empty.log", "");
    let wrong = file("report-wrong.json", "{\"record\":\"finding\"}\n");
    let one_stdin =
        "only one of the logs, --audit, --prometheus and --policy can be standard input; give files for the others";
    let names = "data_flows, locations, paths, brands, rules, permitted, without_mtls, incidents, uninspected, limits, days, gaps, \
                 log_gaps";
    for (arguments, line) in [
        (&["--format", "csv"][..], format!("--format csv: needs --table with one of {names}")),
        (&["--table", "days"], "--table: for --format csv only; leave it out".to_owned()),
        (&["--from", "2026-11-30", "--to", "2026-11-29"], "--to: not after --from; give a later day or time".to_owned()),
        (
            &["--from", "noon"],
            "invalid value 'noon' for '--from <TIME>': expected a day or time in UTC, such as 2026-11-30 or 2026-11-30T12:00:00Z; \
             see panveil --help"
                .to_owned(),
        ),
        (
            &["--audit", &wrong],
            format!("{wrong}: no line with \"record\":\"audit\" and a time; repeat the audit with this version"),
        ),
        (&["--prometheus", &wrong], format!("{wrong}: line 1: expected a response of /api/v1/query_range")),
        (&["--audit", "-", "--policy", "-"], one_stdin.to_owned()),
    ] {
        assert_eq!(failure(&[&["report"], arguments, &[log.as_str()]].concat(), b""), line);
    }
    assert_eq!(failure(&["report", "--policy", "-"], b"request: mask\n"), one_stdin);
    let output = run(&["report", "no/such.log"], b"");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(stderr_line(&output), "no/such.log: cannot be read: No such file or directory (os error 2)");
}

/// Logs may be long, and standard input may not end.
#[test]
fn a_wrong_table_is_rejected_before_the_logs_are_read() {
    let log = file("report-unread.log", "{}\n");
    for arguments in [&["--table", "days"][..], &["--format", "csv"], &["--format", "csv", "--table", "weeks"]] {
        // The position is that of the command too.
        let mut input = File::open(&log).unwrap();
        let stdin = input.try_clone().unwrap();
        let output =
            panveil(&[&["report"], arguments].concat()).stdin(stdin).spawn().unwrap().wait_with_output().unwrap();
        assert_eq!((output.status.code(), input.stream_position().unwrap()), (Some(2), 0), "{arguments:?}");
    }
}

#[test]
fn texts_of_clients_are_no_formulas_and_no_markup() {
    let record = "{\"version\":1,\"action\":\"masked\",\"found\":1,\"host\":\"=cmd|' /C calc'!A0\",\"path\":\"/<script>alert(1)</script>\",\
                  \"findings\":[{\"direction\":\"request\",\"place\":\"body\",\"field\":\"a\\u0000\\u202eb,\\\"\",\"kind\":\"pan\",\
                  \"brand\":\"visa\",\"length\":16,\"action\":\"masked\",\"rule\":\"request\",\"count\":1}]}\n";
    let log = file("report-hostile.log", record);
    let paths = printed(&["report", "--format", "csv", "--table", "paths", &log], b"");
    assert!(paths.ends_with("\n'=cmd|' /C calc'!A0,/<script>alert(1)</script>,request,1,1,0,,\n"), "{paths}");
    let locations = printed(&["report", "--format", "csv", "--table", "locations", &log], b"");
    assert!(locations.contains(",\"a\\x00\\u{202e}b,\"\"\",pan,"), "{locations}");
    let page = printed(&["report", "--format", "html", &log], b"");
    assert!(page.contains("<td>/&lt;script&gt;alert(1)&lt;/script&gt;</td>"), "{page}");
    assert_eq!(page.matches("<script>").count(), 1);
}
