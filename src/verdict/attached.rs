//! Letters that programs write directly before or after a card number.
//!
//! They are short, so that other identifiers contain them by chance. Only a number whose range indicates a card, with a
//! valid check digit, may have them.

use super::brand::Brand;
use super::words::is_one_of;

/// True if `word`, directly before a number, is the two-letter code of booking systems for `brand`: `VI4111…`. The form of
/// payment may precede it: `FPCCVI4111…`.
pub fn is_brand_code(word: &[u8], brand: Brand) -> bool {
    let code = [b"FPCC".as_slice(), b"CC"].iter().find_map(|form| word.strip_prefix(*form)).unwrap_or(word);
    BRAND_CODES.iter().any(|(known, issuer)| *known == code && *issuer == brand)
}

/// True if `word`, directly after a number and before the byte `behind`, is the suffix of an integer or decimal literal:
/// `4111…n`, `4111…L`.
pub fn is_literal_suffix(word: &[u8], behind: Option<&u8>) -> bool {
    let ends = !behind.is_some_and(|byte| byte.is_ascii_digit() || *byte == b'_');
    ends && is_one_of(word, &LITERAL_SUFFIXES)
}

/// True if `word` is the code of a currency: `4111…USD`.
pub fn is_currency(word: &[u8]) -> bool {
    word.iter().all(u8::is_ascii_uppercase) && is_one_of(word, &CURRENCIES)
}

/// The codes of card brands in booking systems (IATA, and those of the large systems).
const BRAND_CODES: [(&[u8], Brand); 12] = [
    (b"AX", Brand::Amex),
    (b"CA", Brand::Mastercard),
    (b"CU", Brand::UnionPay),
    (b"DC", Brand::Diners),
    (b"DI", Brand::Discover),
    (b"DS", Brand::Discover),
    (b"IK", Brand::Mastercard),
    (b"JC", Brand::Jcb),
    (b"MC", Brand::Mastercard),
    (b"UP", Brand::UnionPay),
    (b"VI", Brand::Visa),
    (b"VS", Brand::Visa),
];

/// The suffixes of number literals in programming languages.
#[rustfmt::skip]
const LITERAL_SUFFIXES: [&str; 11] = [
    "d", "f", "l", "ll", "llu", "lu", "m", "n", "u", "ul", "ull",
];

/// The codes of currencies (ISO 4217), without funds and metals.
#[rustfmt::skip]
const CURRENCIES: [&str; 154] = [
    "aed", "afn", "all", "amd", "aoa", "ars", "aud", "awg", "azn", "bam", "bbd", "bdt", "bgn", "bhd", "bif", "bmd",
    "bnd", "bob", "brl", "bsd", "btn", "bwp", "byn", "bzd", "cad", "cdf", "chf", "clp", "cny", "cop", "crc", "cup",
    "cve", "czk", "djf", "dkk", "dop", "dzd", "egp", "ern", "etb", "eur", "fjd", "fkp", "gbp", "gel", "ghs", "gip",
    "gmd", "gnf", "gtq", "gyd", "hkd", "hnl", "htg", "huf", "idr", "ils", "inr", "iqd", "irr", "isk", "jmd", "jod",
    "jpy", "kes", "kgs", "khr", "kmf", "kpw", "krw", "kwd", "kyd", "kzt", "lak", "lbp", "lkr", "lrd", "lsl", "lyd",
    "mad", "mdl", "mga", "mkd", "mmk", "mnt", "mop", "mru", "mur", "mvr", "mwk", "mxn", "myr", "mzn", "nad", "ngn",
    "nio", "nok", "npr", "nzd", "omr", "pab", "pen", "pgk", "php", "pkr", "pln", "pyg", "qar", "ron", "rsd", "rub",
    "rwf", "sar", "sbd", "scr", "sdg", "sek", "sgd", "shp", "sle", "sos", "srd", "ssp", "stn", "svc", "syp", "szl",
    "thb", "tjs", "tmt", "tnd", "top", "try", "ttd", "twd", "tzs", "uah", "ugx", "usd", "uyu", "uzs", "ved", "ves",
    "vnd", "vuv", "wst", "xaf", "xcd", "xof", "xpf", "yer", "zar", "zmw",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted() {
        assert!(LITERAL_SUFFIXES.is_sorted() && CURRENCIES.is_sorted());
    }

    #[test]
    fn brand_codes_match_the_brand_of_the_number() {
        assert!(is_brand_code(b"VI", Brand::Visa) && is_brand_code(b"FPCCAX", Brand::Amex));
        assert!(is_brand_code(b"CCCA", Brand::Mastercard) && is_brand_code(b"JC", Brand::Jcb));
        assert!(!is_brand_code(b"VI", Brand::Mastercard) && !is_brand_code(b"vi", Brand::Visa));
        assert!(!is_brand_code(b"XVI", Brand::Visa) && !is_brand_code(b"V", Brand::Visa));
    }

    #[test]
    fn suffixes_end_a_literal() {
        for word in [b"n".as_slice(), b"L", b"l", b"LL", b"UL", b"u", b"ULL", b"ull", b"m", b"d", b"f"] {
            assert!(is_literal_suffix(word, None) && is_literal_suffix(word, Some(&b';')));
            assert!(!is_literal_suffix(word, Some(&b'1')));
        }
        for word in [b"e".as_slice(), b"nn", b"lul", b"a", b""] {
            assert!(!is_literal_suffix(word, None));
        }
    }

    #[test]
    fn currencies_are_in_capitals() {
        assert!(is_currency(b"USD") && is_currency(b"EUR"));
        assert!(!is_currency(b"usd") && !is_currency(b"USDT") && !is_currency(b"ABC"));
    }
}
