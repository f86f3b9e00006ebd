//! Which words tell what a number is?
//!
//! In lower case and sorted. They come from the names that payment APIs, shops and logs give to card numbers, and from the
//! names of the numbers that are most often taken for one.

/// Names of card numbers.
#[rustfmt::skip]
pub const CARD: [&str; 49] = [
    "amex", "card", "cardno", "cardnum", "cardnumber", "cardpan", "cards", "carta", "cartao", "carte", "cartão",
    "cc", "ccn", "ccno", "ccnum", "ccnumber", "charge", "charging", "credit", "creditcard", "diners", "dinersclub",
    "discover", "dpan", "fpan", "jcb", "kaart", "karte", "kartennummer", "kreditkarte", "maestro", "mastercard",
    "pan", "pans", "plastic", "rupay", "tarjeta", "track", "track1", "track2", "unionpay", "visa", "карта", "карты",
    "البطاقة", "カード", "カード番号", "卡", "卡号",
];

/// Names of other numbers: identifiers of other standards, times, amounts, positions.
#[rustfmt::skip]
pub const OTHER: [&str; 150] = [
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
    "trace", "traceid", "tracking", "ts", "tweet", "unix", "upc", "updated", "uuid", "values", "version", "vin",
    "weights", "years", "zips",
];

/// Names of identifiers that could be anything.
#[rustfmt::skip]
pub const IDENTIFIER: [&str; 27] = [
    "account", "acquirer", "beneficiary", "blob", "customer", "d", "external", "id", "ids", "invoice", "key",
    "merchant", "n", "order", "p", "ref", "reference", "request", "session", "token", "transaction",
    "transactionid", "transactions", "txn", "user", "x", "y",
];

/// Names that card numbers have too.
#[rustfmt::skip]
pub const WEAK: [&str; 13] = [
    "acct", "billing", "data", "declined", "details", "input", "invalid", "num", "number", "pay", "payment", "v",
    "value",
];

/// Words in running text that announce another number.
#[rustfmt::skip]
pub const OTHER_BEFORE: [&str; 11] = [
    "awb", "ean", "gtin", "iban", "iccid", "imei", "isbn", "phone", "timestamp", "trace", "tracking",
];

/// Words in running text that announce a number of any kind, card numbers too.
#[rustfmt::skip]
pub const WEAK_BEFORE: [&str; 4] = [
    "acct", "num", "number", "numbers",
];

/// Words that a card number is written onto without a space.
#[rustfmt::skip]
pub const GLUED_BEFORE: [&str; 18] = [
    "account", "acct", "amex", "card", "cardno", "cc", "ccn", "ccnum", "mastercard", "mc", "n", "no", "num",
    "number", "pan", "test", "track", "visa",
];

/// Words that are written onto a card number without a space.
#[rustfmt::skip]
pub const GLUED_BEHIND: [&str; 5] = [
    "cvc", "cvv", "exp", "valid", "x",
];

/// Words that stand in the same record as a card number.
#[rustfmt::skip]
pub const EVIDENCE: [&str; 12] = [
    "cardholder", "cardholdername", "csc", "cvc", "cvc2", "cvv", "cvv2", "exp", "expires", "expiry", "nameoncard",
    "securitycode",
];

/// What words that belong to an expiry date begin with, besides: `expirationDate`.
pub const EXPIRATION: &str = "expir";

/// What names of card numbers that are written as one word end with.
#[rustfmt::skip]
const CARD_ENDINGS: [&str; 9] = [
    "card", "cards", "cardno", "cardnr", "cardnum", "cardnumber", "ccno", "ccnum", "ccnumber",
];

/// What stands before such an ending where it means something else.
#[rustfmt::skip]
const OTHER_CARDS: [&str; 18] = [
    "business", "dis", "flash", "gift", "graphics", "id", "loyalty", "member", "membership", "network", "phone",
    "pla", "post", "report", "score", "sd", "sim", "wild",
];

/// Elements of HTML that say how their content looks, not what it is.
#[rustfmt::skip]
pub const LOOKS: [&str; 21] = [
    "b", "big", "br", "code", "dd", "div", "dt", "em", "font", "i", "label", "li", "mark", "p", "small", "span",
    "strong", "td", "th", "tt", "u",
];

/// True for the names of card numbers.
pub fn is_card(word: &[u8]) -> bool {
    if is_one_of(word, &CARD) {
        return true;
    }
    let Some(stem) = CARD_ENDINGS.iter().find_map(|ending| word.strip_suffix(ending.as_bytes())) else { return false };
    !OTHER_CARDS.iter().any(|other| stem == other.as_bytes() || (other.len() > 2 && stem.ends_with(other.as_bytes())))
}

/// True for words that, in front of "card", mean something else.
pub fn is_other_card(word: &[u8]) -> bool {
    is_one_of(word, &OTHER_CARDS)
}

/// True when `word` is one of `words`, but for a number or an `s` at its end: `id2`, `orders`.
pub fn is_like_one_of(word: &[u8], words: &[&str]) -> bool {
    let digits = word.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let stem = word.get(..word.len().saturating_sub(digits)).filter(|stem| stem.len() > 1).unwrap_or_default();
    is_one_of(word, words) || is_one_of(stem, words) || stem.strip_suffix(b"s").is_some_and(|one| is_one_of(one, words))
}

/// True when `word` is one of `words`, which are in lower case and in order; its own case does not matter.
pub fn is_one_of(word: &[u8], words: &[&str]) -> bool {
    // The first letters alone tell most of them apart.
    let first = word.first().map(u8::to_ascii_lowercase);
    let rest = || word.iter().map(u8::to_ascii_lowercase);
    let order = |known: &str| known.bytes().next().cmp(&first).then_with(|| known.bytes().cmp(rest()));
    words.binary_search_by(|known| order(known)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_is_sorted_and_in_lower_case() {
        let lists: [&[&str]; 10] = [
            &WEAK_BEFORE,
            &CARD,
            &OTHER,
            &IDENTIFIER,
            &WEAK,
            &OTHER_BEFORE,
            &GLUED_BEFORE,
            &GLUED_BEHIND,
            &EVIDENCE,
            &LOOKS,
        ];
        for list in lists {
            assert!(list.windows(2).all(|pair| pair[0].as_bytes() < pair[1].as_bytes()));
            assert!(list.iter().all(|word| word.to_lowercase() == **word));
        }
    }

    #[test]
    fn names_in_one_word_are_told_from_other_cards() {
        for word in ["card", "lastcard", "debitcard", "mycardnumber", "customerccnum"] {
            assert!(is_card(word.as_bytes()), "{word}");
        }
        for word in ["discard", "giftcard", "giftcardnumber", "simcard", "idcard", "postcards", "cardinal", "cardiac"] {
            assert!(!is_card(word.as_bytes()), "{word}");
        }
    }
}
