//! FrameOutput queue that keeps the order of frames whose payloads are decided at different times.

use super::frame::MaskingKey;
use std::collections::VecDeque;

/// Bytes that were read and not forwarded yet.
#[derive(Default)]
pub struct Queue {
    parts: VecDeque<QueuedPart>,
    /// Number of queued bytes that are not text.
    framing_len: usize,
    /// Decided text that was not forwarded yet.
    ready: VecDeque<u8>,
}

/// An entry of the queue.
pub enum QueuedPart {
    /// Header of a frame. It is forwarded with the first byte of the payload, so that the frame can still be omitted.
    Header(Vec<u8>),
    /// Bytes to forward unchanged.
    Bytes(Vec<u8>),
    /// Text of this length, to be scrambled with the key once it is decided.
    Text(usize, MaskingKey),
    /// End of a frame.
    FrameEnd,
}

/// Bytes to forward for a chunk.
pub struct FrameOutput {
    pub bytes: Vec<u8>,
    /// End of the last complete frame in `bytes`.
    pub frame_end: Option<usize>,
}

impl Queue {
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Number of queued bytes that are not text.
    pub fn framing_len(&self) -> usize {
        self.framing_len
    }

    pub fn push(&mut self, part: QueuedPart) {
        if let QueuedPart::Header(bytes) | QueuedPart::Bytes(bytes) = &part {
            self.framing_len = self.framing_len.saturating_add(bytes.len());
        }
        self.parts.push_back(part);
    }

    /// Adds text that is decided now.
    pub fn push_ready(&mut self, text: Vec<u8>) {
        self.ready.extend(text);
    }

    /// Forwards the entries before the first undecided one.
    pub fn forward(&mut self, output: &mut FrameOutput) {
        while let Some(part) = self.parts.pop_front() {
            match part {
                QueuedPart::Header(header) => {
                    let is_undecided = match self.parts.front() {
                        None => true,
                        Some(QueuedPart::Text(..)) => self.ready.is_empty(),
                        Some(_) => false,
                    };
                    if is_undecided {
                        self.parts.push_front(QueuedPart::Header(header));
                        return;
                    }
                    self.framing_len = self.framing_len.saturating_sub(header.len());
                    output.bytes.extend(header);
                }
                QueuedPart::Bytes(bytes) => {
                    self.framing_len = self.framing_len.saturating_sub(bytes.len());
                    output.bytes.extend(bytes);
                }
                QueuedPart::Text(len, mut key) => {
                    let count = len.min(self.ready.len());
                    let mut text: Vec<u8> = self.ready.drain(..count).collect();
                    key.apply(&mut text);
                    output.bytes.extend(text);
                    if count < len {
                        self.parts.push_front(QueuedPart::Text(len.saturating_sub(count), key));
                        return;
                    }
                }
                QueuedPart::FrameEnd => output.frame_end = Some(output.bytes.len()),
            }
        }
    }
}
