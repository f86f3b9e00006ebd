//! Patterns with the conditions of their matches.

use super::check_digits::Check;
use super::nearby::{Around, NearWords, Words};
use crate::scan::pattern::{Matches, PatternError, Patterns};
use std::sync::Arc;

/// A pattern and its conditions.
#[derive(Clone, Default)]
pub struct Pattern {
    /// Name in records, and in counters in place of a brand.
    pub name: String,
    /// Regular expression.
    pub regex: String,
    /// Check digits of a match.
    pub check: Option<Check>,
    /// Words of which at least one must be near a match, unless there are none.
    pub near: Vec<String>,
    /// Words that must not be near a match.
    pub not_near: Vec<String>,
    /// Number of letters and digits at the end of a match that stay readable.
    pub keep_last: u8,
    /// Bytes behind a match that belong to it, in any number.
    pub rest: Option<Rest>,
}

/// Bytes that belong to the match before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// The rest of a token: base64url and dots (RFC 7515, section 7.1).
    Token,
    /// The lines of a PEM file up to the dash that begins its last one: base64 and white space (RFC 7468).
    Pem,
}

/// Compiled patterns. Cheap to clone.
#[derive(Clone)]
pub struct PatternSet {
    compiled: Patterns,
    conditions: Arc<Conditions>,
    /// If true, all of each match is masked.
    masks_all: bool,
}

struct Conditions {
    near: Option<NearWords>,
    patterns: Vec<Condition>,
}

struct Condition {
    name: Arc<str>,
    check: Option<Check>,
    keep_last: u8,
    rest: Option<Rest>,
}

/// A match that fulfils the conditions of its pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Index of the pattern in its set.
    pub pattern: usize,
    /// Length in bytes.
    pub len: usize,
}

impl PatternSet {
    /// Compiles `patterns`, or returns the index of the rejected one and the reason.
    pub fn compile(patterns: &[Pattern]) -> Result<Self, (usize, PatternError)> {
        let expressions: Vec<&str> = patterns.iter().map(|pattern| pattern.regex.as_str()).collect();
        let words = patterns.iter().map(|pattern| Words { near: &pattern.near, not_near: &pattern.not_near });
        let conditions = patterns.iter().map(|pattern| Condition {
            name: pattern.name.as_str().into(),
            check: pattern.check,
            keep_last: pattern.keep_last,
            rest: pattern.rest,
        });
        let conditions = Conditions { near: NearWords::compile(words), patterns: conditions.collect() };
        Ok(Self { compiled: Patterns::compile(&expressions)?, conditions: Arc::new(conditions), masks_all: false })
    }

    /// The same patterns, but masks keep nothing of a match.
    pub fn masking_all(self) -> Self {
        Self { masks_all: true, ..self }
    }

    /// The automaton of the expressions.
    pub fn expressions(&self) -> &Patterns {
        &self.compiled
    }

    /// The first pattern whose conditions one of `matches` at the start of `text` fulfils, with its longest match that passes the
    /// check; `None` if that depends on bytes that have not arrived yet. `around` are the bytes around a match of this length.
    pub fn accept<'t>(
        &self,
        matches: &Matches,
        text: &[u8],
        around: impl Fn(usize) -> Around<'t>,
    ) -> Option<Option<Accepted>> {
        let mut from = 0;
        while let Some(pattern) = matches.next_pattern(from) {
            from = pattern.saturating_add(1);
            let check = self.condition(pattern).and_then(|condition| condition.check);
            let longest = match check {
                Some(check) => check.longest(text, matches.lengths(pattern)),
                None => matches.lengths(pattern).last(),
            };
            let Some(len) = longest else { continue };
            let is_admitted = match &self.conditions.near {
                Some(near) => near.admit(pattern, || around(len)),
                None => Some(true),
            };
            if is_admitted? {
                return Some(Some(Accepted { pattern, len }));
            }
        }
        Some(None)
    }

    /// Name of a pattern, and the number of letters and digits at the end of a match that stay readable.
    pub fn named(&self, pattern: usize) -> Option<(&Arc<str>, u8)> {
        let condition = self.condition(pattern)?;
        Some((&condition.name, if self.masks_all { 0 } else { condition.keep_last }))
    }

    /// Bytes behind a match of a pattern that belong to it.
    pub fn rest(&self, pattern: usize) -> Option<Rest> {
        self.condition(pattern)?.rest
    }

    fn condition(&self, pattern: usize) -> Option<&Condition> {
        self.conditions.patterns.get(pattern)
    }
}

impl Rest {
    /// True if `byte` belongs to the match before it.
    pub fn contains(self, byte: u8) -> bool {
        match self {
            Self::Token => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'),
            Self::Pem => {
                byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b' ' | b'\t' | b'\r' | b'\n')
            }
        }
    }
}
