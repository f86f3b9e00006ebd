//! Where does a pattern of the operator match?
//!
//! All patterns are one automaton, which is run from every byte with which a match can begin. A match has a bounded length,
//! so that a stream never waits long for its end. Letters, digits and word boundaries are those of ASCII.

use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::nfa::thompson;
use regex_automata::util::primitives::StateID;
use regex_automata::util::{start, syntax};
use regex_automata::{Anchored, MatchKind};
use std::sync::Arc;

/// Patterns that are ready to match. Cheap to clone.
#[derive(Clone)]
pub struct Patterns(Arc<Compiled>);

struct Compiled {
    automaton: dense::DFA<Vec<u32>>,
    begins: [bool; 256],
}

/// A pattern that is compared with a text as a whole, however long that is.
pub struct Whole(dense::DFA<Vec<u32>>);

/// What begins at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// Nothing.
    None,
    /// A match of the pattern with this number, which ends there.
    Ends(usize, usize),
    /// What follows decides.
    Open,
}

/// Why a pattern is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It is no regular expression.
    Syntax,
    /// It matches the empty text.
    Empty,
    /// What it matches has no bound, or one beyond [`LONGEST_MATCH`].
    Unbounded,
    /// The automaton for the patterns up to this one is too large.
    TooLarge,
}

/// The most bytes of a match.
pub const LONGEST_MATCH: usize = 256;

/// The most patterns.
pub const MOST_PATTERNS: usize = 32;

/// The most memory for the automaton, and for making it, in bytes.
const AUTOMATON_SIZE: usize = 512 << 10;
const WORKSPACE: usize = 2 << 20;

/// The same, for one that is compared with whole texts.
const WHOLE_SIZE: usize = 64 << 10;

impl Patterns {
    /// Compiles `patterns`, or says which one is refused and why.
    pub fn compile(patterns: &[&str]) -> Result<Self, (usize, Refused)> {
        for (index, pattern) in patterns.iter().enumerate() {
            let parsed = syntax::parse_with(pattern, &syntax()).map_err(|_| (index, Refused::Syntax))?;
            let properties = parsed.properties();
            if properties.minimum_len().is_none_or(|length| length == 0) {
                return Err((index, Refused::Empty));
            }
            if properties.maximum_len().is_none_or(|length| length > LONGEST_MATCH) {
                return Err((index, Refused::Unbounded));
            }
        }
        let last = patterns.len().saturating_sub(1);
        let automaton =
            automaton(patterns, MatchKind::LeftmostFirst, AUTOMATON_SIZE).ok_or((last, Refused::TooLarge))?;
        let begins = std::array::from_fn(|byte| u8::try_from(byte).is_ok_and(|byte| begins_with(&automaton, byte)));
        Ok(Self(Arc::new(Compiled { automaton, begins })))
    }

    /// The first place in `text` from `from` on where a match may begin.
    pub fn next_start(&self, text: &[u8], from: usize) -> Option<usize> {
        let begins = |byte: &u8| self.0.begins.get(usize::from(*byte)).is_some_and(|begins| *begins);
        text.get(from..)?.iter().position(begins).map(|offset| from.saturating_add(offset))
    }

    /// What begins with `text`, which follows `before`. `last` says that nothing follows it.
    pub fn match_at(&self, before: Option<u8>, text: &[u8], last: bool) -> Match {
        let automaton = &self.0.automaton;
        let config = start::Config::new().anchored(Anchored::Yes).look_behind(before);
        let Ok(mut state) = automaton.start_state(&config) else { return Match::None };
        let mut found = Match::None;
        let ends = |state, end| Match::Ends(automaton.match_pattern(state, 0).as_usize(), end);
        for (index, byte) in text.iter().enumerate() {
            state = automaton.next_state(state, *byte);
            if automaton.is_special_state(state) {
                if automaton.is_match_state(state) {
                    // The automaton tells of a match one byte late.
                    found = ends(state, index);
                } else if automaton.is_dead_state(state) || automaton.is_quit_state(state) {
                    return found;
                }
            }
        }
        if !last {
            return if self.goes_on(state) { Match::Open } else { found };
        }
        state = automaton.next_eoi_state(state);
        if automaton.is_match_state(state) { ends(state, text.len()) } else { found }
    }

    /// True when what follows can make a match out of `state`, or a longer one.
    fn goes_on(&self, state: StateID) -> bool {
        let automaton = &self.0.automaton;
        (0..=u8::MAX).any(|byte| !automaton.is_dead_state(automaton.next_state(state, byte)))
            || automaton.is_match_state(automaton.next_eoi_state(state))
    }
}

