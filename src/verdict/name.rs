//! Scoring of a field name, from -4 (certainly not a card number) to +4 (certainly a card number).

use super::words::{self, is_like_one_of};

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
const IDENTIFIER: i8 = -1;
/// The score of a name of other values.
pub const OTHER: i8 = -4;

/// The score of a field name by its words.
pub fn score(name: &[u8]) -> i8 {
    let tokens = Tokens::of(name);
    let any = |words: &[&str]| tokens.any(|token| is_like_one_of(token, words));
    let has = |word: &str| tokens.any(|token| token == word.as_bytes());
    if has("unionpay") || has("cup") {
        UNIONPAY
    } else if has("idcard") {
        OTHER
    } else if tokens.name_a_card() {
        CARD
    } else if any(&words::OTHER) {
        OTHER
    } else if has("primaryaccountnumber") || (has("primary") && has("account")) {
        CARD
    } else if tokens.any_long(|token| is_like_one_of(token, &words::IDENTIFIER)) {
        if has("number") && has("account") { 0 } else { IDENTIFIER }
    } else if tokens.any_long(|token| is_like_one_of(token, &words::WEAK)) {
        WEAK
    } else {
        0
    }
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
    pub fn any(&self, is: impl Fn(&[u8]) -> bool) -> bool {
        self.all().any(is)
    }

    /// True if a token names a card number, and no word before it makes it another kind of card.
    fn name_a_card(&self) -> bool {
        let is_card = |token: &[u8]| words::is_card(token) || is_like_one_of(token, &words::CARD);
        let other = |token: &[u8]| words::is_other_card(token);
        let pairs = self.pieces.windows(2).any(|pair| matches!(pair, [one, two] if other(one) && is_card(two)));
        !pairs && self.any(is_card)
    }

    /// True if `is` holds for any token. Single letters count only if they are the whole name.
    fn any_long(&self, is: impl Fn(&[u8]) -> bool) -> bool {
        let several = self.all().count() > 1;
        self.all().any(|token| (token.len() > 1 || !several) && is(token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_scored_by_their_words() {
        for (name, expected) in [
            ("cardNumber", CARD),
            ("card_id", CARD),
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
