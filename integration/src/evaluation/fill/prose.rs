//! Values for placeholders of words.

use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom;

const FIRST: [&str; 16] = [
    "Anna", "Ben", "Chloe", "Dmitri", "Elif", "Fatima", "George", "Hana", "Ivan", "José", "Kofi", "Lena", "Mei",
    "Noah", "Olga", "Zoë",
];

const LAST: [&str; 16] = [
    "Adler", "Brown", "Costa", "Dubois", "Eriksen", "Fischer", "García", "Huang", "Ito", "Jansen", "Kowalski", "Lopez",
    "Müller", "Novak", "Okafor", "Silva",
];

const WORDS: [&str; 24] = [
    "apple", "basket", "copper", "delta", "ember", "forest", "garden", "harbor", "island", "jacket", "kettle", "lemon",
    "marble", "needle", "orange", "paper", "quartz", "river", "silver", "timber", "urban", "violet", "window",
    "yellow",
];

const CITIES: [&str; 10] =
    ["Berlin", "Lyon", "Madrid", "Osaka", "Porto", "Recife", "Seoul", "Utrecht", "Warsaw", "Zagreb"];

const CURRENCIES: [&str; 8] = ["EUR", "USD", "GBP", "JPY", "BRL", "INR", "PLN", "CHF"];

const HOSTS: [&str; 4] = ["example.com", "shop.example", "pay.example.org", "mail.example.net"];

/// Value for `{name}`. `None` when this module has no such placeholder.
pub(super) fn draw(name: &str, rng: &mut ChaCha8Rng) -> Option<String> {
    let one = |words: &[&str], rng: &mut ChaCha8Rng| words.choose(rng).copied().unwrap_or_default().to_owned();
    Some(match name {
        "first" => one(&FIRST, rng),
        "last" => one(&LAST, rng),
        "name" => one(&FIRST, rng) + " " + &one(&LAST, rng),
        "upper_name" => one(&LAST[..6], rng).to_uppercase() + "/" + &one(&FIRST[..6], rng).to_uppercase(),
        "word" => one(&WORDS, rng),
        "words" => (0..5).map(|_| one(&WORDS, rng)).collect::<Vec<_>>().join(" "),
        "city" => one(&CITIES, rng),
        "currency" => one(&CURRENCIES, rng),
        "email" => one(&WORDS, rng) + "@" + &one(&HOSTS, rng),
        "host" => one(&HOSTS, rng),
        _ => return None,
    })
}
