//! Scoring of a field name, from -4 (certainly not a card number) to +4 (certainly a card number).

use super::vocabulary::{self, Phrase};
use super::words::{self, Meaning, is_one_of};

/// The policy's lists of field names, normalized.
#[derive(Clone, Default)]
pub struct Names {
    cards: Vec<Vec<u8>>,
    ignored: Vec<Vec<u8>>,
}

/// The evidence of a field name or of the words before a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameEvidence {
    /// A score for (positive) or against (negative) a card number.
    Score(i8),
    /// The name is in the policy's list of fields without card numbers.
    Ignored,
}

impl Names {
    /// Creates the lists from the names of fields with `cards` and of `ignored` fields.
    pub fn new(cards: &[String], ignored: &[String]) -> Self {
        let all = |names: &[String]| names.iter().map(|name| normalized(name.as_bytes())).collect();
        Self { cards: all(cards), ignored: all(ignored) }
    }

    /// These lists without the ignored names.
    pub fn without_ignored(self) -> Self {
        Self { ignored: Vec::new(), ..self }
    }

    /// The evidence of `name`, by these lists and then by its words.
    pub fn weigh(&self, name: &[u8]) -> NameEvidence {
        if !self.cards.is_empty() || !self.ignored.is_empty() {
            let name = normalized(name);
            if self.ignored.contains(&name) {
                return NameEvidence::Ignored;
            }
            if self.cards.contains(&name) {
                return NameEvidence::Score(UNIONPAY);
            }
        }
        NameEvidence::Score(score(name))
    }
}

/// The letters and digits of a name in lowercase, so that `card_no`, `card-no` and `cardNo` are equal.
fn normalized(name: &[u8]) -> Vec<u8> {
    let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte >= 0x80;
    name.iter().filter(is_part).map(u8::to_ascii_lowercase).collect()
}

/// The score of names that leave no doubt: those of UnionPay numbers, and those in the policy's list.
pub const UNIONPAY: i8 = 4;
/// The score of a card number's name.
pub const CARD: i8 = 3;
/// The score of a name that card numbers share with other values.
pub const WEAK: i8 = 1;
/// The score of a name of identifiers.
pub const IDENTIFIER: i8 = -1;
/// The score of a name of other values.
pub const OTHER: i8 = -4;

/// The score of a field name by its words.
pub fn score(name: &[u8]) -> i8 {
    let tokens = Tokens::of(name);
    if tokens.any(|token| token == b"unionpay" || token == b"cup") {
        return UNIONPAY;
    }
    if tokens.any(|token| token == b"idcard") {
        return OTHER;
    }
    if tokens.any(|token| token == b"primaryaccountnumber") {
        return CARD;
    }
    // A name in lowercase letters only may be a phrase without separators: `cardno`, `card_no`.
    let joined = || Terms::of(&[tokens.letters.as_slice()]).score();
    Terms::of(&tokens.pieces).score().or_else(joined).unwrap_or(0)
}

/// The words of a name, with each phrase of the [vocabulary] in place of its words.
pub struct Terms<'a>(Vec<Term<'a>>);

/// A word of a name, or a phrase of the vocabulary.
#[derive(Clone, Copy)]
struct Term<'a> {
    meaning: Option<Meaning>,
    /// The last word of the phrase.
    word: &'a [u8],
    /// True for a phrase that names a number in running text too. A short word may mean something else in another language.
    is_distinct: bool,
}

/// The shortest word that names a number in running text, in bytes.
const SHORTEST_DISTINCT: usize = 9;
/// The shortest phrase of several words in running text, in bytes without spaces. `so the` is Vietnamese for a card number.
const SHORTEST_PHRASE: usize = 6;

impl<'a> Term<'a> {
    fn of_word(word: &'a impl AsRef<[u8]>) -> Self {
        let word = word.as_ref();
        Self { meaning: words::meaning(word), word, is_distinct: false }
    }

    /// True for "number", and for a phrase such as "card number".
    fn may_complete_number(&self) -> bool {
        self.meaning == Some(Meaning::Number) || (self.meaning == Some(Meaning::Card) && self.is_distinct)
    }
}

impl<'a> Terms<'a> {
    /// The terms of a name with these lowercase `words`.
    pub fn of(words: &'a [impl AsRef<[u8]>]) -> Self {
        Self::with_phrases(words, 0)
    }

    /// The terms of running text with these lowercase `words`. No phrase spans an empty word.
    pub fn of_text(words: &'a [impl AsRef<[u8]>]) -> Self {
        Self::with_phrases(words, SHORTEST_PHRASE)
    }

