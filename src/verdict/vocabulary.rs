//! The phrases that name numbers, in 60 languages: card numbers, orders, parcels, phones.
//!
//! `scripts/vocabulary` writes `phrases.txt` from the folder `vocabulary/`, which has the sources of each phrase. All phrases are
//! in Aho-Corasick automata, one for each first byte, once in each Wasm VM. They run only on names and on the words before a
//! candidate.
//!
//! Names are compared in one spelling: lowercase, without the marks of Latin, Greek and Cyrillic letters, and without separators.
//! A phrase must begin and end where a word does. In scripts without spaces, every character is a word.

use super::words::Meaning;
use crate::scan::mutation::is_disabled;
use aho_corasick::automaton::Automaton;
use aho_corasick::nfa::{contiguous, noncontiguous};
use aho_corasick::{Anchored, MatchKind};
use std::ops::Range;
use std::sync::OnceLock;

/// Letters with their replacements, then the phrases of each concept: see `for_filter` in `scripts/vocabulary`.
const PHRASES: &str = include_str!("phrases.txt");

/// The first byte of a phrase that shares no characters with the one before.
const NO_SHARED: u8 = b'@';

/// The sections by the first byte of their phrases, each built at its first use.
static SECTIONS: [OnceLock<Option<Box<Section>>>; 256] = [const { OnceLock::new() }; 256];

/// Letters with their replacements, sorted.
static LETTERS: OnceLock<Vec<(char, char)>> = OnceLock::new();

/// A phrase of the vocabulary in a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    /// The meaning of the phrase.
    pub meaning: Meaning,
    /// The words of the name that contain the phrase.
    pub words: Range<usize>,
    /// The length of the phrase in bytes, without separators.
    pub len: usize,
}

/// The phrases in a name with these lowercase `words`, in their order. Where phrases overlap, the first one counts, and the longest
/// of those with the same start.
pub fn phrases(words: &[impl AsRef<[u8]>]) -> Vec<Phrase> {
    let name = Spelling::of(words);
    let mut phrases = Vec::new();
    let mut start = 0;
    while let Some(first) = name.text.get(start) {
        let section = if name.is_bound(start) { section(*first) } else { None };
        let Some((end, meaning)) = section.and_then(|section| section.longest(&name, start)) else {
            start = start.saturating_add(1);
            continue;
        };
        let words = name.word_at(start)..name.word_at(end.saturating_sub(1)).saturating_add(1);
        phrases.push(Phrase { meaning, words, len: end.saturating_sub(start) });
        start = end;
    }
    phrases
}

/// The automaton of these phrases. The front type of the crate adds code of engines that are not needed.
pub(super) fn automaton(phrases: Vec<impl AsRef<[u8]>>) -> Option<contiguous::NFA> {
    let trie = noncontiguous::Builder::new()
        .match_kind(MatchKind::Standard)
        .prefilter(false)
        .dense_depth(1)
        .build(phrases)
        .ok()?;
    contiguous::Builder::new().dense_depth(1).build_from_noncontiguous(&trie).ok()
}

fn section(first: u8) -> Option<&'static Section> {
    SECTIONS.get(usize::from(first))?.get_or_init(|| Section::of(first).map(Box::new)).as_deref()
}

fn letters() -> &'static [(char, char)] {
    let pair = |line: &str| line.chars().next().zip(line.chars().nth(1));
    LETTERS.get_or_init(|| PHRASES.lines().take_while(|line| !line.starts_with('=')).filter_map(pair).collect())
}

/// The phrases that begin with the same byte. One automaton for all phrases needs two megabytes while it is built.
struct Section {
    automaton: contiguous::NFA,
    /// The meaning of each phrase.
    meanings: Vec<Meaning>,
}

