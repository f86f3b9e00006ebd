//! What does a client send that has asked for a websocket, before the service has answered?
//!
//! Frames, if the service agrees: a client need not wait for that. A service that does not know websockets reads a plain body
//! instead. So as long as nobody knows, the bytes are read as frames and then, as they leave, as a text. Text that people
//! read begins like no frame; then it is only that.
//!
//! A frame never waits for the bytes behind it, also not because it looks like half a number: the text ends with it. So a
//! number that ends one frame and begins the next is only found in frames.

use super::{Abort, BodyAction, BodyConfig, BodyFlow, BodyFormat, BodyOutput, Plain, Side, WebSocket};
use crate::stream::messages::as_u64;
use crate::stream::{Detection, Document, Sender};

/// The bytes of a client that has asked for a websocket.
pub struct Upgrading {
    sender: Sender,
    document: Document,
    plan: BodyConfig,
    received: u64,
    /// `None` once it is known that these are none.
    frames: Option<WebSocket>,
    /// `None` once it is known that this is none.
    text: Option<Plain>,
    /// Bytes that leave before the next ones.
    ready: Vec<u8>,
}

impl Upgrading {
    pub fn new(shape: BodyFormat, plan: BodyConfig) -> Self {
        // What is no frame may be a text.
        let frames = WebSocket::new(Side::Client, BodyConfig { refuse_unread: false, ..plan.clone() });
        Self {
            sender: shape.sender,
            document: shape.document,
            text: Some(text(shape.document, &plan)),
            frames: Some(frames),
            plan,
            received: 0,
            ready: Vec::new(),
        }
    }

    /// The service has agreed. False when what came are no frames, so that nothing that follows can be read as such.
    pub fn upgrade(&mut self, report: &mut dyn FnMut(Detection)) -> Result<bool, Abort> {
        let Some(frames) = &mut self.frames else { return Ok(false) };
        frames.refuse_unread(self.plan.refuse_unread);
        if let Some(mut text) = self.text.take() {
            let turn = text.push(Vec::new(), true, report);
            let waiting = turn.forwarded(Vec::new())?;
            if self.plan.treatment != BodyAction::Observe {
                self.ready = waiting;
            }
        }
        Ok(true)
    }

    /// True when a part was forwarded that could not be read.
    pub fn passed_unread(&self) -> bool {
        self.text.is_none() && self.frames.as_ref().is_some_and(WebSocket::passed_unread)
    }

    /// Takes the next bytes. `end` says that nothing follows.
    pub fn push(&mut self, chunk: Vec<u8>, end: bool, report: &mut dyn FnMut(Detection)) -> BodyOutput {
        self.received = self.received.saturating_add(as_u64(chunk.len()));
        let is_text = self.text.is_some();
        let end = end || (is_text && self.sender.is_done_after(self.received));
        let mut bytes = chunk.clone();
        let mut ends_text = end;
        if let Some(frames) = &mut self.frames {
            let turn = frames.push(bytes.clone(), end, report);
            if !is_text {
                return self.behind_ready(turn, chunk);
            }
            // Before there is a websocket it cannot be closed, and the client can still be answered.
            bytes = match turn.forwarded(bytes) {
                Ok(bytes) => bytes,
                Err(cut) => return BodyOutput::cut(cut),
            };
            ends_text |= frames.is_at_rest();
            if frames.is_broken() {
                let rest = frames.push(Vec::new(), true, report).forwarded(Vec::new());
                match rest {
                    Ok(rest) if self.plan.treatment != BodyAction::Observe => bytes.extend(rest),
                    Ok(_) => {}
                    Err(cut) => return BodyOutput::cut(cut),
                }
                self.frames = None;
                ends_text = end;
            }
        }
        if let Some(text) = &mut self.text {
            bytes = match text.push(bytes.clone(), ends_text, report).forwarded(bytes) {
                Ok(bytes) => bytes,
                Err(cut) => return BodyOutput::cut(cut),
            };
        }
        if ends_text && !end {
            self.text = Some(text(self.document, &self.plan));
        }
        if bytes == chunk { BodyOutput::PASS } else { BodyOutput::replaced_by(bytes) }
    }

    /// Ends the body, now that trailers have begun.
    pub fn finish_before_trailers(&mut self, report: &mut dyn FnMut(Detection)) -> BodyOutput {
        self.push(Vec::new(), true, report).before_trailers()
    }

    /// The same turn, with what was ready before it.
    fn behind_ready(&mut self, turn: BodyOutput, chunk: Vec<u8>) -> BodyOutput {
        if self.ready.is_empty() || matches!(turn.flow, BodyFlow::Abort(_)) {
            return turn;
        }
        let mut bytes = std::mem::take(&mut self.ready);
        bytes.extend(turn.replacement.unwrap_or(chunk));
        BodyOutput { replacement: Some(bytes), flow: turn.flow }
    }
}

/// A text that never waits in the host.
fn text(document: Document, plan: &BodyConfig) -> Plain {
    Plain::new(BodyFormat::text(Sender::EndSignalled, document), plan.clone())
}
