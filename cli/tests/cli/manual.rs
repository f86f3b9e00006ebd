//! The manual and the completions list every command.

use crate::command::{failure, printed};

const COMMANDS: [&str; 10] =
    ["scan", "mask", "explain", "check", "test", "replay", "status", "audit", "completions", "man"];

#[test]
fn every_command_has_examples() {
    for command in COMMANDS {
        let help = printed(&[command, "--help"], b"");
        assert!(help.contains("Examples:\n  "), "{help}");
        assert!(
            help.contains(&format!("  panveil {command} ")) || help.contains(&format!("| panveil {command}")),
            "{help}"
        );
        assert!(help.lines().all(|line| line.chars().count() <= 120), "{help}");
    }
}

#[test]
fn every_command_has_a_page() {
    let page = printed(&["man"], b"");
    // Date, source and title, each in its own place.
    let version = env!("CARGO_PKG_VERSION");
    assert!(page.contains(&format!(".TH panveil 1 \"\" \"panveil {version}\" panveil\n")), "{page}");
    for command in COMMANDS {
        assert!(page.contains(&format!("panveil\\-{command}(1)")), "{page}");
        let own = printed(&["man", command], b"");
        assert!(own.contains(&format!(".TH panveil-{command} 1")), "{own}");
        assert!(own.contains("Examples:"), "{own}");
    }
    assert_eq!(failure(&["man", "scn"], b""), "no command scn; see panveil --help");
}

#[test]
fn every_shell_gets_a_script() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = printed(&["completions", shell], b"");
        for command in COMMANDS {
            assert!(script.contains(command), "{shell}: {command}");
        }
        assert!(script.contains("records"), "{shell}");
    }
}
