//! Matching of the operator's patterns.
//!
//! All patterns are compiled to one automaton, which runs from every byte that can start a match. A match has a maximum
//! length, so that a stream holds back a bounded number of bytes. Letters, digits and word boundaries are ASCII.

use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::nfa::thompson;
use regex_automata::util::primitives::StateID;
use regex_automata::util::{start, syntax};
use regex_automata::{Anchored, MatchKind};
use std::sync::Arc;

/// Compiled patterns. Cheap to clone.
#[derive(Clone)]
pub struct Patterns(Arc<Compiled>);

struct Compiled {
    automaton: dense::DFA<Vec<u32>>,
    begins: [bool; 256],
}

/// A pattern that must match a whole text of any length.
pub struct WholeTextPattern(dense::DFA<Vec<u32>>);

/// The matches that start at a position, ordered by length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matches(Vec<(usize, usize)>);

/// The matches at a position depend on bytes that have not arrived yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undecided;

/// The reason why a pattern is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatternError {
    /// The pattern is not a supported regular expression.
    Syntax,
    /// The pattern matches the empty text.
    Empty,
    /// The maximum length of a match is infinite or exceeds [`LONGEST_MATCH`].
    Unbounded,
    /// The automaton for the patterns up to this one exceeds its maximum size.
    TooLarge,
}

/// The maximum length of a match in bytes.
pub const LONGEST_MATCH: usize = 256;

/// The maximum number of patterns.
pub const MOST_PATTERNS: usize = 32;

/// The maximum memory in bytes for the automaton, and for its compilation.
const AUTOMATON_SIZE: usize = 512 << 10;
const WORKSPACE: usize = 2 << 20;

/// The maximum memory in bytes for the automaton of a pattern for whole texts.
const WHOLE_SIZE: usize = 64 << 10;

impl Patterns {
    /// Compiles `patterns`, or returns the index of the rejected one and the reason.
    pub fn compile(patterns: &[&str]) -> Result<Self, (usize, PatternError)> {
        for (index, pattern) in patterns.iter().enumerate() {
            let parsed = syntax::parse_with(pattern, &syntax()).map_err(|_| (index, PatternError::Syntax))?;
            let properties = parsed.properties();
            if properties.minimum_len().is_none_or(|length| length == 0) {
                return Err((index, PatternError::Empty));
            }
            if properties.maximum_len().is_none_or(|length| length > LONGEST_MATCH) {
                return Err((index, PatternError::Unbounded));
            }
        }
        let last = patterns.len().saturating_sub(1);
        // The automaton follows all alternatives, because the longest match may fail a further condition.
        let automaton = automaton(patterns, AUTOMATON_SIZE).ok_or((last, PatternError::TooLarge))?;
        let begins = std::array::from_fn(|byte| u8::try_from(byte).is_ok_and(|byte| begins_with(&automaton, byte)));
        Ok(Self(Arc::new(Compiled { automaton, begins })))
    }

    /// The first offset in `text`, from `from` on, at which a match may start.
    pub fn next_start(&self, text: &[u8], from: usize) -> Option<usize> {
        let begins = |byte: &u8| self.0.begins.get(usize::from(*byte)).is_some_and(|begins| *begins);
        text.get(from..)?.iter().position(begins).map(|offset| from.saturating_add(offset))
    }

    /// The matches at the start of `text`, which follows `before`. `last` is true if nothing follows it.
    pub fn matches_at(&self, before: Option<u8>, text: &[u8], last: bool) -> Result<Matches, Undecided> {
        let automaton = &self.0.automaton;
        let mut matches = Matches(Vec::new());
        let config = start::Config::new().anchored(Anchored::Yes).look_behind(before);
        let Ok(mut state) = automaton.start_state(&config) else { return Ok(matches) };
        for (index, byte) in text.iter().enumerate() {
            state = automaton.next_state(state, *byte);
            if automaton.is_special_state(state) {
                if automaton.is_match_state(state) {
                    // The automaton reports a match one byte late.
                    matches.add(automaton, state, index);
                } else if automaton.is_dead_state(state) || automaton.is_quit_state(state) {
                    return Ok(matches);
                }
            }
        }
        if !last {
            return if self.continues(state) { Err(Undecided) } else { Ok(matches) };
        }
        state = automaton.next_eoi_state(state);
        if automaton.is_match_state(state) {
            matches.add(automaton, state, text.len());
        }
        Ok(matches)
    }

    /// True if more bytes can turn `state` into a match, or into a longer one.
    fn continues(&self, state: StateID) -> bool {
        let automaton = &self.0.automaton;
        (0..=u8::MAX).any(|byte| !automaton.is_dead_state(automaton.next_state(state, byte)))
            || automaton.is_match_state(automaton.next_eoi_state(state))
    }
}

impl Matches {
    fn add(&mut self, automaton: &dense::DFA<Vec<u32>>, state: StateID, end: usize) {
        let patterns = (0..automaton.match_len(state)).map(|index| automaton.match_pattern(state, index).as_usize());
        self.0.extend(patterns.map(|pattern| (pattern, end)));
    }

    /// The first pattern from `from` on that matches.
    pub fn next_pattern(&self, from: usize) -> Option<usize> {
        self.0.iter().map(|(pattern, _)| *pattern).filter(|pattern| *pattern >= from).min()
    }

    /// The lengths of the matches of a pattern, ascending.
    pub fn lengths(&self, pattern: usize) -> impl Iterator<Item = usize> {
        self.0.iter().filter(move |(other, _)| *other == pattern).map(|(_, length)| *length)
    }
}

