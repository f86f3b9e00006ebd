//! Text layout for a terminal: titles with a mark and lines with a label, with or without colours.

use std::io::{IsTerminal, stdout};

const GREEN: &str = "32";
const RED: &str = "31";
const BOLD: &str = "1";
const DIM: &str = "2";

/// Width of the indentation in front of a label, and of the gap between label and text.
const INDENTATION: usize = 4;
const GAP: usize = 1;

/// Style of the output.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Whether to use colours.
    pub coloured: bool,
}

/// Columns of lines with a label.
#[derive(Clone, Copy, Debug)]
pub struct Columns {
    /// Width of the label.
    pub label: usize,
    /// Total width. Longer lines are truncated.
    pub width: usize,
}

impl Style {
    /// Style for standard output: colours on a terminal, unless they are disabled.
    #[must_use]
    pub fn of_stdout() -> Self {
        Self { coloured: stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() }
    }

    /// Mark of a title: success or failure.
    #[must_use]
    pub fn mark(self, holds: bool) -> String {
        let word = if holds { "ok" } else { "WRONG" };
        format!("[{}]", self.outcome(holds, word))
    }

    /// Text of a success or failure.
    #[must_use]
    pub fn outcome(self, holds: bool, text: &str) -> String {
        self.paint(if holds { GREEN } else { RED }, text)
    }

    /// Heading.
    #[must_use]
    pub fn bold(self, text: &str) -> String {
        self.paint(BOLD, text)
    }

    /// Secondary text.
    #[must_use]
    pub fn dim(self, text: &str) -> String {
        self.paint(DIM, text)
    }

    /// Line with a label, without its line end.
    #[must_use]
    pub fn line(self, columns: Columns, label: &str, text: &str) -> String {
        let room = columns.width - columns.label - INDENTATION - GAP;
        let cut = || text.chars().take(room - 3).chain("...".chars()).collect();
        let text = if text.chars().count() > room { cut() } else { text.to_owned() };
        format!("{:INDENTATION$}{} {text}", "", self.dim(&format!("{label:<0$}", columns.label)))
    }

    fn paint(self, colour: &str, text: &str) -> String {
        if self.coloured && !text.is_empty() { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_cut() {
        let columns = Columns { label: 4, width: 20 };
        let line = |text: &str| Style { coloured: false }.line(columns, "log", text);
        assert_eq!(line("12345678901"), "    log  12345678901");
        assert_eq!(line("123456789012"), "    log  12345678...");
    }

    #[test]
    fn colours_are_for_people() {
        assert_eq!(Style { coloured: true }.mark(false), "[\x1b[31mWRONG\x1b[0m]");
        assert_eq!(Style { coloured: false }.mark(true), "[ok]");
    }
}
