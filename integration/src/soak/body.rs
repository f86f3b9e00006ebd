//! Bodies of the soak test and their masked form: lines with and without card numbers, cut anywhere.

use bytes::Bytes;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom;

/// Card number and its masked form.
pub const CARDS: [(&str, &str); 4] = [
    ("4111111111111111", "411111******1111"),
    ("5555555555554444", "555555******4444"),
    ("378282246310005", "378282*****0005"),
    ("6011111111111117", "601111******1117"),
];

/// Lines without a card number, some with a possible partial one.
const PLAIN: [&str; 5] = [
    "a line of text and nothing else\n",
    "{\"ts\":1748503543012,\"level\":\"info\"}\n",
    "total 4111 11\n",
    "one more line, a little longer than the others, as lines are\n",
    "weight 0.5555555555 kg\n",
];

/// Body and its masked form.
#[derive(Debug)]
pub struct Body {
    pub pieces: Vec<Bytes>,
    pub masked: Bytes,
}

impl Body {
    pub fn draw(rng: &mut ChaCha8Rng) -> Self {
        let length = match rng.random_range(0..1000) {
            0..50 => 0,
            50..650 => rng.random_range(1..1 << 10),
            650..930 => rng.random_range(1 << 10..16 << 10),
            930..996 => rng.random_range(16 << 10..256 << 10),
            _ => 1 << 20,
        };
        let with_cards = rng.random::<bool>();
        let (mut text, mut masked) = (String::new(), String::new());
        while text.len() < length {
            if with_cards && rng.random_bool(0.2) {
                let (card, mask) = CARDS.choose(rng).copied().unwrap_or(CARDS[0]);
                text.push_str(&format!("{{\"card\":\"{card}\"}}\n"));
                masked.push_str(&format!("{{\"card\":\"{mask}\"}}\n"));
            } else {
                let line = PLAIN.choose(rng).copied().unwrap_or(PLAIN[0]);
                text.push_str(line);
                masked.push_str(line);
            }
        }
        // Some bodies end with the last digit of a number.
        if with_cards && length > 0 && rng.random() {
            text.push_str(&format!("card {}", CARDS[0].0));
            masked.push_str(&format!("card {}", CARDS[0].1));
        }
        Self { pieces: pieces(text.into(), rng), masked: masked.into() }
    }

    pub fn len(&self) -> usize {
        self.masked.len()
    }
}

/// Cuts the text at most seven times, anywhere.
fn pieces(mut text: Bytes, rng: &mut ChaCha8Rng) -> Vec<Bytes> {
    let mut pieces = Vec::new();
    for _ in 0..rng.random_range(0..8) {
        // An empty piece would be an empty frame, of which Envoy accepts few.
        if text.len() > 1 {
            pieces.push(text.split_to(rng.random_range(1..text.len())));
        }
    }
    if !text.is_empty() {
        pieces.push(text);
    }
    pieces
}
