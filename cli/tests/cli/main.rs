//! Tests of the `panveil` command, as its users run it.

#![expect(clippy::unwrap_used, reason = "a panic here is a failed test")]

mod audit;
mod check;
mod check_files;
mod command;
mod explain;
mod manual;
mod mask;
mod policy_test;
mod record;
mod records;
mod replay;
mod replay_changes;
mod report;
mod scan;
mod scan_formats;
mod scan_output;
mod scan_suppression;
mod schema;
mod status;

use command::{failure, printed};

#[test]
fn help_has_examples() {
    let help = printed(&["--help"], b"");
    assert!(help.contains("Examples:\n  panveil scan "), "{help}");
    assert_eq!(printed(&["--version"], b""), concat!("panveil ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn invalid_arguments_are_reported_in_one_line() {
    for (arguments, line) in [
        (&[][..], "no command given; see panveil --help"),
        (
            &["completons"],
            "unrecognized subcommand 'completons'; tip: a similar subcommand exists: 'completions'; see panveil --help",
        ),
        (&["check"], "the following required arguments were not provided: <PATH>...; see panveil --help"),
        (
            &["mask", "--direction", "up"],
            "invalid value 'up' for '--direction <DIRECTION>' [possible values: request, response]; see panveil --help",
        ),
        (&["mask", "4111111111111111"], "mask reads standard input only; use panveil mask < ****************"),
        (&["replay", "a", "b", "4111111111111111"], "unexpected argument '****************' found; see panveil --help"),
    ] {
        assert_eq!(failure(arguments, b""), line, "{arguments:?}");
    }
}

#[test]
fn unreadable_files_are_named_without_card_numbers() {
    assert_eq!(
        failure(&["check", "no/such.json"], b""),
        "no/such.json: cannot be read: No such file or directory (os error 2)"
    );
    assert_eq!(
        failure(&["mask", "--policy", "4111111111111111"], b""),
        "****************: cannot be read: No such file or directory (os error 2)"
    );
    assert_eq!(failure(&["mask", "--policy", "-"], b"{}"), "--policy: standard input is the text; give a file");
}

#[test]
fn only_one_input_is_standard_input() {
    for (arguments, inputs) in [
        (&["check", "-", "-"][..], "the paths"),
        (&["test", "-", "-"], "the files with cases and --policy"),
        (&["test", "--policy", "-", "-"], "the files with cases and --policy"),
        (&["audit", "-", "--suppress", "-"], "the paths and --suppress"),
    ] {
        let line = format!("only one of {inputs} can be standard input; give files for the others");
        assert_eq!(failure(arguments, b"{}"), line, "{arguments:?}");
    }
}
