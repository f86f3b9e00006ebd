//! WebSocket frames (RFC 6455, section 5).
//!
//! The payload of a message, which may span several frames, is one text. It is unscrambled for the inspection and masked in
//! place. The end of an incomplete message is held back, with all frames after it. This adds no delay for the receiver, which
//! cannot process an incomplete message.
//!
//! The payload of a ping, a pong or a close frame is a text of its own.

mod frame;
mod queue;

use self::frame::{FrameHeader, FrameKind, MaskingKey};
use self::queue::{FrameOutput, Queue, QueuedPart};
use super::{Abort, BodyAction, BodyConfig, BodyFlow, BodyFormat, BodyOutput, Plain};
use crate::stream::{Detection, Sender, TextFormat};

/// The frames that one side sends.
pub struct WebSocket {
    side: Side,
    config: BodyConfig,
    /// The incomplete header at the end of the input.
    header: Vec<u8>,
    frame: Option<IncompleteFrame>,
    message: Option<WebSocketMessage>,
    queue: Queue,
    /// Whether the forwarded bytes end with a frame.
    between_frames: bool,
    closed: bool,
    passed_uninspected: bool,
    /// Whether a value that rules select may have been missed in a message.
    missed_values: bool,
}

/// Sender of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The client, which scrambles its payloads.
    Client,
    /// The server.
    Server,
}

/// A frame whose header is complete and whose payload is not.
struct IncompleteFrame {
    payload: Payload,
    /// Remaining length of the payload.
    rest: u64,
    key: MaskingKey,
    /// Whether it is the last frame of its message.
    is_final: bool,
    /// Payload received so far of a control frame, scrambled.
    control: Vec<u8>,
}

/// Treatment of the payload of a frame.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Payload {
    /// Inspected as a part of the current message.
    Text,
    /// Forwarded as a part of an uninspectable message.
    Opaque,
    /// Inspected on its own: ping or pong.
    Control,
    /// Inspected on its own, after a status code: close.
    Close,
}

/// A message whose last frame has not ended.
enum WebSocketMessage {
    Text(Box<Plain>),
    Opaque,
}

/// Length of the status code in a close frame.
const STATUS_LEN: usize = 2;

/// Maximum number of bytes without text that are queued after undecided text. Beyond it, the decision uses the bytes available.
const MAX_QUEUED_FRAMING: usize = 65_536;

impl WebSocket {
    pub fn new(side: Side, config: BodyConfig) -> Self {
        Self {
            side,
            config,
            header: Vec::new(),
            frame: None,
            message: None,
            queue: Queue::default(),
            between_frames: true,
            closed: false,
            passed_uninspected: false,
            missed_values: false,
        }
    }

    /// True when a frame or a part of a message was forwarded uninspected.
    pub fn passed_uninspected(&self) -> bool {
        self.passed_uninspected || self.missed_values
    }

    /// Sets whether uninspectable frames abort the body.
    pub fn set_block_uninspectable(&mut self, block: bool) {
        self.config.block_uninspectable = block;
    }

    /// True when the input so far ends with a frame, and nothing is held back.
    pub fn is_at_rest(&self) -> bool {
        self.header.is_empty() && self.frame.is_none() && self.queue.is_empty()
    }

    /// True when the input contains an uninspectable frame, or the start of one.
    pub fn is_broken(&self) -> bool {
        self.passed_uninspected
            || self.header.first().is_some_and(|first| FrameKind::of(*first) == FrameKind::Unsupported)
    }

    /// Processes the next bytes. `end` means that nothing follows.
    pub fn push(&mut self, chunk: Vec<u8>, end: bool, report: &mut dyn FnMut(Detection)) -> BodyOutput {
        if self.closed {
            return if chunk.is_empty() { BodyOutput::UNCHANGED } else { BodyOutput::replaced_by(Vec::new()) };
        }
        let mut output = FrameOutput { bytes: Vec::new(), frame_end: self.between_frames.then_some(0) };
        if let Err(abort) = self.read(&chunk, end, &mut output, report) {
            return self.close(abort, output);
        }
        self.between_frames = output.frame_end == Some(output.bytes.len());
        if self.config.action == BodyAction::Observe || output.bytes == chunk {
            return BodyOutput::UNCHANGED;
        }
        BodyOutput::replaced_by(output.bytes)
    }

