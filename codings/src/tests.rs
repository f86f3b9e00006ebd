//! Decoding of complete and broken bodies, in any chunks.

use super::*;
use proptest::prelude::*;
use std::io::Write;

const RATIO: u32 = 100;

/// Encoder, with the name of its content encoding.
type Encoder = (&'static str, fn(&[u8]) -> Vec<u8>);

const ENCODERS: [Encoder; 12] = [
    ("gzip", gzip),
    ("X-GZip", gzip),
    ("deflate", zlib),
    ("deflate", bare),
    ("zstd", |text| zstd_at(3, text)),
    ("br", |text| brotli_at(11, text)),
    ("br", |text| brotli_at(5, text)),
    ("br", |text| brotli_at(1, text)),
    ("zstd, br", |text| brotli_at(9, &zstd_at(3, text))),
    ("zstd", |text| zstd_at(19, text)),
    ("zstd", |text| zstd_at(-5, text)),
    ("gzip, identity, zstd", |text| zstd_at(1, &gzip(text))),
];

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::GzBuilder::new()
        .filename("name")
        .comment("comment")
        .extra([7; 300])
        .write(Vec::new(), flate2::Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn zlib(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn bare(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn zstd_at(level: i32, text: &[u8]) -> Vec<u8> {
    let mut encoder = ::zstd::stream::write::Encoder::new(Vec::new(), level).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn brotli_at(quality: u32, text: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::new();
    let window_log = if quality == 11 { 24 } else { 16 };
    ::brotli::CompressorWriter::new(&mut encoded, 4096, quality, window_log).write_all(text).unwrap();
    encoded
}

/// Ratio above that of every text here.
fn budget() -> MemoryBudget {
    MemoryBudget::new(256 << 20)
}

fn decoder(coding: &str) -> Decoder {
    Decoder::of(coding.as_bytes(), RATIO, &budget()).unwrap().unwrap()
}

/// Decoded bytes, the error, and whether the text is complete.
fn decode(coding: &str, pieces: &[&[u8]]) -> (Vec<u8>, Option<DecodeError>, bool) {
    let mut decoder = decoder(coding);
    let mut decoded = Vec::new();
    let flaw = pieces.iter().find_map(|piece| decoder.push(piece, &mut decoded).err());
    (decoded, flaw, decoder.is_complete())
}

fn short_text() -> Vec<u8> {
    (0..40)
        .flat_map(|n| {
            format!("{{\"id\":{n},\"card\":\"4111 1111 1111 1111\",\"x\":{}}},\r\n", n * n * 77777).into_bytes()
        })
        .collect()
}

/// Half a megabyte with repetitive and other parts.
fn long_text() -> Vec<u8> {
    let mut seed = 1_u32;
    let mut text = Vec::new();
    while text.len() < 600_000 {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        match seed >> 29 {
            0 => text.extend_from_slice(&seed.to_le_bytes()),
            1 => text.extend_from_slice(format!("{seed}").as_bytes()),
            2 => text.extend_from_slice(b"https://www.example.com/ payment information for "),
            3 => text.resize(text.len() + (seed as usize >> 8 & 255), b' '),
            _ => {
                let from = (seed as usize >> 3) % (text.len() + 1);
                let to = text.len().min(from + (seed as usize & 63));
                text.extend_from_within(from..to);
            }
        }
    }
    text
}

#[test]
fn every_coding_is_decoded_however_it_is_cut() {
    let text = short_text();
    for (coding, encode) in ENCODERS {
        let encoded = encode(&text);
        for cut in 0..=encoded.len() {
            let (decoded, flaw, complete) = decode(coding, &[&encoded[..cut], &encoded[cut..]]);
            assert!(decoded == text && flaw.is_none() && complete, "{coding} cut at {cut}: {flaw:?}");
        }
        let bytes: Vec<_> = encoded.chunks(1).collect();
        assert!(decode(coding, &bytes) == (text.clone(), None, true), "{coding} byte by byte");
    }
}

#[test]
fn a_long_body_is_decoded() {
    let text = long_text();
    for (coding, encode) in ENCODERS {
        let encoded = encode(&text);
        for len in [encoded.len(), 16_384, 1_000] {
            let (decoded, flaw, complete) = decode(coding, &encoded.chunks(len).collect::<Vec<_>>());
            assert!(decoded == text && flaw.is_none() && complete, "{coding} in pieces of {len}: {flaw:?}");
        }
    }
}

#[test]
fn an_empty_body_is_complete() {
    for (coding, encode) in ENCODERS {
        assert_eq!(decode(coding, &[]), (vec![], None, true), "{coding}");
        assert_eq!(decode(coding, &[b""]), (vec![], None, true), "{coding}");
        assert_eq!(decode(coding, &[&encode(b"")]), (vec![], None, true), "{coding}");
    }
}

#[test]
fn a_truncated_body_is_incomplete() {
    for (coding, encode) in ENCODERS {
        let encoded = encode(&short_text());
        for len in 1..encoded.len() {
            let (decoded, flaw, complete) = decode(coding, &[&encoded[..len]]);
            assert!(short_text().starts_with(&decoded) && flaw.is_none() && !complete, "{coding} cut at {len}");
        }
    }
}

#[test]
fn what_is_flushed_comes_out_at_once() {
    fn events(coding: &str, flush: impl Fn(&mut Vec<u8>, u32)) {
        let mut decoder = decoder(coding);
        let mut encoded = Vec::new();
        for event in 0..200_u32 {
            let before = encoded.len();
            flush(&mut encoded, event);
            let mut decoded = Vec::new();
            decoder.push(&encoded[before..], &mut decoded).unwrap();
            assert_eq!(decoded, format!("data: event {event} of many\n\n").as_bytes(), "{coding}");
            assert!(!decoder.is_complete());
        }
    }
    fn flushing<W: Write>(encoder: W, taken: fn(&mut W) -> &mut Vec<u8>) -> impl Fn(&mut Vec<u8>, u32) {
        let encoder = std::cell::RefCell::new(encoder);
        move |encoded, event| {
            let mut encoder = encoder.borrow_mut();
            write!(encoder, "data: event {event} of many\n\n").unwrap();
            encoder.flush().unwrap();
            encoded.append(taken(&mut encoder));
        }
    }
    let level = flate2::Compression::default();
    events("gzip", flushing(flate2::write::GzEncoder::new(Vec::new(), level), |encoder| encoder.get_mut()));
    events("deflate", flushing(flate2::write::ZlibEncoder::new(Vec::new(), level), |encoder| encoder.get_mut()));
    events("deflate", flushing(flate2::write::DeflateEncoder::new(Vec::new(), level), |encoder| encoder.get_mut()));
    events("br", flushing(::brotli::CompressorWriter::new(Vec::new(), 4096, 5, 20), |encoder| encoder.get_mut()));
    events("zstd", flushing(::zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap(), |encoder| encoder.get_mut()));
}

#[test]
fn texts_one_after_the_other_are_one() {
    let long = long_text();
    for (coding, encode) in [ENCODERS[0], ENCODERS[4]] {
        let encoded = [encode(b"one "), encode(b""), encode(&long), encode(b" two")].concat();
        let text = [b"one ", long.as_slice(), b" two"].concat();
        for len in [encoded.len(), 1] {
            let decoded = decode(coding, &encoded.chunks(len).collect::<Vec<_>>());
            assert!(decoded == (text.clone(), None, true), "{coding} in pieces of {len}");
        }
        let (_, flaw, complete) = decode(coding, &[&encoded, &encode(b"x")[..1]]);
        assert_eq!((flaw, complete), (None, false), "{coding}: another one may have begun");
    }
}

#[test]
fn what_follows_the_end_is_dropped_as_browsers_do() {
    for (coding, encode) in &ENCODERS[..4] {
        let mut encoded = encode(b"text");
        encoded.extend_from_slice(b"\0\0\r\n4111111111111111");
        for len in [encoded.len(), 1] {
            let decoded = decode(coding, &encoded.chunks(len).collect::<Vec<_>>());
            assert_eq!(decoded, (b"text".to_vec(), None, true), "{coding}");
        }
    }
    let decoded = decode("br", &[&brotli_at(5, b"text"), b"4111"]);
    assert_eq!(decoded, (b"text".to_vec(), None, true));
    let (decoded, flaw, complete) = decode("zstd", &[&zstd_at(3, b"text"), b"\r\n\r\n"]);
    assert_eq!((decoded.as_slice(), flaw, complete), (b"text".as_slice(), Some(DecodeError::Broken), false));
}

/// Content encodings whose bodies may consist of several separately encoded texts.
const IN_MEMBERS: [Encoder; 5] = [
    ("gzip", gzip),
    ("zstd", |text| zstd_at(3, text)),
    ("gzip, zstd", |text| zstd_at(1, &gzip(text))),
    ("zstd, gzip", |text| gzip(&zstd_at(1, text))),
    ("gzip, gzip, zstd", |text| zstd_at(1, &gzip(&gzip(text)))),
];

/// Empty frame, which zstd senders may insert.
fn skippable(len: u32) -> Vec<u8> {
    [&0x184D_2A53_u32.to_le_bytes(), &len.to_le_bytes(), vec![b'4'; len as usize].as_slice()].concat()
}

#[test]
fn members_are_one_text_wherever_they_are_cut() {
    let texts: [&[&[u8]]; 4] =
        [&[b"4111 1111 ", b"1111 1111"], &[b"", b"4111", b""], &[b"41", b"", b"", b"11", b"1"], &[b"text"]];
    for (coding, encode) in IN_MEMBERS {
        for texts in texts {
            let encoded: Vec<u8> = texts.iter().flat_map(|text| encode(text)).collect();
            for cut in 0..=encoded.len() {
                let (first, second) = encoded.split_at(cut);
                let (decoded, flaw, complete) = decode(coding, &[first, second]);
                assert!(decoded == texts.concat() && flaw.is_none() && complete, "{coding} cut at {cut}: {flaw:?}");
            }
        }
    }
}

#[test]
fn a_text_in_members_has_not_ended_when_one_is_complete() {
    for (coding, encode) in IN_MEMBERS {
        let mut decoder = decoder(coding);
        assert_eq!(decoder.progress(), Progress::Complete, "{coding}");
        for text in ["4111 1111 ", "", "1111 1111"] {
            let encoded = encode(text.as_bytes());
            let (last, rest) = encoded.split_last().unwrap();
            let mut decoded = Vec::new();
            decoder.push(rest, &mut decoded).unwrap();
            assert_eq!(decoder.progress(), Progress::Incomplete, "{coding}");
            decoder.push(&[*last], &mut decoded).unwrap();
            assert_eq!(decoder.progress(), Progress::Complete, "{coding}");
            assert_eq!(decoded, text.as_bytes());
        }
    }
}

#[test]
fn a_text_ends_with_the_first_layer_that_cannot_go_on() {
    let ends: [Encoder; 6] = [
        ("br", |text| brotli_at(5, text)),
        ("deflate", zlib),
        ("deflate", bare),
        ("br, gzip", |text| gzip(&brotli_at(5, text))),
        ("gzip, br", |text| brotli_at(5, &gzip(text))),
        ("zstd, deflate, gzip", |text| gzip(&zlib(&zstd_at(1, text)))),
    ];
    for (coding, encode) in ends {
        let mut decoder = decoder(coding);
        assert_eq!(decoder.progress(), Progress::Complete, "{coding}");
        let encoded = encode(b"text");
        let mut decoded = Vec::new();
        for byte in &encoded {
            assert_ne!(decoder.progress(), Progress::Ended, "{coding}");
            decoder.push(&[*byte], &mut decoded).unwrap();
        }
        assert_eq!(decoder.progress(), Progress::Ended, "{coding}");
        assert_eq!(decoded, b"text");
    }
    let mut gzip_and_more = decoder("gzip");
    gzip_and_more.push(&[gzip(b"text"), b"\r\n".to_vec()].concat(), &mut Vec::new()).unwrap();
    assert_eq!(gzip_and_more.progress(), Progress::Ended);
    let mut broken = decoder("gzip");
    broken.push(b"no gzip", &mut Vec::new()).unwrap_err();
    assert_eq!(broken.progress(), Progress::Incomplete);
}

#[test]
fn zeros_between_members_are_padding() {
    let encoded = [gzip(b"4111 1111 "), vec![0; 700], gzip(b"1111 1111"), vec![0; 70], b"4111".to_vec()].concat();
    for len in [encoded.len(), 1, 7] {
        let decoded = decode("gzip", &encoded.chunks(len).collect::<Vec<_>>());
        assert_eq!(decoded, (b"4111 1111 1111 1111".to_vec(), None, true));
    }
    let mut padded = decoder("gzip");
    padded.push(&[gzip(b"text"), vec![0; 3]].concat(), &mut Vec::new()).unwrap();
    assert_eq!(padded.progress(), Progress::Complete);
    // In front of the first member they are no gzip.
    assert_eq!(decode("gzip", &[b"\0", &gzip(b"text")]).1, Some(DecodeError::Broken));
}

#[test]
fn skippable_frames_are_skipped() {
    let mut encoded = Vec::new();
    for (magic, len) in [(0x184D_2A50_u32, 0_u32), (0x184D_2A5F, 5), (0x184D_2A57, 1000)] {
        encoded.extend_from_slice(&magic.to_le_bytes());
        encoded.extend_from_slice(&len.to_le_bytes());
        encoded.resize(encoded.len() + len as usize, b'4');
        encoded.extend_from_slice(&zstd_at(3, b"text"));
    }
    for len in [encoded.len(), 1, 7] {
        let decoded = decode("zstd", &encoded.chunks(len).collect::<Vec<_>>());
        assert_eq!(decoded, (b"texttexttext".to_vec(), None, true));
    }
}

#[test]
fn a_window_above_what_http_allows_is_refused() {
    for (window_log, flaw) in [(23, None), (24, Some(DecodeError::Broken))] {
        let mut encoder = ::zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
        encoder.window_log(window_log).unwrap();
        encoder.write_all(b"text").unwrap();
        assert_eq!(decode("zstd", &[&encoder.finish().unwrap()]).1, flaw);
    }
}

#[test]
fn a_corrupt_body_never_panics_and_is_noticed_where_there_is_a_checksum() {
    let text = short_text();
    for (coding, encode) in ENCODERS {
        let encoded = encode(&text);
        for place in 0..encoded.len() {
            for flip in [1, 0x80, 0xFF] {
                let mut corrupt = encoded.clone();
                corrupt[place] ^= flip;
                let (decoded, flaw, complete) = decode(coding, &[&corrupt]);
                assert!(decoded.len() <= INFLATE_FLOOR);
                if !coding.contains("br")
                    && !std::ptr::fn_addr_eq(encode, bare as fn(&[u8]) -> Vec<u8>)
                    && flaw.is_none()
                    && complete
                {
                    assert!(decoded == text || decoded.is_empty(), "{coding}: {place} went unnoticed");
                }
            }
        }
    }
}

#[test]
fn a_bomb_is_stopped_while_it_is_decoded() {
    let blanks = vec![b' '; 4 << 20];
    for (coding, encode) in ENCODERS {
        let encoded = encode(&blanks);
        let (decoded, flaw, complete) = decode(coding, &[&encoded]);
        assert_eq!((flaw, complete), (Some(DecodeError::Ratio), false), "{coding}");
        assert_eq!(decoded.len(), (encoded.len() * RATIO as usize).max(INFLATE_FLOOR), "{coding}");
        let mut lenient = Decoder::of(coding.as_bytes(), u32::MAX, &budget()).unwrap().unwrap();
        let mut decoded = Vec::new();
        assert_eq!(lenient.push(&encoded, &mut decoded), Ok(()), "{coding}");
        assert!(decoded == blanks && lenient.is_complete(), "{coding}");
    }
}

#[test]
fn a_short_text_of_blanks_is_no_bomb() {
    let blanks = vec![b' '; INFLATE_FLOOR];
    for (coding, encode) in ENCODERS {
        assert!(decode(coding, &[&encode(&blanks)]) == (blanks.clone(), None, true), "{coding}");
    }
}

#[test]
fn a_flaw_stays() {
    for (coding, encode) in ENCODERS {
        let mut decoder = decoder(coding);
        let mut decoded = Vec::new();
        assert_eq!(decoder.push(b"\xFF is no coding", &mut decoded), Err(DecodeError::Broken), "{coding}");
        assert_eq!(decoder.push(&encode(b"text"), &mut decoded), Err(DecodeError::Broken), "{coding}");
        assert!(decoded.is_empty() && !decoder.is_complete());
    }
}

#[test]
fn what_is_not_known_is_said_to_be() {
    let layers = |decoder: Decoder| decoder.layers.borrow().as_ref().unwrap().len();
    let of = |names: &str| Decoder::of(names.as_bytes(), RATIO, &budget()).map(|decoder| decoder.map(layers));
    for names in ["", "identity", " Identity ,, identity", ","] {
        assert_eq!(of(names), Ok(None), "{names}");
    }
    for (names, layers) in [("gzip", 1), ("GZIP\t, deflate", 2), ("zstd,identity,x-gzip, zstd", 3)] {
        assert_eq!(of(names), Ok(Some(layers)), "{names}");
    }
    let unread = [
        "compress",
        "X-Compress",
        "dcb",
        "dcz",
        "exi",
        "aes128gcm",
        "pack200-gzip",
        "utf-8, compress",
        "brotli",
        "x-bzip2",
        "lz4",
        "gzip;q=1",
        "gzip deflate",
        "\"gzip\"",
        "'br'",
        "gzip,gzip,gzip,gzip",
        "gzip, aws-chunked",
        "aws-chunked, zstd",
        "gzip\u{A0}",
    ];
    for names in unread {
        assert_eq!(of(names), Err(Unknown), "{names}");
    }
}

#[test]
fn a_name_of_no_coding_is_no_coding() {
    let layers = |decoder: Decoder| decoder.layers.borrow().as_ref().unwrap().len();
    let no_codings = [
        ("utf-8", 0),
        ("UTF-8", 0),
        ("\tNone ", 0),
        ("binary", 0),
        ("7bit", 0),
        ("8bit,, ", 0),
        ("base64", 0),
        ("iso-8859-1", 0),
        ("application/json", 0),
        ("application/json; charset=utf-8", 0),
        ("aws-chunked", 0),
        ("AWS-Chunked, identity", 0),
        ("\"utf-8\"", 0),
        ("\"", 0),
        ("*", 0),
        ("chunked", 0),
        ("\u{FF}", 0),
        ("brown", 0),
        ("null, undefined", 0),
        ("utf-8, gzip", 1),
        ("gzip , utf-8", 1),
        ("none,GZIP,,br", 2),
    ];
    for (names, count) in no_codings {
        let of = Decoder::of(names.as_bytes(), RATIO, &budget()).map(|decoder| decoder.map_or(0, layers));
        assert_eq!(of, Ok(count), "{names}");
        assert!(names_no_coding(names.as_bytes()), "{names}");
    }
    for names in ["", "identity", "gzip", " ,, Identity, X-GZIP", "br", "compress", "\"gzip\"", "gzip;q=1"] {
        assert!(!names_no_coding(names.as_bytes()), "{names}");
    }
}

#[test]
fn no_memory_is_taken_before_a_body_begins() {
    assert!(size_of::<Coding>() <= 128, "{}", size_of::<Coding>());
    assert_eq!(size_of::<inflate::Inflate>() >> 10, 42);
}

/// Compressible text.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        "[a-z ]{1,12}".prop_map(String::into_bytes),
        Just(b"\"card\":\"4111111111111111\",".to_vec()),
        Just(b"the information of https://www.".to_vec()),
        prop::collection::vec(any::<u8>(), 0..40),
        (any::<u8>(), 0..5000_usize).prop_map(|(byte, count)| vec![byte; count]),
    ];
    prop::collection::vec(word, 0..200).prop_map(|words| words.concat())
}

/// `bytes` in pieces of these lengths, cyclically.
fn pieces<'b>(mut bytes: &'b [u8], lens: &[usize]) -> Vec<&'b [u8]> {
    let mut pieces = Vec::new();
    for &len in lens.iter().cycle() {
        if bytes.is_empty() {
            break;
        }
        let (piece, rest) = bytes.split_at(len.min(bytes.len()));
        pieces.push(piece);
        bytes = rest;
    }
    pieces
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn round_trip(text in text(), lens in prop::collection::vec(1..400_usize, 1..6), which in 0..ENCODERS.len()) {
        let (coding, encode) = ENCODERS[which];
        let encoded = encode(&text);
        prop_assert!(decode(coding, &pieces(&encoded, &lens)) == (text, None, true), "{coding}");
    }

    #[test]
    fn members_are_the_whole_text(
        texts in prop::collection::vec(prop_oneof![Just(Vec::new()), text()], 0..6),
        skipped in prop::collection::vec(0..40_u32, 6),
        lens in prop::collection::vec(1..400_usize, 1..6),
        which in 0..IN_MEMBERS.len(),
    ) {
        let (coding, encode) = IN_MEMBERS[which];
        let mut encoded = Vec::new();
        for (text, &len) in texts.iter().zip(&skipped) {
            encoded.extend(encode(text));
            if coding.ends_with("zstd") {
                encoded.extend(skippable(len));
            }
        }
        let mut decoder = Decoder::of(coding.as_bytes(), u32::MAX, &budget()).unwrap().unwrap();
        let mut decoded = Vec::new();
        for piece in pieces(&encoded, &lens) {
            prop_assert_ne!(decoder.progress(), Progress::Ended);
            prop_assert_eq!(decoder.push(piece, &mut decoded), Ok(()));
        }
        prop_assert_eq!(decoder.progress(), Progress::Complete);
        prop_assert!(decoded == texts.concat(), "{coding}");
    }

    #[test]
    fn the_cut_does_not_matter_to_what_is_corrupt(
        text in text(),
        lens in prop::collection::vec(1..400_usize, 1..6),
        which in 0..ENCODERS.len(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let (coding, encode) = ENCODERS[which];
        let mut encoded = encode(&text);
        for (place, flip) in flips {
            let place = place.index(encoded.len());
            encoded[place] ^= flip;
        }
        prop_assert!(decode(coding, &pieces(&encoded, &lens)) == decode(coding, &[&encoded]), "{coding}");
    }

    #[test]
    fn garbage_never_panics(mut bytes in prop::collection::vec(any::<u8>(), 0..600), which in 0..ENCODERS.len()) {
        let (coding, encode) = ENCODERS[which];
        decode(coding, &[&bytes]);
        // Behind a beginning that is right, it comes farther.
        let mut encoded = encode(&short_text());
        encoded.truncate(bytes.len() % 40);
        encoded.append(&mut bytes);
        decode(coding, &[&encoded]);
    }
}
