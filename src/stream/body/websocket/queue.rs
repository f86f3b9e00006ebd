//! In which order do bytes leave that do not all wait for the same?

use super::frame::Key;
use std::collections::VecDeque;

/// Bytes between what was forwarded and where the stream was read.
#[derive(Default)]
pub struct Queue {
    parts: VecDeque<QueuedPart>,
    /// How many bytes of them are no text.
    framing: usize,
    /// Text that is decided and not forwarded yet.
    ready: VecDeque<u8>,
}

/// Bytes on their way.
pub enum QueuedPart {
    /// The head of a frame. Leaves with the first byte of its payload, so that the frame can still be left out.
    Head(Vec<u8>),
    /// Bytes as they came.
    Bytes(Vec<u8>),
    /// So many bytes of text, to be scrambled.
    Text(usize, Key),
    /// Behind the last byte of a frame.
    End,
}

/// The bytes that leave in a turn.
pub struct Output {
    pub bytes: Vec<u8>,
    /// Where the last whole frame ends among them.
    pub boundary: Option<usize>,
}

impl Queue {
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// How many bytes wait that are no text.
    pub fn framing(&self) -> usize {
        self.framing
    }

    pub fn push(&mut self, part: QueuedPart) {
        if let QueuedPart::Head(bytes) | QueuedPart::Bytes(bytes) = &part {
            self.framing = self.framing.saturating_add(bytes.len());
        }
        self.parts.push_back(part);
    }

    /// The next bytes of text, now that they are decided.
    pub fn push_ready(&mut self, text: Vec<u8>) {
        self.ready.extend(text);
    }

    /// Forwards what nothing before it waits for.
    pub fn forward(&mut self, output: &mut Output) {
        while let Some(part) = self.parts.pop_front() {
            match part {
                QueuedPart::Head(head) => {
                    let waits = match self.parts.front() {
                        None => true,
                        Some(QueuedPart::Text(..)) => self.ready.is_empty(),
                        Some(_) => false,
                    };
                    if waits {
                        self.parts.push_front(QueuedPart::Head(head));
                        return;
                    }
                    self.framing = self.framing.saturating_sub(head.len());
                    output.bytes.extend(head);
                }
                QueuedPart::Bytes(bytes) => {
                    self.framing = self.framing.saturating_sub(bytes.len());
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
                QueuedPart::End => output.boundary = Some(output.bytes.len()),
            }
        }
    }
}
