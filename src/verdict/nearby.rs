//! Words near a match that a pattern requires or excludes.
//!
//! The words of all patterns are in one Aho-Corasick automaton, which runs only on the bytes around a match. Words are compared like
//! field names: by ASCII letters without their case, digits and bytes of other letters. A word begins and ends where one does in the
//! text; an uppercase letter behind a lowercase one begins a word (`routingNumber`).

use super::vocabulary;
use aho_corasick::Anchored;
use aho_corasick::automaton::Automaton;
use aho_corasick::nfa::contiguous;

/// Number of bytes before a match in which a word may be.
pub const REACH_BEFORE: usize = 100;

/// Number of bytes behind a match in which a word may be.
pub const REACH_BEHIND: usize = 60;

/// The words of all patterns.
pub struct NearWords {
    automaton: contiguous::NFA,
    /// The pattern of each word, and its effect.
    words: Vec<(usize, Effect)>,
}

/// The words of one pattern.
#[derive(Clone, Copy)]
pub struct Words<'w> {
    /// At least one of these must be near, unless there are none.
    pub near: &'w [String],
    /// None of these may be near.
    pub not_near: &'w [String],
}

/// The text around a match.
pub struct Around<'t> {
    /// At least the [`REACH_BEFORE`] bytes before it, and one more; fewer if the text begins there.
    pub before: Vec<u8>,
    /// The bytes behind it, as far as they have arrived.
    pub behind: &'t [u8],
    /// True if the text ends with `behind`.
    pub last: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    Requires,
    Excludes,
}

impl NearWords {
    /// Compiles the words of each pattern; `None` if no pattern has any.
    pub fn compile<'w>(patterns: impl Iterator<Item = Words<'w>>) -> Option<Self> {
        let (mut spellings, mut words) = (Vec::new(), Vec::new());
        for (pattern, Words { near, not_near }) in patterns.enumerate() {
            let effects = [(near, Effect::Requires), (not_near, Effect::Excludes)];
            for (word, effect) in
                effects.into_iter().flat_map(|(list, effect)| list.iter().map(move |word| (word, effect)))
            {
                spellings.push(Spelling::of(word.as_bytes(), true, true).letters);
                words.push((pattern, effect));
            }
        }
        if words.is_empty() {
            return None;
        }
        let automaton = vocabulary::automaton(spellings)?;
        Some(Self { automaton, words })
    }

    /// True if the words around a match of `pattern` are as it requires; `None` if that depends on bytes that have not arrived yet.
    pub fn admit<'t>(&self, pattern: usize, around: impl FnOnce() -> Around<'t>) -> Option<bool> {
        let has = |effect| self.words.contains(&(pattern, effect));
        let (requires, excludes) = (has(Effect::Requires), has(Effect::Excludes));
        if !requires && !excludes {
            return Some(true);
        }
        let around = around();
        let sides = [around.spelling_before(), around.spelling_behind()];
        let is_near = |effect| sides.iter().any(|side| self.is_in(side, (pattern, effect)));
        if excludes && is_near(Effect::Excludes) {
            return Some(false);
        }
        let is_missing = requires && !is_near(Effect::Requires);
        if around.is_complete() {
            return Some(!is_missing);
        }
        (!is_missing && !excludes).then_some(true)
    }

    /// True if a word of this pattern and effect is in `text`.
    fn is_in(&self, text: &Spelling, word: (usize, Effect)) -> bool {
        let Ok(mut state) = self.automaton.start_state(Anchored::No) else { return false };
        for (end, byte) in (1_usize..).zip(&text.letters) {
            state = self.automaton.next_state(Anchored::No, state, *byte);
            if !self.automaton.is_match(state) || !text.is_bound(end) {
                continue;
            }
            for index in 0..self.automaton.match_len(state) {
                let found = self.automaton.match_pattern(state, index);
                let start = end.saturating_sub(self.automaton.pattern_len(found));
                if text.is_bound(start) && self.words.get(found.as_usize()) == Some(&word) {
                    return true;
                }
            }
        }
        false
    }
}