    /// Ends the body, because trailers have begun, although a WebSocket has none.
    pub fn finish_before_trailers(&mut self, report: &mut dyn FnMut(Detection)) -> BodyOutput {
        let holds_back = !self.queue.is_empty() || !self.header.is_empty();
        if !holds_back || self.config.action == BodyAction::Observe {
            return self.push(Vec::new(), true, report);
        }
        BodyOutput::abort(Abort::HeldBackAtTrailers)
    }

    fn read(
        &mut self,
        mut bytes: &[u8],
        end: bool,
        output: &mut FrameOutput,
        report: &mut dyn FnMut(Detection),
    ) -> Result<(), Abort> {
        while !bytes.is_empty() {
            bytes = match self.frame.take() {
                None => self.read_header(bytes, report)?,
                Some(frame) => self.read_payload(frame, bytes, report)?,
            };
            self.queue.forward(output);
            if self.queue.framing_len() > MAX_QUEUED_FRAMING {
                self.push_text(Vec::new(), true, report)?;
                self.message = self.message.take().map(|_| self.new_message());
                self.queue.forward(output);
            }
        }
        if end {
            self.push_text(Vec::new(), true, report)?;
            if let Some(frame) = self.frame.take() {
                self.read_control(&frame, report)?;
                self.frame = Some(frame);
            }
            let header = std::mem::take(&mut self.header);
            self.enqueue(QueuedPart::Bytes(header));
            self.queue.forward(output);
        }
        Ok(())
    }

