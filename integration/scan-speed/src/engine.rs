//! Engines that read the inputs: panveil, and regex-automata for comparison.

use std::hint::black_box;
use std::sync::Arc;

use panveil::mask::Style;
use panveil::policy::Policy;
use panveil::stream::{Finding, Inspector, TextFormat};
use panveil::verdict::Criteria;
use regex_automata::dfa::regex::Regex as Dfa;
use regex_automata::meta::Regex as Meta;
use regex_automata::util::syntax;

/// Bytes that Envoy reads from a socket at a time.
const CHUNK: usize = 16 << 10;

/// Regular expression for a number of thirteen digits or more, with or without separators. Checks neither brand nor
/// Luhn.
const NUMBER: &str = "[0-9](?:[ -]?[0-9]){12,}";

/// Engine that reads an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Complete detector of panveil, under an empty policy.
    Panveil,
    /// regex-automata's meta regex, which selects its strategy itself.
    Regex,
    /// regex-automata's dense DFA.
    Dfa,
}

impl Engine {
    /// All engines, in the order of their turns.
    pub const ALL: [Self; 3] = [Self::Panveil, Self::Regex, Self::Dfa];

    /// Name in tables and charts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Panveil => "panveil",
            Self::Regex => "meta regex",
            Self::Dfa => "dense DFA",
        }
    }
}

/// Engine, ready to read.
pub enum Scanner {
    /// Criteria and mask style of a policy.
    Panveil(Arc<Criteria>, Style),
    /// A compiled regular expression.
    Regex(Box<Meta>),
    /// Compiled dense DFA.
    Dfa(Box<Dfa>),
}

impl Scanner {
    /// Reads a policy or compiles an expression, outside the measured time.
    ///
    /// # Errors
    ///
    /// When that fails, in one line.
    pub fn new(engine: Engine) -> Result<Self, String> {
        let bytes = syntax::Config::new().unicode(false).utf8(false);
        Ok(match engine {
            Engine::Panveil => {
                let policy = Policy::parse(b"{}").map_err(|error| error.to_string())?;
                Self::Panveil(policy.criteria(), policy.mask_style())
            }
            Engine::Regex => {
                Self::Regex(Box::new(Meta::builder().syntax(bytes).build(NUMBER).map_err(|error| error.to_string())?))
            }
            Engine::Dfa => {
                Self::Dfa(Box::new(Dfa::builder().syntax(bytes).build(NUMBER).map_err(|error| error.to_string())?))
            }
        })
    }

    /// Reads all of `bytes` once, and returns the number of findings.
    #[must_use]
    pub fn read(&self, text_format: TextFormat, bytes: &[u8]) -> usize {
        match self {
            Self::Panveil(criteria, style) => {
                inspect(Inspector::new(text_format, *style).with_criteria(Arc::clone(criteria)), bytes)
            }
            Self::Regex(regex) => regex.find_iter(black_box(bytes)).count(),
            Self::Dfa(dfa) => dfa.find_iter(black_box(bytes)).count(),
        }
    }
}

/// Reads like the filter: chunk by chunk, with the undecided end of each chunk in front of the next one.
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
        for engine in Engine::ALL {
            let scanner = Scanner::new(engine).unwrap();
            let card = scanner.read(TextFormat::Text, b"pay with 4111 1111 1111 1111, please");
            let none = scanner.read(TextFormat::Text, b"order 4711 of 2026");
            assert_eq!((card, none), (1, 0), "{}", engine.name());
        }
    }

    #[test]
    fn a_card_across_chunks_is_found() {
        let mut text = vec![b'a'; 3 * CHUNK];
        for start in [CHUNK - 7, 2 * CHUNK - 16] {
            text[start..start + 18].copy_from_slice(b" 4111111111111111 ");
        }
        assert_eq!(Scanner::new(Engine::Panveil).unwrap().read(TextFormat::Text, &text), 2);
    }
}
