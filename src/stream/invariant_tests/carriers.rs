//! Property tests of the stream invariants for bodies with several messages, in each framing and content encoding.

use super::{KEEPS, chunks, fragment, json, text};
use crate::mask::Keep;
use crate::stream::invariants::{self, Carrier, Settings};
use crate::stream::{Framing, LengthPrefixed, Side, TextFormat};
use proptest::prelude::*;
use proptest::sample::Index;
use std::io::Write;

/// A message with the length prefix of gRPC.
fn prefixed(flags: u8, message: &[u8]) -> Vec<u8> {
    [&[flags][..], &(message.len() as u32).to_be_bytes(), message].concat()
}

/// A protobuf message of texts, numbers, bytes and messages, in fields whose tags can be ASCII digits.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let text = prop::collection::vec(fragment(), 0..3).prop_map(|fragments| fragments.concat().into_bytes());
    let bytes = prop::collection::vec(any::<u8>(), 0..40);
    let leaf = prop_oneof![3 => text, 1 => bytes];
    let field = |value: BoxedStrategy<Vec<u8>>| {
        let number =
            (1..8_u8, any::<u32>()).prop_map(|(field, number)| [&[field << 3 | 5][..], &number.to_le_bytes()].concat());
        let delimited = (1..15_u8, value)
            .prop_map(|(field, value)| [varint(u64::from(field << 3 | 2)), varint(value.len() as u64), value].concat());
        prop_oneof![1 => number, 3 => delimited]
    };
    let flat = prop::collection::vec(field(leaf.clone().boxed()), 0..5).prop_map(|fields| fields.concat());
    flat.prop_recursive(3, 20, 4, move |inner| {
        let value = prop_oneof![leaf.clone(), inner].boxed();
        prop::collection::vec(field(value), 0..4).prop_map(|fields| fields.concat())
    })
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 & 0x7f | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// A WebSocket frame.
fn frame(first: u8, key: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
    let scrambled = if key.is_some() { 0x80 } else { 0 };
    let mut frame = match payload.len() {
        length @ 0..126 => vec![first, scrambled | length as u8],
        length => [&[first, scrambled | 126][..], &(length as u16).to_be_bytes()].concat(),
    };
    let key = key.inspect(|key| frame.extend_from_slice(key)).unwrap_or_default();
    frame.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

/// Messages in frames, with pings between them.
fn frames(side: Side) -> impl Strategy<Value = Vec<u8>> {
    let message = (text(), prop::collection::vec(any::<Index>(), 0..4), any::<[u8; 4]>(), 0..4_u8);
    let frames = message.prop_map(move |(text, at, key, extra)| {
        let key = (side == Side::Client).then_some(key);
        let pieces = chunks(&text, &at);
        let mut stream = Vec::new();
        for (index, piece) in pieces.iter().enumerate() {
            let first = if index == 0 { 1 } else { 0 };
            let last = if index + 1 == pieces.len() { 0x80 } else { 0 };
            stream.extend(frame(first | last, key, piece));
            if extra == 1 {
                stream.extend(frame(0x89, key, b"4111"));
            }
        }
        if extra == 2 {
            stream.extend(frame(0xc1, key, b"compressed"));
        }
        stream
    });
    prop::collection::vec(frames, 0..4).prop_map(|messages| messages.concat())
}

fn base64(stream: &[u8], at: &[Index]) -> Vec<u8> {
    use ::base64::prelude::{BASE64_STANDARD, Engine};
    chunks(stream, at).iter().map(|piece| BASE64_STANDARD.encode(piece)).collect::<String>().into_bytes()
}

/// A content encoding and its encoder.
type Encoder = (&'static str, fn(&[u8]) -> Vec<u8>);

const CODINGS: [Encoder; 3] = [
    ("gzip", |text| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }),
    ("deflate", |text| {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }),
    ("zstd", |text| zstd::bulk::compress(text, 3).unwrap()),
];

fn settings(keep: usize) -> Settings {
    Settings::of(TextFormat::Unknown, KEEPS[keep])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn messages_of_grpc(texts in prop::collection::vec(text(), 0..4), at in prop::collection::vec(any::<Index>(), 0..8), keep in 0..4_usize) {
        let stream: Vec<u8> = texts.iter().flat_map(|text| prefixed(0, text)).collect();
        invariants::chunk_invariance_of_messages(&chunks(&stream, &at), Carrier::Messages(Framing::Grpc(LengthPrefixed::TEXT)), settings(keep));
    }

    #[test]
    fn fields_of_protobuf(messages in prop::collection::vec(message(), 0..3), at in prop::collection::vec(any::<Index>(), 0..8), keep in 0..4_usize) {
        let stream: Vec<u8> = messages.iter().flat_map(|message| prefixed(0, message)).collect();
        invariants::chunk_invariance_of_messages(&chunks(&stream, &at), Carrier::Messages(Framing::Grpc(LengthPrefixed::PROTOBUF)), settings(keep));
    }

    #[test]
    fn fields_of_one_message(message in message(), at in prop::collection::vec(any::<Index>(), 0..8), keep in 0..4_usize) {
        invariants::chunk_invariance_of_messages(&chunks(&message, &at), Carrier::Messages(Framing::Protobuf), settings(keep));
    }

    #[test]
    fn documents_as_protobuf(document in json(3), pretty in any::<bool>(), at in prop::collection::vec(any::<Index>(), 0..4), keep in 0..4_usize, kind in 0..3_usize) {
        let text = if pretty { serde_json::to_vec_pretty(&document) } else { serde_json::to_vec(&document) }.unwrap();
        let (stream, framing) = match kind {
            0 => (text.clone(), Framing::Protobuf),
            1 => (prefixed(0, &text), Framing::Grpc(LengthPrefixed::PROTOBUF)),
            // A content type of gRPC without length prefixes.
            _ => (text.clone(), Framing::Grpc(LengthPrefixed::PROTOBUF)),
        };
        let chunks = chunks(&stream, &at);
        invariants::chunk_invariance_of_messages(&chunks, Carrier::Messages(framing), settings(keep));
        invariants::no_finding_left(&chunks, &text, Carrier::Messages(framing), settings(keep));
    }

    #[test]
    fn texts_as_protobuf(text in text(), at in prop::collection::vec(any::<Index>(), 0..4), grpc in any::<bool>()) {
        let (stream, framing) = match grpc {
            true => (prefixed(0, &text), Framing::Grpc(LengthPrefixed::PROTOBUF)),
            false => (text.clone(), Framing::Protobuf),
        };
        invariants::no_finding_left(&chunks(&stream, &at), &text, Carrier::Messages(framing), settings(1));
    }

    #[test]
    fn noise_as_protobuf(stream in prop::collection::vec(any::<u8>(), 0..300), at in prop::collection::vec(any::<Index>(), 0..8)) {
        let stream = prefixed(0, &stream);
        invariants::chunk_invariance_of_messages(&chunks(&stream, &at), Carrier::Messages(Framing::Grpc(LengthPrefixed::PROTOBUF)), settings(0));
    }

    #[test]
    fn lines(texts in prop::collection::vec(text(), 0..4), at in prop::collection::vec(any::<Index>(), 0..8), events in any::<bool>()) {
        let framing = if events { Framing::Events } else { Framing::Lines };
        let stream: Vec<u8> = texts.iter().flat_map(|text| [text, &b"\n\n"[..]].concat()).collect();
        invariants::chunk_invariance_of_messages(&chunks(&stream, &at), Carrier::Messages(framing), settings(0));
    }

    #[test]
    fn messages_in_base64(messages in prop::collection::vec(message(), 0..3), pieces in prop::collection::vec(any::<Index>(), 0..3), at in prop::collection::vec(any::<Index>(), 0..8), keep in 0..4_usize) {
        let stream: Vec<u8> = messages.iter().flat_map(|message| prefixed(0, message)).collect();
        let stream = base64(&stream, &pieces);
        invariants::chunk_invariance_of_messages(&chunks(&stream, &at), Carrier::Base64(Framing::Grpc(LengthPrefixed::PROTOBUF)), settings(keep));
    }

    #[test]
    fn compressed_bodies(text in text(), at in prop::collection::vec(any::<Index>(), 0..8), coding in 0..CODINGS.len(), keep in 0..4_usize) {
        let (name, encode) = CODINGS[coding];
        invariants::decoding(&chunks(&encode(&text), &at), name, &text, settings(keep));
    }

    #[test]
    fn members_of_compressed_bodies(text in text(), members in prop::collection::vec(any::<Index>(), 1..4), at in prop::collection::vec(any::<Index>(), 0..8), zstd in any::<bool>(), keep in 0..4_usize) {
        let (name, encode) = CODINGS[if zstd { 2 } else { 0 }];
        let encoded: Vec<Vec<u8>> = chunks(&text, &members).iter().map(|member| encode(member)).collect();
        invariants::decoding(&encoded, name, &text, settings(keep));
        invariants::decoding(&chunks(&encoded.concat(), &at), name, &text, settings(keep));
    }

    #[test]
    fn frames_of_a_client(stream in frames(Side::Client), at in prop::collection::vec(any::<Index>(), 0..8), keep in 0..4_usize) {
        invariants::chunk_invariance_of_messages(&chunks(&stream, &at), Carrier::WebSocket(Side::Client), settings(keep));
    }

    #[test]
    fn frames_of_a_server(stream in frames(Side::Server), at in prop::collection::vec(any::<Index>(), 0..8)) {
        invariants::chunk_invariance_of_messages(&chunks(&stream, &at), Carrier::WebSocket(Side::Server), Settings::of(TextFormat::Unknown, Keep::Last4));
    }

    #[test]
    fn noise_as_frames(stream in prop::collection::vec(any::<u8>(), 0..300), at in prop::collection::vec(any::<Index>(), 0..8)) {
        invariants::chunk_invariance_of_messages(&chunks(&stream, &at), Carrier::WebSocket(Side::Client), settings(0));
    }
}
