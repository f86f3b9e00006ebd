//! Bodies of the matrix: card numbers at every kind of position and cut, and possible partial ones.

pub use panveil_integration::test_cards::{CARD, MASKED};

const SPACED: &str = "5555 5555 5555 4444";
const SPACED_MASKED: &str = "5555 55** **** 4444";

/// More than half of Envoy's default buffer, so that two such pieces exceed it when the filter pauses.
const LARGE: usize = 600_000;
const FRAME: usize = 16_384;
const FILLER: &[u8] = b"a line without a number in it, as most of them are\n";

/// Body in the pieces that are sent.
#[derive(Clone)]
pub struct Body {
    pub name: String,
    pub content_type: &'static str,
    pub pieces: Vec<Vec<u8>>,
    /// Whether all of its card numbers are written like [`CARD`] or `SPACED`, so that the masked form does not depend
    /// on panveil's code.
    pub plain: bool,
}

impl Body {
    pub fn whole(&self) -> Vec<u8> {
        self.pieces.concat()
    }

    /// Masked form of a plain body.
    pub fn masked(&self) -> Option<Vec<u8>> {
        let masked = replace(&self.whole(), CARD.as_bytes(), MASKED.as_bytes());
        self.plain.then(|| replace(&masked, SPACED.as_bytes(), SPACED_MASKED.as_bytes()))
    }
}

pub fn bodies() -> Vec<Body> {
    let mut bodies = vec![
        text("empty", &[]),
        text("no-digit", &["nothing ", "to ", "see"]),
        text("card-alone", &[CARD]),
        text("card-first", &[CARD, " was charged"]),
        text("card-inside", &["card ", CARD, " was charged"]),
        text("card-last", &["charged to ", CARD]),
        text("card-last-in-one-piece", &["charged to 4111111111111111"]),
        text("card-before-a-line-end", &["charged to 4111111111111111\n"]),
        text("card-before-a-late-line-end", &["charged to ", CARD, "\n"]),
        text("card-before-a-space", &["charged to 4111111111111111 "]),
        text("card-before-another-number", &["charged to 4111111111111111 1"]),
        text("cards-in-a-row", &[CARD, "\n", CARD, "\n", CARD]),
        text("spaced-in-three", &["card 5555 55", "55 5555", " 4444 ok"]),
        text("spaced-in-three-at-the-end", &["card 5555 55", "55 5555 ", "4444"]),
        text("three-pieces-of-one-number", &["card 41111", "111111", "11111\n"]),
        text("tail-of-some-groups", &["total 4111 11"]),
        text("tail-of-a-digit", &["the answer is ", "4"]),
        text("tail-of-fifteen-digits", &["order ", "411111111111111"]),
        text("tail-after-a-card", &["4111111111111111 and ", "5555 5555 "]),
        document("json-string", "application/json", &["{\"card\":\"41111111", "11111111\"}"]),
        document("json-last-byte-apart", "application/json", &["{\"card\":\"4111111111111111\"", "}"]),
        Body { plain: false, ..document("json-number", "application/json", &["{\"card\":41111111", "11111111}"]) },
        Body {
            plain: false,
            ..document("form", "application/x-www-form-urlencoded", &["card=4111+1111+", "1111+1111"])
        },
    ];
    for at in [1, 6, 12, 15] {
        let (head, tail) = CARD.split_at(at);
        bodies.push(text(&format!("cut-before-digit-{}", at + 1), &["card ", head, tail, " ok"]));
        bodies.push(text(&format!("cut-before-digit-{}-at-the-end", at + 1), &[&format!("card {head}"), tail]));
    }
    for (name, body) in [
        ("byte-by-byte", "card 4111111111111111 ok"),
        ("byte-by-byte-to-the-last", "card 4111111111111111"),
        ("byte-by-byte-tail", "total 5555 5555 5555"),
    ] {
        let pieces = body.bytes().map(|byte| vec![byte]).collect();
        bodies.push(Body { name: name.to_owned(), content_type: "text/plain", pieces, plain: true });
    }
    bodies.extend(long_ones());
    bodies
}

fn long_ones() -> Vec<Body> {
    let (head, tail) = CARD.as_bytes().split_at(8);
    let across = vec![[&filler(LARGE), b" ".as_slice(), head].concat(), [tail, b" ", &filler(LARGE)].concat()];
    let at_the_end = vec![filler(LARGE), [&filler(LARGE), b" card ".as_slice(), CARD.as_bytes()].concat()];
    let tail_at_the_end = vec![filler(LARGE), [&filler(LARGE), b" total 4111 11".as_slice()].concat()];
    // A card number across the end of every frame, and therefore also across every second and fourth: 32 and 64 KiB.
    let mut over_frames = filler(7 * FRAME);
    for end in (1..=6).map(|number| number * FRAME) {
        let start = end - 11;
        over_frames[start..start + 18].copy_from_slice(b" 4111111111111111 ");
    }
    let digits = "4111 1111 1111 1111 ".repeat(5_000).into_bytes();
    let long = |name: &str, pieces, plain| Body { name: name.to_owned(), content_type: "text/plain", pieces, plain };
    vec![
        long("600k-card-600k", across, true),
        long("600k-600k-card", at_the_end, true),
        long("600k-600k-tail", tail_at_the_end, true),
        long("100k-cards-over-frames", vec![over_frames], true),
        long("100k-of-digits", vec![digits], false),
    ]
}

fn filler(length: usize) -> Vec<u8> {
    FILLER.iter().copied().cycle().take(length).collect()
}

fn text(name: &str, pieces: &[&str]) -> Body {
    document(name, "text/plain", pieces)
}

fn document(name: &str, content_type: &'static str, pieces: &[&str]) -> Body {
    let pieces = pieces.iter().map(|piece| piece.as_bytes().to_vec()).collect();
    Body { name: name.to_owned(), content_type, pieces, plain: true }
}

/// Replaces `from` with `to`, which have the same length.
fn replace(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut replaced = text.to_vec();
    for start in 0..text.len() {
        if text[start..].starts_with(from) {
            replaced[start..start + to.len()].copy_from_slice(to);
        }
    }
    replaced
}
