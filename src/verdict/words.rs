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
pub const OTHER: [&str; 146] = [
    "aadhaar", "aba", "amount", "amounts", "app", "arn", "at", "awb", "barcode", "bbox", "bic", "boleto", "buckets",
    "build", "bytes", "channel", "checksum", "cid", "clabe", "cnpj", "coord", "coordinates", "cpf", "created",
    "cuenta", "cursor", "date", "device", "digest", "documento", "dump", "dur", "duration", "ean", "ean13", "epoch",
    "esn", "etag", "eticket", "fax", "fb", "file", "filetime", "fingerprint", "flyer", "ga", "gift", "gtin",
    "gtin14", "guid", "guild", "hash", "histogram", "hours", "hw", "iban", "iccid", "idcard", "imei", "imeisv",
    "imsi", "isbn", "isbn13", "lag", "lat", "latency", "license", "lng", "lon", "loyalty", "matrix", "md5", "meid",
    "member", "members", "metric", "mobile", "modified", "msisdn", "msisdns", "nano", "nanos", "national", "offset",
    "offsets", "page", "pallet", "parcel", "parent", "part", "phone", "point", "population", "position", "profile",
    "psp", "pub", "pwdlastset", "recipients", "resource", "routing", "row", "rowversion", "rrn", "score", "seq",
    "serial", "series", "sfz", "sha", "sha256", "shipment", "sim", "size", "sku", "slots", "snowflake", "span",
    "spanid", "sscc", "ssn", "stamp", "stream", "supi", "tax", "tel", "ticket", "ticks", "time", "timestamp", "tkt",
    "trace", "traceid", "tracking", "ts", "tweet", "unix", "upc", "updated", "uuid", "values", "version", "vin",
    "weights", "years", "zips",
];

/// Names of identifiers that could be anything.
#[rustfmt::skip]
pub const IDENTIFIER: [&str; 28] = [
    "account", "acquirer", "beneficiary", "blob", "customer", "d", "external", "id", "ids", "invoice", "key",
    "merchant", "message", "n", "order", "p", "ref", "reference", "request", "session", "token", "transaction",
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

/// Words that stand behind a card number.
#[rustfmt::skip]
pub const EVIDENCE: [&str; 9] = [
    "cid", "csc", "cvc", "cvc2", "cvv", "cvv2", "exp", "expires", "expiry",
];

/// True when `word` is one of `words`.
pub fn is_one_of(word: &[u8], words: &[&str]) -> bool {
    words.binary_search_by(|known| known.as_bytes().cmp(word)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_is_sorted_and_in_lower_case() {
        let lists: [&[&str]; 8] =
            [&CARD, &OTHER, &IDENTIFIER, &WEAK, &OTHER_BEFORE, &GLUED_BEFORE, &GLUED_BEHIND, &EVIDENCE];
        for list in lists {
            assert!(list.windows(2).all(|pair| pair[0].as_bytes() < pair[1].as_bytes()));
            assert!(list.iter().all(|word| word.to_lowercase() == **word));
        }
    }
}
