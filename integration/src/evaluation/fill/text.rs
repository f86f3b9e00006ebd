//! Bytes with the positions of their card numbers, through all encodings.

use std::ops::Range;

use super::Encoding;

/// Bytes that contain card numbers. No `Debug`: it would print digits.
#[derive(Default)]
pub struct Text {
    bytes: Vec<u8>,
    cards: Vec<Card>,
}

/// Card number in a text.
pub struct Card {
    /// Positions of its parts. One, unless it is split.
    pub spans: Vec<Range<usize>>,
    /// Number of digits, when each is readable.
    pub plain_digits: Option<usize>,
}

impl Text {
    /// All bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its card numbers, in order.
    pub fn cards(&self) -> &[Card] {
        &self.cards
    }

    pub(super) fn push(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// Appends a number, and a suffix of its notation that has no digits.
    pub(super) fn push_card(&mut self, number: &str, behind: &str, plain_digits: Option<usize>) {
        let start = self.bytes.len();
        self.push(number);
        let span = start..self.bytes.len();
        self.cards.push(Card { spans: vec![span], plain_digits });
        self.push(behind);
    }

    /// Appends a part of a number: the first, or one of the last number.
    pub(super) fn push_part(&mut self, piece: &str, first: bool) {
        let start = self.bytes.len();
        self.push(piece);
        let span = start..self.bytes.len();
        match self.cards.last_mut() {
            Some(card) if !first => card.spans.push(span),
            _ => self.cards.push(Card { spans: vec![span], plain_digits: None }),
        }
    }

    /// Appends another text.
    pub(super) fn append(&mut self, other: Self) {
        let offset = self.bytes.len();
        self.bytes.extend_from_slice(&other.bytes);
        for mut card in other.cards {
            for span in &mut card.spans {
                *span = span.start + offset..span.end + offset;
            }
            self.cards.push(card);
        }
    }

    /// Encodes the text. Card numbers keep their positions.
    pub(super) fn encoded(self, encoding: Encoding) -> Self {
        let encoded = encoding.encode(&self.bytes);
        let mut cards = self.cards;
        for span in cards.iter_mut().flat_map(|card| &mut card.spans) {
            *span = encoded.places[span.start].start..encoded.places[span.end - 1].end;
            // The zero byte next to an outer digit in UTF-16 is not part of the card number.
            let is_zero = |at: usize| encoded.bytes[at] == 0;
            span.start += usize::from(is_zero(span.start));
            span.end -= usize::from(is_zero(span.end - 1));
        }
        Self { bytes: encoded.bytes, cards }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card_in(encoding: Encoding) -> String {
        let mut text = Text::default();
        text.push("é\"");
        text.push_card("4111", "", Some(4));
        text.push("\"");
        let text = text.encoded(encoding);
        let span = text.cards()[0].spans[0].clone();
        String::from_utf8(text.bytes()[span].to_vec()).unwrap()
    }

    #[test]
    fn a_card_keeps_its_place_in_every_encoding() {
        for (name, expected) in [
            ("json", "4111"),
            ("percent", "4111"),
            ("base64", "NDExMS"),
            ("hex", "34313131"),
            ("utf16le", "4\x001\x001\x001"),
            ("utf16be", "4\x001\x001\x001"),
        ] {
            assert_eq!(card_in(Encoding::named(name).unwrap()), expected, "{name}");
        }
    }

    #[test]
    fn parts_make_one_card_wherever_they_stand() {
        let mut text = Text::default();
        text.push_part("41", true);
        text.push(",");
        text.push_part("11", false);
        let mut whole = Text::default();
        whole.push("n: ");
        whole.append(text);
        assert_eq!(whole.cards()[0].spans, [3..5, 6..8]);
    }
}
