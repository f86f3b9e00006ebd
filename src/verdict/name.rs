//! Scoring of a field name, from -4 (certainly not a card number) to +4 (certainly a card number).

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
    let words: Vec<&[u8]> = tokens.pieces.iter().map(Vec::as_slice).collect();
    // A name in lowercase letters only may be a phrase without separators: `cardno`, `card_no`.
    phrase(&words).or_else(|| phrase(&[tokens.letters.as_slice()])).unwrap_or(0)
}

/// The score of a phrase by its main word, which says what the phrase names: `order` in "card order", `number` in "card
/// number". `None` if no word is known.
///
/// The main word is the last known one in English and German, and the first in Romance languages, where a preposition links it to
/// the next word: "número de tarjeta". A main word that only says "number" leaves the decision to the word before it.
pub fn phrase(words: &[impl AsRef<[u8]>]) -> Option<i8> {
    let words: Vec<&[u8]> = words.iter().map(AsRef::as_ref).collect();
    let linked = words.iter().position(|word| is_one_of(word, &words::LINKS));
    let main_last: Vec<&[u8]> = match linked.filter(|link| *link > 0) {
        Some(link) => {
            let (main, rest) = words.split_at_checked(link).unwrap_or_default();
            rest.iter().skip(1).chain(main).copied().collect()
        }
        None => words,
    };
    let words = main_last.iter().enumerate().rev();
    let mut known = words.filter_map(|(index, word)| Some((words::meaning(word)?, index)));
    let (mut meaning, mut index) = known.next()?;
    let mut is_number = false;
    while matches!(meaning, Meaning::Number | Meaning::Shared) {
        is_number |= meaning == Meaning::Number;
        let Some(next) = known.next() else { return Some(WEAK) };
        (meaning, index) = next;
    }
    let before = index.checked_sub(1).and_then(|index| main_last.get(index)).copied().unwrap_or_default();
    Some(match meaning {
        Meaning::Card if words::is_other_card(before) => match words::meaning(before) {
            Some(Meaning::Other) => OTHER,
            _ => 0,
        },
        Meaning::Card => CARD,
        Meaning::Number | Meaning::Shared => WEAK,
        Meaning::Other => OTHER,
        // The account may be that of a card.
        Meaning::Account if is_number && before == b"primary" => CARD,
        Meaning::Account if is_number => 0,
        Meaning::Text if !is_number => 0,
        Meaning::Account | Meaning::Text | Meaning::Identifier => {
            // The id of a card may be its number, that of a track of music is not.
            let of_card = words::meaning(before) == Some(Meaning::Card) && !is_one_of(before, &words::AMBIGUOUS);
            let is_id = main_last.get(index).is_some_and(|main| main.starts_with(b"id"));
            if of_card && is_id { 0 } else { IDENTIFIER }
        }
    })
}

/// True if the last word of a name says only that it names a number or a value.
pub fn is_number(name: &[u8]) -> bool {
    Tokens::of(name).pieces.last().is_some_and(|word| words::meaning(word) == Some(Meaning::Number))
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
