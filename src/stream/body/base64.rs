//! What does a body say that is in base64?
//!
//! gRPC-Web has a form for proxies that only let text pass (gRPC-Web, "Protocol differences vs gRPC over HTTP2"): all of
//! the body is in base64, in pieces that may each end with padding. It is decoded four letters at a time, inspected, and what
//! was masked in it is encoded again in its place; the rest stays letter for letter.

use super::{Cut, Plain, Plan, Shape, Treatment, Turn};
use crate::scan::token::LENIENT;
use crate::stream::Sighting;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::GeneralPurpose;
use std::collections::VecDeque;

/// A body in base64.
pub struct Base64 {
    plain: Plain,
    plan: Plan,
    /// Letters of a quad that is not complete.
    letters: Vec<u8>,
    /// The quads whose bytes were not forwarded yet.
    quads: VecDeque<Quad>,
    /// Bytes that are decided and not forwarded yet.
    ready: VecDeque<u8>,
    /// What comes is no base64.
    broken: bool,
}

/// Four letters, and the bytes they stand for.
struct Quad {
    letters: [u8; QUAD],
    bytes: Vec<u8>,
}

const QUAD: usize = 4;

/// Writes with padding, since a quad has four letters.
const ENGINE: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT.with_encode_padding(true));

impl Base64 {
    pub fn new(shape: Shape, plan: Plan) -> Self {
        Self {
            plain: Plain::new(shape, plan.clone()),
            plan,
            letters: Vec::new(),
            quads: VecDeque::new(),
            ready: VecDeque::new(),
            broken: false,
        }
    }

    pub fn passed_unread(&self) -> bool {
        self.broken || self.plain.passed_unread()
    }

    /// Takes the next bytes. `end` says that nothing follows.
    pub fn push(&mut self, chunk: Vec<u8>, end: bool, report: &mut dyn FnMut(Sighting)) -> Turn {
        if self.broken {
            return Turn::PASS;
        }
        let decoded = self.decode(&chunk);
        if self.broken && self.plan.refuse_unread {
            return Turn::cut(Cut::Uninspectable);
        }
        let turn = self.plain.push(decoded.clone(), end || self.broken, report);
        let decided = match turn.forwarded(decoded) {
            Ok(decided) => decided,
            Err(cut) => return Turn::cut(cut),
        };
        if self.plan.treatment == Treatment::Observe {
            self.quads.clear();
            return Turn::PASS;
        }
        self.ready.extend(decided);
        let encoded = self.encode(end);
        if encoded == chunk { Turn::PASS } else { Turn::replaced_by(encoded) }
    }

    /// Ends the body, now that trailers have begun.
    pub fn finish_before_trailers(&mut self, report: &mut dyn FnMut(Sighting)) -> Turn {
        let waits = !self.quads.is_empty() || !self.letters.is_empty();
        if !waits || self.plan.treatment == Treatment::Observe {
            return self.push(Vec::new(), true, report);
        }
        Turn::cut(Cut::TrailersOverTail)
    }

    /// The bytes that `letters` stand for, with those before them.
    fn decode(&mut self, letters: &[u8]) -> Vec<u8> {
        let mut decoded = Vec::new();
        self.letters.extend_from_slice(letters);
        let pending = std::mem::take(&mut self.letters);
        let (whole, rest) = pending.as_chunks::<QUAD>();
        let mut whole = whole.iter();
        for letters in whole.by_ref() {
            let Ok(bytes) = ENGINE.decode(letters) else {
                self.broken = true;
                self.letters.extend_from_slice(letters);
                break;
            };
            decoded.extend_from_slice(&bytes);
            self.quads.push_back(Quad { letters: *letters, bytes });
        }
        self.letters.extend(whole.flatten());
        self.letters.extend_from_slice(rest);
        decoded
    }

    /// The letters for all that is ready. At the `end`, or when nothing more can be read, with what is left over.
    fn encode(&mut self, end: bool) -> Vec<u8> {
        let mut encoded = Vec::new();
        while self.quads.front().is_some_and(|quad| quad.bytes.len() <= self.ready.len()) {
            let Some(quad) = self.quads.pop_front() else { break };
            let bytes: Vec<u8> = self.ready.drain(..quad.bytes.len()).collect();
            if bytes == quad.bytes {
                encoded.extend_from_slice(&quad.letters);
            } else {
                encoded.extend_from_slice(ENGINE.encode(bytes).as_bytes());
            }
        }
        if end || self.broken {
            encoded.append(&mut self.letters);
        }
        encoded
    }
}
