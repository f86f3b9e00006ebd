//! Fragments of slow inputs: text for which the detector has a rule.

use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use super::below;

/// A few bytes and their kind.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fragment {
    pub(super) kind: &'static str,
    pub(super) bytes: Vec<u8>,
}

const MOST_BYTES: usize = 200;

/// Public test numbers, of several brands and lengths.
const CARDS: [&str; 8] = [
    "4111111111111111",
    "5555555555554444",
    "378282246310005",
    "6011111111111117",
    "3530111333300000",
    "30569309025904",
    "4222222222222",
    "6212345678901232",
];
const PREFIXES: [&str; 14] = ["4", "5", "51", "34", "37", "2221", "6011", "62", "35", "36", "50", "65", "9792", "1"];
const SEPARATORS: [&str; 24] = [
    " ", "-", ".", "  ", " - ", "--", "..", "/", "_", "|", "*", " / ", "\t", "\n", "\r\n", ",", ", ", ":", "\u{a0}",
    "\u{2013}", "\u{200b}", "\u{ad}", "\u{feff}", "\u{3000}",
];
const NAMES: [&str; 22] = [
    "card",
    "card_number",
    "cardNumber",
    "pan",
    "cvv",
    "cvc2",
    "cid",
    "pin",
    "pin_block",
    "track2",
    "visa",
    "expiry",
    "order_id",
    "amount",
    "iban",
    "imei",
    "phone",
    "timestamp",
    "name",
    "gift_card",
    "giftCardNumber",
    "\u{5361}\u{53f7}",
];
const PUNCTUATION: [&str; 34] = [
    "{", "}", "[", "]", "(", ")", "<", ">", "\"", "'", "\\\"", "\":\"", "\",\"", "\":", "{\"", "\"}", "=", "&", ";",
    "?", "<td>", "</td>", "<b>", "/>", "#", "+", "@", "%", "\\", "^", "~", "\0", "data: ", "\n\n",
];
const ESCAPES: [&str; 22] = [
    "%34", "%20", "%2D", "%C2%A0", "%25", "%2534", "\\u0034", "\\u0031", "\\u002d", "\\u00a0", "\\n", "\\\\", "&#52;",
    "&#x31;", "&nbsp;", "&amp;", "&#45;", "\\u", "&#", "%4", "&", "\\",
];
const MASKS: [&str; 5] = ["****", "XXXX", "411111******1111", "************1111", "xxxx-xxxx-"];
const TRACKS: [&str; 5] = [
    "%B4111111111111111^DOE/JOHN^29121011000000?",
    ";4111111111111111=29121011000000?",
    "4111111111111111D29121011000000F",
    "%B4111111111111111^",
    ";4111111111111111=",
];
const CHIP: [&str; 7] = [
    "5A084111111111111111",
    "5A 08 41 11 11 11 11 11 11 11",
    "57134111111111111111D2912101",
    "5A08",
    "5A0A",
    "9F02",
    "5F2403291231",
];
const DIGITS_OF_SCRIPTS: [&str; 6] = ["\u{ff14}", "\u{ff11}", "\u{661}", "\u{664}", "\u{967}", "\u{1d7d2}"];

impl Fragment {
    /// Fragment of a random kind.
    pub(super) fn new(rng: &mut ChaCha8Rng) -> Self {
        let one = |kind, bytes: &str| Self { kind, bytes: bytes.into() };
        match rng.random_range(0..28_u32) {
            0..=5 => one("digits", &digits(1 + below(20, rng), rng)),
            6 => {
                let prefix = pick(&PREFIXES, rng);
                one("digits", &format!("{prefix}{}", digits(below(17, rng), rng)))
            }
            7..=8 => one("card", pick(&CARDS, rng)),
            9 => {
                let (card, separator) = (pick(&CARDS, rng), pick(&SEPARATORS, rng));
                let groups: Vec<&str> =
                    (0..card.len()).step_by(4).map(|at| &card[at..card.len().min(at + 4)]).collect();
                one("card", &groups.join(separator))
            }
            // Number with the prefix and length of a brand, and with any check digit.
            10..=11 => one("number", &format!("4{}", digits(15, rng))),
            12..=15 => one("separator", pick(&SEPARATORS, rng)),
            16..=17 => one("name", pick(&NAMES, rng)),
            18..=20 => one("punctuation", pick(&PUNCTUATION, rng)),
            21..=22 => one("escape", pick(&ESCAPES, rng)),
            23 => one("mask", pick(&MASKS, rng)),
            24 => {
                let length = 20 + below(45, rng);
                one("base64", &(0..length).map(|_| pick(&BASE64, rng)).collect::<String>())
            }
            25 => one("track", pick(&TRACKS, rng)),
            26 => one("chip", pick(&CHIP, rng)),
            _ => one("script", pick(&DIGITS_OF_SCRIPTS, rng)),
        }
    }

    /// Changes, removes or inserts one byte. The fragment never becomes empty.
    pub(super) fn change(&mut self, rng: &mut ChaCha8Rng) {
        const BYTES: &[u8] =
            b"0123456789012345678901234567890123456789 -.,:;/_|*\"'\\%&#=+<>{}[]()abcdefxABCDEFX\n\t\xc2\xa0";
        let at = below(self.bytes.len(), rng);
        let byte = BYTES[below(BYTES.len(), rng)];
        match rng.random_range(0..5_u32) {
            0..=2 => self.bytes[at] = byte,
            3 if self.bytes.len() < MOST_BYTES => self.bytes.insert(at, byte),
            _ if self.bytes.len() > 1 => drop(self.bytes.remove(at)),
            _ => {}
        }
    }
}

const BASE64: [&str; 16] = ["A", "b", "C", "d", "N", "D", "E", "x", "M", "T", "1", "0", "z", "Q", "+", "/"];

fn digits(count: usize, rng: &mut ChaCha8Rng) -> String {
    (0..count).map(|_| char::from(rng.random_range(b'0'..=b'9'))).collect()
}

fn pick<'a>(list: &[&'a str], rng: &mut ChaCha8Rng) -> &'a str {
    list[below(list.len(), rng)]
}