impl Whole {
    /// Compiles `pattern`, or says why it is refused.
    pub fn compile(pattern: &str) -> Result<Self, Refused> {
        syntax::parse_with(pattern, &syntax()).map_err(|_| Refused::Syntax)?;
        // All ways to match are followed, since the first one may end before the text does.
        automaton(&[pattern], MatchKind::All, WHOLE_SIZE).map(Self).ok_or(Refused::TooLarge)
    }

    /// True when the pattern matches `text` from its beginning to its end.
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

/// Letters, digits and word boundaries are those of ASCII.
fn syntax() -> syntax::Config {
    syntax::Config::new().unicode(false).utf8(false)
}

/// The automaton for `patterns`, of at most `size` bytes; `None` when it is larger.
fn automaton(patterns: &[&str], kind: MatchKind, size: usize) -> Option<dense::DFA<Vec<u32>>> {
    let config = dense::Config::new()
        .start_kind(StartKind::Anchored)
        .match_kind(kind)
        .dfa_size_limit(Some(size))
        .determinize_size_limit(Some(WORKSPACE));
    dense::Builder::new()
        .configure(config)
        .syntax(syntax())
        .thompson(thompson::Config::new().utf8(false).nfa_size_limit(Some(size)))
        .build_many(patterns)
        .ok()
}

/// True when a match may begin with `byte`, whatever is before it.
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
            at = match patterns.match_at(before, &text.as_bytes()[start..], true) {
                Match::Ends(_, length) => {
                    found.push(text[start..start + length].to_owned());
                    start + length
                }
                Match::None | Match::Open => start + 1,
            };
        }
        found
    }

    #[test]
    fn matches_are_those_of_the_leftmost_first() {
        assert_eq!(found(r"\b\d{3}-\d{2}-\d{4}\b", "a 123-45-6789, 1123-45-6789"), ["123-45-6789"]);
        assert_eq!(found("(?i)cust-[a-z]{2,4}", "CUST-abcdef cust-x"), ["CUST-abcd"]);
        assert_eq!(found("ab|abc", "abc"), ["ab"]);
        assert_eq!(found("a$|^b", "b ab a"), ["b", "a"]);
    }

    #[test]
    fn what_is_cut_is_open() {
        let patterns = Patterns::compile(&[r"\d{3}-\d{2}", "x{2}"]).ok().unwrap();
        assert_eq!(patterns.match_at(None, b"123-", false), Match::Open);
        assert_eq!(patterns.match_at(None, b"123-", true), Match::None);
        assert_eq!(patterns.match_at(None, b"123-45 ", false), Match::Ends(0, 6));
        assert_eq!(patterns.match_at(None, b"xxy", false), Match::Ends(1, 2));
    }

    #[test]
    fn a_whole_text_matches_or_does_not() {
        let matches = |pattern, text: &str| Whole::compile(pattern).ok().unwrap().matches(text.as_bytes());
        assert!(matches("a|ab", "ab") && matches("a*", "") && matches("a+", &"a".repeat(10_000)));
        assert!(!matches("a", "ab") && !matches("b", "ab") && !matches("a|b", "") && !matches("a.c", "a\nc"));
        assert!(matches("^/v1/[^/]+$", "/v1/x") && !matches("^/v1/[^/]+$", "/v1/x/y"));
        let refused = |pattern| Whole::compile(pattern).err();
        assert_eq!(refused("("), Some(Refused::Syntax));
        assert_eq!(refused(r"a)|(b"), Some(Refused::Syntax));
        assert_eq!(refused("[ab]*a[ab]{12}"), Some(Refused::TooLarge));
    }

    #[test]
    fn patterns_that_cannot_stream_are_refused() {
        let refused = |pattern| Patterns::compile(&["ok", pattern]).err();
        assert_eq!(refused("("), Some((1, Refused::Syntax)));
        assert_eq!(refused(r"\pL"), Some((1, Refused::Syntax)));
        assert_eq!(refused("a*"), Some((1, Refused::Empty)));
        assert_eq!(refused("a+"), Some((1, Refused::Unbounded)));
        assert_eq!(refused("a{300}"), Some((1, Refused::Unbounded)));
        assert_eq!(refused("[ab]{1,60}a[ab]{40}"), Some((1, Refused::TooLarge)));
    }
}
