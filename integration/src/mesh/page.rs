//! Claims about the mesh, with their evidence and verdict.

use std::fmt::Write;

use crate::terminal::{Columns, Style};

const COLUMNS: Columns = Columns { label: 13, width: 120 };

/// Claim about the mesh, with its evidence.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Text of the claim.
    pub title: &'static str,
    /// Evidence in order: actor and action.
    pub lines: Vec<(String, String)>,
    /// Reasons why it does not hold. Empty when it holds.
    pub wrong: Vec<String>,
}

impl Claim {
    /// Claim without evidence, which holds.
    #[must_use]
    pub fn new(title: &'static str) -> Self {
        Self { title, lines: Vec::new(), wrong: Vec::new() }
    }

    /// Adds evidence.
    #[must_use]
    pub fn line(mut self, who: impl Into<String>, what: impl Into<String>) -> Self {
        self.lines.push((who.into(), what.into()));
        self
    }

    /// Adds a condition, and the reason for its failure.
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

    /// Claim and evidence as text.
    #[must_use]
    pub fn shown(&self, style: Style) -> String {
        let mut text = format!("{} {}\n", style.mark(self.holds()), style.bold(self.title));
        for (who, what) in &self.lines {
            let _ = writeln!(text, "{}", style.line(COLUMNS, who, what));
        }
        for wrong in &self.wrong {
            let label = style.outcome(false, &format!("{:<1$}", "WRONG", COLUMNS.label));
            let _ = writeln!(text, "    {label} {wrong}");
        }
        text
    }
}

/// Number of claims that hold.
#[must_use]
pub fn verdict(claims: &[Claim], style: Style) -> String {
    let right = claims.iter().filter(|claim| claim.holds()).count();
    let text = format!("{right} of {} claims hold.", claims.len());
    format!("{}\n", style.outcome(right == claims.len(), &text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_that_does_not_hold_says_why() {
        let style = Style { coloured: false };
        let right = Claim::new("It holds").line("till sent", "a").must(true, "never said");
        let wrong = Claim::new("It does not").must(false, "the card arrived");
        assert_eq!(right.shown(style), "[ok] It holds\n    till sent     a\n");
        assert_eq!(wrong.shown(style), "[WRONG] It does not\n    WRONG         the card arrived\n");
        assert_eq!(verdict(&[right, wrong], style), "1 of 2 claims hold.\n");
    }

    #[test]
    fn a_long_line_is_cut() {
        let claim = Claim::new("Long").line("it", "x".repeat(200));
        let text = claim.shown(Style { coloured: false });
        assert!(text.lines().all(|line| line.chars().count() <= COLUMNS.width) && text.ends_with("...\n"), "{text}");
    }
}
