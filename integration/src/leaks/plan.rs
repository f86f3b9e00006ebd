//! Plan of one stream: the request and the response. It derives from the seed and the number of the stream, so that
//! client, upstream and log check have the same plan.
//!
//! Except for card numbers, no text has more than four consecutive digits. Therefore more digits in a log are a
//! finding.

use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::json;

use super::body;
use super::card::{Card, IN_ADDRESSES, IN_COOKIES, IN_NAMES, IN_PATHS, IN_QUERIES, IN_TRACES, IN_VALUES, Spelling};
use crate::access_log::KEYS;
use crate::case::{Framing, Message, Request, Response};
use crate::evaluation::corpus::Issuers;

/// Path prefixes, one for each action of [`policy`].
pub const DEALINGS: [&str; 6] = ["mask", "block", "back", "watch", "allow", "skip"];

/// Path that routes to a closed port.
pub const DOWN: &str = "down";
/// Path without a route.
pub const NOWHERE: &str = "nowhere";

/// Selection of streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mix {
    /// Every action of a policy, and every kind of request.
    Everything,
    /// Streams that panveil masks or blocks: card numbers from ranges that no other identifier shares, in requests
    /// that reach the upstream. The request id and the trace id have none: Envoy adds them to a span before any filter runs.
    Masked,
}

/// Policy with every option, selected by path.
pub fn policy(mix: Mix) -> String {
    // A trace id that Envoy draws may have digits like those of a card number.
    let keys: Vec<&str> = KEYS.into_iter().filter(|key| mix == Mix::Everything || *key != "trace_id").collect();
    let rules = json!([
        {"name": "block", "match": {"path": {"prefix": "/block"}}, "action": "block"},
        {"name": "there", "match": {"direction": "request", "path": {"prefix": "/back"}}, "action": "allow"},
        {"name": "back", "match": {"direction": "response", "path": {"prefix": "/back"}}, "action": "block"},
        {"name": "watch", "match": {"path": {"prefix": "/watch"}}, "action": "block", "mode": "monitor"},
        {"name": "allow", "match": {"path": {"prefix": "/allow"}}, "action": "allow"},
        {"name": "skip", "match": {"path": {"prefix": "/skip"}}, "action": "skip"},
    ]);
    json!({"detect": {"base64": true}, "audit": {"clean": true, "keys": keys}, "rules": rules}).to_string()
}

/// One stream. No `Debug`: it would print digits.
pub struct Plan {
    pub number: u64,
    pub course: Course,
    pub cards: Vec<Card>,
    pub request: Request,
    /// Response of the upstream, if the request reaches it.
    pub response: Response,
}

/// Course of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    /// Complete request and response.
    Whole,
    /// The upstream resets the stream without a response.
    Reset,
    /// Complete websocket.
    WebSocket,
    /// Upgrade to another protocol.
    Upgrade,
    /// Request that Envoy rejects itself.
    Refused(Fault),
}

/// Error in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    NoHost,
    Method,
    RequestLine,
    Version,
    NoSlash,
    FieldName,
    FieldValue,
    ChunkSize,
    TooLarge,
    Frames,
}

const FAULTS: [Fault; 10] = [
    Fault::NoHost,
    Fault::Method,
    Fault::RequestLine,
    Fault::Version,
    Fault::NoSlash,
    Fault::FieldName,
    Fault::FieldValue,
    Fault::ChunkSize,
    Fault::TooLarge,
    Fault::Frames,
];

struct Draft<'a> {
    issuers: &'a Issuers,
    mix: Mix,
    rng: ChaCha8Rng,
    cards: Vec<Card>,
}

impl Plan {
    /// Plan of the stream with this number.
    pub fn draw(issuers: &Issuers, mix: Mix, seed: u64, number: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(number);
        let mut draft = Draft { issuers, mix, rng, cards: Vec::new() };
        let course = match draft.rng.random_range(0..100) {
            0..69 => Course::Whole,
            69..72 => Course::Reset,
            _ if mix == Mix::Masked => Course::Whole,
            72..75 => Course::WebSocket,
            75..77 => Course::Upgrade,
            _ => Course::Refused(FAULTS.choose(&mut draft.rng).copied().unwrap_or(Fault::NoHost)),
        };
        draft.card(IN_NAMES);
        let request = draft.request(number);
        let response = draft.response();
        Self { number, course, cards: draft.cards, request, response }
    }

    /// Card number of a malformed request.
    pub fn card(&self) -> &str {
        self.cards.first().map_or("", |card| card.written.as_str())
    }
}