    /// Parses a frame header. Returns the bytes after it; none when it is incomplete.
    fn read_header<'b>(&mut self, bytes: &'b [u8], report: &mut dyn FnMut(Detection)) -> Result<&'b [u8], Abort> {
        for (index, byte) in bytes.iter().enumerate() {
            self.header.push(*byte);
            let Some(header) = FrameHeader::read(&self.header) else { continue };
            let payload = self.payload(header.kind, report)?;
            let control = Vec::new();
            let frame =
                IncompleteFrame { payload, rest: header.length, key: header.key, is_final: header.is_final, control };
            let header = std::mem::take(&mut self.header);
            self.enqueue(QueuedPart::Header(header));
            if frame.rest > 0 {
                self.frame = Some(frame);
            } else {
                if frame.payload == Payload::Text && frame.is_final {
                    self.push_text(Vec::new(), true, report)?;
                }
                self.end_frame(&frame);
            }
            return Ok(bytes.get(index.saturating_add(1)..).unwrap_or_default());
        }
        Ok(&[])
    }

    /// Determines the treatment of a frame of this kind. Begins a message if the frame is its first one.
    fn payload(&mut self, kind: FrameKind, report: &mut dyn FnMut(Detection)) -> Result<Payload, Abort> {
        match kind {
            FrameKind::Control => return Ok(Payload::Control),
            FrameKind::Close => return Ok(Payload::Close),
            FrameKind::First => self.begin(self.new_message(), report)?,
            FrameKind::Continuation if self.message.is_some() => {}
            FrameKind::Continuation | FrameKind::Unsupported => self.begin(WebSocketMessage::Opaque, report)?,
        }
        if matches!(self.message, Some(WebSocketMessage::Text(_))) {
            return Ok(Payload::Text);
        }
        self.passed_uninspected = true;
        if self.config.block_uninspectable { Err(Abort::Uninspectable) } else { Ok(Payload::Opaque) }
    }

    /// Begins a message. Ends an incomplete one, although the RFC forbids a new message before its last frame.
    fn begin(&mut self, message: WebSocketMessage, report: &mut dyn FnMut(Detection)) -> Result<(), Abort> {
        self.push_text(Vec::new(), true, report)?;
        self.message = Some(message);
        Ok(())
    }

    /// Processes the payload of a frame as far as the bytes reach. Returns the bytes after it.
    fn read_payload<'b>(
        &mut self,
        mut frame: IncompleteFrame,
        bytes: &'b [u8],
        report: &mut dyn FnMut(Detection),
    ) -> Result<&'b [u8], Abort> {
        let len = usize::try_from(frame.rest).unwrap_or(usize::MAX).min(bytes.len());
        let (payload, after) = bytes.split_at_checked(len).unwrap_or((bytes, &[]));
        frame.rest = frame.rest.saturating_sub(u64::try_from(len).unwrap_or(u64::MAX));
        match frame.payload {
            Payload::Text => {
                self.enqueue(QueuedPart::Text(len, frame.key));
                let mut text = payload.to_vec();
                frame.key.apply(&mut text);
                self.push_text(text, frame.rest == 0 && frame.is_final, report)?;
            }
            Payload::Opaque => self.enqueue(QueuedPart::Bytes(payload.to_vec())),
            Payload::Control | Payload::Close => {
                frame.control.extend_from_slice(payload);
                if frame.rest == 0 {
                    self.read_control(&frame, report)?;
                }
            }
        }
        if frame.rest == 0 {
            self.end_frame(&frame);
        } else {
            self.frame = Some(frame);
        }
        Ok(after)
    }

    /// Inspects the payload received so far of a control frame. A close frame is inspected with and without its status code,
    /// because the status code could be two digits of a number.
    fn read_control(&mut self, frame: &IncompleteFrame, report: &mut dyn FnMut(Detection)) -> Result<(), Abort> {
        let mut key = frame.key;
        let mut payload = frame.control.clone();
        key.apply(&mut payload);
        let mut masked = payload.clone();
        let status = if frame.payload == Payload::Close { STATUS_LEN } else { 0 };
        let starts: &[usize] = if status == 0 { &[0] } else { &[status, 0] };
        for from in starts {
            let mut findings = Vec::new();
            let text = payload.get(*from..).unwrap_or_default();
            self.config.inspector(TextFormat::Unknown).inspect(text, true, &mut findings);
            for finding in findings {
                let span = finding.span.start.saturating_add(*from)..finding.span.end.saturating_add(*from);
                if *from < status && span.start >= status {
                    continue;
                }
                report(finding.detection.clone());
                match (self.config.action_for(&finding.detection), masked.get_mut(span)) {
                    (BodyAction::Block, _) => return Err(Abort::Card),
                    (BodyAction::Mask, Some(span)) => finding.mask(span, self.config.style),
                    (BodyAction::Observe, _) | (BodyAction::Mask, None) => {}
                }
            }
        }
        let mut key = frame.key;
        key.apply(&mut masked);
        if !masked.is_empty() {
            self.enqueue(QueuedPart::Bytes(masked));
        }
        Ok(())
    }

    fn end_frame(&mut self, frame: &IncompleteFrame) {
        if frame.is_final && matches!(frame.payload, Payload::Text | Payload::Opaque) {
            self.message = None;
        }
        self.enqueue(QueuedPart::FrameEnd);
    }

    /// Inspects text of the current message, and queues the decided bytes.
    fn push_text(&mut self, text: Vec<u8>, last: bool, report: &mut dyn FnMut(Detection)) -> Result<(), Abort> {
        let Some(WebSocketMessage::Text(message)) = &mut self.message else { return Ok(()) };
        let output = message.push(text.clone(), last, report);
        self.missed_values |= message.passed_uninspected();
        let decided = output.into_forwarded(text)?;
        if self.config.action != BodyAction::Observe {
            self.queue.push_ready(decided);
        }
        Ok(())
    }

    fn enqueue(&mut self, part: QueuedPart) {
        if self.config.action != BodyAction::Observe {
            self.queue.push(part);
        }
    }

    /// Closes the WebSocket with a close frame if the receiver has got a complete frame last; else aborts the body.
    fn close(&mut self, abort: Abort, output: FrameOutput) -> BodyOutput {
        let Some(frame_end) = output.frame_end else { return BodyOutput::abort(abort) };
        self.closed = true;
        self.queue = Queue::default();
        let mut bytes = output.bytes;
        bytes.truncate(frame_end);
        bytes.extend(frame::close(self.side));
        BodyOutput { replacement: Some(bytes), flow: BodyFlow::Close(abort) }
    }

    fn new_message(&self) -> WebSocketMessage {
        let format = BodyFormat::text(Sender::EndSignalled, TextFormat::Unknown);
        WebSocketMessage::Text(Box::new(Plain::new(format, self.config.clone())))
    }
}