impl Section {
    /// Reads the phrases that begin with `first`; `None` if there are none. A line is `=` and a concept, or a phrase. A phrase begins
    /// with the number of characters that it shares with the line before, as a byte from [`NO_SHARED`].
    fn of(first: u8) -> Option<Self> {
        let (mut phrases, mut meanings) = (Vec::new(), Vec::new());
        let mut concept = None;
        let mut phrase = String::new();
        for line in PHRASES.lines() {
            let (shared, rest) = line.split_at_checked(1).unwrap_or_default();
            if shared == "=" {
                concept = (!is_disabled("concept", rest)).then(|| meaning_of(rest));
                phrase.clear();
            } else if let Some(meaning) = concept {
                let shared = shared.bytes().next().unwrap_or_default().saturating_sub(NO_SHARED);
                let end = phrase.char_indices().nth(usize::from(shared)).map_or(phrase.len(), |(end, _)| end);
                phrase.truncate(end);
                phrase.push_str(rest);
                if phrase.bytes().next() == Some(first) {
                    phrases.push(phrase.clone());
                    meanings.push(meaning);
                }
            }
        }
        if phrases.is_empty() {
            return None;
        }
        let automaton = automaton(phrases)?;
        Some(Self { automaton, meanings })
    }

    /// The end and the meaning of the longest phrase at `start` of a name.
    fn longest(&self, name: &Spelling, start: usize) -> Option<(usize, Meaning)> {
        let mut state = self.automaton.start_state(Anchored::Yes).ok()?;
        let mut longest = None;
        for (end, byte) in (0_usize..).zip(&name.text).skip(start) {
            state = self.automaton.next_state(Anchored::Yes, state, *byte);
            if self.automaton.is_dead(state) {
                break;
            }
            let end = end.saturating_add(1);
            if self.automaton.is_match(state) && name.may_end(end) {
                // The first pattern of a state is the longest.
                let pattern = self.automaton.match_pattern(state, 0);
                if self.automaton.pattern_len(pattern) == end.saturating_sub(start) {
                    longest = self.meanings.get(pattern.as_usize()).map(|meaning| (end, *meaning));
                }
            }
        }
        longest
    }
}

/// The meaning of the phrases of a concept.
fn meaning_of(concept: &str) -> Meaning {
    match concept {
        "card_number" => Meaning::Card,
        "expiry" | "verification_code" | "pin" | "cardholder" => Meaning::CardField,
        "account" => Meaning::Account,
        "order" | "invoice" | "customer" | "reference" => Meaning::Identifier,
        _ => Meaning::Other,
    }
}

/// A name in the spelling of the vocabulary.
struct Spelling {
    /// Its letters and digits.
    text: Vec<u8>,
    /// The end of each word in the text.
    ends: Vec<usize>,
}

impl Spelling {
    fn of(words: &[impl AsRef<[u8]>]) -> Self {
        let len = words.iter().map(|word| word.as_ref().len()).sum();
        let mut name = Self { text: Vec::with_capacity(len), ends: Vec::with_capacity(words.len()) };
        for word in words {
            let word = word.as_ref();
            if word.is_ascii() {
                name.text.extend(word.iter().map(u8::to_ascii_lowercase));
            } else {
                name.push(&String::from_utf8_lossy(word), letters());
            }
            name.ends.push(name.text.len());
        }
        name
    }

    fn push(&mut self, word: &str, letters: &[(char, char)]) {
        for c in word.chars() {
            if c >= FIRST_WITHOUT_CASE {
                self.text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                continue;
            }
            for letter in c.to_lowercase().filter(|letter| !is_mark(*letter)) {
                let index = letters.binary_search_by_key(&letter, |(other, _)| *other);
                let plain = index.ok().and_then(|index| letters.get(index)).map_or(letter, |(_, plain)| *plain);
                self.text.extend_from_slice(plain.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
    }

    /// True if a phrase may end at `end`: where a word does, or before a plural `s`.
    fn may_end(&self, end: usize) -> bool {
        self.is_bound(end) || (self.text.get(end) == Some(&b's') && self.is_bound(end.saturating_add(1)))
    }

    /// True if a phrase may begin or end at `at`.
    fn is_bound(&self, at: usize) -> bool {
        if at == 0 || self.ends.contains(&at) {
            return true;
        }
        let (before, behind) = self.text.split_at_checked(at).unwrap_or_default();
        let (Some(last), Some(next)) = (before.last(), behind.first()) else { return false };
        last.is_ascii_digit() != next.is_ascii_digit() || ends_unspaced(before) || begins_unspaced(behind)
    }

    /// The index of the word that contains the byte `at`.
    fn word_at(&self, at: usize) -> usize {
        self.ends.partition_point(|end| *end <= at)
    }
}

/// The first of the characters that have neither case nor marks in the vocabulary: Chinese, Japanese, Korean.
const FIRST_WITHOUT_CASE: char = '\u{2000}';

/// True if the last character of `text` is of a script without spaces.
fn ends_unspaced(text: &[u8]) -> bool {
    let start = text.len().saturating_sub(LONGEST_UNSPACED);
    text.get(start..).is_some_and(begins_unspaced)
}

/// True if the first character of `text` is of a script without spaces.
fn begins_unspaced(text: &[u8]) -> bool {
    // Most text is in ASCII.
    let first = text.get(..LONGEST_UNSPACED).filter(|first| first.first() >= Some(&FIRST_OF_THREE));
    let first = first.and_then(|first| std::str::from_utf8(first).ok());
    first.and_then(|first| first.chars().next()).is_some_and(is_unspaced)
}

/// The least first byte of a character with three bytes.
const FIRST_OF_THREE: u8 = 0xe0;

/// The length of the characters of scripts without spaces in UTF-8.
const LONGEST_UNSPACED: usize = 3;

/// True for the marks of Latin, Greek and Cyrillic letters, and for the part of a Thai vowel that NFKC splits off.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{e4d}')
}

/// True for the letters of Thai, Chinese, Japanese and Korean, where words follow each other without spaces.
pub fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{e7f}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::{Verdict, context, name, tests::verdict};
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};
    use std::fs;

