//! Invariants of a stream for a body that arbitrary bytes describe: its format, its chunks and its content.
//!
//! The first line of an input selects the format and the chunks of the rest: `c8 35` is data from the client of a websocket, in
//! chunks of 3 and 5 bytes. Without a line end everything is a gRPC body.
//!
//! | character | choice |
//! |---|---|
//! | 1st | `p` protobuf, `j` gRPC with other messages, `e` events, `l` lines, `b` gRPC in base64, `c` and `s` the data of client and upstream on a websocket, `G`, `D`, `B`, `Z` a text in gzip, deflate, br or zstd; else gRPC with protobuf |
//! | 2nd | digits that stay readable: `4`, `6` and `8` as in `last4`, `first6_last4`, `first8_last4`; else none |
//! | rest | [counts](count): the lengths of the chunks |

use super::chunks::cut;
use panveil::mask::Keep;
use panveil::stream::invariants::{self, Carrier, Settings};
use panveil::stream::{Framing, LengthPrefixed, Side, TextFormat};

/// Panics when an invariant does not hold for the body that `input` stands for.
pub fn check(input: &[u8]) {
    let line_end = input.iter().position(|byte| *byte == b'\n');
    let (choices, body) = line_end.map_or((&b""[..], input), |at| (&input[..at], &input[at + 1..]));
    let choice = |index: usize| choices.get(index).copied().unwrap_or_default();
    let keep = match choice(1) {
        b'4' => Keep::Last4,
        b'6' => Keep::First6Last4,
        b'8' => Keep::First8Last4,
        _ => Keep::None,
    };
    let settings = Settings::of(TextFormat::Unknown, keep);
    let chunks = cut(body, choices.get(2..).unwrap_or_default());
    let carrier = match choice(0) {
        b'G' => return invariants::decoding_of_anything(&chunks, "gzip", settings),
        b'D' => return invariants::decoding_of_anything(&chunks, "deflate", settings),
        b'B' => return invariants::decoding_of_anything(&chunks, "br", settings),
        b'Z' => return invariants::decoding_of_anything(&chunks, "zstd", settings),
        b'p' => Carrier::Messages(Framing::Protobuf),
        b'j' => Carrier::Messages(Framing::Grpc(LengthPrefixed::TEXT)),
        b'e' => Carrier::Messages(Framing::Events),
        b'l' => Carrier::Messages(Framing::Lines),
        b'b' => Carrier::Base64(Framing::Grpc(LengthPrefixed::PROTOBUF)),
        b'c' => Carrier::WebSocket(Side::Client),
        b's' => Carrier::WebSocket(Side::Server),
        _ => Carrier::Messages(Framing::Grpc(LengthPrefixed::PROTOBUF)),
    };
    invariants::chunk_invariance_of_messages(&chunks, carrier, settings);
}