impl Around<'_> {
    /// True if the bytes behind the match suffice for every word.
    fn is_complete(&self) -> bool {
        self.last || self.behind.len() > REACH_BEHIND
    }

    fn spelling_before(&self) -> Spelling {
        let (outside, near) =
            self.before.split_at_checked(self.before.len().saturating_sub(REACH_BEFORE)).unwrap_or_default();
        let opens = outside.last().zip(near.first()).is_none_or(|(outside, first)| is_bound(*outside, *first, None));
        Spelling::of(near, opens, true)
    }

    fn spelling_behind(&self) -> Spelling {
        let (near, outside) = self.behind.split_at_checked(REACH_BEHIND).unwrap_or((self.behind, &[]));
        let closes = near.last().zip(outside.first()).is_none_or(|(last, outside)| is_bound(*last, *outside, None));
        // At the end of an incomplete text, a word may go on.
        Spelling::of(near, true, closes && self.is_complete())
    }
}

/// A text in the spelling of the automaton.
struct Spelling {
    /// Its letters and digits.
    letters: Vec<u8>,
    /// For each of them, whether a word may begin with it, and whether one may end at the end.
    bounds: Vec<bool>,
}

impl Spelling {
    /// The spelling of `text`. A word may begin at its start if `opens`, and end at its end if `closes`.
    fn of(text: &[u8], opens: bool, closes: bool) -> Self {
        let mut spelling = Self { letters: Vec::with_capacity(text.len()), bounds: Vec::with_capacity(text.len()) };
        let mut before = None;
        for (index, byte) in text.iter().enumerate() {
            if is_letter(*byte) {
                let behind = text.get(index.saturating_add(1)).copied();
                spelling.bounds.push(before.map_or(opens, |before| is_bound(before, *byte, behind)));
                spelling.letters.push(byte.to_ascii_lowercase());
            }
            before = Some(*byte);
        }
        spelling.bounds.push(closes || before.is_some_and(|before| !is_letter(before)));
        spelling
    }

    fn is_bound(&self, at: usize) -> bool {
        self.bounds.get(at).copied().unwrap_or_default()
    }
}

/// True for ASCII letters and digits, and for the bytes of all other characters.
fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || !byte.is_ascii()
}

