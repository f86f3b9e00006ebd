//! Generators for the pieces of an input. Each function appends one piece with new values.
//!
//! Values are drawn as `u32` and `u64`: a `usize` would give other values in Wasm.

use panveil::stream::TextFormat;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;

const WORDS: [&str; 48] = [
    "the",
    "a",
    "order",
    "that",
    "was",
    "sent",
    "with",
    "letters",
    "and",
    "from",
    "to",
    "in",
    "house",
    "morning",
    "paper",
    "nobody",
    "answered",
    "before",
    "evening",
    "customer",
    "wanted",
    "something",
    "else",
    "which",
    "had",
    "been",
    "there",
    "for",
    "years",
    "without",
    "any",
    "reason",
    "of",
    "its",
    "own",
    "so",
    "they",
    "wrote",
    "another",
    "one",
    "about",
    "delivery",
    "window",
    "colour",
    "is",
    "not",
    "as",
    "described",
];

const STATES: [&str; 4] = ["settled", "pending", "refused", "returned"];

/// Text in front of the pieces.
pub fn opening(text_format: TextFormat, text: &mut Vec<u8>) {
    text.extend_from_slice(match text_format {
        TextFormat::Json => b"[",
        TextFormat::Csv => b"id,day,at,amount,rate,count,level,total\n",
        _ => b"",
    });
}

/// Element of a JSON array.
pub fn order(text: &mut Vec<u8>, rng: &mut ChaCha8Rng) {
    add(text, &order_object(rng));
    add(text, ",");
}

/// JSON object in a string, as in a log.
pub fn logged_order(text: &mut Vec<u8>, rng: &mut ChaCha8Rng) {
    let escaped = order_object(rng).replace('"', "\\\"");
    add(text, &format!("{{\"message\":\"{escaped}\",\"level\":\"info\"}},"));
}

fn order_object(rng: &mut ChaCha8Rng) -> String {
    let mut below = |end: u32| rng.random_range(0..end);
    let (day, hour, minute, second) = (below(28) + 1, below(24), below(60), below(60));
    let mut object = format!(
        "{{\"order_id\":{},\"created_at\":\"2026-08-{day:02}T{hour:02}:{minute:02}:{second:02}Z\",\
         \"customer\":\"C-{:06}\",\"amount\":{}.{:02},\"currency\":\"EUR\",\"status\":\"{}\",\"items\":[",
        10_000_000 + below(10_000_000),
        below(1_000_000),
        below(500),
        below(100),
        STATES[below(4) as usize],
    );
    for item in 0..=below(2) {
        let comma = if item == 0 { "" } else { "," };
        let (sku, quantity) = (below(10_000), below(9) + 1);
        let [first, second, third, fourth] = std::array::from_fn(|_| WORDS[below(WORDS.len() as u32) as usize]);
        object.push_str(&format!(
            "{comma}{{\"sku\":\"A-{sku:04}\",\"quantity\":{quantity},\"title\":\"{first} {second} {third} {fourth}\"}}"
        ));
    }
    object.push_str("]}");
    object
}

/// Entry of a list in HTML.
pub fn product(text: &mut Vec<u8>, rng: &mut ChaCha8Rng) {
    let id = rng.random_range(0..100_000_u32);
    let (price, cents) = (rng.random_range(1..500_u32), rng.random_range(0..100_u32));
    let title = words(4, rng);
    let about = words(24, rng);
    add(
        text,
        &format!(
            "<li class=\"product card shadow-sm\" id=\"p-{id}\">\n  <a href=\"/products/{id}?page=2&amp;sort=price\">\
             <img src=\"/img/{id}.webp\" width=\"320\" height=\"240\" alt=\"{title}\" loading=\"lazy\"></a>\n  \
             <h3>{title}</h3>\n  <p class=\"about\">{about}.</p>\n  <span class=\"price\">{price}.{cents:02}&nbsp;EUR</span>\n\
             </li>\n"
        ),
    );
}

/// Line of base64, as in a mail.
pub fn base64_line(text: &mut Vec<u8>, rng: &mut ChaCha8Rng) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    text.extend((0..76).map(|_| ALPHABET[rng.random_range(0..64_u32) as usize]));
    add(text, "\r\n");
}

/// Row of numbers.
pub fn numbers(text: &mut Vec<u8>, rng: &mut ChaCha8Rng) {
    let mut below = |end: u64| rng.random_range(0..end);
    let row = format!(
        "{},{},{},{},0.{:04},{},{},{}\n",
        100_000_000 + below(100_000_000),
        20_260_801 + below(28),
        1_748_503_543_000 + below(1_000_000_000),
        below(100_000),
        below(10_000),
        below(17),
        below(256),
        below(10_000_000),
    );
    add(text, &row);
}

/// Row of numbers with the lengths of card numbers.
pub fn long_numbers(text: &mut Vec<u8>, rng: &mut ChaCha8Rng) {
    for column in 0..5 {
        let number = rng.random_range(1_000_000_000_000_000..10_000_000_000_000_000_u64);
        add(text, &format!("{}{number}", if column == 0 { "" } else { "," }));
    }
    add(text, "\n");
}

/// Sentence of words, with a year now and then.
pub fn sentence(text: &mut Vec<u8>, rng: &mut ChaCha8Rng) {
    let length = rng.random_range(6..18);
    add(text, &words(length, rng));
    if rng.random_range(0..8_u32) == 0 {
        add(text, &format!(" in {}", rng.random_range(1900..2030_u32)));
    }
    add(text, if rng.random_range(0..5_u32) == 0 { ".\n\n" } else { ". " });
}

/// Random digit.
pub fn digit(text: &mut Vec<u8>, rng: &mut ChaCha8Rng) {
    text.push(rng.random_range(b'0'..=b'9'));
}

/// Random byte.
pub fn byte(text: &mut Vec<u8>, rng: &mut ChaCha8Rng) {
    text.push(rng.random_range(0..=u8::MAX));
}

/// Form field: a name, and a value of words with escapes, an address or a number.
pub fn field(text: &mut Vec<u8>, rng: &mut ChaCha8Rng) {
    let value = match rng.random_range(0..4_u32) {
        0 => words(5, rng).replace(' ', "%20"),
        1 => format!("{}%40example.com", words(2, rng).replace(' ', ".")),
        2 => format!("Stra%C3%9Fe+{}%2C+{}", rng.random_range(1..200_u32), words(2, rng).replace(' ', "+")),
        _ => format!("%2B49%20{}", rng.random_range(1_000_000..100_000_000_u32)),
    };
    add(text, &format!("{}={value}&", words(2, rng).replace(' ', "_")));
}

fn words(count: u32, rng: &mut ChaCha8Rng) -> String {
    let mut word = |_| WORDS[rng.random_range(0..WORDS.len() as u32) as usize];
    (0..count).map(&mut word).collect::<Vec<_>>().join(" ")
}

fn add(text: &mut Vec<u8>, piece: &str) {
    text.extend_from_slice(piece.as_bytes());
}
