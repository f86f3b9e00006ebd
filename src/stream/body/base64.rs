//! gRPC-Web text mode: a body whose messages are base64.
//!
//! gRPC-Web defines it for proxies that only forward text (gRPC-Web, "Protocol differences vs gRPC over HTTP2"). The body is a
//! sequence of base64 pieces, each of which may end with padding. It is decoded four characters at a time and inspected. Masked
//! bytes are encoded again; the other characters stay unchanged.
//!
//! The decoder is as lenient as any receiver may be: it accepts both alphabets, skips white space, and does not require padding
//! at the end.
//!
//! The characters are also inspected as a text, because digits are base64 characters and the content type may be wrong. A body
//! with other characters, or without gRPC messages in it, is reported as uninspected.

use super::{Abort, BodyAction, BodyConfig, BodyFormat, BodyOutput, DualRead, FirstBytes, Plain};
use crate::stream::{Detection, Sender, TextFormat};
use crate::verdict::Criteria;
use std::collections::VecDeque;
use std::sync::Arc;

/// A body in base64.
pub struct Base64 {
    messages: DualRead,
    /// The base64 characters, inspected as a text.
    text: Plain,
    config: BodyConfig,
    /// The incomplete quad at the end of the input.
    open: Sextets,
    /// Complete quads whose bytes were not forwarded yet.
    quads: VecDeque<Quad>,
    /// All characters from the first quad on, as received.
    source: VecDeque<u8>,
    /// Decoded bytes that are decided and not forwarded yet.
    ready: VecDeque<u8>,
    /// The characters to forward at the start of the body.
    first: FirstBytes,
    /// Whether the body is not base64 or contains no gRPC messages.
    broken: bool,
}

/// The 6-bit values of one quad: four, or fewer with padding or at the end.
#[derive(Clone, Copy, Default)]
struct Sextets {
    values: [u8; QUAD_LEN],
    count: usize,
    padding: usize,
    /// Whether one of them is specific to base64url.
    url: bool,
}

/// A complete quad and its bytes.
struct Quad {
    sextets: Sextets,
    bytes: Vec<u8>,
}

/// Class of a character.
enum Character {
    Sextet { value: u8, url: bool },
    Padding,
    WhiteSpace,
    Other,
}

const QUAD_LEN: usize = 4;
/// The alphabet of base64; base64url replaces the last two characters.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_ENDS: [u8; 2] = *b"-_";

impl Base64 {
    pub fn new(format: BodyFormat, config: BodyConfig) -> Self {
        let sender = Sender::EndSignalled;
        Self {
            messages: DualRead::new(BodyFormat { sender, ..format }, config.clone()),
            text: Plain::new(
                BodyFormat::text(sender, TextFormat::Unknown),
                BodyConfig { criteria: criteria_for_characters(&config), ..config.clone() },
            ),
            config,
            open: Sextets::default(),
            quads: VecDeque::new(),
            source: VecDeque::new(),
            ready: VecDeque::new(),
            first: FirstBytes::new(),
            broken: false,
        }
    }

    /// True when a part of the body was forwarded uninspected.
    pub fn passed_uninspected(&self) -> bool {
        self.broken || self.messages.passed_uninspected()
    }

    /// True when characters are held back.
    pub fn holds_back(&self) -> bool {
        let is_pending = !self.source.is_empty() || self.text.holds_back();
        is_pending && self.config.action != BodyAction::Observe
    }

    /// Processes the next bytes. `end` means that nothing follows.
    pub fn push(&mut self, chunk: Vec<u8>, end: bool, report: &mut dyn FnMut(Detection)) -> BodyOutput {
        let decoded = self.decode(&chunk, end);
        let output = self.messages.push(decoded.clone(), end, report);
        let decided = match output.into_forwarded(decoded) {
            Ok(decided) => decided,
            Err(abort) => return BodyOutput::abort(abort),
        };
        self.broken |= self.messages.is_broken();
        if self.broken && self.config.block_uninspectable {
            return BodyOutput::abort(Abort::Uninspectable);
        }
        let characters = if self.config.action == BodyAction::Observe {
            self.quads.clear();
            self.source.clear();
            chunk.clone()
        } else {
            self.ready.extend(decided);
            self.encode(end)
        };
        match self.text.push(characters.clone(), end, report).into_forwarded(characters) {
            Err(abort) => BodyOutput::abort(abort),
            Ok(characters) => {
                let may_wait = self.holds_back();
                let forwarded = self.first.pass(characters, may_wait);
                if forwarded == chunk { BodyOutput::UNCHANGED } else { BodyOutput::replaced_by(forwarded) }
            }
        }
    }

    /// Ends the body, because trailers have begun.
    pub fn finish_before_trailers(&mut self, report: &mut dyn FnMut(Detection)) -> BodyOutput {
        self.push(Vec::new(), true, report).before_trailers()
    }

