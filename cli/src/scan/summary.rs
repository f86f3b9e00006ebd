//! Last lines of a scan, on standard error.

use super::ordered_output::ScanTotal;

/// Numbers of findings and files.
pub fn line(total: &ScanTotal) -> String {
    let found = match total.cards {
        0 => "no card numbers".to_owned(),
        cards => format!("{} in {}", counted(cards, "card number"), counted(total.with_cards, "file")),
    };
    let mut line = format!("{found}; {} scanned", counted(total.parts, "file"));
    if total.binary > 0 {
        line.push_str(&format!(", {} of them binary", total.binary));
    }
    line
}

/// Note on files that were not scanned completely. For a single file the error suffices.
pub fn incomplete(failed: usize, files: usize) -> Option<String> {
    match (failed, files) {
        (0, _) | (_, 1) => None,
        (1, _) => Some(format!("1 of {files} files was not scanned completely and may contain card numbers")),
        _ => Some(format!("{failed} of {files} files were not scanned completely and may contain card numbers")),
    }
}

fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
