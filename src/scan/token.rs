//! Decoding of base64 tokens.
//!
//! A token is a run of at least [`SHORTEST_TOKEN`] base64 or base64url characters with letters of both cases. Paths
//! consist of the same characters, so a run is decoded from its start and from after each slash. Masked bytes are
//! encoded again in place, and the token keeps its length.

use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, Engine};
use std::ops::Range;

/// The minimum length of a token: a number of 16 digits with a few characters around it.
pub const SHORTEST_TOKEN: usize = 24;

/// The maximum length of a token that is decoded, before decoding. The bytes after it are not inspected.
pub const LONGEST_TOKEN: usize = 8192;

/// A part of a run and its decoded bytes. Does not implement `Debug`, because it may contain a card number.
pub struct Token {
    /// The range of the token in the text.
    pub span: Range<usize>,
    /// The decoded bytes.
    pub bytes: Vec<u8>,
    engine: GeneralPurpose,
}

/// The first run of token characters in `text`, from `from` on, that is long enough for a token or reaches the end of
/// the text. Includes padding.
pub fn next_run(text: &[u8], from: usize) -> Option<Range<usize>> {
    let mut start = from;
    loop {
        // A run that is long enough and starts in the next `SHORTEST_TOKEN` bytes contains the last of them.
        let part = text.get(start..)?;
        let part = part.get(..SHORTEST_TOKEN).unwrap_or(part);
        if let Some(other) = part.iter().rposition(|byte| !is_token_byte(*byte)) {
            start = start.saturating_add(other).saturating_add(1);
            continue;
        }
        if part.is_empty() {
            return None;
        }
        let rest = text.get(start..)?;
        let length = rest.iter().take_while(|byte| is_token_byte(**byte)).count();
        let padding = rest.iter().skip(length).take(2).take_while(|byte| **byte == b'=').count();
        return Some(start..start.saturating_add(length).saturating_add(padding));
    }
}

/// The tokens in the run at `span` of `text`: the whole run, and the part after each slash.
pub fn tokens(text: &[u8], span: &Range<usize>) -> Vec<Token> {
    let run = text.get(span.clone()).unwrap_or_default();
    let slashes = run.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(index, _)| index.saturating_add(1));
    let starts = std::iter::once(0).chain(slashes.take(MOST_SLASHES));
    starts.filter_map(|start| Token::read(run.get(start..)?, span.start.saturating_add(start))).collect()
}

/// The maximum number of slashes after which a token is decoded.
const MOST_SLASHES: usize = 8;

/// True for the characters of base64 and base64url.
pub fn is_token_byte(byte: u8) -> bool {
    TOKEN_BYTES.get(usize::from(byte)).is_some_and(|is| *is)
}

/// The bytes that are characters of base64 or base64url.
const TOKEN_BYTES: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte: u8 = 0;
    while byte < 128 {
        #[allow(clippy::indexing_slicing, reason = "an index out of bounds does not compile")]
        #[allow(clippy::arithmetic_side_effects, reason = "an overflow does not compile")]
        {
            table[byte as usize] = byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_');
            byte += 1;
        }
    }
    table
};

impl Token {
    fn read(padded: &[u8], start: usize) -> Option<Self> {
        let padding = padded.iter().rev().take_while(|byte| **byte == b'=').count();
        let run = padded.get(..padded.len().checked_sub(padding)?)?;
        let has = |is: fn(&u8) -> bool| run.iter().any(is);
        (run.len() >= SHORTEST_TOKEN && has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase)).then_some(())?;
        let url = run.iter().any(|byte| matches!(byte, b'-' | b'_'));
        let engine = GeneralPurpose::new(if url { &alphabet::URL_SAFE } else { &alphabet::STANDARD }, LENIENT);
        let length = if run.len() % 4 == 1 { run.len().saturating_sub(1) } else { run.len() };
        let bytes = engine.decode(run.get(..length)?).ok()?;
        Some(Self { span: start..start.saturating_add(padded.len()), bytes, engine })
    }

    /// The edits that encode `bytes` into the token, by offset. `bytes` has the length of [`Token::bytes`].
    pub fn edits(&self, bytes: &[u8]) -> Vec<(usize, u8)> {
        let groups = self.bytes.chunks(3).zip(bytes.chunks(3)).enumerate();
        let changed = groups.filter(|(_, (old, new))| old != new);
        changed
            .flat_map(|(group, (old, new))| {
                let first = group.saturating_mul(4);
                let [old, new] = [old, new].map(|bytes| self.engine.encode(bytes).into_bytes());
                let characters = old.into_iter().zip(new).enumerate().filter(|(_, (old, new))| old != new);
                characters.map(move |(index, (_, new))| (first.saturating_add(index), new))
            })
            .collect()
    }
}

/// A lenient base64 decoder: with or without padding, and with any value of the unused bits.
pub const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_allow_trailing_bits(true)
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_encode_padding(false);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_read_and_written_again() {
        let text = b"x: eyJjYXJkIjoiNDExMTExMTExMTExMTExMSJ9; y";
        let run = next_run(text, 0).unwrap();
        assert_eq!(run, 3..39);
        let token = tokens(text, &run).pop().unwrap();
        assert_eq!(token.bytes, b"{\"card\":\"4111111111111111\"}");
        let mut masked = text[token.span.clone()].to_vec();
        for (at, byte) in token.edits(b"{\"card\":\"************1111\"}") {
            masked[at] = byte;
        }
        assert_eq!(masked, b"eyJjYXJkIjoiKioqKioqKioqKioqMTExMSJ9");
    }

    #[test]
    fn paths_are_read_from_each_slash() {
        let text = b"/api/v1/eyJjYXJkIjoiNDExMTExMTExMTExMTExMSJ9";
        let found = tokens(text, &next_run(text, 0).unwrap());
        assert!(found.iter().any(|token| token.bytes.starts_with(b"{\"card\"")));
    }

    #[test]
    fn words_and_numbers_are_no_tokens() {
        for text in ["hello world, 4111111111111111", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa "] {
            let runs = std::iter::successors(next_run(text.as_bytes(), 0), |run| next_run(text.as_bytes(), run.end));
            assert!(runs.take(9).all(|run| tokens(text.as_bytes(), &run).is_empty()), "{text}");
        }
    }
}