    fn with_phrases(words: &'a [impl AsRef<[u8]>], shortest: usize) -> Self {
        let mut terms = Self(Vec::with_capacity(words.len()));
        for words in words.split_inclusive(|word| word.as_ref().is_empty()) {
            let mut next = 0;
            let phrases = vocabulary::phrases(words).into_iter();
            for phrase in phrases.filter(|phrase| phrase.words.len() == 1 || phrase.len >= shortest) {
                terms.extend(words.get(next..phrase.words.start));
                next = phrase.words.end;
                terms.push(&phrase, words.get(phrase.words.clone()).unwrap_or_default());
            }
            terms.extend(words.get(next..));
        }
        terms
    }

    /// Appends a phrase with these `words`. A word that [`words`] knows keeps its meaning, and so do words that say more than the
    /// phrase.
    fn push(&mut self, phrase: &Phrase, words: &'a [impl AsRef<[u8]>]) {
        let Some(last) = words.last() else { return };
        let is_phrase = words.len() > 1;
        let last = Term::of_word(last);
        let is_word = if is_phrase {
            let of_words = Self::of_words(words);
            let say_more = of_words.say_more_than(phrase.meaning);
            if say_more {
                self.0.extend(of_words.0.into_iter().rev().skip(1).rev());
            }
            say_more
        } else {
            last.meaning.is_some()
        };
        let meaning = if is_word { last.meaning } else { Some(phrase.meaning) };
        let is_distinct = is_phrase || (!is_word && phrase.len >= SHORTEST_DISTINCT);
        self.0.push(Term { meaning, is_distinct, ..last });
    }

    /// The terms of a name without the vocabulary.
    fn of_words(words: &'a [impl AsRef<[u8]>]) -> Self {
        Self(words.iter().map(Term::of_word).collect())
    }

    fn extend(&mut self, words: Option<&'a [impl AsRef<[u8]>]>) {
        self.0.extend(words.unwrap_or_default().iter().map(Term::of_word));
    }

    /// True if these words say more than the `meaning` of their phrase: the name of something else, an account that may be a card's.
    fn say_more_than(&self, meaning: Meaning) -> bool {
        self.score().is_some_and(|score| score < 0 || (meaning == Meaning::Account && score == 0))
    }

    /// True if the last word says only "number".
    pub fn end_with_number(&self) -> bool {
        self.0.last().is_some_and(|last| last.meaning == Some(Meaning::Number))
    }

    /// True if the name ends with a phrase that names a number in running text too.
    pub fn end_with_phrase(&self) -> bool {
        self.0.last().is_some_and(|last| last.is_distinct)
    }

    /// True if one of the last `count` terms is a card.
    pub fn end_near_card(&self, count: usize) -> bool {
        self.0
            .iter()
            .rev()
            .filter(|term| !term.word.is_empty())
            .take(count)
            .any(|term| term.meaning == Some(Meaning::Card))
    }

    /// The score by the main word, which says what the phrase names: `order` in "card order", `number` in "card number". `None` if
    /// no word is known.
    ///
    /// The main word is the last known one in English and German, and the first in Romance languages, where a preposition links
    /// it to the next word: "número de tarjeta". A main word that only says "number" leaves the decision to the word before it.
    /// The name of a card's number after the preposition is complete by itself: "the order of the card number 4111…".
    pub fn score(&self) -> Option<i8> {
        Self::score_of(&self.0)
    }

