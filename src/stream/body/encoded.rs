//! Body with a content encoding: decoded as it streams, inspected and forwarded decompressed.
//!
//! The headers were already changed for the decompressed body, so a body that cannot be decoded cannot be forwarded in either
//! form. It is reset at the error, as the decoder of the receiver would fail there.
//!
//! All members or frames of a body are one text, which ends with the body or where nothing that follows can add to it. Decoded
//! bytes are never paused in the host: they are longer than the chunk, and a paused chunk must not grow. If trailers arrive
//! after a complete member with undecided bytes, the body is reset ([`Abort::HeldBackAtTrailers`]).

use super::{Abort, Body, BodyAction, BodyConfig, BodyFormat, BodyOutput, FirstBytes, HoldBack};
use crate::stream::messages::as_u64;
use crate::stream::{DecodeError, Decoder, Detection, Progress, Sender};

/// A body with a content encoding.
pub struct Encoded {
    decoder: Decoder,
    sender: Sender,
    action: BodyAction,
    /// The decoded body.
    decoded: Box<Body>,
    received: u64,
    /// Decided bytes at the start of the body.
    first: FirstBytes,
    decode_error: Option<DecodeError>,
}

impl Encoded {
    pub fn new(decoder: Decoder, format: BodyFormat, config: BodyConfig) -> Self {
        let action = config.action;
        // The decoder signals the end of the decoded body, whatever the sender of the encoded one does.
        let decoded = Body::new(BodyFormat { sender: Sender::EndSignalled, ..format }, config);
        Self {
            decoder,
            sender: format.sender,
            action,
            decoded: Box::new(decoded),
            received: 0,
            first: FirstBytes::new(),
            decode_error: None,
        }
    }

    /// Error of the decoder.
    pub fn decode_error(&self) -> Option<DecodeError> {
        self.decode_error
    }

    /// The decoded body.
    pub fn decoded(&self) -> &Body {
        &self.decoded
    }

    /// True when decoded bytes are held back.
    pub fn holds_back(&self) -> bool {
        self.decoded.holds_back() || self.first.are_waiting()
    }

    /// True when the next byte would begin another member or frame.
    pub fn is_between_members(&self) -> bool {
        self.decoder.is_complete()
    }

    /// Processes the next bytes. `end` means that nothing follows.
    pub fn push(&mut self, chunk: &[u8], end: bool, report: &mut dyn FnMut(Detection)) -> BodyOutput {
        if self.decode_error.is_some() {
            return self.give_up();
        }
        self.received = self.received.saturating_add(as_u64(chunk.len()));
        let end = end || self.sender.is_done_after(self.received);
        let mut decoded = Vec::new();
        self.decode_error = self.decoder.push(chunk, &mut decoded).err();
        if end && !self.decoder.is_complete() {
            self.decode_error.get_or_insert(DecodeError::Broken);
        }
        if self.decode_error.is_some() && self.action != BodyAction::Observe {
            return self.give_up();
        }
        // A complete member does not end the text: a receiver reads the next member as its continuation.
        let text_ends = end || self.decoder.progress() == Progress::Ended;
        let output = self.decoded.push(decoded.clone(), text_ends, report, &mut |_| HoldBack::InFilter);
        match output.into_forwarded(decoded) {
            Err(abort) => BodyOutput::abort(abort),
            Ok(_) if self.action == BodyAction::Observe => BodyOutput::UNCHANGED,
            Ok(text) => {
                // The end of a member distinguishes them too.
                let may_wait = !text_ends && !self.decoder.is_complete();
                BodyOutput::replaced_by(self.first.pass(text, may_wait))
            }
        }
    }

    /// Ends the body, because trailers have begun.
    pub fn finish_before_trailers(&mut self, report: &mut dyn FnMut(Detection)) -> BodyOutput {
        self.push(&[], true, report).before_trailers()
    }

    fn give_up(&self) -> BodyOutput {
        match self.action {
            BodyAction::Observe => BodyOutput::UNCHANGED,
            BodyAction::Mask | BodyAction::Block => BodyOutput::abort(Abort::Uninspectable),
        }
    }
}
