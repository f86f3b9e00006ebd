//! Word lists for field names and for text near a number.
//!
//! The lists are lowercase and sorted. They come from the names that payment APIs, shops and logs give to card numbers, and from
//! the names of the numbers that are the most frequent false positives.

/// Names of card numbers.
#[rustfmt::skip]
pub const CARD: [&str; 49] = [
    "amex", "card", "cardno", "cardnum", "cardnumber", "cardpan", "cards", "carta", "cartao", "carte", "cartão",
    "cc", "ccn", "ccno", "ccnum", "ccnumber", "charge", "charging", "credit", "creditcard", "diners", "dinersclub",
    "discover", "dpan", "fpan", "jcb", "kaart", "karte", "kartennummer", "kreditkarte", "maestro", "mastercard",
    "pan", "pans", "plastic", "rupay", "tarjeta", "track", "track1", "track2", "unionpay", "visa", "карта", "карты",
    "البطاقة", "カード", "カード番号", "卡", "卡号",
];

/// Words of [`CARD`] that have other meanings: of music, batteries, accounting. Their identifiers are not those of cards.
pub const AMBIGUOUS: [&str; 6] = ["charge", "charging", "credit", "discover", "plastic", "track"];

/// Names of other numbers: identifiers of other standards, times, amounts, positions.
#[rustfmt::skip]
pub const OTHER: [&str; 149] = [
    "aadhaar", "aba", "amount", "amounts", "app", "arn", "at", "awb", "barcode", "bbox", "bic", "boleto", "buckets",
    "build", "bytes", "channel", "checksum", "cid", "ciphertext", "clabe", "cnpj", "coord", "coordinates", "cpf", "created",
    "cuenta", "cursor", "date", "device", "digest", "documento", "dump", "dur", "duration", "ean", "ean13", "epoch",
    "esn", "etag", "eticket", "fax", "fb", "file", "filetime", "fingerprint", "flyer", "ga", "gift", "gtin",
    "gtin14", "guid", "guild", "hash", "histogram", "hours", "hw", "iban", "iccid", "idcard", "imei", "imeisv",
    "imsi", "isbn", "isbn13", "iv", "lag", "lat", "latency", "license", "lng", "lon", "loyalty", "matrix", "md5", "meid",
    "member", "members", "metric", "mobile", "modified", "msisdn", "msisdns", "nano", "nanos", "national", "nonce", "offset",
    "offsets", "page", "pallet", "parcel", "parent", "part", "phone", "plaintext", "point", "population", "position", "profile",
    "psp", "pub", "pwdlastset", "recipients", "resource", "routing", "row", "rowversion", "rrn", "score", "seq",
    "serial", "series", "sfz", "sha", "sha256", "shipment", "sim", "size", "sku", "slots", "snowflake", "span",
    "spanid", "sscc", "ssn", "stamp", "stream", "supi", "tax", "tel", "ticket", "ticks", "time", "timestamp", "tkt",
    "trace", "traceid", "tracking", "ts", "tweet", "unix", "upc", "updated", "uuid", "version", "vin",
    "weights", "years", "zips",
];

/// Names of identifiers in general.
#[rustfmt::skip]
pub const IDENTIFIER: [&str; 31] = [
    "acquirer", "batch", "beneficiary", "blob", "customer", "external", "id", "ids", "invoice", "job", "key", "kid",
    "merchant", "order", "purchase", "ref", "reference", "request", "run", "session", "subscription", "task", "terminal",
    "token", "transaction", "transactionid", "transactions", "txn", "uid", "user", "voucher",
];

/// Names of texts. The number of one is an identifier; the text itself may hold anything.
pub const TEXTS: [&str; 3] = ["memo", "note", "notes"];

/// Names of accounts, which may be those of cards.
pub const ACCOUNT: [&str; 2] = ["account", "accounts"];

/// Words that say "number", or nothing but "value", and leave the meaning of a name to its other words.
#[rustfmt::skip]
pub const NUMBER: [&str; 21] = [
    "digits", "nbr", "no", "nr", "num", "number", "numbers", "numer", "numero", "nummer", "numéro", "número", "text",
    "v", "val", "value", "values", "номер", "号", "号码", "番号",
];

/// Words in names that card numbers share with other values.
#[rustfmt::skip]
pub const SHARED: [&str; 13] = [
    "acct", "billing", "data", "declined", "details", "entry", "field", "input", "invalid", "paid", "pay", "payment", "raw",
];

/// Prepositions that link the main word of a Romance noun phrase to the next noun.
pub const LINKS: [&str; 8] = ["da", "de", "del", "della", "di", "do", "du", "of"];

/// The meaning of a word in a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// A payment card, or its number.
    Card,
    /// A number or a value of any kind.
    Number,
    /// Something that card numbers share with other values.
    Shared,
    /// An account.
    Account,
    /// A text.
    Text,
    /// An identifier of any kind.
    Identifier,
    /// A number of another kind, a time, an amount.
    Other,
}

/// The meaning of a lowercase word, if it is known.
pub fn meaning(word: &[u8]) -> Option<Meaning> {
    if is_card(word) || is_like_one_of(word, &CARD) {
        Some(Meaning::Card)
    } else if is_like_one_of(word, &OTHER) {
        Some(Meaning::Other)
    } else if is_one_of(word, &NUMBER) {
        Some(Meaning::Number)
    } else if is_like_one_of(word, &SHARED) {
        Some(Meaning::Shared)
    } else if is_like_one_of(word, &ACCOUNT) {
        Some(Meaning::Account)
    } else if is_one_of(word, &TEXTS) {
        Some(Meaning::Text)
    } else if is_like_one_of(word, &IDENTIFIER) {
        Some(Meaning::Identifier)
    } else {
        None
    }
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
    if is_one_of(word, &CARD) {
        return true;
    }
    let Some(stem) = CARD_ENDINGS.iter().find_map(|ending| word.strip_suffix(ending.as_bytes())) else { return false };
    !OTHER_CARDS.iter().any(|other| stem == other.as_bytes() || (other.len() > 2 && stem.ends_with(other.as_bytes())))
}

/// True for words before "card" that make it another kind of card.
pub fn is_other_card(word: &[u8]) -> bool {
    is_one_of(word, &OTHER_CARDS)
}

/// True if `word` is in `words`, with or without trailing digits or a plural `s`: `id2`, `orders`.
pub fn is_like_one_of(word: &[u8], words: &[&str]) -> bool {
    let digits = word.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let stem = word.get(..word.len().saturating_sub(digits)).filter(|stem| stem.len() > 1).unwrap_or_default();
    is_one_of(word, words) || is_one_of(stem, words) || stem.strip_suffix(b"s").is_some_and(|one| is_one_of(one, words))
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
        let lists: [&[&str]; 17] = [
            &CARD,
            &OTHER,
            &IDENTIFIER,
            &NUMBER,
            &SHARED,
            &ACCOUNT,
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
