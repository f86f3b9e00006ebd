//! How is it told what was seen? Claims, a line for each thing that one rests on, and whether it holds.

use std::fmt::Write;

/// Columns of a line; a longer one is cut.
const WIDTH: usize = 120;
const LABEL: usize = 13;
const GREEN: &str = "32";
const RED: &str = "31";
const BOLD: &str = "1";
const DIM: &str = "2";

/// Something said of the mesh, and what was seen of it.
#[derive(Clone, Debug)]
pub struct Claim {
    /// What is said.
    pub title: &'static str,
    /// Who did what, in order.
    pub lines: Vec<(String, String)>,
    /// Why it does not hold; nothing when it does.
    pub wrong: Vec<String>,
}

/// Text for a terminal, or plain.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Whether there are colours.
    pub coloured: bool,
}

impl Claim {
    /// Holds as long as nothing is asked of it.
    #[must_use]
    pub fn new(title: &'static str) -> Self {
        Self { title, lines: Vec::new(), wrong: Vec::new() }
    }

    /// Something that was seen.
    #[must_use]
    pub fn line(mut self, who: impl Into<String>, what: impl Into<String>) -> Self {
        self.lines.push((who.into(), what.into()));
        self
    }

    /// What must be so, and what it is otherwise.
    #[must_use]
    pub fn must(mut self, holds: bool, otherwise: impl Into<String>) -> Self {
        if !holds {
            self.wrong.push(otherwise.into());
        }
        self
    }

    /// Whether it holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.wrong.is_empty()
    }
}

impl Style {
    /// What is claimed, and what it rests on.
    #[must_use]
    pub fn claim(self, claim: &Claim) -> String {
        let mark = if claim.holds() { self.paint(GREEN, "ok") } else { self.paint(RED, "WRONG") };
        let mut text = format!("[{mark}] {}\n", self.paint(BOLD, claim.title));
        for (who, what) in &claim.lines {
            let room = WIDTH - LABEL - 5;
            let cut = || what.chars().take(room - 3).chain("...".chars()).collect();
            let what = if what.chars().count() > room { cut() } else { what.clone() };
            let _ = writeln!(text, "    {} {what}", self.paint(DIM, &format!("{who:<LABEL$}")));
        }
        for wrong in &claim.wrong {
            let _ = writeln!(text, "    {} {wrong}", self.paint(RED, &format!("{:<LABEL$}", "WRONG")));
        }
        text
    }

    /// How many of them hold.
    #[must_use]
    pub fn verdict(self, claims: &[Claim]) -> String {
        let right = claims.iter().filter(|claim| claim.holds()).count();
        let colour = if right == claims.len() { GREEN } else { RED };
        format!("{}\n", self.paint(colour, &format!("{right} of {} claims hold.", claims.len())))
    }

    /// A heading.
    #[must_use]
    pub fn bold(self, text: &str) -> String {
        self.paint(BOLD, text)
    }

    fn paint(self, colour: &str, text: &str) -> String {
        if self.coloured && !text.is_empty() { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_that_does_not_hold_says_why() {
        let style = Style { coloured: false };
        let right = Claim::new("It holds").line("till sent", "a").must(true, "never said");
        let wrong = Claim::new("It does not").must(false, "the card arrived");
        assert_eq!(style.claim(&right), "[ok] It holds\n    till sent     a\n");
        assert_eq!(style.claim(&wrong), "[WRONG] It does not\n    WRONG         the card arrived\n");
        assert_eq!(style.verdict(&[right, wrong]), "1 of 2 claims hold.\n");
    }

    #[test]
    fn a_long_line_is_cut() {
        let claim = Claim::new("Long").line("it", "x".repeat(200));
        let text = Style { coloured: false }.claim(&claim);
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH) && text.ends_with("...\n"), "{text}");
    }
}