    /// Decodes the quads that `characters` complete.
    fn decode(&mut self, characters: &[u8], end: bool) -> Vec<u8> {
        let mut decoded = Vec::new();
        for character in characters {
            self.source.push_back(*character);
            match Character::of(*character) {
                Character::WhiteSpace => {}
                Character::Other => self.broken = true,
                Character::Padding if self.open.count < 2 => self.broken = true,
                Character::Padding => self.open.padding = self.open.padding.saturating_add(1),
                Character::Sextet { value, url } => {
                    if self.open.padding > 0 {
                        // The padding was incomplete.
                        self.broken = true;
                        self.complete(&mut decoded);
                    }
                    self.open.push(value, url);
                }
            }
            if self.open.count.saturating_add(self.open.padding) >= QUAD_LEN {
                self.complete(&mut decoded);
            }
        }
        if end {
            // A single sextet has too few bits for a byte.
            self.broken |= self.open.count == 1;
            self.complete(&mut decoded);
        }
        decoded
    }

    /// Completes the open quad.
    fn complete(&mut self, decoded: &mut Vec<u8>) {
        let sextets = std::mem::take(&mut self.open);
        let bytes = sextets.bytes();
        if !bytes.is_empty() {
            decoded.extend_from_slice(&bytes);
            self.quads.push_back(Quad { sextets, bytes });
        }
    }

    /// Returns the characters of the ready bytes; at the `end`, all remaining characters.
    fn encode(&mut self, end: bool) -> Vec<u8> {
        let mut encoded = Vec::new();
        while self.quads.front().is_some_and(|quad| quad.bytes.len() <= self.ready.len()) {
            let Some(Quad { sextets, bytes }) = self.quads.pop_front() else { break };
            let decided: Vec<u8> = self.ready.drain(..bytes.len()).collect();
            let masked = (bytes != decided).then(|| sextets.encode(&decided));
            let mut masked = masked.iter().flatten();
            let (mut count, mut padding) = (sextets.count, sextets.padding);
            while count > 0 || padding > 0 {
                let Some(character) = self.source.pop_front() else { break };
                match Character::of(character) {
                    Character::Sextet { .. } if count > 0 => {
                        count = count.saturating_sub(1);
                        encoded.push(masked.next().copied().unwrap_or(character));
                    }
                    Character::Padding => {
                        padding = padding.saturating_sub(1);
                        encoded.push(character);
                    }
                    _ => encoded.push(character),
                }
            }
        }
        if end || (self.quads.is_empty() && self.open.count == 0) {
            encoded.extend(self.source.drain(..));
        }
        encoded
    }
}

/// Criteria for the characters as a text: without tokens, because the whole text is one, and without patterns, because base64
/// characters match some by chance.
fn criteria_for_characters(config: &BodyConfig) -> Arc<Criteria> {
    Arc::new(Criteria { base64: false, patterns: Vec::new(), ..Criteria::clone(&config.criteria) })
}

impl Sextets {
    fn push(&mut self, value: u8, url: bool) {
        if let Some(slot) = self.values.get_mut(self.count) {
            *slot = value;
            self.count = self.count.saturating_add(1);
            self.url |= url;
        }
    }

    /// Decodes the sextets.
    fn bytes(&self) -> Vec<u8> {
        let [a, b, c, d] = self.values;
        let bytes = [a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d];
        bytes.get(..self.count.saturating_sub(1)).unwrap_or_default().to_vec()
    }

    /// Encodes `bytes` as the same number of characters in the same alphabet.
    fn encode(&self, bytes: &[u8]) -> Vec<u8> {
        let at = |index: usize| bytes.get(index).copied().unwrap_or_default();
        let (a, b, c) = (at(0), at(1), at(2));
        let values = [a >> 2, (a << 4 | b >> 4) & 63, (b << 2 | c >> 6) & 63, c & 63];
        let character = |value: u8| match (value.checked_sub(62), self.url) {
            (Some(end), true) => URL_ENDS.get(usize::from(end)).copied(),
            _ => ALPHABET.get(usize::from(value)).copied(),
        };
        values.into_iter().take(self.count).filter_map(character).collect()
    }
}

impl Character {
    fn of(character: u8) -> Self {
        let value = |first: u8, offset: u8| character.wrapping_sub(first).wrapping_add(offset);
        let (value, url) = match character {
            b'A'..=b'Z' => (value(b'A', 0), false),
            b'a'..=b'z' => (value(b'a', 26), false),
            b'0'..=b'9' => (value(b'0', 52), false),
            b'+' => (62, false),
            b'/' => (63, false),
            b'-' => (62, true),
            b'_' => (63, true),
            b'=' => return Self::Padding,
            b' ' | b'\t' | b'\r' | b'\n' => return Self::WhiteSpace,
            _ => return Self::Other,
        };
        Self::Sextet { value, url }
    }
}
