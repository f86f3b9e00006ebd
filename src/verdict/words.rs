//! Word lists for field names and for text near a number.
//!
//! The lists are lowercase and sorted. They come from the names that payment APIs, shops and logs give to card numbers, and from
//! the names of the numbers that are the most frequent false positives.

use crate::scan::mutation::is_disabled;
use Meaning::{Account, Card, Identifier, Number, Other, Shared, Text};

/// Words for cards that have other meanings: of music, batteries, accounting. Their identifiers are not those of cards.
pub const AMBIGUOUS: [&str; 6] = ["charge", "charging", "credit", "discover", "plastic", "track"];

/// Prepositions that link the main word of a Romance noun phrase to the next noun.
pub const LINKS: [&str; 8] = ["da", "de", "del", "della", "di", "do", "du", "of"];

named! {
    /// The meaning of a word in a name.
    pub enum Meaning {
        /// A payment card, or its number.
        Card = "card",
        /// Another field of a card: its expiry date, its verification code, its holder.
        CardField = "card_field",
        /// A number or a value of any kind.
        Number = "number",
        /// Something that card numbers share with other values.
        Shared = "shared",
        /// An account.
        Account = "account",
        /// A text.
        Text = "text",
        /// An identifier of any kind.
        Identifier = "identifier",
        /// A number of another kind, a time, an amount.
        Other = "other",
    }
}

/// Words of names and their meanings, in addition to the phrases of the [vocabulary](super::vocabulary).
#[rustfmt::skip]
const WORDS: [(&str, Meaning); 216] = [
    ("aba", Other), ("account", Account), ("accounts", Account), ("acct", Shared), ("acquirer", Identifier),
    ("amex", Card), ("amount", Other), ("amounts", Other), ("app", Other), ("arn", Other), ("at", Other),
    ("batch", Identifier), ("beneficiary", Identifier), ("bic", Other), ("billing", Shared), ("blob", Identifier),
    ("boleto", Other), ("buckets", Other), ("build", Other), ("bytes", Other), ("card", Card), ("cardno", Card),
    ("cardnum", Card), ("cardnumber", Card), ("cardpan", Card), ("cards", Card), ("carta", Card), ("cartao", Card),
    ("carte", Card), ("cartão", Card), ("cc", Card), ("ccn", Card), ("ccno", Card), ("ccnum", Card), ("ccnumber", Card),
    ("channel", Other), ("charge", Card), ("charging", Card), ("checksum", Other), ("cid", Other),
    ("ciphertext", Other), ("clabe", Other), ("coord", Other), ("credit", Card), ("creditcard", Card),
    ("cuenta", Other), ("cursor", Other), ("customer", Identifier), ("data", Shared), ("declined", Shared),
    ("details", Shared), ("digest", Other), ("digits", Number), ("diners", Card), ("dinersclub", Card),
    ("discover", Card), ("documento", Other), ("dpan", Card), ("dump", Other), ("dur", Other), ("entry", Shared),
    ("esn", Other), ("etag", Other), ("external", Identifier), ("fb", Other), ("field", Shared), ("file", Other),
    ("filetime", Other), ("fingerprint", Other), ("flyer", Other), ("fpan", Card), ("ga", Other), ("gift", Other),
    ("gtin14", Other), ("guid", Other), ("guild", Other), ("hash", Other), ("histogram", Other), ("hours", Other),
    ("hw", Other), ("iban", Other), ("id", Identifier), ("ids", Identifier), ("imeisv", Other), ("input", Shared),
    ("invalid", Shared), ("iv", Other), ("jcb", Card), ("job", Identifier), ("kaart", Card), ("karte", Card),
    ("kartennummer", Card), ("key", Identifier), ("kid", Identifier), ("kreditkarte", Card), ("lag", Other),
    ("license", Other), ("maestro", Card), ("mastercard", Card), ("matrix", Other), ("md5", Other), ("member", Other),
    ("members", Other), ("memo", Text), ("merchant", Identifier), ("metric", Other), ("msisdns", Other),
    ("nano", Other), ("nanos", Other), ("national", Other), ("nbr", Number), ("no", Number), ("nonce", Other),
    ("note", Text), ("notes", Text), ("nr", Number), ("num", Number), ("number", Number), ("numbers", Number),
    ("numer", Number), ("numero", Number), ("nummer", Number), ("numéro", Number), ("número", Number),
    ("offset", Other), ("offsets", Other), ("page", Other), ("paid", Shared), ("pallet", Other), ("pan", Card),
    ("pans", Card), ("parent", Other), ("part", Other), ("pay", Shared), ("payment", Shared), ("plaintext", Other),
    ("plastic", Card), ("point", Other), ("population", Other), ("position", Other), ("profile", Other), ("psp", Other),
    ("pub", Other), ("purchase", Identifier), ("pwdlastset", Other), ("raw", Shared), ("recipients", Other),
    ("ref", Identifier), ("reference", Identifier), ("request", Identifier), ("resource", Other), ("routing", Other),
    ("row", Other), ("rowversion", Other), ("rrn", Other), ("run", Identifier), ("rupay", Card), ("score", Other),
    ("seq", Other), ("series", Other), ("session", Identifier), ("sfz", Other), ("sha", Other), ("sha256", Other),
    ("size", Other), ("slots", Other), ("snowflake", Other), ("span", Other), ("spanid", Other), ("stamp", Other),
    ("stream", Other), ("subscription", Identifier), ("supi", Other), ("tarjeta", Card), ("task", Identifier),
    ("tax", Other), ("terminal", Identifier), ("text", Number), ("ticks", Other), ("tkt", Other), ("token", Identifier),
    ("trace", Other), ("traceid", Other), ("track", Card), ("track1", Card), ("track2", Card),
    ("transaction", Identifier), ("transactions", Identifier), ("tweet", Other), ("txn", Identifier),
    ("uid", Identifier), ("unionpay", Card), ("unix", Other), ("user", Identifier), ("uuid", Other), ("v", Number),
    ("val", Number), ("value", Number), ("values", Number), ("version", Other), ("visa", Card), ("voucher", Identifier),
    ("weights", Other), ("years", Other), ("zips", Other), ("карта", Card), ("карты", Card), ("номер", Number),
    ("البطاقة", Card), ("カード", Card), ("カード番号", Card), ("卡", Card), ("卡号", Card), ("号", Number), ("号码", Number),
    ("番号", Number),
];