impl Draft<'_> {
    fn card(&mut self, spellings: &[Spelling]) -> String {
        let card = Card::draw(self.issuers, spellings, self.mix == Mix::Everything, &mut self.rng);
        let written = card.written.clone();
        self.cards.push(card);
        written
    }

    /// True with a probability of 1 in `times`.
    fn one_in(&mut self, times: u32) -> bool {
        self.rng.random_range(0..times) == 0
    }

    fn request(&mut self, number: u64) -> Request {
        let head = match self.rng.random_range(0..100) {
            _ if self.mix == Mix::Masked => DEALINGS[..2].choose(&mut self.rng).copied().unwrap_or(DEALINGS[0]),
            0..4 => DOWN,
            4..8 => NOWHERE,
            _ => DEALINGS.choose(&mut self.rng).copied().unwrap_or(DEALINGS[0]),
        };
        let mut path = format!("/{head}/{}", letters(number));
        if self.one_in(4) {
            path += &format!("/cards/{}", self.card(IN_PATHS));
        }
        if self.one_in(3) {
            let key = ["card", "pan", "card_number", "q"].choose(&mut self.rng).copied().unwrap_or_default();
            path += &format!("?lang=en&{key}={}&page=1", self.card(IN_QUERIES));
        }
        let mut headers = Vec::new();
        if self.one_in(12) {
            headers.push(("host".to_owned(), format!("{}.shop.example", self.card(IN_NAMES))));
        }
        for (name, before, spellings, behind) in [
            ("x-note", "paid by ", IN_VALUES, ""),
            ("cookie", "theme=dark; card=", IN_COOKIES, "; lang=en"),
            ("referer", "https://shop.example/pay?card=", IN_QUERIES, ""),
            ("user-agent", "shop/1.0 (", IN_NAMES, ")"),
            ("x-request-id", "", IN_NAMES, ""),
            ("traceparent", "00-", IN_TRACES, "-a0f067aa0ba902b7-01"),
            ("x-b3-traceid", "", IN_TRACES, ""),
            ("x-forwarded-for", "", IN_ADDRESSES, ""),
            ("authorization", "Bearer ", IN_NAMES, ""),
        ] {
            let noted = ["x-request-id", "traceparent", "x-b3-traceid"].contains(&name) && self.mix == Mix::Masked;
            if self.one_in(6) && !noted {
                headers.push((name.to_owned(), format!("{before}{}{behind}", self.card(spellings))));
            }
        }
        if self.one_in(10) {
            headers.push((format!("x-{}", self.card(IN_NAMES)), "1".to_owned()));
        }
        if self.one_in(3) {
            return Request { method: "GET".to_owned(), path, message: Message { headers, ..Message::default() } };
        }
        Request { method: "POST".to_owned(), path, message: self.message(headers) }
    }

    fn response(&mut self) -> Response {
        let status = [200, 200, 200, 302, 404, 500, 503].choose(&mut self.rng).copied().unwrap_or(200);
        let mut headers = vec![("x-service".to_owned(), "yes".to_owned())];
        for (name, before, spellings, behind) in [
            ("location", "/receipt?pan=", IN_QUERIES, "&again=1"),
            ("set-cookie", "card=", IN_COOKIES, "; Path=/"),
            ("x-detail", "charged ", IN_VALUES, ""),
        ] {
            if self.one_in(5) {
                headers.push((name.to_owned(), format!("{before}{}{behind}", self.card(spellings))));
            }
        }
        if self.one_in(10) {
            headers.push((format!("x-{}", self.card(IN_NAMES)), "1".to_owned()));
        }
        Response { status, message: self.message(headers) }
    }

    /// Message with a body of a random kind, and sometimes with trailers.
    fn message(&mut self, mut headers: Vec<(String, String)>) -> Message {
        let kind = body::Kind::draw(&mut self.rng);
        let cards = [self.card(kind.spellings()), self.card(kind.spellings())];
        let mut body = kind.write(&cards);
        headers.push(("content-type".to_owned(), kind.content_type().to_owned()));
        if !kind.is_framed() && self.one_in(5) {
            body = body::gzip(&body);
            headers.push(("content-encoding".to_owned(), "gzip".to_owned()));
        }
        let at = self.rng.random_range(1..body.len());
        let (first, rest) = body.split_at(at);
        let mut trailers = Vec::new();
        let framing = if self.one_in(2) { Framing::Length } else { Framing::Chunked };
        if framing == Framing::Chunked && self.one_in(2) {
            trailers.push(("x-receipt".to_owned(), self.card(IN_VALUES)));
        }
        Message { headers, pieces: vec![first.to_vec(), rest.to_vec()], framing, trailers }
    }
}

/// Number in letters.
fn letters(number: u64) -> String {
    number.to_string().bytes().map(|digit| char::from(digit - b'0' + b'a')).collect()
}

/// Number of the stream with this path, which may be masked.
pub fn number(path: &str) -> Option<u64> {
    let letters = path.split(['/', '?']).nth(2)?;
    let digit = |letter: u8| char::from_digit(u32::from(letter.checked_sub(b'a')?), 10);
    letters.bytes().map(digit).collect::<Option<String>>()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_says_its_number_without_a_digit() {
        assert_eq!(letters(1024), "bace");
        assert_eq!(number("/mask/bace/cards/****?x=y"), Some(1024));
        assert_eq!(number("/mask/bace?card=1"), Some(1024));
        assert_eq!((number("/mask"), number("/mask/k"), number("-")), (None, None, None));
    }
}
