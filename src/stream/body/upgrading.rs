//! Request body of a WebSocket upgrade, before the upstream has responded.
//!
//! A client may send frames before the upstream accepts the upgrade. An upstream without WebSocket support reads the same bytes
//! as a plain body. So until the response, the bytes are inspected as frames, and the result of that as a text. Bytes that
//! cannot be frames, as in most text formats, are inspected as a text only.
//!
//! A complete frame is never held back for the bytes after it: the text ends with each frame. So a number that spans two frames
//! is found only as the content of the frames.

use super::{Abort, BodyAction, BodyConfig, BodyFlow, BodyFormat, BodyOutput, Plain, Side, WebSocket};
use crate::stream::messages::as_u64;
use crate::stream::{Detection, Sender, TextFormat};

/// Bytes from a client that has asked for a WebSocket upgrade.
pub struct Upgrading {
    sender: Sender,
    text_format: TextFormat,
    config: BodyConfig,
    received: u64,
    /// `None` once the bytes cannot be frames.
    frames: Option<WebSocket>,
    /// `None` once the upgrade was accepted.
    text: Option<Plain>,
    /// Bytes to forward before the next ones.
    ready: Vec<u8>,
}

impl Upgrading {
    pub fn new(format: BodyFormat, config: BodyConfig) -> Self {
        // Bytes that are not frames may still be a text, so they do not abort the body yet.
        let frames = WebSocket::new(Side::Client, BodyConfig { block_uninspectable: false, ..config.clone() });
        Self {
            sender: format.sender,
            text_format: format.text_format,
            text: Some(text(format.text_format, &config)),
            frames: Some(frames),
            config,
            received: 0,
            ready: Vec::new(),
        }
    }

    /// Continues the body as frames, because the upstream has accepted the upgrade. Returns false when the bytes so far are not
    /// frames, so that no frame after them can be located.
    pub fn upgrade(&mut self, report: &mut dyn FnMut(Detection)) -> Result<bool, Abort> {
        let Some(frames) = &mut self.frames else { return Ok(false) };
        frames.set_block_uninspectable(self.config.block_uninspectable);
        if let Some(mut text) = self.text.take() {
            let output = text.push(Vec::new(), true, report);
            let rest = output.into_forwarded(Vec::new())?;
            if self.config.action != BodyAction::Observe {
                self.ready = rest;
            }
        }
        Ok(true)
    }

    /// True when a part of the body was forwarded uninspected.
    pub fn passed_uninspected(&self) -> bool {
        let frames = || self.frames.as_ref().is_some_and(WebSocket::passed_uninspected);
        self.text.as_ref().map_or_else(frames, Plain::passed_uninspected)
    }

    /// Processes the next bytes. `end` means that nothing follows.
    pub fn push(&mut self, chunk: Vec<u8>, end: bool, report: &mut dyn FnMut(Detection)) -> BodyOutput {
        self.received = self.received.saturating_add(as_u64(chunk.len()));
        let is_text = self.text.is_some();
        let end = end || (is_text && self.sender.is_done_after(self.received));
        let mut bytes = chunk.clone();
        let mut text_ends = end;
        if let Some(frames) = &mut self.frames {
            let output = frames.push(bytes.clone(), end, report);
            if !is_text {
                return self.after_ready(output, chunk);
            }
            // No close frame before the upgrade: the client can still receive a local reply.
            bytes = match output.into_forwarded(bytes) {
                Ok(bytes) => bytes,
                Err(abort) => return BodyOutput::abort(abort),
            };
            text_ends |= frames.is_at_rest();
            if frames.is_broken() {
                let rest = frames.push(Vec::new(), true, report).into_forwarded(Vec::new());
                match rest {
                    Ok(rest) if self.config.action != BodyAction::Observe => bytes.extend(rest),
                    Ok(_) => {}
                    Err(abort) => return BodyOutput::abort(abort),
                }
                self.frames = None;
                text_ends = end;
            }
        }
        if let Some(text) = &mut self.text {
            bytes = match text.push(bytes.clone(), text_ends, report).into_forwarded(bytes) {
                Ok(bytes) => bytes,
                Err(abort) => return BodyOutput::abort(abort),
            };
        }
        if text_ends && !end {
            self.text = Some(text(self.text_format, &self.config));
        }
        if bytes == chunk { BodyOutput::UNCHANGED } else { BodyOutput::replaced_by(bytes) }
    }

    /// Ends the body, because trailers have begun.
    pub fn finish_before_trailers(&mut self, report: &mut dyn FnMut(Detection)) -> BodyOutput {
        self.push(Vec::new(), true, report).before_trailers()
    }

    /// Inserts the ready bytes before `output`.
    fn after_ready(&mut self, output: BodyOutput, chunk: Vec<u8>) -> BodyOutput {
        if self.ready.is_empty() || matches!(output.flow, BodyFlow::Abort(_)) {
            return output;
        }
        let mut bytes = std::mem::take(&mut self.ready);
        bytes.extend(output.replacement.unwrap_or(chunk));
        BodyOutput { replacement: Some(bytes), flow: output.flow }
    }
}

/// Creates a text that is never paused in the host.
fn text(text_format: TextFormat, config: &BodyConfig) -> Plain {
    Plain::new(BodyFormat::text(Sender::EndSignalled, text_format), config.clone())
}
