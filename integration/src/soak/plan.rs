//! Plan of one stream of the soak test. It derives from the seed and the number of the stream, so that client,
//! upstream and a replay have the same plan.

use bytes::Bytes;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::body::Body;

/// One stream.
#[derive(Debug)]
pub struct Plan {
    pub number: u64,
    pub request: Body,
    pub response: Body,
    /// Whether requests and responses have a `content-length`.
    pub with_length: bool,
    pub course: Course,
    /// Whether requests and responses have trailers. Only where all protocols support them.
    pub with_trailers: bool,
    /// Whether a card number is in the query and in a header.
    pub card_in_head: bool,
}

/// Course of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    /// Complete.
    Whole,
    /// Complete, with a client that pauses between the pieces that it sends.
    SlowWriter,
    /// Complete, with a client that pauses between the pieces that it reads.
    SlowReader,
    /// The client aborts in the middle of its request.
    ClientStopsSending,
    /// The client aborts after the start of the response.
    ClientStopsReading,
    /// The upstream aborts in the middle of its response.
    ServiceStops,
    /// The upstream aborts without a response.
    NoAnswer,
}

/// Largest body whose undecided end always waits in Envoy before trailers.
const MOST_BEFORE_TRAILERS: usize = 8 << 10;

impl Plan {
    /// Plan of the stream with this number. `http2` says that both sides speak HTTP/2.
    pub fn draw(seed: u64, number: u64, http2: bool) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(number);
        let course = match rng.random_range(0..100) {
            0..86 => Course::Whole,
            86..88 => Course::SlowWriter,
            88..90 => Course::SlowReader,
            90..93 => Course::ClientStopsSending,
            93..96 => Course::ClientStopsReading,
            96..99 => Course::ServiceStops,
            _ => Course::NoAnswer,
        };
        let (request, response) = (Body::draw(&mut rng), Body::draw(&mut rng));
        let with_length = rng.random();
        let short = request.len().max(response.len()) <= MOST_BEFORE_TRAILERS;
        let with_trailers = rng.random::<bool>() && short && http2;
        Self { number, request, response, with_length, course, with_trailers, card_in_head: rng.random_bool(0.1) }
    }

    /// Whether both messages must arrive complete.
    pub fn is_whole(&self) -> bool {
        matches!(self.course, Course::Whole | Course::SlowWriter | Course::SlowReader)
    }
}

/// Path of the stream with this number. Its digits are letters, since five digits in a log count as a leak.
pub fn path(number: u64) -> String {
    let letter = |digit: char| char::from(digit as u8 - b'0' + b'a');
    format!("/{}", number.to_string().chars().map(letter).collect::<String>())
}

/// Number of the stream with this path.
pub fn number(path: &str) -> Option<u64> {
    let digits: Option<String> = path
        .strip_prefix('/')?
        .bytes()
        .map(|letter| char::from_digit(u32::from(letter.checked_sub(b'a')?), 10))
        .collect();
    digits?.parse().ok()
}

/// First half of the `pieces` of a body, for a peer that aborts in the middle.
pub fn first_half(pieces: &[Bytes]) -> &[Bytes] {
    pieces.get(..pieces.len() / 2).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_says_its_number_without_a_digit() {
        assert_eq!(path(1_024), "/bace");
        assert_eq!(number("/bace"), Some(1_024));
        assert_eq!((number("/k"), number("/"), number("bace"), number("/1")), (None, None, None, None));
    }
}