/// The meaning of a lowercase word, if it is known. It may have trailing digits or a plural `s`, except for a word that says only
/// "number": `id2`, `orders`.
pub fn meaning(word: &[u8]) -> Option<Meaning> {
    if let Some(known) = known(word) {
        return Some(known);
    }
    if is_card(word) {
        return Some(Meaning::Card);
    }
    let digits = word.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let stem = word.get(..word.len().saturating_sub(digits)).filter(|stem| stem.len() > 1)?;
    let of_one = || known(stem.strip_suffix(b"s")?);
    let of_stem = if digits > 0 { known(stem) } else { None };
    of_stem.or_else(of_one).filter(|meaning| !matches!(meaning, Meaning::Number | Meaning::Text))
}

fn known(word: &[u8]) -> Option<Meaning> {
    let index = WORDS.binary_search_by(|(known, _)| known.as_bytes().cmp(word)).ok()?;
    WORDS.get(index).map(|(_, meaning)| *meaning).filter(|meaning| !is_disabled("words", meaning.as_str()))
}

/// Words directly before a number in running text that name another number.
#[rustfmt::skip]
pub const OTHER_BEFORE: [&str; 11] = [
    "awb", "ean", "gtin", "iban", "iccid", "imei", "isbn", "phone", "timestamp", "trace", "tracking",
];

/// Words directly before a card number, without a separator.
#[rustfmt::skip]
pub const ATTACHED_BEFORE: [&str; 18] = [
    "account", "acct", "amex", "card", "cardno", "cc", "ccn", "ccnum", "mastercard", "mc", "n", "no", "num",
    "number", "pan", "test", "track", "visa",
];

/// Words directly after a card number, without a separator.
#[rustfmt::skip]
pub const ATTACHED_AFTER: [&str; 5] = [
    "cvc", "cvv", "exp", "valid", "x",
];

/// Names of other fields in the record of a card number.
#[rustfmt::skip]
pub const EVIDENCE: [&str; 12] = [
    "cardholder", "cardholdername", "csc", "cvc", "cvc2", "cvv", "cvv2", "exp", "expires", "expiry", "nameoncard",
    "securitycode",
];

/// The prefix of further names of expiry dates, such as `expirationDate`.
pub const EXPIRATION: &str = "expir";

/// Endings of card number names that are written as one word.
#[rustfmt::skip]
const CARD_ENDINGS: [&str; 9] = [
    "card", "cards", "cardno", "cardnr", "cardnum", "cardnumber", "ccno", "ccnum", "ccnumber",
];

