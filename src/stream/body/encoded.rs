//! Compressed body: decoded as it streams, inspected and forwarded decompressed.
//!
//! Its headers have said so already. So a body that turns out to be broken cannot be passed on either way, and is cut there,
//! as the receiver's own decoder would have ended.
//!
//! All members or frames of a body are one text. It ends with the body, or where nothing that follows may add to it. Decoded
//! bytes never wait in the host: they are longer than what came, and what is paused must not grow. So undecided bytes behind a
//! complete member are lost to trailers, and the body is cut ([`Abort::TrailersOverTail`]).

use super::{Abort, Advice, Body, BodyAction, BodyConfig, BodyFormat, BodyOutput};
use crate::stream::messages::as_u64;
use crate::stream::{DecodeError, Decoder, Detection, Progress, Sender};

/// A compressed body.
pub struct Encoded {
    decoder: Decoder,
    sender: Sender,
    treatment: BodyAction,
    /// What it says.
    text: Box<Body>,
    received: u64,
    /// The first bytes to forward, before there are [`FORWARDED_TOGETHER`] of them.
    first: Option<Vec<u8>>,
    flaw: Option<DecodeError>,
}

/// The first bytes are forwarded together, so that they can be told from compressed ones when the host delivers them again. Fewer
/// are where a member ends.
pub const FORWARDED_TOGETHER: usize = 8;

impl Encoded {
    pub fn new(decoder: Decoder, shape: BodyFormat, plan: BodyConfig) -> Self {
        let treatment = plan.treatment;
        // The decoded text ends when this says so, whoever sends it, and never waits in the host: it is longer than
        // what came.
        let text = Body::new(BodyFormat { sender: Sender::EndSignalled, ..shape }, plan);
        Self {
            decoder,
            sender: shape.sender,
            treatment,
            text: Box::new(text),
            received: 0,
            first: Some(Vec::new()),
            flaw: None,
        }
    }

    /// Why the body could not be decoded.
    pub fn flaw(&self) -> Option<DecodeError> {
        self.flaw
    }

    /// What it says.
    pub fn text(&self) -> &Body {
        &self.text
    }

    /// True when bytes of what it says were not forwarded yet.
    pub fn holds_back(&self) -> bool {
        self.text.holds_back() || self.first.as_ref().is_some_and(|first| !first.is_empty())
    }

    /// True when the next byte would begin another member.
    pub fn is_between_members(&self) -> bool {
        self.decoder.is_complete()
    }

    /// Takes the next bytes. `end` says that nothing follows.
    pub fn push(&mut self, chunk: &[u8], end: bool, report: &mut dyn FnMut(Detection)) -> BodyOutput {
        if self.flaw.is_some() {
            return self.give_up();
        }
        self.received = self.received.saturating_add(as_u64(chunk.len()));
        let end = end || self.sender.is_done_after(self.received);
        let mut decoded = Vec::new();
        self.flaw = self.decoder.push(chunk, &mut decoded).err();
        if end && !self.decoder.is_complete() {
            self.flaw.get_or_insert(DecodeError::Broken);
        }
        if self.flaw.is_some() && self.treatment != BodyAction::Observe {
            return self.give_up();
        }
        // A complete member is not the end of the text: a receiver reads those behind it as its continuation.
        let ends_here = end || self.decoder.progress() == Progress::Ended;
        let turn = self.text.push(decoded.clone(), ends_here, report, &mut |_| Advice::Hold);
        match turn.forwarded(decoded) {
            Err(cut) => BodyOutput::cut(cut),
            Ok(_) if self.treatment == BodyAction::Observe => BodyOutput::PASS,
            Ok(text) => BodyOutput::replaced_by(self.together(text, ends_here)),
        }
    }

    /// What is forwarded now that `text` follows.
    fn together(&mut self, text: Vec<u8>, ends_here: bool) -> Vec<u8> {
        let Some(first) = &mut self.first else { return text };
        first.extend(text);
        let enough = first.len() >= FORWARDED_TOGETHER || ends_here || self.decoder.is_complete();
        if first.is_empty() || !enough {
            return Vec::new();
        }
        self.first.take().unwrap_or_default()
    }

    /// Ends the body, now that trailers have begun.
    pub fn finish_before_trailers(&mut self, report: &mut dyn FnMut(Detection)) -> BodyOutput {
        self.push(&[], true, report).before_trailers()
    }

    fn give_up(&self) -> BodyOutput {
        match self.treatment {
            BodyAction::Observe => BodyOutput::PASS,
            BodyAction::Mask | BodyAction::Block => BodyOutput::cut(Abort::Uninspectable),
        }
    }
}