/// True if a word may end with the byte `before` and the next one begin with `byte`, before `behind`.
fn is_bound(before: u8, byte: u8, behind: Option<u8>) -> bool {
    if !before.is_ascii_alphanumeric() || !byte.is_ascii_alphanumeric() {
        return true;
    }
    let ends_acronym = before.is_ascii_uppercase() && behind.is_some_and(|behind| behind.is_ascii_lowercase());
    before.is_ascii_digit() != byte.is_ascii_digit()
        || (byte.is_ascii_uppercase() && (before.is_ascii_lowercase() || ends_acronym))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    fn compile(near: &[&str], not_near: &[&str]) -> NearWords {
        let (near, not_near) = (words(near), words(not_near));
        NearWords::compile([Words { near: &near, not_near: &not_near }].into_iter()).unwrap()
    }

    fn admit(near: &[&str], not_near: &[&str], before: &str, behind: &str) -> Option<bool> {
        compile(near, not_near).admit(0, || Around { before: before.into(), behind: behind.as_bytes(), last: true })
    }

    #[test]
    fn words_are_compared_like_field_names() {
        for (word, before, expected) in [
            ("routing number", "Routing Number: ", true),
            ("routing number", "\"routingNumber\":", true),
            ("routing_number", "routing-number=", true),
            ("ROUTING", "routingNumber", true),
            ("aba", "ABANumber ", true),
            ("aba", "aba", true),
            ("aba", "aba2: ", true),
            ("aba", "database ", false),
            ("aba", "abacus ", false),
            ("aba", "Abacus ", false),
            ("número de ruta", "NÚMERO DE RUTA: ", false),
            ("número de ruta", "número de ruta: ", true),
            ("身份证", "我的身份证号码", true),
        ] {
            assert_eq!(admit(&[word], &[], before, ""), Some(expected), "{word} in {before}");
            assert_eq!(admit(&[word], &[], "", before), Some(expected), "{word} in {before}");
            assert_eq!(admit(&[], &[word], before, ""), Some(!expected), "{word} in {before}");
        }
    }

    #[test]
    fn one_required_word_suffices_and_one_excluded_word_rejects() {
        assert_eq!(admit(&["aba", "routing"], &[], "routing ", ""), Some(true));
        assert_eq!(admit(&["aba"], &["order"], "aba ", " order"), Some(false));
        assert_eq!(admit(&["aba"], &["order"], "aba ", ""), Some(true));
        assert_eq!(admit(&["aba"], &["order"], "", ""), Some(false));
        assert_eq!(admit(&[], &["order"], "", ""), Some(true));
        assert_eq!(admit(&[], &["order", "no"], "x", " no"), Some(false));
    }

    #[test]
    fn words_beyond_the_reach_do_not_count() {
        let near = |before: String, behind: String| admit(&["aba"], &[], &before, &behind).unwrap();
        let space = |count| " ".repeat(count);
        assert!(near(format!("aba{}", space(REACH_BEFORE - 3)), String::new()));
        assert!(!near(format!("aba{}", space(REACH_BEFORE - 2)), String::new()));
        assert!(!near(format!("xaba{}", space(REACH_BEFORE - 3)), String::new()));
        assert!(near(String::new(), format!("{}aba", space(REACH_BEHIND - 3))));
        assert!(!near(String::new(), format!("{}aba", space(REACH_BEHIND - 2))));
        assert!(!near(String::new(), format!("{}abax", space(REACH_BEHIND - 3))));
        assert!(near(String::new(), format!("{}aba x", space(REACH_BEHIND - 3))));
    }

    #[test]
    fn words_of_another_pattern_do_not_count() {
        let (aba, ssn) = (words(&["aba"]), words(&["ssn"]));
        let all = NearWords::compile(
            [
                Words { near: &aba, not_near: &ssn },
                Words { near: &ssn, not_near: &[] },
                Words { near: &[], not_near: &[] },
            ]
            .into_iter(),
        );
        let all = all.unwrap();
        let admit =
            |pattern, before: &str| all.admit(pattern, || Around { before: before.into(), behind: b"", last: true });
        assert_eq!([admit(0, "aba "), admit(1, "aba "), admit(2, "aba ")], [Some(true), Some(false), Some(true)]);
        assert_eq!([admit(0, "aba ssn "), admit(1, "aba ssn "), admit(2, "")], [Some(false), Some(true), Some(true)]);
        assert!(NearWords::compile([Words { near: &[], not_near: &[] }].into_iter()).is_none());
    }

    #[test]
    fn a_word_at_the_end_of_an_incomplete_text_is_undecided() {
        let all = compile(&["aba"], &[]);
        let admit =
            |before: &[u8], behind: &[u8]| all.admit(0, || Around { before: before.to_vec(), behind, last: false });
        assert_eq!(admit(b"aba ", b""), Some(true));
        assert_eq!(admit(b"", b" aba"), None);
        assert_eq!(admit(b"", b" aba "), Some(true));
        assert_eq!(admit(b"", &[b' '; REACH_BEHIND]), None);
        assert_eq!(admit(b"", &[b' '; REACH_BEHIND + 1]), Some(false));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// A decision with a part of the bytes behind a match is that with all of them.
        #[test]
        fn more_bytes_change_no_decision(
            before in "[a-zA-Z_ 1]{0,6}(aba|ABA|Order|no)?[a-zA-Z_ 1]{0,110}",
            behind in "[a-zA-Z_ 1]{0,64}(aba|ABA|Order|no)?[a-zA-Z_ 1]{0,20}",
            near in any::<bool>(),
            not_near in any::<bool>(),
            cut in any::<prop::sample::Index>(),
        ) {
            let (near, not_near): (&[&str], &[&str]) =
                (if near { &["aba"] } else { &[] }, if not_near || !near { &["order", "no"] } else { &[] });
            let all = compile(near, not_near);
            let admit = |behind: &str, last| all.admit(0, || Around { before: before.clone().into_bytes(), behind: behind.as_bytes(), last });
            let whole = admit(&behind, true);
            prop_assert!(whole.is_some());
            let part = admit(&behind[..cut.index(behind.len() + 1)], false);
            prop_assert!(part.is_none() || part == whole, "{:?} of {:?}", part, whole);
        }
    }
}