    fn score_of(terms: &[Term<'_>]) -> Option<i8> {
        let is_link = |term: &Term<'_>| term.meaning.is_none() && is_one_of(term.word, &words::LINKS);
        let link = terms.iter().position(is_link).filter(|link| *link > 0);
        let (main, rest) = terms.split_at_checked(link.unwrap_or_default()).unwrap_or_default();
        if let Some((_, linked)) = rest.split_first()
            && !main.is_empty()
            && linked.last().is_some_and(Term::may_complete_number)
            && Self::score_of(linked) == Some(CARD)
        {
            return Some(CARD);
        }
        let mut terms = main.iter().rev().chain(rest.iter().skip(main.len().min(1)).rev()).peekable();
        let (mut is_number, mut is_shared) = (false, false);
        let term = loop {
            match terms.find(|term| term.meaning.is_some()) {
                Some(Term { meaning: Some(Meaning::Number), .. }) => is_number = true,
                Some(Term { meaning: Some(Meaning::Shared), .. }) => is_shared = true,
                Some(term) => break term,
                None => return (is_number || is_shared).then_some(WEAK),
            }
        };
        let before = terms.peek().copied();
        let word_before = before.map(|before| before.word).unwrap_or_default();
        Some(match term.meaning? {
            Meaning::Card if words::is_other_card(word_before) => match before.and_then(|before| before.meaning) {
                Some(Meaning::Other) => OTHER,
                _ => 0,
            },
            Meaning::Card => CARD,
            Meaning::CardField => 0,
            Meaning::Number | Meaning::Shared => WEAK,
            Meaning::Other => OTHER,
            // The account may be that of a card.
            Meaning::Account if is_number && word_before == b"primary" => CARD,
            Meaning::Account if is_number => 0,
            Meaning::Text if !is_number => 0,
            Meaning::Account | Meaning::Text | Meaning::Identifier => {
                // The id of a card may be its number, that of a track of music is not.
                let of_card = before.and_then(|before| before.meaning) == Some(Meaning::Card)
                    && !is_one_of(word_before, &words::AMBIGUOUS);
                if of_card && term.word.starts_with(b"id") { 0 } else { IDENTIFIER }
            }
        })
    }
}

/// True if the last word of a name says only that it names a number or a value.
pub fn is_number(name: &[u8]) -> bool {
    Terms::of_words(&Tokens::of(name).pieces).end_with_number()
}

/// The words of a name in lowercase, and all its letters: `cardNumber` has the tokens `card`, `number` and `cardnumber`.
pub struct Tokens {
    pieces: Vec<Vec<u8>>,
    letters: Vec<u8>,
}

impl Tokens {
    /// Splits `name` at separators and before uppercase letters.
    pub fn of(name: &[u8]) -> Self {
        let mut pieces = vec![Vec::new()];
        let mut before = 0;
        for byte in name {
            let part = byte.is_ascii_alphanumeric() || *byte >= 0x80;
            let hump = byte.is_ascii_uppercase()
                && (before as char).is_ascii_alphanumeric()
                && !u8::is_ascii_uppercase(&before);
            if !part || hump {
                pieces.push(Vec::new());
            }
            if part && let Some(piece) = pieces.last_mut() {
                piece.push(byte.to_ascii_lowercase());
            }
            before = *byte;
        }
        pieces.retain(|piece| !piece.is_empty());
        let letters = name.iter().filter(|byte| byte.is_ascii_alphabetic()).map(u8::to_ascii_lowercase).collect();
        Self { pieces, letters }
    }

    fn all(&self) -> impl Iterator<Item = &[u8]> {
        let joined = self.pieces.iter().all(|piece| *piece != self.letters).then_some(self.letters.as_slice());
        self.pieces.iter().map(Vec::as_slice).chain(joined.filter(|letters| !letters.is_empty()))
    }

    /// True if `is` holds for any token.
    fn any(&self, is: impl Fn(&[u8]) -> bool) -> bool {
        self.all().any(is)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_scored_by_their_words() {
        for (name, expected) in [
            ("cardNumber", CARD),
            ("card_id", 0),
            ("track_id", IDENTIFIER),
            ("track2", CARD),
            ("cardHash", OTHER),
            ("cardSessionKey", IDENTIFIER),
            ("visa_batch_id", IDENTIFIER),
            ("creditMemoNo", IDENTIFIER),
            ("card_token", IDENTIFIER),
            ("order_card_number", CARD),
            ("numero_de_tarjeta", CARD),
            ("hash_de_tarjeta", OTHER),
            ("AccountNbr", 0),
            ("giftCardNumber", OTHER),
            ("card_number_field", CARD),
            ("n", 0),
            ("values", WEAK),
            ("lastcard", CARD),
            ("idCard", OTHER),
            ("gift_card_number", OTHER),
            ("business-card", 0),
            ("card2", CARD),
            ("orders", IDENTIFIER),
            ("IV2", OTHER),
            ("unionpay_no", UNIONPAY),
            ("primaryAccountNumber", CARD),
            ("imei", OTHER),
            ("created_at", OTHER),
            ("order_id", IDENTIFIER),
            ("accountNumber", 0),
            ("number", WEAK),
            ("p1", 0),
            ("foo", 0),
        ] {
            assert_eq!(score(name.as_bytes()), expected, "{name}");
        }
    }

    #[test]
    fn the_policy_s_lists_take_precedence() {
        let names = Names::new(&["acct-ref".to_owned()], &["card_id".to_owned()]);
        assert_eq!(names.weigh(b"acctRef"), NameEvidence::Score(UNIONPAY));
        assert_eq!(names.weigh(b"cardID"), NameEvidence::Ignored);
        assert_eq!(names.weigh(b"card"), NameEvidence::Score(CARD));
    }
}
