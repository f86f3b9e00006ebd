//! What does a body say that is in base64?
//!
//! gRPC-Web has a form for proxies that only let text pass (gRPC-Web, "Protocol differences vs gRPC over HTTP2"): all of
//! the body is in base64, in pieces that may each end with padding. It is decoded four letters at a time, inspected, and what
//! was masked in it is encoded again in its place; the rest stays letter for letter.
//!
//! It is decoded as leniently as any receiver may: letters of both alphabets count, blanks and line breaks between them do
//! not, and padding may be missing at the end.
//!
//! Its letters are inspected as a text besides, since digits are letters too and it may not be what it is called. What has other
//! characters, or says no messages, is not, and that is told.

use super::{Abort, BodyAction, BodyConfig, BodyFormat, BodyOutput, Plain, Twice};
use crate::stream::{Detection, Document, Sender};
use crate::verdict::Criteria;
use std::collections::VecDeque;
use std::sync::Arc;

/// A body in base64.
pub struct Base64 {
    messages: Twice,
    /// The letters as a text.
    text: Plain,
    plan: BodyConfig,
    /// The letters that come before the next quad is complete.
    open: Letters,
    /// The quads whose bytes were not forwarded yet.
    quads: VecDeque<Quad>,
    /// All characters from the first of these on, as they came.
    source: VecDeque<u8>,
    /// Bytes that are decided and not forwarded yet.
    ready: VecDeque<u8>,
    /// It holds what base64 does not.
    broken: bool,
}

/// Letters that stand for bytes together: four, or fewer with padding or at the end.
#[derive(Clone, Copy, Default)]
struct Letters {
    values: [u8; QUAD],
    count: usize,
    padding: usize,
    /// One of them is of base64url.
    url: bool,
}

/// Letters that are complete, and the bytes they stand for.
struct Quad {
    letters: Letters,
    bytes: Vec<u8>,
}

/// What a character is.
enum Character {
    Letter { value: u8, url: bool },
    Padding,
    Blank,
    Other,
}

const QUAD: usize = 4;
/// The letters of base64; the last two are others in base64url.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_ENDS: [u8; 2] = *b"-_";

impl Base64 {
    pub fn new(shape: BodyFormat, plan: BodyConfig) -> Self {
        let sender = Sender::EndSignalled;
        Self {
            messages: Twice::new(BodyFormat { sender, ..shape }, plan.clone()),
            text: Plain::new(
                BodyFormat::text(sender, Document::Unknown),
                BodyConfig { criteria: of_letters(&plan), ..plan.clone() },
            ),
            plan,
            open: Letters::default(),
            quads: VecDeque::new(),
            source: VecDeque::new(),
            ready: VecDeque::new(),
            broken: false,
        }
    }

    pub fn passed_unread(&self) -> bool {
        self.broken || self.messages.passed_unread()
    }

    /// True when characters of it were not forwarded yet.
    pub fn holds_back(&self) -> bool {
        let waits = !self.source.is_empty() || self.text.holds_back();
        waits && self.plan.treatment != BodyAction::Observe
    }

    /// Takes the next bytes. `end` says that nothing follows.
    pub fn push(&mut self, chunk: Vec<u8>, end: bool, report: &mut dyn FnMut(Detection)) -> BodyOutput {
        let decoded = self.decode(&chunk, end);
        let turn = self.messages.push(decoded.clone(), end, report);
        let decided = match turn.forwarded(decoded) {
            Ok(decided) => decided,
            Err(cut) => return BodyOutput::cut(cut),
        };
        self.broken |= self.messages.is_broken();
        if self.broken && self.plan.refuse_unread {
            return BodyOutput::cut(Abort::Uninspectable);
        }
        let letters = if self.plan.treatment == BodyAction::Observe {
            self.quads.clear();
            self.source.clear();
            chunk.clone()
        } else {
            self.ready.extend(decided);
            self.encode(end)
        };
        match self.text.push(letters.clone(), end, report).forwarded(letters) {
            Err(cut) => BodyOutput::cut(cut),
            Ok(forwarded) if forwarded == chunk => BodyOutput::PASS,
            Ok(forwarded) => BodyOutput::replaced_by(forwarded),
        }
    }

