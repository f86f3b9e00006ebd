//! Who reads the inputs?

use std::hint::black_box;
use std::sync::Arc;

use panveil::mask::Style;
use panveil::policy::Policy;
use panveil::stream::{Document, Finding, Inspector};
use panveil::verdict::Criteria;
use regex_automata::dfa::regex::Regex as Dfa;
use regex_automata::meta::Regex as Meta;
use regex_automata::util::syntax;

/// As many bytes as Envoy reads from a socket at a time.
const CHUNK: usize = 16 << 10;

/// What a number looks like to a regular expression: thirteen digits or more, in groups or not. No brand, no check digit.
const NUMBER: &str = "[0-9](?:[ -]?[0-9]){12,}";

/// Who reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contestant {
    /// The whole detector, under an empty policy.
    Panveil,
    /// regex-automata's meta regex, which chooses its engine itself.
    Regex,
    /// regex-automata's dense DFA.
    Dfa,
}

impl Contestant {
    /// In the order in which they take turns.
    pub const ALL: [Self; 3] = [Self::Panveil, Self::Regex, Self::Dfa];

    /// As tables and charts name it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Panveil => "panveil",
            Self::Regex => "meta regex",
            Self::Dfa => "dense DFA",
        }
    }
}

/// A contestant, ready to read.
pub enum Scanner {
    /// What a filter has of its policy.
    Panveil(Arc<Criteria>, Style),
    /// A compiled regular expression.
    Regex(Box<Meta>),
    /// The same.
    Dfa(Box<Dfa>),
}

impl Scanner {
    /// Reads a policy or compiles an expression, which is not measured.
    ///
    /// # Errors
    ///
    /// In one line, when that fails.
    pub fn new(contestant: Contestant) -> Result<Self, String> {
        let bytes = syntax::Config::new().unicode(false).utf8(false);
        Ok(match contestant {
            Contestant::Panveil => {
                let policy = Policy::parse(b"{}").map_err(|error| error.to_string())?;
                Self::Panveil(policy.criteria(), policy.mask_style())
            }
            Contestant::Regex => {
                Self::Regex(Box::new(Meta::builder().syntax(bytes).build(NUMBER).map_err(|error| error.to_string())?))
            }
            Contestant::Dfa => {
                Self::Dfa(Box::new(Dfa::builder().syntax(bytes).build(NUMBER).map_err(|error| error.to_string())?))
            }
        })
    }

    /// Reads all of `bytes` once and says how much it found.
    #[must_use]
    pub fn read(&self, document: Document, bytes: &[u8]) -> usize {
        match self {
            Self::Panveil(criteria, style) => {
                inspect(Inspector::new(document, *style).under(Arc::clone(criteria)), bytes)
            }
            Self::Regex(regex) => regex.find_iter(black_box(bytes)).count(),
            Self::Dfa(dfa) => dfa.find_iter(black_box(bytes)).count(),
        }
    }
}

/// As the filter does it: chunk by chunk, and what a chunk leaves undecided in front of the next one.
fn inspect(mut inspector: Inspector, bytes: &[u8]) -> usize {
    let mut found = 0;
    let mut findings: Vec<Finding> = Vec::new();
    let mut held: Vec<u8> = Vec::new();
    let mut chunks = bytes.chunks(CHUNK).peekable();
    while let Some(chunk) = chunks.next() {
        let chunk = black_box(chunk);
        let last = chunks.peek().is_none();
        if held.is_empty() {
            let decided = inspector.inspect(chunk, last, &mut findings);
            held.extend_from_slice(&chunk[decided..]);
        } else {
            held.extend_from_slice(chunk);
            let decided = inspector.inspect(&held, last, &mut findings);
            held.drain(..decided);
        }
        found += findings.len();
        findings.clear();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_finds_a_card_and_nothing_in_a_text() {
        for contestant in Contestant::ALL {
            let scanner = Scanner::new(contestant).unwrap();
            let card = scanner.read(Document::Text, b"pay with 4111 1111 1111 1111, please");
            let none = scanner.read(Document::Text, b"order 4711 of 2026");
            assert_eq!((card, none), (1, 0), "{}", contestant.name());
        }
    }

    #[test]
    fn a_card_across_chunks_is_found() {
        let mut text = vec![b'a'; 3 * CHUNK];
        for start in [CHUNK - 7, 2 * CHUNK - 16] {
            text[start..start + 18].copy_from_slice(b" 4111111111111111 ");
        }
        assert_eq!(Scanner::new(Contestant::Panveil).unwrap().read(Document::Text, &text), 2);
    }
}