impl WholeTextPattern {
    /// Compiles `pattern`, or returns the reason why it is rejected.
    pub fn compile(pattern: &str) -> Result<Self, PatternError> {
        syntax::parse_with(pattern, &syntax()).map_err(|_| PatternError::Syntax)?;
        // The automaton follows all alternatives, because the first match may end before the text does.
        automaton(&[pattern], WHOLE_SIZE).map(Self).ok_or(PatternError::TooLarge)
    }

    /// True if the pattern matches the whole `text`.
    pub fn matches(&self, text: &[u8]) -> bool {
        let Ok(mut state) = self.0.start_state(&start::Config::new().anchored(Anchored::Yes)) else { return false };
        for byte in text {
            state = self.0.next_state(state, *byte);
            if self.0.is_dead_state(state) || self.0.is_quit_state(state) {
                return false;
            }
        }
        self.0.is_match_state(self.0.next_eoi_state(state))
    }
}

/// The syntax of patterns. Letters, digits and word boundaries are ASCII.
fn syntax() -> syntax::Config {
    syntax::Config::new().unicode(false).utf8(false)
}

/// The automaton for `patterns`, or `None` if it needs more than `size` bytes.
fn automaton(patterns: &[&str], size: usize) -> Option<dense::DFA<Vec<u32>>> {
    let config = dense::Config::new()
        .start_kind(StartKind::Anchored)
        .match_kind(MatchKind::All)
        .dfa_size_limit(Some(size))
        .determinize_size_limit(Some(WORKSPACE));
    dense::Builder::new()
        .configure(config)
        .syntax(syntax())
        .thompson(thompson::Config::new().utf8(false).nfa_size_limit(Some(size)))
        .build_many(patterns)
        .ok()
}

/// True if a match can start with `byte`, after any byte.
fn begins_with(automaton: &dense::DFA<Vec<u32>>, byte: u8) -> bool {
    let before = (0..=u8::MAX).map(Some).chain([None]);
    before.into_iter().any(|before| {
        let config = start::Config::new().anchored(Anchored::Yes).look_behind(before);
        automaton.start_state(&config).is_ok_and(|state| !automaton.is_dead_state(automaton.next_state(state, byte)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &str, text: &str) -> Vec<String> {
        let patterns = Patterns::compile(&[pattern]).ok().unwrap();
        let (mut at, mut found) = (0, Vec::new());
        while let Some(start) = patterns.next_start(text.as_bytes(), at) {
            let before = start.checked_sub(1).map(|before| text.as_bytes()[before]);
            let matches = patterns.matches_at(before, &text.as_bytes()[start..], true).unwrap();
            at = match matches.lengths(0).last() {
                Some(length) => {
                    found.push(text[start..start + length].to_owned());
                    start + length
                }
                None => start + 1,
            };
        }
        found
    }

    #[test]
    fn the_leftmost_and_longest_match_counts() {
        assert_eq!(found(r"\b\d{3}-\d{2}-\d{4}\b", "a 123-45-6789, 1123-45-6789"), ["123-45-6789"]);
        assert_eq!(found("(?i)cust-[a-z]{2,4}", "CUST-abcdef cust-x"), ["CUST-abcd"]);
        assert_eq!(found("ab|abc", "abc"), ["abc"]);
        assert_eq!(found("a$|^b", "b ab a"), ["b", "a"]);
    }

    #[test]
    fn an_incomplete_match_is_undecided() {
        let patterns = Patterns::compile(&[r"\d{3}-\d{2}", "x{2}", "x{2,3}y?"]).ok().unwrap();
        let found = |text: &[u8], last| patterns.matches_at(None, text, last).map(|matches| matches.0);
        assert_eq!(found(b"123-", false), Err(Undecided));
        assert_eq!(found(b"123-", true), Ok(vec![]));
        assert_eq!(found(b"123-45 ", false), Ok(vec![(0, 6)]));
        assert_eq!(found(b"xxy ", false), Ok(vec![(1, 2), (2, 2), (2, 3)]));
        assert_eq!(found(b"xx", true), Ok(vec![(1, 2), (2, 2)]));
        assert_eq!(found(b"xx", false), Err(Undecided));
    }

    #[test]
    fn a_whole_text_matches_or_does_not() {
        let matches = |pattern, text: &str| WholeTextPattern::compile(pattern).ok().unwrap().matches(text.as_bytes());
        assert!(matches("a|ab", "ab") && matches("a*", "") && matches("a+", &"a".repeat(10_000)));
        assert!(!matches("a", "ab") && !matches("b", "ab") && !matches("a|b", "") && !matches("a.c", "a\nc"));
        assert!(matches("^/v1/[^/]+$", "/v1/x") && !matches("^/v1/[^/]+$", "/v1/x/y"));
        let error = |pattern| WholeTextPattern::compile(pattern).err();
        assert_eq!(error("("), Some(PatternError::Syntax));
        assert_eq!(error(r"a)|(b"), Some(PatternError::Syntax));
        assert_eq!(error("[ab]*a[ab]{12}"), Some(PatternError::TooLarge));
    }

    #[test]
    fn patterns_that_cannot_stream_are_rejected() {
        let error = |pattern| Patterns::compile(&["ok", pattern]).err();
        assert_eq!(error("("), Some((1, PatternError::Syntax)));
        assert_eq!(error(r"\pL"), Some((1, PatternError::Syntax)));
        assert_eq!(error("a*"), Some((1, PatternError::Empty)));
        assert_eq!(error("a+"), Some((1, PatternError::Unbounded)));
        assert_eq!(error("a{300}"), Some((1, PatternError::Unbounded)));
        assert_eq!(error("[ab]{1,60}a[ab]{40}"), Some((1, PatternError::TooLarge)));
    }
}