    /// Ends the body, now that trailers have begun.
    pub fn finish_before_trailers(&mut self, report: &mut dyn FnMut(Detection)) -> BodyOutput {
        self.push(Vec::new(), true, report).before_trailers()
    }

    /// The bytes that these characters stand for, with those before them.
    fn decode(&mut self, characters: &[u8], end: bool) -> Vec<u8> {
        let mut decoded = Vec::new();
        for character in characters {
            self.source.push_back(*character);
            match Character::of(*character) {
                Character::Blank => {}
                Character::Other => self.broken = true,
                Character::Padding if self.open.count < 2 => self.broken = true,
                Character::Padding => self.open.padding = self.open.padding.saturating_add(1),
                Character::Letter { value, url } => {
                    if self.open.padding > 0 {
                        // Too little of it.
                        self.broken = true;
                        self.complete(&mut decoded);
                    }
                    self.open.push(value, url);
                }
            }
            if self.open.count.saturating_add(self.open.padding) >= QUAD {
                self.complete(&mut decoded);
            }
        }
        if end {
            // A single letter is not even one byte.
            self.broken |= self.open.count == 1;
            self.complete(&mut decoded);
        }
        decoded
    }

    /// Takes the letters that are open as they are.
    fn complete(&mut self, decoded: &mut Vec<u8>) {
        let letters = std::mem::take(&mut self.open);
        let bytes = letters.bytes();
        if !bytes.is_empty() {
            decoded.extend_from_slice(&bytes);
            self.quads.push_back(Quad { letters, bytes });
        }
    }

    /// The characters for all that is ready. At the `end` with what is left over.
    fn encode(&mut self, end: bool) -> Vec<u8> {
        let mut encoded = Vec::new();
        while self.quads.front().is_some_and(|quad| quad.bytes.len() <= self.ready.len()) {
            let Some(Quad { letters, bytes }) = self.quads.pop_front() else { break };
            let decided: Vec<u8> = self.ready.drain(..bytes.len()).collect();
            let fresh = (bytes != decided).then(|| letters.saying(&decided));
            let mut fresh = fresh.iter().flatten();
            let (mut count, mut padding) = (letters.count, letters.padding);
            while count > 0 || padding > 0 {
                let Some(character) = self.source.pop_front() else { break };
                match Character::of(character) {
                    Character::Letter { .. } if count > 0 => {
                        count = count.saturating_sub(1);
                        encoded.push(fresh.next().copied().unwrap_or(character));
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

/// What counts in letters of base64: no token, since they are one, and no pattern, which some of them may match.
fn of_letters(plan: &BodyConfig) -> Arc<Criteria> {
    Arc::new(Criteria { base64: false, patterns: None, ..Criteria::clone(&plan.criteria) })
}

impl Letters {
    fn push(&mut self, value: u8, url: bool) {
        if let Some(slot) = self.values.get_mut(self.count) {
            *slot = value;
            self.count = self.count.saturating_add(1);
            self.url |= url;
        }
    }

    /// The bytes that they stand for.
    fn bytes(&self) -> Vec<u8> {
        let [a, b, c, d] = self.values;
        let bytes = [a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d];
        bytes.get(..self.count.saturating_sub(1)).unwrap_or_default().to_vec()
    }

    /// As many letters that stand for these bytes.
    fn saying(&self, bytes: &[u8]) -> Vec<u8> {
        let at = |index: usize| bytes.get(index).copied().unwrap_or_default();
        let (a, b, c) = (at(0), at(1), at(2));
        let values = [a >> 2, (a << 4 | b >> 4) & 63, (b << 2 | c >> 6) & 63, c & 63];
        let letter = |value: u8| match (value.checked_sub(62), self.url) {
            (Some(end), true) => URL_ENDS.get(usize::from(end)).copied(),
            _ => ALPHABET.get(usize::from(value)).copied(),
        };
        values.into_iter().take(self.count).filter_map(letter).collect()
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
            b' ' | b'\t' | b'\r' | b'\n' => return Self::Blank,
            _ => return Self::Other,
        };
        Self::Letter { value, url }
    }
}
