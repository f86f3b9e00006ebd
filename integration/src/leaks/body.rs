//! Kinds of bodies with card numbers.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom;

use super::card::{IN_BODIES, IN_NAMES, Spelling};

/// Kind of a body.
#[derive(Clone, Copy)]
pub enum Kind {
    Json,
    Lines,
    Form,
    Text,
    Xml,
    Html,
    Csv,
    Multipart,
    Events,
    Grpc,
    Binary,
}

const KINDS: [Kind; 11] = [
    Kind::Json,
    Kind::Lines,
    Kind::Form,
    Kind::Text,
    Kind::Xml,
    Kind::Html,
    Kind::Csv,
    Kind::Multipart,
    Kind::Events,
    Kind::Grpc,
    Kind::Binary,
];

impl Kind {
    pub fn draw(rng: &mut ChaCha8Rng) -> Self {
        KINDS.choose(rng).copied().unwrap_or(Self::Json)
    }

    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Lines => "application/x-ndjson",
            Self::Form => "application/x-www-form-urlencoded",
            Self::Text => "text/plain; charset=utf-8",
            Self::Xml => "application/xml",
            Self::Html => "text/html",
            Self::Csv => "text/csv",
            Self::Multipart => "multipart/form-data; boundary=cut",
            Self::Events => "text/event-stream",
            Self::Grpc => "application/grpc",
            Self::Binary => "application/octet-stream",
        }
    }

    /// Spellings that the kind can contain.
    pub fn spellings(self) -> &'static [Spelling] {
        match self {
            Self::Grpc | Self::Binary => IN_NAMES,
            _ => IN_BODIES,
        }
    }

    /// Whether it has frames of its own, and therefore no content encoding.
    pub fn is_framed(self) -> bool {
        matches!(self, Self::Grpc | Self::Events)
    }

    pub fn write(self, [one, other]: &[String; 2]) -> Vec<u8> {
        let text = match self {
            Self::Json => format!(r#"{{"card_number":"{one}","note":"instead of {other}"}}"#),
            Self::Lines => format!("{{\"pan\":\"{one}\"}}\n{{\"pan\":\"{other}\"}}\n"),
            Self::Form => format!("card={one}&lang=en&other={other}"),
            Self::Text => format!("Paid with card {one}, not with {other}.\n"),
            Self::Xml => format!("<pay><pan>{one}</pan><note old=\"{other}\"/></pay>"),
            Self::Html => format!("<p>Card <b>{one}</b> or {other}</p>"),
            Self::Csv => format!("name,card\nA. Holder,{one}\nB. Holder,\"{other}\"\n"),
            Self::Multipart => format!(
                "--cut\r\ncontent-disposition: form-data; name=\"card\"\r\n\r\n{one}\r\n\
                 --cut\r\ncontent-disposition: form-data; name=\"note\"\r\n\r\n{other}\r\n--cut--\r\n"
            ),
            Self::Events => format!("event: paid\ndata: card {one}\n\ndata: {other}\n\n"),
            Self::Grpc => return grpc(one, other),
            Self::Binary => format!("\u{0}\u{1}\u{2}{one}\u{0}{other}\u{3}"),
        };
        text.into_bytes()
    }
}

/// gRPC message with two strings, including its five-byte prefix.
fn grpc(one: &str, other: &str) -> Vec<u8> {
    let field = |tag: u8, text: &str| [&[tag << 3 | 2, text.len() as u8], text.as_bytes()].concat();
    let message = [field(1, one), field(2, other)].concat();
    [&[0, 0, 0, 0, message.len() as u8], message.as_slice()].concat()
}

pub fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let written = encoder.write_all(body);
    written.and_then(|()| encoder.finish()).expect("memory takes everything")
}
