//! What does the name of a field say is in it?
//!
//! A name is worth between -4 (something else for sure) and +4 (a card for sure).

use super::words::{self, is_like_one_of};

/// Names of fields for which the operator decides.
#[derive(Clone, Default)]
pub struct Names {
    cards: Vec<Vec<u8>>,
    ignored: Vec<Vec<u8>>,
}

/// What a number is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameEvidence {
    /// Something that speaks so much for a card (positive) or against one.
    Weighs(i8),
    /// By a name under which the operator says that there are no cards.
    Ignored,
}

impl Names {
    /// The lists of an operator.
    pub fn new(cards: &[String], ignored: &[String]) -> Self {
        let all = |names: &[String]| names.iter().map(|name| plain(name.as_bytes())).collect();
        Self { cards: all(cards), ignored: all(ignored) }
    }

    /// The same without the names under which there are no cards.
    pub fn without_ignored(self) -> Self {
        Self { ignored: Vec::new(), ..self }
    }

    /// What `name` says.
    pub fn weigh(&self, name: &[u8]) -> NameEvidence {
        if !self.cards.is_empty() || !self.ignored.is_empty() {
            let name = plain(name);
            if self.ignored.contains(&name) {
                return NameEvidence::Ignored;
            }
            if self.cards.contains(&name) {
                return NameEvidence::Weighs(UNIONPAY);
            }
        }
        NameEvidence::Weighs(score(name))
    }
}

/// A name without what differs between notations: `card_no`, `card-no` and `cardNo` are one.
fn plain(name: &[u8]) -> Vec<u8> {
    let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte >= 0x80;
    name.iter().filter(is_part).map(u8::to_ascii_lowercase).collect()
}

/// What a name says that leaves no doubt: UnionPay's own, and those that the operator lists.
pub const UNIONPAY: i8 = 4;
/// A name of card numbers.
pub const CARD: i8 = 3;
/// A name that card numbers have too.
pub const WEAK: i8 = 1;
const IDENTIFIER: i8 = -1;
/// A name of something else.
pub const OTHER: i8 = -4;

/// What the name of a field says.
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

/// The pieces of a name, in lower case: `cardNumber` is `card`, `number` and `cardnumber`.
pub struct Tokens {
    pieces: Vec<Vec<u8>>,
    letters: Vec<u8>,
}

impl Tokens {
    /// Takes `name` apart.
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

    /// True when any of them is what is asked for.
    pub fn any(&self, is: impl Fn(&[u8]) -> bool) -> bool {
        self.all().any(is)
    }

    /// True when one of them is a name of card numbers, and not of other cards.
    fn name_a_card(&self) -> bool {
        let is_card = |token: &[u8]| words::is_card(token) || is_like_one_of(token, &words::CARD);
        let other = |token: &[u8]| words::is_other_card(token);
        let pairs = self.pieces.windows(2).any(|pair| matches!(pair, [one, two] if other(one) && is_card(two)));
        !pairs && self.any(is_card)
    }

    /// The same, without single letters when there is anything else.
    fn any_long(&self, is: impl Fn(&[u8]) -> bool) -> bool {
        let several = self.all().count() > 1;
        self.all().any(|token| (token.len() > 1 || !several) && is(token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_worth_what_its_words_say() {
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
    fn the_operator_has_the_last_word() {
        let names = Names::new(&["acct-ref".to_owned()], &["card_id".to_owned()]);
        assert_eq!(names.weigh(b"acctRef"), NameEvidence::Weighs(UNIONPAY));
        assert_eq!(names.weigh(b"cardID"), NameEvidence::Ignored);
        assert_eq!(names.weigh(b"card"), NameEvidence::Weighs(CARD));
    }
}