    /// A line of the folder `vocabulary/`.
    struct Entry {
        concept: String,
        phrase: String,
        languages: Vec<String>,
    }

    /// The entries in the order of [`PHRASES`], where the first concept of a spelling counts.
    fn entries() -> Vec<Entry> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/vocabulary");
        let mut entries = Vec::new();
        for concept in PHRASES.lines().filter_map(|line| line.strip_prefix('=')) {
            for line in fs::read_to_string(format!("{folder}/{concept}.tsv")).unwrap().lines() {
                let columns: Vec<&str> = line.split('\t').collect();
                entries.push(Entry {
                    concept: concept.to_owned(),
                    phrase: columns[0].to_owned(),
                    languages: columns[1].split(',').map(str::to_owned).collect(),
                });
            }
        }
        entries
    }

    /// True if the filter has the phrase as a whole.
    fn is_known(phrase: &str) -> bool {
        let words: Vec<&[u8]> = phrase.split(' ').map(str::as_bytes).collect();
        phrases(&words).iter().any(|found| found.words == (0..words.len()))
    }

    /// True if the concept has common words that alone do not say what a number is.
    fn has_common_words(concept: &str) -> bool {
        matches!(concept, "reference" | "customer" | "amount")
    }

    #[test]
    fn every_phrase_is_known_except_common_words() {
        for Entry { concept, phrase, .. } in entries() {
            let is_common = has_common_words(&concept) && !phrase.contains(' ');
            assert!(is_common || is_known(&phrase), "{concept}: {phrase}");
        }
    }

    #[test]
    fn every_concept_of_every_language_is_known() {
        let mut known: BTreeMap<(String, String), bool> = BTreeMap::new();
        for Entry { concept, phrase, languages } in entries() {
            for language in languages {
                *known.entry((language, concept.clone())).or_default() |= is_known(&phrase);
            }
        }
        for ((language, concept), is_known) in &known {
            assert!(*is_known || has_common_words(concept), "{language}: {concept}");
        }
        let languages: BTreeSet<&String> = known.keys().map(|(language, _)| language).collect();
        assert!(languages.len() > 60, "{}", languages.len());
    }

    /// In every language, the name of another number makes a valid card number another number, and the name of a card makes it
    /// a card. The number has a length that other numbers have too, so that the name of a card is needed.
    #[test]
    fn names_decide_in_every_language() {
        let is_card = |text: &str| matches!(verdict(text), Verdict::Pan(_));
        for Entry { concept, phrase, .. } in entries() {
            let (meaning, snake) = (meaning_of(&concept), phrase.replace(' ', "_"));
            if !is_known(&phrase) {
                continue;
            }
            for name in [&phrase, &snake, &phrase.to_uppercase()] {
                let field = |number: &str| format!("{{\"{name}\":\"{number}\"}}");
                match meaning {
                    Meaning::Card => {
                        assert!(is_card(&field("4111111111119")), "{concept}: {name}");
                        assert!(is_card(&format!("{name}: 4111111111119")), "{concept}: {name}");
                    }
                    Meaning::Other | Meaning::Identifier => {
                        assert!(!is_card(&field("4111111111111111")), "{concept}: {name}");
                        assert!(!is_card(&format!("{name}: 4111111111111111")), "{concept}: {name}");
                    }
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn marks_and_separators_do_not_matter() {
        for (name, expected) in [
            ("Número de tarjeta", name::CARD),
            ("numero_de_tarjeta", name::CARD),
            ("nu\u{301}mero de tarjeta", name::CARD),
            ("NumeroTarjeta", name::CARD),
            ("numerotarjeta", name::CARD),
            ("ΑΡΙΘΜΟΣ ΚΑΡΤΑΣ", name::CARD),
            ("Kreditkarten-Nr", name::CARD),
            ("كارت شماره", 0),
            ("شماره كارت", name::CARD),
            ("お客様のカード番号", name::CARD),
            ("ご注文番号", name::IDENTIFIER),
            ("Prüfnummer der Bestellung", 0),
            ("cardnotes", 0),
            ("código", 0),
        ] {
            assert_eq!(name::score(name.as_bytes()), expected, "{name}");
        }
    }

    #[test]
    fn phrases_in_running_text_are_names() {
        let evidence = |text: &str| {
            context::name_evidence(text.as_bytes(), &context::EnclosingNames::default(), &name::Names::default())
        };
        for (text, expected) in [
            ("Ihre Bestellnummer 4", name::IDENTIFIER),
            ("número de tarjeta de regalo: ", name::OTHER),
            ("номер заказа: ", name::IDENTIFIER),
            ("订单号", name::IDENTIFIER),
            ("卡号", name::CARD),
            ("mein ein ", 0),
        ] {
            let text = text.strip_suffix('4').unwrap_or(text);
            assert_eq!(evidence(text), name::NameEvidence::Score(expected), "{text}");
        }
    }

    /// The phrases in `words`, found by looking up each part of the name.
    fn slow(words: &[&str], known: &BTreeMap<String, Meaning>) -> Vec<Phrase> {
        let bytes: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        let name = Spelling::of(&bytes);
        let mut found = Vec::new();
        let mut start = 0;
        while start < name.text.len() {
            let longest = (start + 1..=name.text.len()).rev().find_map(|end| {
                let part = std::str::from_utf8(&name.text[start..end]).ok()?;
                Some((end, *known.get(part).filter(|_| name.is_bound(start) && name.may_end(end))?))
            });
            start = longest.map_or(start + 1, |(end, meaning)| {
                let words = name.word_at(start)..name.word_at(end - 1) + 1;
                found.push(Phrase { meaning, words, len: end - start });
                end
            });
        }
        found
    }

    proptest! {
        #[test]
        fn the_automata_find_what_a_slow_search_finds(
            picks in proptest::collection::vec((0..10_000_usize, 0..6_usize, 0..4_usize), 1..6),
            noise in "[a-zà-ÿ0-9卡号น]{0,4}",
        ) {
            let entries = entries();
            let mut known = BTreeMap::new();
            for Entry { concept, phrase, .. } in entries.iter().filter(|entry| is_known(&entry.phrase)) {
                let words: Vec<&[u8]> = phrase.split(' ').map(str::as_bytes).collect();
                let spelled = Spelling::of(&words).text;
                known.entry(String::from_utf8(spelled).unwrap()).or_insert(meaning_of(concept));
            }
            let mut words: Vec<String> = Vec::new();
            for (pick, skipped, way) in picks {
                let phrase = &entries[pick % entries.len()].phrase;
                let part: Vec<&str> = phrase.split(' ').skip(skipped % 2).collect();
                match way {
                    0 => words.push(part.concat()),
                    1 => words.push(format!("{noise}{}", part.concat())),
                    2 => words.extend(part.iter().map(|word| format!("{word}{noise}"))),
                    _ => words.extend(part.iter().map(|word| (*word).to_owned())),
                }
            }
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let bytes: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
            prop_assert_eq!(phrases(&bytes), slow(&words, &known));
        }
    }
}