/// Words before "card" that make it another kind of card.
#[rustfmt::skip]
const OTHER_CARDS: [&str; 18] = [
    "business", "dis", "flash", "gift", "graphics", "id", "loyalty", "member", "membership", "network", "phone",
    "pla", "post", "report", "score", "sd", "sim", "wild",
];

/// Names of types, in wrappers of values: DynamoDB's `S` and `N`, OTLP's `intValue`, XML-RPC's `i4`.
#[rustfmt::skip]
pub const TYPES: [&str; 22] = [
    "b", "bigint", "bytes", "decimal", "double", "float", "i", "i4", "i8", "int", "int32", "int64", "integer", "long",
    "n", "real", "s", "string", "stringvalue", "t", "text", "uint64",
];

/// Keys of name/value pairs that hold the name.
pub const NAME_KEYS: [&str; 4] = ["name", "key", "field", "fieldname"];

/// Keys that hold the name if another member of the object is one of the [`VALUE_KEYS`].
#[rustfmt::skip]
pub const LABEL_KEYS: [&str; 10] = [
    "attribute", "code", "id", "label", "param", "parameter", "property", "question", "title", "type",
];

/// Keys for values of any kind.
#[rustfmt::skip]
pub const VALUE_KEYS: [&str; 9] = [
    "answer", "content", "data", "default", "input", "text", "v", "val", "value",
];

/// Words that name another number when they are directly before one in running text.
#[rustfmt::skip]
pub const TEXT_IDENTIFIER: [&str; 11] = [
    "booking", "invoice", "job", "order", "parcel", "reservation", "session", "shipment", "ticket", "transaction", "txn",
];

/// HTML elements that format their content and do not name it.
#[rustfmt::skip]
pub const FORMATTING_TAGS: [&str; 21] = [
    "b", "big", "br", "code", "dd", "div", "dt", "em", "font", "i", "label", "li", "mark", "p", "small", "span",
    "strong", "td", "th", "tt", "u",
];

/// True for words that name a card number.
pub fn is_card(word: &[u8]) -> bool {
    if known(word) == Some(Meaning::Card) {
        return true;
    }
    let Some(stem) = CARD_ENDINGS.iter().find_map(|ending| word.strip_suffix(ending.as_bytes())) else { return false };
    !OTHER_CARDS.iter().any(|other| stem == other.as_bytes() || (other.len() > 2 && stem.ends_with(other.as_bytes())))
}

/// True for words before "card" that make it another kind of card.
pub fn is_other_card(word: &[u8]) -> bool {
    is_one_of(word, &OTHER_CARDS)
}

/// True if `word` is in `words`, ignoring its case. `words` must be lowercase and sorted.
pub fn is_one_of(word: &[u8], words: &[&str]) -> bool {
    // Comparing the first letters first decides most comparisons.
    let first = word.first().map(u8::to_ascii_lowercase);
    let rest = || word.iter().map(u8::to_ascii_lowercase);
    let order = |known: &str| known.bytes().next().cmp(&first).then_with(|| known.bytes().cmp(rest()));
    words.binary_search_by(|known| order(known)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_is_sorted_and_lowercase() {
        let lists: [&[&str]; 11] = [
            &AMBIGUOUS,
            &LINKS,
            &TYPES,
            &VALUE_KEYS,
            &LABEL_KEYS,
            &TEXT_IDENTIFIER,
            &OTHER_BEFORE,
            &ATTACHED_BEFORE,
            &ATTACHED_AFTER,
            &EVIDENCE,
            &FORMATTING_TAGS,
        ];
        for list in lists {
            assert!(list.windows(2).all(|pair| pair[0].as_bytes() < pair[1].as_bytes()));
            assert!(list.iter().all(|word| word.to_lowercase() == **word));
        }
        assert!(WORDS.windows(2).all(|pair| pair[0].0.as_bytes() < pair[1].0.as_bytes()));
    }

    #[test]
    fn one_word_names_are_distinguished_from_other_cards() {
        for word in ["card", "lastcard", "debitcard", "mycardnumber", "customerccnum"] {
            assert!(is_card(word.as_bytes()), "{word}");
        }
        for word in ["discard", "giftcard", "giftcardnumber", "simcard", "idcard", "postcards", "cardinal", "cardiac"] {
            assert!(!is_card(word.as_bytes()), "{word}");
        }
    }
}
