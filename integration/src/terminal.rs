//! How does a page of what was seen look on a terminal? Titles with a mark, lines with a label, in colour or plain.

use std::io::{IsTerminal, stdout};

const GREEN: &str = "32";
const RED: &str = "31";
const BOLD: &str = "1";
const DIM: &str = "2";

/// What stands before a label, and between that and its text.
const INDENTATION: usize = 4;
const GAP: usize = 1;

/// Text for a terminal, or plain.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Whether there are colours.
    pub coloured: bool,
}

/// The columns of lines with a label.
#[derive(Clone, Copy, Debug)]
pub struct Columns {
    /// Of the label.
    pub label: usize,
    /// Of all of it; a longer line is cut.
    pub width: usize,
}

impl Style {
    /// In colour when a person reads standard output and has nothing against it.
    #[must_use]
    pub fn of_stdout() -> Self {
        Self { coloured: stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() }
    }

    /// What begins a title: whether it is so.
    #[must_use]
    pub fn mark(self, holds: bool) -> String {
        let word = if holds { "ok" } else { "WRONG" };
        format!("[{}]", self.outcome(holds, word))
    }

    /// Something that is so, or is not.
    #[must_use]
    pub fn outcome(self, holds: bool, text: &str) -> String {
        self.paint(if holds { GREEN } else { RED }, text)
    }

    /// A heading.
    #[must_use]
    pub fn bold(self, text: &str) -> String {
        self.paint(BOLD, text)
    }

    /// Something beside the matter.
    #[must_use]
    pub fn dim(self, text: &str) -> String {
        self.paint(DIM, text)
    }

    /// A line with a label, without its end.
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
