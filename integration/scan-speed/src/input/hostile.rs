//! Slowest inputs that `make hostile` has found, each shortened as far as possible.

use panveil::stream::TextFormat;

/// Input by its repeated part.
#[derive(Clone, Copy, Debug)]
pub struct Hostile {
    /// Description of the repeated part.
    pub name: &'static str,
    /// Notation passed to the detector.
    pub text_format: TextFormat,
    /// Repeated bytes.
    pub unit: &'static [u8],
}

const fn hostile(name: &'static str, text_format: TextFormat, unit: &'static [u8]) -> Hostile {
    Hostile { name, text_format, unit }
}

/// Public test numbers replace the drawn ones. The last five inputs have no finding.
pub const HOSTILE: &[Hostile] = &[
    hostile("cards", TextFormat::Csv, b" \x80\x80_ \x80\x804222222222222/: \x80\x80 \x80\x80:4222222222222/:"),
    hostile("cards in quotes", TextFormat::Csv, b"378282246310005\":\"\":\""),
    hostile(
        "cards in groups",
        TextFormat::Csv,
        b"\":\"4111\xc2\xa01111\xc2\xa01111\xc2\xa01111]9F02 / \":\"4111\xc2\xa01111\xc2\xa01111\xc2\xa01111]\xe5\x8d\xa1\xe5\x8f\xb7",
    ),
    hostile("tracks", TextFormat::Csv, b"A+8;4111111111111111="),
    hostile("cards behind escapes", TextFormat::Json, b"_4111111111111111\\****\\&"),
    hostile(
        "cards behind a name",
        TextFormat::Text,
        b"\\(\xe5\x8d\xa1\xe5\x8f\xb7&\\6212345678901232\xc2\xa0\xf0\x9d\x9f\x92>,, ",
    ),
    hostile("wide group separators", TextFormat::Json, b"8932|  8932"),
    hostile(
        "malformed references",
        TextFormat::Csv,
        b"****>&#&#/\xe5\x8d\xa1\xe5\x8f\xb7&#3\xc2\xa081661590392867135X1>",
    ),
    hostile("numbers in bars", TextFormat::Csv, b"%253782|8224|6310|0053782|8224|6310|0053782|8224_6E10|005"),
    hostile("numbers behind letters", TextFormat::Csv, b"n3m3782  8224  6310  005\xc2\xadn3me3782  8224  6310  005-"),
    hostile("escapes between numbers", TextFormat::Csv, b"4309322412049017giftCardNumber&4bsp;611.1111.1111.1117&#45;"),
];
